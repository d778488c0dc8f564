"""The trend over the closed periods."""

from __future__ import annotations

from itertools import pairwise

from chargeback.core.period import period_title
from chargeback.pages.charts import trend_chart
from chargeback.pages.parts import (
    TOTAL,
    Cell,
    Column,
    Paragraph,
    Row,
    Section,
    Table,
    amount_cell,
    change_cell,
)
from chargeback.statements import wording as words
from chargeback.statements.model import PeriodAmount, Statement, total_of
from chargeback.statements.sections.cells import (
    money,
    percent,
    picture_of,
    sum_of,
    trend_words,
)


def trend(statement: Statement) -> Section:
    """The totals of the closed periods, and of this one."""
    listed = statement.trend
    if len(listed) == 1:
        return Section([Paragraph(words.TREND_STARTS_NEXT)])
    rows = [
        _row(one, before, is_open=statement.provisional and one is listed[-1])
        for before, one in pairwise([None, *listed])
        if one is not None
    ]
    rows.append(
        Row(
            [
                Cell(words.ALL_SHOWN),
                amount_cell(sum_of(one.direct for one in listed)),
                amount_cell(sum_of(one.allocated for one in listed)),
                amount_cell(sum_of(one.other for one in listed)),
                Cell(""),
                Cell(""),
                amount_cell(total_of(listed)),
            ],
            TOTAL,
        )
    )
    columns = [
        Column(words.PERIOD, 1),
        Column(words.DIRECT, optional=True),
        Column(words.SHARED, optional=True),
        Column(words.OTHER, optional=True),
        Column(words.CHANGE),
        Column(words.CHANGE_PERCENT, optional=True),
        Column(words.TOTAL),
    ]
    says = words.CHARGES_PER_PERIOD.format(periods=trend_words(statement))
    return Section([picture_of(trend_chart(listed), says), Table(columns, rows)])


def _row(one: PeriodAmount, before: PeriodAmount | None, is_open: bool) -> Row:
    """A period beside the one before it."""
    period = period_title(one.billing_period)
    change = one.amount - before.amount if before and not is_open else None
    return Row(
        [
            Cell(words.STILL_OPEN.format(period=period) if is_open else period),
            amount_cell(one.direct),
            amount_cell(one.allocated),
            amount_cell(one.other),
            change_cell(change),
            Cell(percent(change, before.amount if before else None), muted=True),
            money(one),
        ]
    )
