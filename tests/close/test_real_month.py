"""The real month through the whole close: its invoice, its ledger and its statements are one sum."""

from __future__ import annotations

import csv
from decimal import Decimal

import pytest

from chargeback.books.tables import read_postings, statement_total
from chargeback.books.verify import verify_period
from chargeback.core.books_folders import Books
from chargeback.core.errors import DONE
from tests.close.months import in_work

TOTAL = Decimal("4064.48")


@pytest.mark.slow
def test_it_closes_to_the_cent(workshop, run, tmp_path):
    books = Books(tmp_path / "books")
    ended = run(
        "monthly-close", workshop.period, "--cur", str(workshop.report),
        "--params", str(workshop.params), "--books", str(books.root),
    )  # fmt: skip
    assert (ended.exit_code, ended.refused) == (DONE, "")
    lines = {line.split("  ")[1]: line for line in ended.said.splitlines() if "4,064.48" in line}
    assert "all statements" in lines and "invoice 156090591" in lines
    assert "tied out to the cent" in lines["invoice 156090591"]
    folder = books.ledger(workshop.period)
    assert statement_total(read_postings(folder / "postings.parquet")) == TOTAL
    amounts = []
    for path in books.statements(workshop.period).glob("*/statement.csv"):
        with path.open(newline="", encoding="utf-8-sig") as stream:
            amounts += [Decimal(row["amount"].lstrip("'")) for row in csv.DictReader(stream)]
    assert sum(amounts) == TOTAL
    assert verify_period(books, workshop.period) == []
    assert in_work(books) == []
