"""Of a draft: how far its data reaches, the same days of the month before, and what the month may come to.

`headline` and `total_label` stand in the head of the first page, `estimate` below it, and `unit_estimates` on
the index. Comes in: a statement or the index of a month. A draft whose report tells no days says so, and
compares with nothing: a month that is not over is never set against one that is.
"""

from __future__ import annotations

from datetime import date, timedelta

from chargeback.core.money import shown
from chargeback.core.period import day_title, first_day, period_title
from chargeback.ledger.outlook import Days, Figures
from chargeback.pages.parts import (
    TOTAL,
    Cell,
    Column,
    Paragraph,
    Part,
    Row,
    Table,
    amount_cell,
)
from chargeback.statements import outlook_wording as words
from chargeback.statements import wording
from chargeback.statements.model import Statement
from chargeback.statements.month import MonthIndex
from chargeback.statements.sections.cells import percent


def days_title(period: str, days: int) -> str:
    """The first days of a period for a reader: "1 to 15 June 2026"."""
    last = first_day(period) + timedelta(days - 1)
    return day_title(last) if days == 1 else words.DAYS_OF.format(first=1, last=day_title(last))


def figures_of(page: Statement | MonthIndex) -> Figures | None:
    """The figures of a page's unit, or of all of them."""
    if page.outlook is None:
        return None
    return page.outlook.figures if isinstance(page, Statement) else page.outlook.total


def headline(page: Statement | MonthIndex) -> str:
    """What a draft leads with: how far its data reaches, and the same days of the month before."""
    figures = figures_of(page)
    if page.outlook is None or figures is None:
        return words.DAYS_NOT_TOLD
    days = page.outlook.days
    said = words.DATA_THROUGH.format(
        day=day_title(date.fromisoformat(days.through)), passed=days.passed, days=days.in_month
    )
    return f"{said} {compared(days, figures)}"


def compared(days: Days, figures: Figures) -> str:
    """How the days so far compare with the same days of the month before, or why they do not."""
    if figures.before is None:
        return words.WHY_NOT[days.why_not].format(period=period_title(days.before_period))
    before, title = figures.before, days_title(days.before_period, days.before_days)
    change = figures.comparable - before
    if change == 0:
        return words.UNCHANGED_FROM_DAYS.format(days=title)
    share = percent(change, before)
    sentence = words.MORE_THAN_DAYS if change > 0 else words.LESS_THAN_DAYS
    amount = shown(abs(change)) + (f" ({share})" if share else "")
    return sentence.format(amount=amount, before=shown(before), days=title)


def total_label(page: Statement | MonthIndex) -> str:
    """What the total of a draft is of."""
    if page.outlook is None:
        return wording.TOTAL_FOR.format(period=period_title(page.billing_period))
    passed = page.outlook.days.passed
    return words.CHARGED_FOR.format(days=days_title(page.billing_period, passed))


def estimate(page: Statement | MonthIndex) -> list[Part]:
    """What the whole month is estimated to come to, beside what it is made from, and how."""
    figures = figures_of(page)
    if page.outlook is None or figures is None:
        return []
    days, period = page.outlook.days, page.billing_period
    title = period_title(period)
    to_date = words.TO_DATE.format(days=days_title(period, days.passed))
    rows = [Row([Cell(to_date), amount_cell(figures.to_date)])]
    if figures.corrections:
        rows.append(
            Row(
                [
                    Cell(words.OF_CORRECTIONS, muted=True),
                    amount_cell(figures.corrections, muted=True),
                ]
            )
        )
    if figures.ahead:
        ahead = amount_cell(figures.ahead, muted=True)
        rows.append(Row([Cell(words.OF_FEES_AHEAD, muted=True), ahead]))
    if figures.before is not None:
        same = words.SAME_DAYS.format(days=days_title(days.before_period, days.before_days))
        rows.append(Row([Cell(same, muted=True), amount_cell(figures.before, muted=True)]))
    rows += [
        Row([Cell(words.STILL_EXPECTED), amount_cell(figures.accrual)]),
        Row([Cell(words.FROM_LOW_TO_HIGH, muted=True), Cell(range_text(figures), muted=True)]),
        Row([Cell(words.ESTIMATED.format(period=title)), amount_cell(figures.estimate)], TOTAL),
    ]
    columns = [Column(words.OUTLOOK.format(period=title), 1), Column(wording.AMOUNT)]
    return [Table(columns, rows), Paragraph(method(days), "note")]


def range_text(figures: Figures) -> str:
    """The lowest and the highest estimate."""
    if figures.low is None or figures.high is None:
        return words.ONE_DAY
    return words.RANGE.format(low=shown(figures.low), high=shown(figures.high))


def method(days: Days) -> str:
    """How the estimate is made."""
    said = [words.METHOD, words.METHOD_OF_RANGE]
    if days.passed == days.in_month:
        said = [words.WHOLE_ALREADY]
    if days.awaited:
        said.append(words.AWAITED.format(period=period_title(days.before_period)))
    if days.before_days:
        said.append(words.FULL_FEES)
    return " ".join(said)


def against_all_of(statement: Statement, then: str) -> list[Part]:
    """Before a draft is set against all of the last closed period: that it is not over; nothing of a close."""
    if not statement.provisional:
        return []
    now = period_title(statement.billing_period)
    if statement.outlook is None:
        return [Paragraph(words.AGAINST_A_WHOLE_MONTH.format(now=now, then=then), "warning")]
    days = statement.outlook.days
    if days.passed == days.in_month:
        return []
    said = words.AGAINST_ALL_OF.format(
        now=now, day=day_title(date.fromisoformat(days.through)), passed=days.passed,
        days=days.in_month, then=then,
    )  # fmt: skip
    return [Paragraph(said, "warning")]


def unit_estimates(month: MonthIndex) -> list[Part]:
    """Each unit's days so far, the same days before and its estimate, in the order of the index."""
    if month.outlook is None:
        return []
    outlook = month.outlook
    names = [(one.business_unit_id, one.name) for one in month.units]
    listed = [(name, outlook.of_unit(unit_id).figures) for unit_id, name in names]
    known = {unit_id for unit_id, _ in names}
    listed += [
        (one.business_unit_id, one.figures)
        for one in outlook.units
        if one.business_unit_id not in known
    ]
    rows = [_unit_row(Cell(name), figures) for name, figures in listed]
    rows.append(Row(_unit_row(Cell(wording.TOTAL), outlook.total).cells, TOTAL))
    days = outlook.days
    before = []
    if days.before_days:
        title = days_title(days.before_period, days.before_days)
        before = [
            Column(words.UNIT_BEFORE.format(days=title), optional=True),
            Column(words.UNIT_CHANGE, optional=True),
        ]
    columns = [
        Column(wording.BUSINESS_UNIT, 1),
        Column(words.UNIT_TO_DATE, optional=True),
        *before,
        Column(words.ESTIMATED.format(period=period_title(month.billing_period))),
    ]
    note = f"{method(days)} {words.RANGES_DO_NOT_SUM} {words.ACCRUAL_FILE}"
    return [Table(columns, rows), Paragraph(note, "note")]


def _unit_row(label: Cell, figures: Figures) -> Row:
    before = []
    if figures.before is not None:
        share = percent(figures.comparable - figures.before, figures.before)
        before = [amount_cell(figures.before, muted=True), Cell(share, muted=True)]
    return Row(
        [
            label,
            amount_cell(figures.to_date),
            *before,
            Cell(shown(figures.estimate), sub=range_text(figures)),
        ]
    )
