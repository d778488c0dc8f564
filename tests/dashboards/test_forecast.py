"""Forecast, budgets and unit cost, against figures that are worked out by hand."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.dashboards.gather_forecast import days_in, in_cents
from chargeback.dashboards.model import BudgetRow, Forecast
from tests.close.months import JULY, JUNE, MAY
from tests.dashboards.months import (
    CORE,
    EVERYBODY,
    SHOP,
    WEB,
    close_months,
    draft_month,
    pages,
    write_months,
)
from tests.params_folder import added, pool
from tests.reports import line_item

BUDGETS = (
    "period,cost_center_id,amount,approved_by\n"
    "2026-05,CC-1,70.00,CFO\n"
    "2026-05,CC-9,25.00,CFO\n"
    "2026-07,CC-1,20.00,CFO\n"
    "2026,CC-1,1000.00,CFO\n"
    "2026-11,CC-1,9.00,CFO\n"
)


def money(text: str) -> Decimal:
    return Decimal(text)


def test_direct_cost_goes_on_at_its_rate_and_shared_cost_as_in_the_last_closed_month(tmp_path):
    """May shared 5.00 with each. July, up to the tenth of 31 days: 8.00 direct and 3.00 untagged, an even
    third each.

    shop: 8.00 x 31/10 = 24.80, and 10.00 of May's pool for its two cost centers; to date 8.00 and 2.00 of the
    pool.
    """
    items = [
        line_item(
            8.0, "CC-1", bill_invoice_id="", line_item_usage_start_date=datetime(2026, 7, 10)
        ),
        line_item(3.0, bill_invoice_id="", line_item_usage_start_date=datetime(2026, 7, 2)),
    ]
    month = draft_month(close_months(write_months(tmp_path, months={JULY: [items]}), MAY), JULY)
    found = pages(month)
    assert found[SHOP].forecast == Forecast(
        JULY, money("10.00"), money("34.80"),
        "Direct cost to 2026-07-10 for each day that has passed, times the 31 days of the month; shared cost "
        "as in 2026-05; all else as it stands.",
    )  # fmt: skip
    assert (found[CORE].forecast.to_date, found[CORE].forecast.expected) == (
        money("1.00"),
        money("5.00"),
    )
    assert found[EVERYBODY].forecast.expected == money("39.80")


def test_a_draft_of_a_report_without_days_is_not_carried_on(tmp_path):
    items = [line_item(8.0, "CC-1", bill_invoice_id="")]
    month = draft_month(close_months(write_months(tmp_path, months={JULY: [items]}), MAY), JULY)
    page = pages(month)[SHOP]
    assert (page.months[-1].as_of, page.forecast) == ("", None)


def test_budgets_stand_beside_what_is_charged(tmp_path):
    """May is closed with 73.00, June with nothing; July is to come to 24.80. Of the year, January to April are
    not in these books, so nothing is said of all of it."""
    month = close_months(write_months(tmp_path, budgets_csv=BUDGETS), MAY, JUNE)
    draft_month(month, JULY)
    found = pages(month)
    mine = (
        BudgetRow("2026", "CC-1", money("1000.00"), money("81.00"), None),
        BudgetRow(MAY, "CC-1", money("70.00"), money("73.00"), money("73.00")),
        BudgetRow(JULY, "CC-1", money("20.00"), money("8.00"), money("24.80")),
    )
    assert found[SHOP].budgets == found[WEB].budgets == mine
    assert found[CORE].budgets == (
        BudgetRow(MAY, "CC-9", money("25.00"), money("20.01"), money("20.01")),
    )


@pytest.mark.parametrize("is_drafted", [False, True])
def test_a_year_that_the_books_have_from_its_first_month_is_carried_on(tmp_path, is_drafted):
    """January 12.00, February 6.00: the ten months left at the average of 9.00, 108.00 in all; with a draft
    that comes to 3.10 in March (1.00 on the tenth day), 18.00 and ten times 3.10."""
    usual = {"bill_invoice_id": ""}
    month = write_months(
        tmp_path,
        months={
            "2026-01": [[line_item(12.0, "CC-1", bill_invoice_id="900000001")]],
            "2026-02": [[line_item(6.0, "CC-1", bill_invoice_id="900000002")]],
            "2026-03": [[line_item(1.0, "CC-1", **usual, line_item_usage_start_date=datetime(2026, 3, 10))]],
        },
        invoices_csv=(
            "invoice_id,billing_period,issuer,currency,total,entered_by,source\n"
            "900000001,2026-01,AWS,USD,12.00,finance,PDF\n"
            "900000002,2026-02,AWS,USD,6.00,finance,PDF\n"
        ),
        budgets_csv="period,cost_center_id,amount,approved_by\n2026,CC-1,100.00,CFO\n",
    )  # fmt: skip
    close_months(month, "2026-01", "2026-02")
    if is_drafted:
        draft_month(month, "2026-03")
    [row] = pages(month)[SHOP].budgets
    assert (row.charged, row.forecast) == (
        (money("19.00"), money("49.00")) if is_drafted else (money("18.00"), money("108.00"))
    )


def test_unit_cost_divides_sums_and_never_averages(tmp_path):
    """May: shop pays 70.00 and the pool's 15.00 for 100 and 300 claims, 0.2125 for each one."""
    drivers = added(
        "drivers.csv", "2026-05,claims,CC-1,100,count", "2026-05,claims,CC-2,300,count",
        "2026-05,seats,CC-1,0,HR",
    )  # fmt: skip
    month = write_months(tmp_path, drivers_csv=drivers, allocation_toml=pool(key="driver:claims"))
    found = pages(close_months(month, MAY))
    assert [
        (one.driver, one.quantity, one.cost, one.cost_of_one, one.is_circular) for one in found[SHOP].unit_costs
    ] == [
        ("claims", Decimal(400), money("85.00"), money("0.212500"), True),
        ("seats", Decimal(0), money("85.00"), None, False),
    ]  # fmt: skip
    assert found[CORE].unit_costs == ()


@given(st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**6))
def test_an_amount_is_cut_to_cents_once_and_negating_it_negates_it(exact):
    found = in_cents(exact)
    assert abs(Fraction(found) - exact) <= Fraction(1, 200)
    assert in_cents(-exact) == -found


@pytest.mark.parametrize(("period", "days"), [("2026-02", 28), ("2028-02", 29), ("2026-07", 31)])
def test_months_have_their_days(period, days):
    assert days_in(period) == days
