"""One unit against its budget: the month, the year to date, and the forecast of the year."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from chargeback.core.period import last_day
from chargeback.ledger.budgets import (
    Charged,
    MonthBudget,
    charged_in,
    forecast,
    part_to_day,
)
from chargeback.params.budgets import months_of
from chargeback.statements.extract.charges import Row
from chargeback.statements.extract.grouped import Grouped
from chargeback.statements.extract.unit_rows import UnitRows
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import (
    ZERO,
    BudgetAmount,
    BudgetMonth,
    CenterBudget,
    UnitBudget,
)


def unit_budget(inputs: StatementInputs, mine: UnitRows, grouped: Grouped) -> UnitBudget | None:
    """The budget of a unit and what is against it; None where it has none in the period's year."""
    own, past = grouped.budgets.get(mine.unit_id, []), grouped.past
    if not own:
        return None
    period, year = inputs.billing_period, inputs.billing_period[:4]
    known = known_months(inputs)
    charged: dict[str, Charged] = {
        one: charged_by_center(mine.unit_id, past.get(mine.unit_id, {}).get(one, []))
        for one in known
    }
    charged[period] = charged_by_center(mine.unit_id, mine.rows)
    of_center: dict[str, list[MonthBudget]] = {}
    for one in own:
        of_center.setdefault(one.cost_center_id, []).append(one)
    of_month: dict[str, list[MonthBudget]] = {}
    for one in own:
        of_month.setdefault(one.billing_period, []).append(one)
    entered = sorted(
        (one for key in of_center for one in grouped.planned[key]), key=lambda one: one[0]
    )
    names = {year.cost_center_id: year.name for _, year in entered}
    rows = [center_budget(inputs, names[key], months, charged) for key, months in of_center.items()]
    budgeted = {one.cost_center_id for one in own if one.billing_period == period}
    return UnitBudget(
        year=year,
        first=known[0],
        known=len(known),
        day=day_of(inputs),
        rows=tuple(sorted(rows, key=lambda one: (-charged_to_date(one), one.cost_center_id))),
        months=tuple(
            month_of(inputs, of_month.get(one, []), charged, one) for one in months_of(year)
        ),
        unbudgeted=sum(
            (row["amount"] for row in mine.rows if row["cost_center_id"] not in budgeted), ZERO
        ),
        approved_by=tuple(dict.fromkeys(name for _, year in entered for name in year.approved_by)),
    )


def known_months(inputs: StatementInputs) -> list[str]:
    """The months of the period's year up to it that are in the books, and the period itself."""
    period = inputs.billing_period
    closed = [one for one in inputs.history if one[:4] == period[:4] and one < period]
    return [*sorted(closed), period]


def has_forecast(inputs: StatementInputs) -> bool:
    """Whether all months of the year to date are closed, this one among them."""
    return not inputs.provisional and len(known_months(inputs)) == int(inputs.billing_period[5:])


def day_of(inputs: StatementInputs) -> int:
    """The last day of an open period that is charged; 0 where the whole month is compared."""
    if not inputs.provisional or inputs.last_day[:7] != inputs.billing_period:
        return 0
    day = int(inputs.last_day[8:10])
    return day if day < last_day(inputs.billing_period).day else 0


def comparable(inputs: StatementInputs, budget: MonthBudget) -> Decimal:
    """What a month is compared with: its budget, or the part of it for the days that an open month has."""
    day = day_of(inputs)
    if day and budget.billing_period == inputs.billing_period:
        return part_to_day(budget, day)
    return budget.amount


def center_budget(
    inputs: StatementInputs, name: str, budgets: Sequence[MonthBudget], charged: dict[str, Charged]
) -> CenterBudget:
    """One cost center of the unit, in the months that it has a budget for."""
    to_date = [one for one in budgets if one.billing_period in charged]
    now = [one for one in to_date if one.billing_period == inputs.billing_period]
    year = None
    if has_forecast(inputs):
        whole = sum((one.amount for one in budgets), ZERO)
        year = BudgetAmount(whole, forecast(budgets, charged, inputs.billing_period))
    return CenterBudget(
        budgets[0].cost_center_id,
        name,
        compared(inputs, now, charged),
        compared(inputs, to_date, charged),
        year,
    )


def compared(
    inputs: StatementInputs, budgets: Sequence[MonthBudget], charged: dict[str, Charged]
) -> BudgetAmount | None:
    """Budgets, and what was charged in their months."""
    if not budgets:
        return None
    return BudgetAmount(
        sum((comparable(inputs, one) for one in budgets), ZERO),
        sum((charged_in(charged, one) for one in budgets), ZERO),
    )


def month_of(
    inputs: StatementInputs,
    budgets: Sequence[MonthBudget],
    charged: dict[str, Charged],
    period: str,
) -> BudgetMonth:
    """A month of the unit by its budgets; what is charged is known of closed months and of this one."""
    against = compared(inputs, budgets, charged) or BudgetAmount(ZERO, ZERO)
    return BudgetMonth(period, against.budget, against.actual if period in charged else None)


def charged_by_center(unit_id: str, rows: Sequence[Row]) -> Charged:
    """What a unit's rows charge to each of its cost centers."""
    found: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        key = (unit_id, row["cost_center_id"])
        found[key] = found.get(key, ZERO) + row["amount"]
    return found


def charged_to_date(row: CenterBudget) -> Decimal:
    """By what rows are ordered."""
    return row.to_date.actual if row.to_date else ZERO
