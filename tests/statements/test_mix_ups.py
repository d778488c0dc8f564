"""What is another unit's is found in whatever piece it is, also where no name or id of anybody is in it."""

from __future__ import annotations

import csv

import pytest

from chargeback.pages.escaping import typst_string
from chargeback.pages.parts import Chart, Row, Table
from chargeback.pages.svg import texts_of
from chargeback.statements import sections
from chargeback.statements.pieces import canonical
from chargeback.statements.tagged_pdf import PICTURE, read_pdf
from tests.statements.rendered import MEDIA, OWN, TIE, Rendered


def leaks(rendered: Rendered) -> dict[tuple[str, str], set[str]]:
    """What the control returns: whose file in which medium, and what."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in rendered.broken()[OWN]:
        found.setdefault((row["business_unit_id"], row["medium"]), set()).add(row["leaked_what"])
    return found


NOT_ITS_ROW = "table row that this statement does not have"
NOT_ITS_PICTURE = "picture that this statement does not have"
NOT_ITS_LINE = "line that this statement does not have"


@pytest.mark.parametrize("medium", MEDIA)
def test_a_file_in_another_units_folder_is_returned(altered, medium):
    """Not because its names are foreign alone: its rows, pictures and lines are."""
    altered.file("claims", medium).write_bytes(altered.file("pharmacy", medium).read_bytes())
    found = leaks(altered)
    assert set(found) == {("claims", medium)}
    expected = {NOT_ITS_LINE} if medium == "csv" else {NOT_ITS_ROW, NOT_ITS_PICTURE}
    assert expected - found["claims", medium] <= {NOT_ITS_LINE}
    assert "cost center id of pharmacy" in found["claims", medium]


def service_table(rendered: Rendered, unit_id: str) -> Table:
    """Direct cost by service, in which there is nothing but services and amounts."""
    tables = sections.services(rendered.statement(unit_id)).parts
    return next(part for part in tables if isinstance(part, Table))


def row_html(table: Table, row: Row) -> str:
    return Table(table.columns, [row]).html().partition("<tbody>\n")[2].partition("\n</tbody>")[0]


def row_typst(table: Table, row: Row) -> str:
    return (
        Table(table.columns, [row])
        .typst()
        .split("\n")[2]
        .strip()
        .removeprefix("(")
        .rpartition(",)")[0]
    )


def test_another_units_row_in_the_same_table_is_returned(altered):
    """A service and amounts, no name or id of anybody: a row is its unit's as a whole or not at all."""
    mine, theirs = service_table(altered, "claims"), service_table(altered, "pharmacy")
    own, foreign = row_html(mine, mine.rows[0]), row_html(theirs, theirs.rows[0])
    altered.edit("claims", "html", (own, own + foreign))
    own, foreign = row_typst(mine, mine.rows[0]), row_typst(theirs, theirs.rows[0])
    altered.set_pdf("claims", (own, f"{own},\n  {foreign}"))
    assert leaks(altered) == {
        ("claims", "html"): {NOT_ITS_ROW}, ("claims", "pdf"): {NOT_ITS_ROW},
    }  # fmt: skip
    assert altered.broken()[TIE] == []


def chart(rendered: Rendered, unit_id: str) -> Chart:
    parts = sections.services(rendered.statement(unit_id)).parts
    return next(part for part in parts if isinstance(part, Chart))


def test_another_units_picture_is_returned(altered):
    mine, theirs = chart(altered, "claims"), chart(altered, "pharmacy")
    altered.edit("claims", "html", (mine.html(), theirs.html()))
    altered.set_pdf("claims", (mine.typst(), theirs.typst()))
    assert leaks(altered) == {
        ("claims", "html"): {NOT_ITS_PICTURE}, ("claims", "pdf"): {NOT_ITS_PICTURE},
    }  # fmt: skip


def test_another_units_drawing_under_the_right_words_is_returned(altered):
    """The bars and the words in them alone."""
    mine, theirs = chart(altered, "claims"), chart(altered, "pharmacy")
    altered.edit("claims", "html", (mine.svg, theirs.svg))
    assert leaks(altered) == {("claims", "html"): {NOT_ITS_PICTURE}}


