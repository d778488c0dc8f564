"""Why the total changed from the last closed period."""

from __future__ import annotations

from decimal import Decimal

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.pages.charts import waterfall_chart
from chargeback.pages.parts import (
    DETAIL,
    SUBTOTAL,
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
    signed,
)
from chargeback.pages.vocabulary import CHANGES, REMARKS
from chargeback.statements import wording as words
from chargeback.statements.model import ChangeDetail, ChangePart, Statement
from chargeback.statements.sections.cells import picture_of, total_cell
from chargeback.statements.sections.outlook import against_all_of

SMALLEST_STEP = Decimal("0.50")  # of a chart: less is written as 0 beside a bar that nobody sees


def changes(statement: Statement) -> Section:
    """Why the total changed from the last closed period: parts that sum to the change."""
    change, before = statement.change, statement.previous_period
    if change is None or before is None or statement.previous_total is None:
        return Section([Paragraph(words.CHANGES_START_NEXT)])
    old, total = statement.previous_total, statement.total
    then, now = period_title(before), period_title(statement.billing_period)
    rows = [Row([Cell(then), amount_cell(old, muted=True)])]
    for part in change.parts:
        rows += _part_rows(part)
    rows += [
        Row([Cell(words.CHANGE), part_cell(total - old, ("change", "total"))], SUBTOTAL),
        Row([Cell(now), total_cell(total)], TOTAL),
    ]
    caption = words.FROM_TO.format(before=shown(old), then=then, total=shown(total), now=now)
    parts: list[Part] = [
        *against_all_of(statement, then),
        *_waterfall(change.parts, caption),
        Table([Column(words.WHAT_CHANGED, 1), Column(words.AMOUNT)], rows),
        *(Paragraph(REMARKS[remark], "note") for remark in change.remarks),
    ]
    return Section(parts)


def _waterfall(parts: tuple[ChangePart, ...], caption: str) -> list[Part]:
    """The parts that can be seen, one below the other; nothing where there is one only."""
    steps = [
        (CHANGES[part.code][0], part.amount) for part in parts if abs(part.amount) >= SMALLEST_STEP
    ]
    if len(steps) < 2:
        return []
    says = "; ".join(f"{label} {signed(amount)}" for label, amount in steps)
    return [picture_of(waterfall_chart(steps), says, caption)]


def _part_rows(part: ChangePart) -> list[Row]:
    """A part of the change with its explanation, and the largest of what it is for."""
    label, says = CHANGES[part.code]
    rows = [Row([Cell(label, aside=says), part_cell(part.amount, ("change", part.code))])]
    if part.is_unknown:  # no figure, and so no label of one
        rows = [Row([Cell(words.NOT_MEASURED.format(label=label)), Cell("")])]
    listed = "; ".join(f"{one.label} {signed(one.amount)}" for one in part.details)
    texts = [*part.notes, *([words.LARGEST.format(details=listed)] if listed else [])]
    return rows + [Row([Cell(text, muted=True)], DETAIL) for text in texts]


def movers_sentence(statement: Statement) -> str:
    """What moved most from the last closed period; blank where nothing did, or the month is not over."""
    found, before = statement.movers, statement.compared_period
    if found is None or before is None:
        return ""
    sentences = []
    if found.services:
        since = period_title(before)
        sentences.append(words.MOVED_MOST.format(period=since, movers=_listed(found.services)))
    if found.pools:
        sentences.append(words.SHARED_MOVED.format(movers=_listed(found.pools)))
    return " ".join(sentences)


def _listed(details: tuple[ChangeDetail, ...]) -> str:
    return "; ".join(
        words.MOVER.format(label=one.label, amount=signed(one.amount)) for one in details
    )
