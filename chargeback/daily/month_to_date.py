"""Month to date: what each business unit has cost so far, beside what was to be expected and its budget.

In: a day as the daily flow saw it. Out: a row for each business unit, one for what pools hold until the close
splits it, and their sum; exact amounts in the policy's basis.

Method: the month to date is every cost that a unit owns already. What was to be expected is the same, with what
is used day by day (series.py: usage at its amortized cost) replaced by what was used in as many days of the
month before, under today's rules. Only complete days are compared; fees, credits and the last two days of a
delivery are taken as they stand. So the difference is what was used more, or less, than a month ago. Where the
month before is shorter, its days reach back into the month before that. A budget is that of the days so far. It
is for all that a close charges, also for a unit's part of what pools hold, so that only the sum compares like
with like. Drawback: the days of the week are not the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from chargeback.core.period import month_before
from chargeback.core.sums import sums_by
from chargeback.daily.anomalies.series import Sums
from chargeback.daily.today import Today
from chargeback.ledger.budgets import month_budgets, part_to_day
from chargeback.params import Params

#: What pools hold until the close splits it, in the place of a unit.
SHARED, TOTAL = "", "total"


@dataclass(frozen=True)
class UnitToDate:
    """A business unit's month so far.

    Args:
        business_unit_id: `SHARED` for what pools hold, `TOTAL` for all of it.
        expected: None where the month before is not known.
        budget: of the days so far; None where there is none.
    """

    business_unit_id: str
    name: str
    owner: str
    amount: Decimal
    expected: Decimal | None
    budget: Decimal | None

    @property
    def difference(self) -> Decimal | None:
        """More than expected; negative when it is less."""
        return None if self.expected is None else self.amount - self.expected

    @property
    def over_budget(self) -> Decimal | None:
        """More than the budget of the days so far; negative when it is less."""
        return None if self.budget is None else self.amount - self.budget


@dataclass(frozen=True)
class Compared:
    """The days whose usage is compared: as many of this month, all complete, as before it; ends inclusive."""

    first: date
    last: date
    first_before: date
    last_before: date


def budget_to_date(params: Params, business_unit_id: str, day: date) -> Decimal | None:
    """The budget of a unit for the days of a month up to one of them, in cents; None where it has none.

    Args:
        business_unit_id: `TOTAL` for the budget of all.
    """
    found = [
        part_to_day(one, day.day)
        for one in month_budgets(params.budgets)
        if one.billing_period == f"{day:%Y-%m}"
        and business_unit_id in (TOTAL, one.business_unit_id)
    ]
    return sum(found, Decimal(0)) if found else None


def compared_days(today: Today) -> Compared | None:
    """The days to compare; None where no day is complete, or the days before are not all known."""
    first, last = today.day.replace(day=1), today.anomalies.judged
    if last is None or last < first:
        return None
    before = date.fromisoformat(f"{month_before(f'{first:%Y-%m}')}-01")
    last_before = min(before + (last - first), first - timedelta(1))
    first_before = last_before - (last - first)
    days = (first_before + timedelta(number) for number in range((last - first).days + 1))
    if any(day not in today.anomalies.used for day in days):
        return None
    return Compared(first, last, first_before, last_before)


def used_by_unit(sums: Sums, first: date, last: date) -> dict[str, Decimal]:
    """What each unit used in some days; what pools hold is `SHARED`."""
    found: dict[str, Decimal] = {}
    for day, cells in sums.items():
        if first <= day <= last:
            for cell, cost in cells.items():
                unit = cell.business_unit_id
                found[unit] = found.get(unit, Decimal(0)) + cost
    return found


def units_to_date(today: Today) -> list[UnitToDate]:
    """The units, the dearest first, then what pools hold, then the sum."""
    params, compared = today.params, compared_days(today)
    sums = sums_by(today.costs.table, ("business_unit_id",), f"{params.policy.cost_basis}_cost")
    amounts = {unit or SHARED: amount for (unit,), amount in sums.items()}
    more: Mapping[str, Decimal] | None = None
    if compared is not None:
        used = today.anomalies.used
        now = used_by_unit(used, compared.first, compared.last)
        before = used_by_unit(used, compared.first_before, compared.last_before)
        more = {
            one: now.get(one, Decimal(0)) - before.get(one, Decimal(0)) for one in {*now, *before}
        }
    units = [
        row(
            params.business_units[one].name,
            params.business_units[one].owner,
            one,
            amounts,
            more,
            today,
        )
        for one in params.business_units
    ]
    units.sort(key=lambda one: (-one.amount, one.business_unit_id))
    shared = row("Shared, split at the close", "", SHARED, amounts, more, today)
    whole = UnitToDate(
        TOTAL, "Total", "", sum(amounts.values(), Decimal(0)),
        None if more is None else sum(amounts.values(), Decimal(0)) - sum(more.values(), Decimal(0)),
        budget_to_date(params, TOTAL, today.day),
    )  # fmt: skip
    return [*units, shared, whole]


def row(
    name: str, owner: str, unit: str, amounts: Mapping[str, Decimal],
    more: Mapping[str, Decimal] | None, today: Today,
) -> UnitToDate:  # fmt: skip
    """One row of them."""
    amount = amounts.get(unit, Decimal(0))
    expected = None if more is None else amount - more.get(unit, Decimal(0))
    return UnitToDate(
        unit, name, owner, amount, expected, budget_to_date(today.params, unit, today.day)
    )
