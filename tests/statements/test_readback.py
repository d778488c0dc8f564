"""The PDF's reader reads what a person reads, however the PDF cuts it: cell by cell, by its tags."""

from __future__ import annotations

from decimal import Decimal

import pytest
import typst

from chargeback.pages.parts import (
    GROUP,
    TOTAL,
    Cell,
    Chart,
    Column,
    Paragraph,
    Part,
    Row,
    Steps,
    Table,
    amount_cell,
)
from chargeback.statements.execute import REPORTS
from chargeback.statements.pieces import canonical, is_same
from chargeback.statements.readback import parse_amount, pdf_figures
from chargeback.statements.tagged_pdf import (
    HEADING,
    NUMBER,
    PICTURE,
    ROW,
    TEXT,
    Content,
    Element,
    read_pdf,
    texts_of_pdf,
)

AMOUNT = Decimal("-1234567.89")
SHOWN = "\u22121,234,567.89"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'

#: Names in whatever script, and names that look like something else.
NAMES = [
    "Web",
    "claims-intake.prod,eu-west-1.internal",
    "batch-0123456789.0123456789-1234567890",
    "Keycap 1\ufe0f\u20e3 and 2\ufe0f",
    "Combining 1\u0308 2\u0308 ,\u0308",
    "arn:aws:ecs:us-east-1:123456789012:service/" * 4,
    "claims-adjudication-" * 12 + "prod",
    " ".join(["Population health"] * 12),
    "Support 1,234.56",
    "9,999.99",
    "CC-101",
    "Total",
    "تسوية المطالبات",
    "תביעות 4711",
    "保険金請求",
    "ประกันสุขภาพ",
    "दावा निपटान",
    "보험 청구",
    "Αποζημιώσεις",
    "Обработка требований",
    "🚑 Claims",
]


def page_of(tmp_path, *parts: Part | str) -> list[Element]:
    """The elements of a page that has some parts; a text is Typst's own."""
    template = (REPORTS / "typst-template.typ").read_text(encoding="utf-8")
    body = "\n".join(part if isinstance(part, str) else part.typst() for part in parts)
    source = f"{template}\n{body}\n"
    typst.compile(source.encode(), output=str(tmp_path / "page.pdf"), ignore_system_fonts=True)
    return [one for page in read_pdf(tmp_path / "page.pdf").pages for one in page.elements]


def table_of(*names: str) -> Table:
    """A table of names, ids and amounts."""
    rows = [
        Row([Cell(name, sub=f"CC-10{number}"), amount_cell(AMOUNT)])
        for number, name in enumerate(names)
    ]
    return Table([Column("Cost center", 1), Column("Amount")], rows)


@pytest.mark.parametrize("name", NAMES)
def test_name_id_and_amount_of_a_row_are_told_apart_whatever_the_name(tmp_path, name):
    """Signs that may break a long name are those of amounts; PDF then sets them apart everywhere."""
    head, first, second = page_of(tmp_path, table_of(name, "Mobile"))
    assert [cell.text for cell in head.cells] == ["Cost center", "Amount"]
    assert is_same(canonical(first.cells[0].main), canonical(name))
    assert [first.cells[0].quiet, first.cells[1].text] == ["CC-100", SHOWN]
    assert [second.cells[0].main, second.cells[0].quiet] == ["Mobile", "CC-101"]
    assert second.cells[1].text == SHOWN
    assert {element.role for element in (head, first, second)} == {ROW}


@pytest.mark.parametrize("name", [name for name in NAMES if name.isascii() and len(name) > 99])
def test_a_name_on_several_lines_is_one_name(tmp_path, name):
    """Else a long name of another unit would not be found where it had to be broken."""
    [_, row] = page_of(tmp_path, table_of(name))
    assert len(row.cells[0].chunks) > 2, "too short to be broken"
    assert row.cells[0].main == name
    assert row.cells[0].text == f"{name} CC-100"
    assert f"{name} CC-100" in texts_of_pdf(tmp_path / "page.pdf")


@pytest.mark.parametrize("size", [7, 9, 12])
def test_an_id_of_several_lines_is_one_id(tmp_path, size):
    """In a narrow column; what is quieter than the name is the id."""
    center = "cost-center-" * 5 + "0"
    rows = [Row([Cell("Web", sub=center), Cell(" ".join(["other"] * 20)), amount_cell(AMOUNT)])]
    table = Table([Column("Cost center", 1), Column("Note", size), Column("Amount")], rows)
    [_, row] = page_of(tmp_path, table)
    assert row.cells[0].main == "Web"
    assert canonical(row.cells[0].quiet) == center


