"""Which months a budget is of, and whose it is in each of them."""

from __future__ import annotations

from decimal import Decimal

from chargeback.params import read_params
from chargeback.params.budgets import PlannedYear
from tests.params_folder import write_params

HEAD = "period,cost_center_id,amount,approved_by\n"
CENTERS = (
    "cost_center_id,name,business_unit_id,valid_from,valid_to\n"
    "CC-1,Web,shop,2026-03,2026-06\n"
    "CC-1,Web and App,core,2026-07,2026-10\n"
    "CC-9,Platform,core,2026-01,\n"
)


def planned(tmp_path, rows: str, period: str = "2026-05") -> tuple[PlannedYear, ...]:
    """The budgets of the year of a period."""
    folder = write_params(
        tmp_path / "params",
        cost_centers_csv=CENTERS,
        budgets_csv=HEAD + rows,
    )
    return read_params(folder, period).budgets


def test_without_the_file_there_are_none(tmp_path):
    assert read_params(write_params(tmp_path / "params"), "2026-05").budgets == ()


def test_a_year_is_of_the_months_in_which_the_cost_center_is_in_force(tmp_path):
    [found] = planned(
        tmp_path, "2026,CC-1,800.00,CFO\n2026-08,CC-1,100.00,Board\n2027,CC-9,1.00,CFO\n"
    )
    assert [(one.billing_period[5:], one.business_unit_id) for one in found.months] == [
        *((f"{month:02d}", "shop") for month in range(3, 7)),
        *((f"{month:02d}", "core") for month in range(7, 11)),
    ]
    assert (found.name, found.amount, found.given) == (
        "Web and App",
        Decimal("800.00"),
        Decimal("100.00"),
    )
    assert found.approved_by == ("CFO", "Board") and found.is_spread


def test_budgets_of_other_years_are_of_those(tmp_path):
    rows = "2026,CC-9,1.00,CFO\n2027-01,CC-9,2.00,CFO\n"
    [found] = planned(tmp_path, rows)
    assert found.amount == Decimal("1.00") and len(found.months) == 12
    (tmp_path / "later").mkdir()
    [later] = planned(tmp_path / "later", rows, "2027-02")
    assert later.amount is None and not later.is_spread
    assert [one.amount for one in later.months if one.amount] == [Decimal("2.00")]


def test_every_month_with_its_amount_needs_no_more(tmp_path):
    rows = "".join(f"2026-{month:02d},CC-9,1.00,CFO\n" for month in range(1, 13))
    [found] = planned(tmp_path, f"2026,CC-9,12.00,CFO\n{rows}")
    assert found.given == found.amount and not found.is_spread
