"""Where the PDF's tables break over pages: between rows, below their header and the name of the group.

What a table says is written down row by row, and each page must begin and end where a reader would want it to.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from chargeback.pages.parts import (
    DETAIL,
    GROUP,
    SUBTOTAL,
    TOTAL,
    Cell,
    Column,
    Paragraph,
    Row,
    Table,
    amount_cell,
)
from chargeback.statements import wording as words
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.leaks import strange_pieces
from chargeback.statements.own_pieces import SECTIONS, OwnPieces
from chargeback.statements.pieces import PAGE, pieces_of
from chargeback.statements.readback import known_ids, pdf_figures
from chargeback.statements.tagged_pdf import ROW, read_pdf
from tests.statements.estate import UNITS, business, estate
from tests.statements.set_pages import (
    BODY,
    FOOT,
    Line,
    free_heights,
    masthead,
    set_pages,
    statement_source,
)

HEADING, LABELS = "Direct cost by account", "Account Amount"
THIRD = BODY / 3

#: How far down the page the table begins.
SHIFTS = [0, 240, 350, 400]


def grouped(groups: int, rows: int) -> tuple[Table, list[str]]:
    """A table of groups with so many rows each, and what it says, line by line."""
    made, lines = [], [LABELS]
    for group in range(groups):
        made.append(Row([Cell(f"group {group}", sub=f"id {group}")], GROUP))
        made += [Row([Cell(f"row {group}.{n}"), amount_cell(Decimal(n))]) for n in range(rows)]
        made.append(Row([Cell("Account total", muted=True), amount_cell(Decimal(9))], SUBTOTAL))
        lines += [f"group {group}", f"id {group}"]
        lines += [f"row {group}.{n} {n}.00" for n in range(rows)] + ["Account total 9.00"]
    made.append(Row([Cell("Direct cost"), amount_cell(Decimal(9))], TOTAL))
    return Table([Column("Account", 1), Column("Amount")], made), [*lines, "Direct cost 9.00"]


def explained(rows: int, details: bool) -> tuple[Table, list[str]]:
    """A table without groups, of rows that have a second line: an id, or a row that says more."""
    made, lines = [], [LABELS]
    for n in range(rows):
        made.append(
            Row([Cell(f"row {n}", sub="" if details else f"id {n}"), amount_cell(Decimal(n))])
        )
        made += [Row([Cell(f"detail {n}", muted=True)], DETAIL)] if details else []
        lines += [f"row {n} {n}.00", f"detail {n}" if details else f"id {n}"]
    made.append(Row([Cell("Change"), amount_cell(Decimal(9))], SUBTOTAL))
    made.append(Row([Cell("Total"), amount_cell(Decimal(9))], TOTAL))
    lines += ["Change 9.00", "Total 9.00"]
    return Table([Column("Account", 1), Column("Amount")], made), lines


def filled(height: int) -> str:
    """What takes so many points of a page and says nothing."""
    return f"#block(width: 100%, height: {height}pt, spacing: 0pt, fill: luma(240))\n"


def set_below(tmp_path, shift: int, table: Table) -> list[list[str]]:
    """The lines of each page from the heading on, of a table that begins so far down."""
    parts = [masthead(), filled(shift), f"== {HEADING}\n", table.typst()]
    pages = set_pages(tmp_path / "set.pdf", "\n".join(parts))
    texts = [[line.text for line in page] for page in pages]
    begins = next(number for number, page in enumerate(texts) if HEADING in page)
    texts[begins] = texts[begins][texts[begins].index(HEADING) :]
    return texts[begins:]


def breaks(pages: list[list[str]], lines: list[str]) -> list[int]:
    """The number of the line that each further page begins with, below what it repeats.

    Nothing is lost, and all that is repeated is the header and the name of the group that goes on.
    """
    found, at = [], 0
    for number, page in enumerate(pages):
        repeated: list[str] = []
        if number:
            found.append(at)
            repeated = [LABELS]
            group = [line for line in lines[:at] if line.startswith("group")]
            if group and not lines[at].startswith("group"):
                own_id = lines[lines.index(group[-1]) + 1]
                repeated = [LABELS, f"{group[-1]}, continued", own_id]
        assert page[: len(repeated)] == repeated
        rest = page[len(repeated) :]
        assert rest == lines[at : at + len(rest)]
        at += len(rest)
    assert at == len(lines)
    return found


def assert_none_alone(lines: list[str], breaks: list[int]) -> None:
    """Two rows at least stand on either side of a break inside a group or a table."""
    for at in breaks:
        last, first = lines[at - 1], lines[at]
        assert last.startswith(("row", "id", "detail", "Account total")), last
        assert first.startswith(("row", "group")), first
        if first.startswith("row"):
            before, after = lines[:at], lines[at:]
            start = max(n for n, one in enumerate(before) if one.startswith(("group", LABELS)))
            end = next(
                n for n, one in enumerate(after) if not one.startswith(("row", "id", "detail"))
            )
            assert sum(one.startswith("row") for one in before[start:]) >= 2
            assert sum(one.startswith("row") for one in after[:end]) >= 2


def assert_pages_are_full(tmp_path) -> None:
    """No page but the last is empty from two thirds on."""
    *pages, _ = free_heights(tmp_path / "set.pdf")
    assert max(pages, default=0) < THIRD


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize(("groups", "rows"), [(2, 40), (5, 21), (8, 9), (14, 4), (20, 3), (30, 1)])
def test_a_group_that_goes_on_has_its_name_again(tmp_path, groups, rows, shift):
    """An account of which the services stand on two pages is named on both."""
    table, lines = grouped(groups, rows)
    lines = [HEADING, *lines]
    found = breaks(set_below(tmp_path, shift, table), lines)
    assert found, "too short to break"
    assert_none_alone(lines, found)
    assert_pages_are_full(tmp_path)


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("rows", [2, 3, 4, 5, 9, 21, 34, 70])
@pytest.mark.parametrize("details", [False, True])
def test_a_table_breaks_between_rows_and_never_below_its_heading(tmp_path, rows, shift, details):
    """Whatever is said of a row stands below it, and the totals stand below the rows that they sum."""
    table, lines = explained(rows, details)
    lines = [HEADING, *lines]
    pages = set_below(tmp_path, shift, table)
    assert_none_alone(lines, breaks(pages, lines))
    assert_pages_are_full(tmp_path)


def test_a_caption_goes_with_its_table(tmp_path):
    rows = [Row([Cell(f"row {n}"), amount_cell(Decimal(n))]) for n in range(30)]
    table = Table([Column("Account", 1), Column("Amount")], rows, "What it is made of")
    first_pages = set()
    for shift in range(430, 500, 5):
        body = "\n".join([masthead(), filled(shift), table.typst()])
        first, second = set_pages(tmp_path / "set.pdf", body)
        expected = ["What it is made of", LABELS, "row 0 0.00", "row 1 1.00"]
        [begins] = [page for page in (first, second) if expected[0] in [line.text for line in page]]
        texts = [line.text for line in begins]
        assert texts[texts.index(expected[0]) :][:4] == expected
        first_pages.add(begins is first)
    assert first_pages == {True, False}, "the table begins on the next page when it must"


def test_repeated_headers_are_no_second_table(tmp_path):
    """A screen reader, and the controls, meet one table with each of its rows once."""
    table, lines = grouped(5, 21)
    set_pages(tmp_path / "set.pdf", f"{masthead()}\n== {HEADING}\n{table.typst()}")
    pages = read_pdf(tmp_path / "set.pdf").pages
    rows = [element for page in pages for element in page.elements if element.role == ROW]
    heads = [row.content.text for row in rows if row.content.text.startswith("group")]
    assert heads == [f"group {n} id {n}" for n in range(5)]
    assert [row.content.text for row in rows].count("Account") == 1
    assert all(one.is_strong for row in rows for one in row.cells if one.text.startswith("group"))
    assert len(rows) == 1 + 5 * (1 + 21 + 1) + 1
    assert "group 1, continuedid 1" in "".join(pages[1].artifacts)
    assert lines


def _first_line(pages: list[list[Line]], text: str) -> tuple[int, int]:
    """The page and the place on it of a line."""
    return next(
        (number, place)
        for number, page in enumerate(pages)
        for place, line in enumerate(page)
        if line.text == text
    )


def _estate_of(centers: int):
    """A month in which claims has so many cost centers, each with an account."""
    named = [f"Claims intake {number:02}" for number in range(centers)]
    return estate(business({"claims": ("Claims Operations", named), "digital": UNITS["digital"]}))


@pytest.fixture(scope="module", params=[1, 2, 5, 11, 24])
def whole(request, tmp_path_factory):
    """A statement of few or of many accounts, set as it is: its inputs, what it says, and its pages."""
    inputs = _estate_of(request.param)
    statement = extract_units(inputs, read_charges(inputs))["claims"]
    path = tmp_path_factory.mktemp("whole") / "statement.pdf"
    return inputs, statement, path, set_pages(path, statement_source(statement))


def test_no_page_of_a_statement_ends_with_a_heading_or_begins_with_a_total(whole):
    _, statement, path, pages = whole
    tables = [
        part
        for _, section in SECTIONS
        for shown in [section(statement)]
        if shown
        for part in shown.parts
        if isinstance(part, Table)
    ]
    labels = {" ".join(c.label for c in table.columns if c.label) for table in tables}
    heads = {row.cells[0].text for table in tables for row in table.rows if row.role == GROUP}
    captions = {table.caption for table in tables}
    totals = {
        row.cells[0].text for table in tables for row in table.rows if row.role in (SUBTOTAL, TOTAL)
    }
    for page, free in zip(pages[:-1], free_heights(path), strict=False):
        last = page[-1]
        if last.bottom - FOOT - free < 1:  # no chart stands below it
            assert last.text not in {
                *words.HEADINGS,
                words.AGAINST_BUDGET,
                *labels,
                *heads,
                *captions,
            }
    for page in pages[1:]:
        first = next(line.text for line in page if line.text not in labels)
        is_total = any(first.startswith(f"{total} ") for total in totals)
        assert not is_total or first in (*words.HEADINGS, words.AGAINST_BUDGET)


def test_no_third_of_a_page_of_a_statement_is_empty(whole):
    """But for the last page, and the one before the last section, which stays whole."""
    _, _, path, pages = whole
    verify, _ = _first_line(pages, words.VERIFY)
    free = free_heights(path)
    assert max(free[: verify - 1], default=0) < THIRD


def test_how_to_verify_stands_on_one_page(whole):
    _, statement, _, pages = whole
    page, place = _first_line(pages, words.VERIFY)
    assert page == len(pages) - 1
    text = "".join("".join(line.text.split()) for line in pages[page][place:])
    for part in dict(SECTIONS)[words.VERIFY](statement).parts:
        if isinstance(part, Paragraph):
            assert "".join(part.text.split()) in text
    assert "statement.pdf" in text


def test_what_pages_repeat_is_the_units_own_and_hides_no_figure(whole):
    """The controls of a close read such pages: nothing on them is strange, and all figures are found."""
    inputs, statement, path, pages = whole
    found = pieces_of(path, "pdf")
    known = OwnPieces(statement).pdf(len(pages), found)
    strange = strange_pieces(found, known, is_pdf=True)
    assert [piece.texts for piece in strange if piece.texts != ("Statement of AWS charges",)] == []
    figures = dict.fromkeys(pdf_figures(path, known_ids(inputs)))
    expected = {("cost_center", one.cost_center_id, one.amount) for one in statement.cost_centers}
    expected |= {("pool", one.pool_id, one.amount) for one in statement.pools}
    expected |= {("kind", one.kind, one.amount) for one in statement.kinds}
    expected |= {("total", "total", statement.total)}
    assert expected <= set(figures)


def test_what_pages_repeat_is_one_piece_a_page_and_not_one_a_head_of_a_table(whole):
    """Pages and heads both grow with a unit's accounts; all of them together would grow as a square."""
    _, statement, path, pages = whole
    found, own = pieces_of(path, "pdf"), OwnPieces(statement)
    every, known = own.pdf(len(pages)), own.pdf(len(pages), found)
    assert known <= every
    assert sum(key[0] == PAGE for key in known) == len(pages)
    assert sum(key[0] == PAGE for key in every) > 3 * len(pages)
    assert strange_pieces(found, known, is_pdf=True) == strange_pieces(found, every, is_pdf=True)


@pytest.mark.parametrize("page", [0, 1, -1])
def test_what_is_on_no_page_of_its_own_is_strange_on_any_page(whole, page):
    _, statement, path, pages = whole
    found = pieces_of(path, "pdf")
    at = [place for place, one in enumerate(found) if one.place == PAGE][page]
    found[at] = found[at]._replace(key=(PAGE, "ClaimsandRisk" + found[at].key[1]))
    known = OwnPieces(statement).pdf(len(pages), found)
    strange = strange_pieces(found, known, is_pdf=True)
    assert found[at] in strange
    assert strange == strange_pieces(found, OwnPieces(statement).pdf(len(pages)), is_pdf=True)