def test_rows_of_totals_are_told_apart_from_names_that_read_like_them(tmp_path):
    rows = [
        Row([Cell("Total", sub="4711"), amount_cell(AMOUNT)]),
        Row([Cell("Group")], GROUP),
        Row([Cell("Total"), amount_cell(AMOUNT)], TOTAL),
    ]
    elements = page_of(tmp_path, Table([Column("", 1), Column("Amount")], rows))
    strong = [[cell.is_strong for cell in element.cells] for element in elements]
    assert strong == [[False], [False, False], [True], [True, True]]


def test_every_kind_of_element_has_its_role(tmp_path):
    """What a reader is told, in the order in which it stands."""
    elements = page_of(
        tmp_path, "== Trend", Chart(SVG, "One 1.00", "A caption"), Paragraph("Running text."),
        Steps(["First", "Second"]), table_of("Web"),
    )  # fmt: skip
    assert [(element.role, element.says, element.content.text) for element in elements] == [
        (HEADING, "", "Trend"),
        (TEXT, "", "A caption"),
        (PICTURE, "One 1.00", ""),
        (TEXT, "", "Running text."),
        (NUMBER, "", "1."), (TEXT, "", "First"),
        (NUMBER, "", "2."), (TEXT, "", "Second"),
        (ROW, "", "Cost center"), (ROW, "", "Web CC-100"),
    ]  # fmt: skip


def test_no_letter_of_a_page_is_lost(tmp_path):
    """Also what stands at the top of a page, in no element; and a PDF without tags is all of that."""
    source = (
        "#set page(header: [Top of the page])\n= Heading\nText #box[in a box], #place(top)[placed]"
    )
    for tags in (True, False):
        path = tmp_path / f"{tags}.pdf"
        typst.compile(source.encode(), output=str(path), pdf_tags=tags)
        [page] = read_pdf(path).pages
        texts = [cell.text for element in page.elements for cell in element.cells]
        everything = canonical("".join([*page.artifacts, *texts]))
        for text in ("Top of the page", "Heading", "Text in a box,", "placed"):
            assert canonical(text) in everything
        assert bool(page.elements) is tags
        assert ("Top of the page" in page.artifacts) is True


POOLS = """== Shared cost
"""


def pool_rows(*named: tuple[str, str]) -> Table:
    """The rows of pools by name and id; they pay 1.00, 2.00 and so on, and 99.00 together."""
    rows = [
        Row([Cell(name, sub=pool_id), amount_cell(Decimal(number))])
        for number, (name, pool_id) in enumerate(named, start=1)
    ]
    rows.append(Row([Cell("Shared cost"), amount_cell(Decimal(99))], TOTAL))
    return Table([Column("Pool", 1), Column("Amount")], rows)


@pytest.mark.parametrize(
    "named",
    [
        [("Support 1,234.56", "aws-support"), ("AWS", "support"), ("support", "t")],
        [("Shared cost", "total"), ("Total", "kind"), ("Direct cost", "1,234.56")],
        [("a " * 80 + "support", "x"), ("x", "support-x"), ("support", "5.00")],
        [("دعم", "دعم-1"), ("支持", "支持"), ("Δ", "δ 1")],
    ],
)
def test_a_pool_is_read_by_its_whole_id_whatever_it_is_called(tmp_path, named):
    page_of(tmp_path, POOLS, pool_rows(*named))
    ids = {"pool": {pool_id for _, pool_id in named} | {"other", "upport"}}
    expected = [("pool", pool_id, Decimal(n)) for n, (_, pool_id) in enumerate(named, start=1)]
    figures = list(pdf_figures(tmp_path / "page.pdf", ids))
    assert figures == [*expected, ("kind", "allocated", Decimal(99))]


def test_a_row_of_no_known_pool_is_read_as_what_it_shows(tmp_path):
    """So that the control finds it, whatever it ends like."""
    page_of(tmp_path, POOLS, pool_rows(("Support", "aws-support")))
    figures = list(pdf_figures(tmp_path / "page.pdf", {"pool": {"support"}}))
    assert figures[0] == ("pool", "aws-support", Decimal(1))


def test_a_pool_that_another_gives_to_is_no_figure(tmp_path):
    """The table of what pools pass on stands below that of pools and has names alone."""
    rows = [Row([Cell("Shared cost"), Cell("Total"), amount_cell(AMOUNT)])]
    columns = [Column("From the pool", 1), Column("to the pool", 1), Column("Amount")]
    page_of(tmp_path, POOLS, Table(columns, rows))
    assert list(pdf_figures(tmp_path / "page.pdf", {"pool": {"Total"}})) == []


@pytest.mark.parametrize("text", ["1234.50", "1,234.5", "1,23.45", "1.234,50", "+1.00", "", "n/a"])
def test_only_an_amount_as_statements_write_it_is_one(text):
    assert parse_amount(text) is None
    assert parse_amount("\u22121,234.50") == parse_amount("-1,234.50") == Decimal("-1234.50")


def test_a_cell_that_says_nothing_has_no_text():
    assert (Content().text, Content().main, Content().quiet) == ("", "", "")
