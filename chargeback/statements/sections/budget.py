"""Against the budget: the month, the year to date and the forecast, by cost center; nothing without one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.pages.charts import budget_chart
from chargeback.pages.parts import (
    TOTAL,
    Cell,
    Column,
    Paragraph,
    Part,
    Row,
    Section,
    Table,
    amount_cell,
    part_cell,
)
from chargeback.statements import wording as words
from chargeback.statements.model import BudgetAmount, CenterBudget, Statement, UnitBudget
from chargeback.statements.sections.cells import percent, picture_of
from chargeback.statements.sections.outlook import days_title

#: The figures of a table: what its rows are of, and the labels of budget, what is against it, and difference.
MONTH, TO_DATE, YEAR = words.SPANS
LABELS: dict[str, tuple[str, str, str]] = {
    MONTH: (words.BUDGET, words.ACTUAL, words.OVER_OR_UNDER),
    TO_DATE: (words.BUDGET_TO_DATE, words.ACTUAL_TO_DATE, words.DIFFERENCE_TO_DATE),
    YEAR: (words.BUDGET_OF_YEAR, words.FORECAST, words.DIFFERENCE_OF_YEAR),
}
MEASURES = words.MEASURES

#: The key of what all cost centers come to.
ALL = "total"


def budget(statement: Statement) -> Section | None:
    """The section with its heading; None where the unit has no budget, so that nothing is shown."""
    found = statement.budget
    if found is None:
        return None
    tables: list[tuple[str, str, Callable[[CenterBudget], BudgetAmount | None]]] = [
        (MONTH, _month_caption(statement, found), lambda one: one.month),
        (TO_DATE, _to_date_caption(statement, found), lambda one: one.to_date),
        (YEAR, words.YEAR_IS.format(year=found.year), lambda one: one.year),
    ]
    parts: list[Part] = _chart(found)
    for span, caption, of in tables:
        parts += _table(span, caption, found, of)
    parts += [Paragraph(one, "note") for one in _notes(statement, found)]
    return Section(parts, heading=words.AGAINST_BUDGET)


def budget_phrase(statement: Statement) -> str:
    """How the month compares with its budget, in a phrase; blank where it has none."""
    month = statement.budget.month if statement.budget else None
    if statement.budget is None or month is None:
        return ""
    period = period_title(statement.billing_period)
    if statement.budget.day:
        period = days_title(statement.billing_period, statement.budget.day)
    if month.difference == 0:
        return words.ON_BUDGET.format(period=period)
    sentence = words.OVER_BUDGET if month.difference < 0 else words.UNDER_BUDGET
    share = percent(-month.difference, month.budget)
    amount = shown(abs(month.difference)) + (f" ({share})" if share else "")
    return sentence.format(amount=amount, budget=shown(month.budget), period=period)


def figure_key(span: str, measure: str, key: str) -> str:
    """What a figure is called where it is read back; no id has a slash."""
    return f"{span}/{measure}/{key}"


def _table(
    span: str, caption: str, found: UnitBudget, of: Callable[[CenterBudget], BudgetAmount | None]
) -> list[Part]:
    """One table; none where no cost center has a budget in it."""
    rows = []
    budgeted, actual = Decimal("0.00"), Decimal("0.00")
    for one in found.rows:
        amounts = of(one)
        if amounts:
            cell = Cell(one.name, sub=one.cost_center_id)
            rows.append(Row([cell, *_cells(span, amounts, one.cost_center_id)]))
            budgeted, actual = budgeted + amounts.budget, actual + amounts.actual
    if not rows:
        return []
    rows.append(Row([Cell(words.TOTAL), *_cells(span, BudgetAmount(budgeted, actual), ALL)], TOTAL))
    plan, against, difference = LABELS[span]
    columns = [
        Column(words.COST_CENTER, 1),
        Column(plan, optional=True),
        Column(against),
        Column(difference),
        Column(words.IN_PERCENT, optional=True),
    ]
    return [Table(columns, rows, caption)]


def _cells(span: str, amounts: BudgetAmount, key: str) -> list[Cell]:
    plan, against, difference = (("budget", figure_key(span, one, key)) for one in MEASURES)
    return [
        amount_cell(amounts.budget, figure=plan),
        amount_cell(amounts.actual, figure=against),
        part_cell(amounts.difference, difference),
        Cell(percent(amounts.difference, amounts.budget), muted=True),
    ]


def _month_caption(statement: Statement, found: UnitBudget) -> str:
    period = period_title(statement.billing_period)
    return words.TO_DAY.format(period=period, day=found.day) if found.day else period


def _to_date_caption(statement: Statement, found: UnitBudget) -> str:
    """Which months the year to date is made of."""
    last, count = period_title(statement.billing_period), int(statement.billing_period[5:])
    if count == 1:
        return words.TO_DATE_OF_ONE.format(last=last)
    if found.known < count:
        return words.TO_DATE_OF_SOME.format(
            known=found.known, count=count, year=found.year, last=last
        )
    return words.TO_DATE_IS.format(first=period_title(found.first), last=last)


def _chart(found: UnitBudget) -> list[Part]:
    """The months of the year that have a budget, each with what was charged where that is known."""
    shown_months = [one for one in found.months if one.budget or one.actual]
    if not shown_months:
        return []
    said = [
        words.MONTH_AHEAD.format(period=period_title(one.billing_period), budget=shown(one.budget))
        if one.actual is None
        else words.MONTH_AGAINST_BUDGET.format(
            period=period_title(one.billing_period),
            actual=shown(one.actual),
            budget=shown(one.budget),
        )
        for one in shown_months
    ]
    picture = budget_chart([(one.billing_period, one.actual, one.budget) for one in shown_months])
    return [picture_of(picture, ", ".join(said), words.MONTHS_AGAINST_BUDGET)]


def _notes(statement: Statement, found: UnitBudget) -> list[str]:
    """How to read it, what is forecast, who approved it, and what has no budget."""
    if found.forecast:
        outlook = words.HOW_IT_IS_FORECAST
    else:
        outlook = words.NO_FORECAST_OPEN if statement.provisional else words.NO_FORECAST_MISSING
    notes = [
        f"{words.HOW_TO_READ_A_BUDGET} {outlook}",
        words.HOW_A_YEAR_IS_SPREAD.format(names=", ".join(found.approved_by)),
    ]
    if found.unbudgeted:
        period = period_title(statement.billing_period)
        without = words.WITHOUT_BUDGET.format(amount=shown(found.unbudgeted), period=period)
        notes.append(without)
    return notes
