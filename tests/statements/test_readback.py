"""The PDF's reader reads what a person reads, however the PDF cuts it into pieces."""

from __future__ import annotations

from decimal import Decimal

import pytest
import typst

from chargeback.pages.parts import Cell, Column, Row, Table, amount_cell
from chargeback.statements.execute import REPORTS
from chargeback.statements.readback import parse_amount, pdf_pages, texts_of_pdf


def lines_of(tmp_path, *names: str) -> list[str]:
    """The pieces of text of a page with a table of names, ids and amounts."""
    rows = [
        Row([Cell(name, sub=f"CC-10{number}"), amount_cell(Decimal("-1234567.89"))])
        for number, name in enumerate(names)
    ]
    template = (REPORTS / "typst-template.typ").read_text(encoding="utf-8")
    source = template + Table([Column("Cost center", 1), Column("Amount")], rows).typst()
    typst.compile(source.encode(), output=str(tmp_path / "table.pdf"), ignore_system_fonts=True)
    return [run.text for page in pdf_pages(tmp_path / "table.pdf") for run in page]


@pytest.mark.parametrize(
    "name",
    [
        "Web",
        "claims-intake.prod,eu-west-1.internal",
        "batch-0123456789.0123456789-1234567890",
        "Keycap 1\ufe0f\u20e3 and 2\ufe0f",
        "Combining 1\u0308 2\u0308 ,\u0308",
    ],
)
def test_amounts_and_ids_stay_whole_beside_any_name(tmp_path, name):
    """Signs that may break a long name are those of amounts; PDF then sets them apart everywhere."""
    pieces = lines_of(tmp_path, name, "Mobile")
    assert pieces.count("\u22121,234,567.89") == 2
    assert {"CC-100", "CC-101"} <= set(pieces)
    [_, text] = texts_of_pdf(tmp_path / "table.pdf")
    assert text.count("\u22121,234,567.89") == 2
    assert "CC-100" in text.split()


def test_a_name_on_several_lines_is_one_name_to_the_leak_scan(tmp_path):
    """Else a long name of another unit would not be found where it had to be broken."""
    names = [
        "arn:aws:ecs:us-east-1:123456789012:service/" * 4,
        "claims-adjudication-" * 12 + "prod",
    ]
    names += [" ".join(["Population health"] * 12)]
    pieces = lines_of(tmp_path, *names)
    assert not set(names) & set(pieces), "too short to be broken"
    [_, text] = texts_of_pdf(tmp_path / "table.pdf")
    for name in names:
        assert name in text


def test_columns_stay_apart(tmp_path):
    """A name that is a number does not run into the amount beside it."""
    pieces = lines_of(tmp_path, "9,999.99", "W" * 20 + " " + "W" * 20)
    assert {"9,999.99", "\u22121,234,567.89", "Cost center", "Amount"} <= set(pieces)


@pytest.mark.parametrize("text", ["1234.50", "1,234.5", "1,23.45", "1.234,50", "+1.00", "", "n/a"])
def test_only_an_amount_as_statements_write_it_is_one(text):
    assert parse_amount(text) is None
    assert parse_amount("\u22121,234.50") == parse_amount("-1,234.50") == Decimal("-1234.50")
