"""Budgets on the CFO's page: the units against theirs, as their statements have them, and the proof of it.

Comes in: the data of the closed statements. Goes out: a line for each unit, the table of all, and what of it is
not what the params that the period was closed with, and the ledgers, give when they are asked again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal

import pyarrow.compute as pc

from chargeback.books.checked import checked_postings
from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.core.sums import sums_by
from chargeback.delivery import summary_words as words
from chargeback.delivery.released import ClosedForDelivery
from chargeback.delivery.summary import Summary, UnitAgainstBudget
from chargeback.delivery.summary_parts import Heading
from chargeback.ledger.budgets import (
    Charged,
    MonthBudget,
    charged_in,
    forecast,
    month_budgets,
)
from chargeback.pages.parts import (
    TOTAL,
    Cell,
    Column,
    Paragraph,
    Part,
    Row,
    Table,
    amount_cell,
    change_cell,
)
from chargeback.statements.model import ZERO, BudgetAmount, Statement, together
from chargeback.statements.sections.cells import percent

MOST_UNITS = 9

MONTH, TO_DATE, YEAR = "month", "to_date", "year"


def unit_budgets_of(statements: Iterable[Statement]) -> tuple[UnitAgainstBudget, ...]:
    """The units that have a budget in the year, the one that was charged most to date first."""
    found = [
        UnitAgainstBudget(
            one.unit.business_unit_id,
            one.unit.name,
            one.budget.month,
            one.budget.to_date,
            one.budget.forecast,
            one.budget.known,
        )
        for one in statements
        if one.budget is not None
    ]
    return tuple(
        sorted(found, key=lambda one: (-(one.to_date.actual if one.to_date else ZERO), one.key))
    )


def budgets(summary: Summary) -> list[Part]:
    """The units against their budgets, and what they come to; nothing where none has one."""
    found = summary.unit_budgets
    if not found:
        return []
    rest = [*found[MOST_UNITS - 1 :]] if len(found) > MOST_UNITS else []
    has_year = any(one.year for one in found)
    rows = [
        _row(Cell(one.name, sub=one.key), [one], has_year)
        for one in found[: len(found) - len(rest)]
    ]
    if rest:
        rows.append(_row(Cell(words.MORE.format(count=len(rest)), muted=True), rest, has_year))
    rows.append(_row(Cell(words.TOTAL), found, has_year, TOTAL))
    period, year = period_title(summary.billing_period), summary.billing_period[:4]
    columns = [
        Column(words.UNIT, 1),
        Column(words.BUDGET_OF.format(of=period), optional=True),
        Column(words.ACTUAL, optional=True),
        Column(words.DIFFERENCE),
        Column(words.PERCENT, optional=True),
        Column(words.DIFFERENCE_TO_DATE),
        Column(words.PERCENT, optional=True),
    ]
    if has_year:
        columns += [
            Column(words.BUDGET_OF.format(of=year), optional=True),
            Column(words.FORECAST, optional=True),
            Column(words.EXPECTED),
        ]
    return [
        Heading(words.AGAINST_BUDGET),
        Table(columns, rows),
        Paragraph(_note(summary, has_year), "note"),
    ]


def _row(
    label: Cell, lines: Sequence[UnitAgainstBudget], has_year: bool, role: str = "body"
) -> Row:
    month = together(one.month for one in lines)
    to_date = together(one.to_date for one in lines)
    year = together(one.year for one in lines)
    cells = [
        amount_cell(month.budget if month else None),
        amount_cell(month.actual if month else None),
        *_difference(month),
        *_difference(to_date),
    ]
    if has_year:
        cells += [
            amount_cell(year.budget if year else None),
            amount_cell(year.actual if year else None),
            change_cell(year.difference if year else None),
        ]
    return Row([label, *cells], role)


def _difference(amounts: BudgetAmount | None) -> list[Cell]:
    """What is left of the budget, and in percent of it."""
    if amounts is None:
        return [Cell(""), Cell("")]
    share = percent(amounts.difference, amounts.budget)
    return [change_cell(amounts.difference), Cell(share, muted=True)]


def _note(summary: Summary, has_year: bool) -> str:
    """What a minus means, which months are to date, and how the year is forecast."""
    count = int(summary.billing_period[5:])
    known = min(one.known for one in summary.unit_budgets)
    to_date = words.MONTHS_TO_DATE if known == count else words.SOME_MONTHS_TO_DATE
    if count == 1:
        to_date = words.MONTH_TO_DATE
    said = [words.MINUS_IS_OVER, to_date.format(known=known, count=count)]
    return " ".join([*said, words.HOW_FORECAST if has_year else words.NO_FORECAST])


def budget_differences(period: ClosedForDelivery, summary: Summary) -> Iterator[tuple[str, str]]:
    """Where the lines are not what the params and the ledgers give: what differs, and what is shown instead."""
    if not summary.unit_budgets:
        return
    months = [
        one
        for one in period.books.closed_periods()
        if one[:4] == period.period[:4] and one <= period.period
    ]
    charged = {one: charged_in_month(period, one) for one in months}
    planned: dict[str, list[MonthBudget]] = defaultdict(list)
    for budget in month_budgets(period.params.budgets):
        planned[budget.business_unit_id].append(budget)
    shown_units = {one.key: one for one in summary.unit_budgets}
    for unit_id in sorted(planned.keys() | shown_units.keys()):
        expected = against(planned.get(unit_id, []), charged, period.period)
        line = shown_units.get(unit_id)
        found = {MONTH: line.month, TO_DATE: line.to_date, YEAR: line.year} if line else {}
        for span, amounts in expected.items():
            if found.get(span) != amounts:
                yield (
                    f"budget of {unit_id}, {span}: expected {_said(amounts)}",
                    _said(found.get(span)),
                )


def charged_in_month(period: ClosedForDelivery, month: str) -> Charged:
    """What a closed month charges to each unit's cost centers."""
    rows = period.postings if month == period.period else checked_postings(period.books, month)
    rows = rows.filter(pc.is_valid(rows["cost_center_id"]))
    sums = sums_by(rows, ["business_unit_id", "cost_center_id"], "amount")
    return {(unit, center): amount for (unit, center), amount in sums.items()}


def against(
    budgets: Sequence[MonthBudget], charged: dict[str, Charged], period: str
) -> dict[str, BudgetAmount | None]:
    """What one unit's line is to be."""

    def summed(chosen: Callable[[MonthBudget], bool]) -> BudgetAmount | None:
        return together(
            BudgetAmount(one.amount, charged_in(charged, one)) for one in budgets if chosen(one)
        )

    year = None
    if len(charged) == int(period[5:]):
        by_center: dict[str, list[MonthBudget]] = defaultdict(list)
        for one in budgets:
            by_center[one.cost_center_id].append(one)
        year = together(
            BudgetAmount(sum((one.amount for one in own), ZERO), forecast(own, charged, period))
            for own in by_center.values()
        )
    return {
        MONTH: summed(lambda one: one.billing_period == period),
        TO_DATE: summed(lambda one: one.billing_period in charged),
        YEAR: year,
    }


def _said(amounts: BudgetAmount | None) -> str:
    if amounts is None:
        return "nothing"
    pair: tuple[Decimal, Decimal] = (amounts.budget, amounts.actual)
    return " and ".join(map(shown, pair))
