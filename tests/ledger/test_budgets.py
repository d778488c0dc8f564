"""Budgets month by month: nothing is lost when a year is spread, and a forecast is a rate."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.allocation.apportion import part_of
from chargeback.core.money import cents_amount
from chargeback.ledger.budgets import (
    MonthBudget,
    budgeted_centers,
    forecast,
    month_budgets,
    part_to_day,
)
from chargeback.params.budgets import PlannedMonth, PlannedYear, months_of

YEAR = "2026"
UNITS = st.sampled_from(["claims", "members"])
AMOUNTS = st.integers(0, 10**12).map(cents_amount)


@st.composite
def planned(draw: st.DrawFn, center: str = "CC-1") -> PlannedYear:
    """A year of a cost center that moves between units, with amounts for some of its months."""
    periods = draw(st.lists(st.sampled_from(months_of(YEAR)), min_size=1, unique=True).map(sorted))
    months = tuple(
        PlannedMonth(period, draw(UNITS), draw(st.none() | AMOUNTS)) for period in periods
    )
    given_amount = sum((one.amount for one in months if one.amount is not None), Decimal("0.00"))
    is_spread = any(one.amount is None for one in months)
    rest = draw(AMOUNTS) if is_spread else Decimal("0.00")
    return PlannedYear(center, "Center", given_amount + rest, months, ("CFO",))


@given(year=planned())
def test_the_months_sum_to_the_year_and_keep_what_is_entered(year):
    found = month_budgets([year])
    assert sum((one.amount for one in found), Decimal(0)) == year.amount
    by_period = {one.billing_period: one.amount for one in found}
    for one in year.months:
        assert one.amount is None or by_period[one.billing_period] == one.amount
    spread = [by_period[one.billing_period] for one in year.months if one.amount is None]
    assert not spread or max(spread) - min(spread) <= Decimal("0.01")
    assert spread == sorted(spread, reverse=True), "what is left over goes to the first months"


@given(years=st.lists(planned(), min_size=1, max_size=4))
def test_the_units_sum_to_the_whole(years):
    found = month_budgets(years)
    by_unit = [
        sum((one.amount for one in found if one.business_unit_id == unit), Decimal(0))
        for unit in ("claims", "members")
    ]
    assert sum(by_unit) == sum(one.amount for one in years if one.amount is not None)
    for year in years:
        owned = {(one.billing_period, one.business_unit_id) for one in year.months}
        of_year = [(one.billing_period, one.business_unit_id) for one in month_budgets([year])]
        assert set(of_year) == owned and len(of_year) == len(owned)
        for unit in ("claims", "members"):
            assert bool(budgeted_centers([year], {unit})) == any(unit == one for _, one in owned)


def test_months_alone_have_no_others():
    months = (
        PlannedMonth("2026-05", "claims", Decimal("7.00")),
        PlannedMonth("2026-06", "claims", None),
    )
    year = PlannedYear("CC-1", "Center", None, months, ("CFO",))
    assert month_budgets([year]) == [MonthBudget("2026-05", "claims", "CC-1", Decimal("7.00"))]


def budgets(*periods: str) -> list[MonthBudget]:
    """A budget of 10.00 in each period."""
    return [MonthBudget(one, "claims", "CC-1", Decimal("10.00")) for one in periods]


def charged(**amounts: str) -> dict[str, dict[tuple[str, str], Decimal]]:
    """What the months m1, m2, … are charged."""
    return {
        f"2026-{int(name[1:]):02d}": {("claims", "CC-1"): Decimal(amount)}
        for name, amount in amounts.items()
    }


@pytest.mark.parametrize(
    ("months", "amounts", "expected"),
    [
        (12, {"m1": "100.00", "m2": "100.00", "m3": "100.00"}, "1200.00"),
        (12, {"m1": "0.00", "m2": "0.00", "m3": "90.00"}, "900.00"),  # it began in March
        (12, {"m1": "90.00", "m2": "0.00", "m3": "0.00"}, "360.00"),
        (12, {"m1": "0.00", "m2": "0.00"}, "0.00"),
        (2, {"m1": "10.00", "m2": "20.00", "m3": "5.00"}, "30.00"),  # ended in February
        (12, {"m1": "-1.00", "m2": "0.01"}, "-5.94"),
        (5, {"m1": "0.01", "m2": "0.00", "m3": "0.00"}, "0.02"),  # two thirds of a cent more
    ],
)
def test_a_forecast_is_the_average_of_the_months_from_the_first_that_was_charged(
    months, amounts, expected
):
    found = forecast(
        budgets(*months_of(YEAR)[:months]), charged(**amounts), f"2026-{len(amounts):02d}"
    )
    assert found == Decimal(expected)


@given(total=st.integers(-(10**15), 10**15), parts=st.integers(0, 400), whole=st.integers(1, 400))
def test_a_part_is_the_nearest_and_has_the_sign_of_the_whole(total, parts, whole):
    found = part_of(total, parts, whole)
    assert abs(2 * (found * whole - total * parts)) <= whole
    assert part_of(-total, parts, whole) == -found
    assert part_of(total, whole, whole) == total


def test_an_open_month_is_compared_with_the_part_of_its_days():
    may = MonthBudget("2026-05", "claims", "CC-1", Decimal("310.00"))
    assert [part_to_day(may, day) for day in (0, 1, 10, 31, 40)] == [
        Decimal(one) for one in ("0.00", "10.00", "100.00", "310.00", "310.00")
    ]