def test_other_words_in_the_same_drawing_are_returned(altered):
    """The bars of the unit, with another amount beside one of them: a picture is its own with all its words."""
    mine = chart(altered, "claims")
    [amount, *_] = [text for text in texts_of(mine.svg) if text.endswith("K")]
    other = mine.svg.replace(f">{amount}<", ">137K<")
    assert other != mine.svg
    altered.edit("claims", "html", (mine.svg, other))
    altered.set_pdf("claims", (typst_string(mine.svg), typst_string(other)))
    assert leaks(altered) == {
        ("claims", "html"): {NOT_ITS_PICTURE}, ("claims", "pdf"): {NOT_ITS_PICTURE},
    }  # fmt: skip


def test_the_words_of_a_chart_are_read_back_from_the_pdf(rendered):
    """In the order in which they are drawn, and without the spaces that a PDF does not have."""
    mine = chart(rendered, "claims")
    elements = [
        one for page in read_pdf(rendered.file("claims", "pdf")).pages for one in page.elements
    ]
    [found] = [one for one in elements if one.role == PICTURE and one.says == mine.says]
    assert canonical(found.content.text) == canonical("".join(texts_of(mine.svg)))


def test_a_drawing_outside_of_a_picture_is_returned(altered):
    altered.edit("claims", "html", ("</main>", f"{chart(altered, 'claims').svg}</main>"))
    assert leaks(altered) == {("claims", "html"): {NOT_ITS_PICTURE}}


def test_letters_in_a_drawing_are_read(altered):
    """Its own are part of it; others that somebody put there are another drawing."""
    svg = chart(altered, "claims").svg
    planted = svg.replace("</svg>", '<text x="1" y="9">Pharmacy</text></svg>')
    commented = svg.replace("</svg>", "<!-- Corporate Systems --></svg>")
    altered.edit("claims", "html", ("</main>", f"<figure>{planted}</figure>{commented}</main>"))
    assert leaks(altered) == {("claims", "html"): {"name of pharmacy", "name of corporate"}}


def test_a_heading_of_another_statement_is_returned(altered):
    altered.edit("claims", "html", ("<h2", "<h2>April 2027</h2><h2"))
    altered.set_pdf(
        "claims", ('#statement-paragraph("All', '\n= April 2027\n#statement-paragraph("All')
    )
    what = "heading that this statement does not have"
    assert leaks(altered) == {("claims", "html"): {what}, ("claims", "pdf"): {what}}


def lines(rendered: Rendered, unit_id: str) -> list[list[str]]:
    with rendered.file(unit_id, "csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def write_lines(rendered: Rendered, unit_id: str, rows: list[list[str]]) -> None:
    with rendered.file(unit_id, "csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def test_another_units_lines_in_a_csv_are_returned(altered):
    write_lines(altered, "claims", lines(altered, "claims") + lines(altered, "pharmacy")[1:3])
    found = leaks(altered)["claims", "csv"]
    assert {"name of pharmacy", "cost center name of pharmacy"} <= found


@pytest.mark.parametrize("column", ["weight", "exact_amount", "amount", "line", "status", "rule"])
def test_a_cell_of_no_line_of_the_unit_is_returned(altered, column):
    """By its column: 137 is a weight of another unit, and may be in any amount."""
    rows = lines(altered, "claims")
    rows[5][rows[0].index(column)] = "137"
    write_lines(altered, "claims", rows)
    assert leaks(altered) == {("claims", "csv"): {NOT_ITS_LINE}}


def test_cells_of_two_lines_in_one_are_returned(altered):
    """Each of them is the unit's; the line is not."""
    rows = lines(altered, "claims")
    at = rows[0].index("exact_amount")
    other = next(row for row in rows[2:] if row[at] != rows[1][at])
    rows[1][at], other[at] = other[at], rows[1][at]
    write_lines(altered, "claims", rows)
    assert leaks(altered) == {("claims", "csv"): {NOT_ITS_LINE}}


def test_what_a_renderer_adds_to_every_page_is_no_leak_and_a_name_in_it_is(altered):
    """Quarto writes its name and its settings into all pages; numbers are among them."""
    added = (
        '<meta name="generator" content="quarto 1.9.35"><style>main {width: 100%}</style></head>'
    )
    for unit_id in altered.units:
        altered.edit(unit_id, "html", ("</head>", added))
    assert leaks(altered) == {}
    for unit_id in altered.units:
        altered.edit(unit_id, "html", ("quarto 1.9.35", "quarto for Pharmacy"))
    assert leaks(altered) == {
        (unit_id, "html"): {"name of pharmacy"}
        for unit_id in altered.units
        if unit_id != "pharmacy"
    }
