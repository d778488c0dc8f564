"""What the open month, and a year, come to at the rate so far, and budgets beside what is charged.

Method, for each cost center: direct cost to date, by the days of the month over the days that have passed;
shared cost as it was in the last closed month; all else (commitments, rounding, adjustments, corrections) as
it stands. A year comes to what its closed months came to, and the open month's forecast for that month and
each later one; without an open month, the average of its closed months. Everything is exact until it is cut to
cents at the end.

Known drawbacks: what AWS charges on the first day for a whole month, such as support or fees, is taken to go on
at that rate; a month that is young says little.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.allocation.pools import ALLOCATED, DIRECT
from chargeback.core.sums import sums_by
from chargeback.dashboards.gather_rows import CENT, ZERO, Own
from chargeback.dashboards.model import BudgetRow, Forecast
from chargeback.dashboards.months import KnownMonth
from chargeback.params.budgets import Budget

METHOD = (
    "Direct cost to {day} for each day that has passed, times the {days} days of the month; shared cost as in "
    "{last}; all else as it stands."
)

Amounts = dict[str, Fraction]


def forecast_of(own: Own) -> Forecast | None:
    """What the open month comes to; None where nothing is known of it, or not up to which day."""
    month = own.months.open
    expected = expected_by_center(own)
    if month is None or expected is None:
        return None
    method = METHOD.format(day=month.as_of, days=days_in(month.period), last=own.months.last.period)
    return Forecast(
        month.period, own.amount(month), in_cents(sum(expected.values(), Fraction(0))), method
    )


def expected_by_center(own: Own) -> Amounts | None:
    """What the open month comes to for each cost center that the scope has rows of."""
    month = own.months.open
    if month is None or not month.as_of:
        return None
    passed = int(month.as_of[8:10])
    rate = Fraction(days_in(month.period), passed)
    now, last = own.table(month), own.table(own.months.last)
    expected: Amounts = {}
    is_shared = pc.equal(now["kind"], ALLOCATED)
    corrects = pc.is_valid(now["original_period"])
    is_direct = pc.and_(pc.equal(now["kind"], DIRECT), pc.invert(corrects))
    add(expected, now.filter(is_direct), rate)
    add(
        expected, now.filter(pc.or_(corrects, pc.invert(pc.or_(is_direct, is_shared)))), Fraction(1)
    )
    own_month = pc.and_(pc.equal(last["kind"], ALLOCATED), pc.is_null(last["original_period"]))
    add(expected, last.filter(own_month), Fraction(1))
    return expected


def add(amounts: Amounts, rows: pa.Table, times: Fraction) -> None:
    """Add what rows come to, by cost center."""
    for (center,), amount in sums_by(rows, ["cost_center_id"], "amount").items():
        amounts[center] = amounts.get(center, Fraction(0)) + Fraction(amount) * times


def days_in(period: str) -> int:
    """The days of a month."""
    return calendar.monthrange(int(period[:4]), int(period[5:]))[1]


def in_cents(exact: Fraction) -> Decimal:
    """An exact amount, rounded once to cents, halves to even.

    >>> in_cents(Fraction(1, 3)), in_cents(Fraction(1, 200))
    (Decimal('0.33'), Decimal('0.00'))
    """
    return (Decimal(round(exact * 100)) * CENT).quantize(CENT, ROUND_HALF_EVEN)


def budgets_of(own: Own, budgets: tuple[Budget, ...]) -> tuple[BudgetRow, ...]:
    """The budgets of the scope's cost centers beside what they are charged, by period and cost center."""
    charged = {one.period: by_center(own, one) for one in own.months.known}
    expected = expected_by_center(own)
    return tuple(sorted(budget_rows(own, budgets, charged, expected), key=order))


def order(row: BudgetRow) -> tuple[str, str]:
    """By period, then by cost center."""
    return row.period, row.cost_center_id


def by_center(own: Own, month: KnownMonth) -> dict[str, Decimal]:
    """What a month charges each of the scope's cost centers."""
    sums = sums_by(own.table(month), ["cost_center_id"], "amount")
    return {center: amount for (center,), amount in sums.items()}


def budget_rows(
    own: Own,
    budgets: tuple[Budget, ...],
    charged: Mapping[str, Mapping[str, Decimal]],
    expected: Amounts | None,
) -> Iterator[BudgetRow]:
    """A row for each budget that is the scope's.

    A month's budget is of who had the cost center in that month, a year's of who had it last in it.
    """
    open_period = own.months.open.period if own.months.open else ""
    for one in budgets:
        shown = [month for month in own.months.detailed if month.period.startswith(one.period)]
        if not shown or not own.covers(shown[-1], one.cost_center_id):
            continue
        center = one.cost_center_id
        known = [month for month in own.months.known if month.period.startswith(one.period)]
        amount = sum((charged[month.period].get(center, ZERO) for month in known), ZERO)
        if len(one.period) == len("2026"):
            forecast = year_forecast(own, one.period, center, charged, expected)
        elif one.period == open_period:
            forecast = in_cents(expected.get(center, Fraction(0))) if expected is not None else None
        else:
            forecast = amount
        yield BudgetRow(one.period, center, one.amount, amount.quantize(CENT), forecast)


def year_forecast(
    own: Own,
    year: str,
    center: str,
    charged: Mapping[str, Mapping[str, Decimal]],
    expected: Amounts | None,
) -> Decimal | None:
    """What a year comes to for a cost center; None where the books do not have its months from the first on."""
    closed = [one.period for one in own.months.closed if one.period.startswith(year)]
    if closed != [f"{year}-{number:02d}" for number in range(1, len(closed) + 1)]:
        return None
    so_far = sum((Fraction(charged[one].get(center, ZERO)) for one in closed), Fraction(0))
    is_next = own.months.open is not None and own.months.open.period.startswith(year)
    if is_next and expected is not None:
        rate = expected.get(center, Fraction(0))
    elif closed:
        rate = so_far / len(closed)
    else:
        return None
    return in_cents(so_far + rate * (12 - len(closed)))
