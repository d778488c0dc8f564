"""Months in which everything costs 0.00 close like others, with statements of 0.00, and can be read later.

May    line items that cost nothing; invoice 0.00
June   60.00 of CC-1 that are given back; invoice 0.00
July   CC-2 pays 5.00, and 1.00 that nobody owns is split evenly: 0.34, 0.33 and 0.33 by their ids
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from chargeback.books.tables import read_postings
from chargeback.books.verify import verify_period
from chargeback.core.errors import BAD_USAGE, DONE, Refusal
from chargeback.review import explore
from tests.close.months import JULY, JUNE, MAY, Month, manifest, month_in, run_process
from tests.made_once import made_once
from tests.params_folder import any_month, pool, write_params
from tests.reports import line_item, write_report

pytestmark = pytest.mark.slow

ITEMS = {
    MAY: [line_item(0.0, "CC-1"), line_item(0.0)],
    JUNE: [line_item(60.0, "CC-1"), line_item(-60.0, "CC-1")],
    JULY: [line_item(5.0, "CC-2"), line_item(1.0)],
}
TOTALS = {MAY: "0.00", JUNE: "0.00", JULY: "6.00"}


@pytest.fixture(scope="module")
def month(tmp_path_factory) -> Month:
    """The three months, closed as a terminal closes them; not to be changed."""

    def make(folder) -> None:
        for period, items in ITEMS.items():
            write_report(folder / "report", items, period=period)
        rows = "".join(f"900000001,{one},AWS,USD,{total},f,PDF\n" for one, total in TOTALS.items())
        write_params(
            folder / "params",
            invoices_csv=f"invoice_id,billing_period,issuer,currency,total,entered_by,source\n{rows}",
            acceptances_csv=any_month(pool()),
        )
        ended = run_process("monthly-close", f"{MAY}..{JULY}", *month_in(folder).options)
        assert ended.exit_code == DONE, ended.refused

    return month_in(made_once(tmp_path_factory, "months-of-nothing", make))


@pytest.mark.parametrize("period", [MAY, JUNE])
def test_it_closes_with_statements_of_nothing(month, period):
    assert manifest(month.books, period)["postings"]["charged"] == "0.00"
    assert manifest(month.books, period)["invoices"] == {
        "900000001": {"total": "0.00", "rounding": "0.00"}
    }
    assert verify_period(month.books, period) == []
    for unit in ("shop", "core"):
        folder = month.books.statements(period) / unit
        assert (folder / "statement.pdf").is_file()
        assert 'data-key="total">0.00<' in (folder / "statement.html").read_text(encoding="utf-8")


def test_the_month_after_it_is_as_any_other(month):
    rows = read_postings(month.books.ledger(JULY) / "postings.parquet").to_pylist()
    sums: dict[str, Decimal] = {}
    for row in rows:
        if row["cost_center_id"]:
            owner = row["cost_center_id"]
            sums[owner] = sums.get(owner, Decimal(0)) + row["amount"]
    assert sums == {"CC-1": Decimal("0.34"), "CC-2": Decimal("5.33"), "CC-9": Decimal("0.33")}


def test_it_can_be_explored(month):
    """Every table and figure of the explore notebooks, of a month without charges, and of it among others."""
    places = {"books": str(month.books.root), "report": str(month.report)}
    for periods in (JUNE, f"{MAY}..{JULY}"):
        one = explore.charges_by("service", periods=periods, **places)
        assert "parts less whole 0.00" in explore.facts(one, "service")
        for look in (explore.spend, explore.top_facts, explore.spend_figure, explore.named_facts,
                     explore.trend, explore.change_line_facts, explore.trend_figure):  # fmt: skip
            look(one, "service")
        both = explore.charges_by("business_unit", "service", periods=periods, **places)
        for look in (explore.shown_two, explore.two_figure, explore.stacked_figure):
            look(both, "business_unit", "service")
        explore.corner_facts(explore.two(both, "business_unit", "service"))
    table = explore.trend(one, "service")
    assert list(table.loc["total"]) == [0, 0, 6, 6]


def test_it_has_no_line_to_look_into(month):
    with pytest.raises(Refusal, match="has no line to look into") as raised:
        explore.line_named(explore.open_period(JUNE, str(month.books.root)), "")
    assert raised.value.exit_code == BAD_USAGE
