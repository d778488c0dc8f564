"""Budgets month by month, and the forecast of a year: what charges are compared with.

Comes in: what is entered of a year for each cost center (`params.budgets.PlannedYear`), and what the ledgers of
its months charge. Goes out: a budget in cents for each month that has one, with the business unit whose it is,
and what a year comes to. Nothing here decides a charge.

- A year's amount is spread over the months in which the cost center is in force: what is entered for single
  months is theirs, the rest is divided equally among the others, and cents that are left over go to the first
  of them, one each. So the months sum to the year exactly, and the units to the whole.
- The forecast of a year is what was charged to date, and the average of the months to date for each month that
  is left. The average begins with the first month in which the cost center was charged.
- Of a month that is not over, its budget's part is that of the days that have passed.

Known drawbacks: costs that rise through the year are forecast too low, and a payment once a year is taken to
come every month. Where a cost center is ended in the year, its whole budget falls on the months that it had.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from chargeback.allocation.apportion import divide, part_of
from chargeback.core.money import cents, cents_amount
from chargeback.core.period import last_day
from chargeback.params.budgets import PlannedYear

ZERO = Decimal("0.00")

#: What a cost center of a business unit is charged in a period: (unit, cost center) -> amount.
Charged = Mapping[tuple[str, str], Decimal]


@dataclass(frozen=True)
class MonthBudget:
    """What a cost center may cost in a month, and the business unit that has it then."""

    billing_period: str
    business_unit_id: str
    cost_center_id: str
    amount: Decimal


def month_budgets(planned: Iterable[PlannedYear]) -> list[MonthBudget]:
    """The budget of each month that has one, by cost center and month."""
    return [one for year in planned for one in months_of(year)]


def months_of(planned: PlannedYear) -> list[MonthBudget]:
    """The months of one cost center; they sum to the year's amount where there is one."""
    amounts = {one.billing_period: one.amount for one in planned.months if one.amount is not None}
    if planned.amount is not None and planned.is_spread:
        rest = {one.billing_period: 1 for one in planned.months if one.amount is None}
        spread = divide(cents(planned.amount - planned.given), rest)
        amounts |= {period: cents_amount(part) for period, part in spread.items()}
    return [
        MonthBudget(
            one.billing_period,
            one.business_unit_id,
            planned.cost_center_id,
            amounts[one.billing_period],
        )
        for one in planned.months
        if one.billing_period in amounts
    ]


def forecast(budgets: Sequence[MonthBudget], charged: Mapping[str, Charged], last: str) -> Decimal:
    """What one cost center of one unit comes to in the months of a year that have a budget.

    Args:
        budgets: of that cost center and unit.
        charged: what is charged in each period of the year to date, by period.
        last: the last of those.
    """
    to_date = {
        one.billing_period: charged_in(charged, one)
        for one in budgets
        if one.billing_period <= last
    }
    from_first = [amount for _, amount in sorted(to_date.items())]
    while from_first and not from_first[0]:
        from_first.pop(0)
    so_far, left = sum(from_first, ZERO), len(budgets) - len(to_date)
    if not from_first:
        return so_far
    return so_far + cents_amount(part_of(cents(so_far), left, len(from_first)))


def charged_in(charged: Mapping[str, Charged], budget: MonthBudget) -> Decimal:
    """What is charged where and when a budget is for."""
    period = charged.get(budget.billing_period, {})
    return period.get((budget.business_unit_id, budget.cost_center_id), ZERO)


def budgeted_centers(planned: Iterable[PlannedYear], units: Collection[str]) -> set[str]:
    """The cost centers that have a budget in the year and were, in some month of it, of one of some units."""
    return {
        year.cost_center_id
        for year in planned
        if any(one.business_unit_id in units for one in year.months)
    }


def part_to_day(budget: MonthBudget, day: int) -> Decimal:
    """The part of a month's budget that is of its first days, for a month that is not over.

    Args:
        day: the last day that has passed, 1 for the first of the month.
    """
    days = last_day(budget.billing_period).day
    return cents_amount(part_of(cents(budget.amount), min(max(day, 0), days), days))
