"""What one claim, or whatever the unit counts, cost month by month, and why it changed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.ledger.unit_costs import PLACES
from chargeback.pages.charts import unit_cost_chart
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
    signed,
)
from chargeback.pages.terms import FULLY_LOADED, RATE_EFFECT, UNIT_COST, VOLUME_EFFECT, Terms
from chargeback.statements import unit_cost_wording as said
from chargeback.statements import wording as words
from chargeback.statements.model import ZERO, Statement
from chargeback.statements.sections.cells import picture_of
from chargeback.statements.unit_cost_model import (
    LOADED,
    TOGETHER,
    Effects,
    UnitCost,
    UnitCostMonth,
)

#: Figures that are shown with their sign.
EFFECTS = ("volume", "rate", "cost_effect", "quantity_effect")


def unit_cost(statement: Statement) -> Section | None:
    """The section with its heading; None where the unit counts nothing, so that nothing is shown."""
    shown_lines = [one for one in statement.unit_costs if not one.ended]
    if not shown_lines:
        return None
    parts: list[Part] = []
    for one in shown_lines:
        parts += _line(statement, one)
    changed = any(one.effects for one in shown_lines)
    parts.append(
        Terms((UNIT_COST, FULLY_LOADED, *((VOLUME_EFFECT, RATE_EFFECT) if changed else ())))
    )
    notes = f"{said.SUMS} {said.NO_AVERAGES}" if changed else said.NO_AVERAGES
    parts.append(Paragraph(notes, "note"))
    return Section(parts, heading=words.UNIT_COST)


def title_of(one: UnitCost) -> str:
    """What a line is called, by which its tables are told apart."""
    return said.TOGETHER.format(title=one.title) if one.line == TOGETHER else one.title


def cost_title(one: UnitCost) -> str:
    """What heads the table of why the cost changed."""
    return said.COST_CHANGED.format(title=title_of(one))


def one_title(one: UnitCost) -> str:
    """What heads the table of why the unit cost changed."""
    return said.ONE_CHANGED.format(title=title_of(one), piece=one.piece)


def quantity_text(quantity: Decimal) -> str:
    """A quantity for a reader, without zeros that say nothing."""
    text = f"{quantity:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def figure(one: UnitCost, of: str, name: str) -> tuple[str, str]:
    """What a figure is called where it is read back; no id has a slash.

    Args:
        of: the period of a month, or the basis of a change.
    """
    return words.UNIT_COST_FIGURE, f"{one.metric}/{one.line}/{of}/{name}"


def _line(statement: Statement, one: UnitCost) -> list[Part]:
    return [
        *[Paragraph(text) for text in _now(statement, one)],
        *_chart(one),
        _months(one),
        *_changes(one),
        *[Paragraph(text, "warning") for text in _warnings(statement, one)],
        *[Paragraph(text, "note") for text in _notes(statement, one)],
    ]


def _now(statement: Statement, one: UnitCost) -> list[str]:
    """The unit cost of the period, and why it changed, in a sentence or two."""
    now = one.now
    if now.direct_of_one is None or now.loaded_of_one is None:
        return []
    text = said.NOW_IS.format(
        title=title_of(one),
        loaded=shown(now.loaded_of_one, PLACES),
        currency=statement.currency,
        piece=one.piece,
        period=period_title(now.billing_period),
        direct=shown(now.direct_of_one, PLACES),
    )
    loaded = one.effects_of(LOADED)
    if loaded:
        text += " " + said.CHANGED_BY.format(
            before=period_title(one.before),
            one_before=shown(loaded.one_before, PLACES),
            change=signed(loaded.after - loaded.before),
            volume=signed(loaded.volume),
            rate=signed(loaded.rate),
        )
    return [text]


def _chart(one: UnitCost) -> list[Part]:
    """The unit cost of each month; nothing where there is only one."""
    known = [month for month in one.months if month.loaded_of_one is not None]
    if len(known) < 2:
        return []
    says = "; ".join(
        said.SAYS.format(
            period=period_title(month.billing_period),
            loaded=_one_text(month.loaded_of_one),
            direct=_one_text(month.direct_of_one),
        )
        for month in known
    )
    picture = unit_cost_chart(
        [
            (
                month.billing_period,
                month.direct_of_one or ZERO,
                month.loaded_of_one or ZERO,
                _one_text(month.loaded_of_one),
            )
            for month in one.months
        ]
    )
    caption = said.DRAWN.format(title=title_of(one), piece=one.piece)
    return [picture_of(picture, says, caption)]


def _one_text(amount: Decimal | None) -> str:
    return "" if amount is None else shown(amount, PLACES)


def _months(one: UnitCost) -> Table:
    columns = [
        Column(title_of(one), 1),
        Column(said.QUANTITY),
        Column(words.DIRECT_COST, optional=True),
        Column(said.DIRECT_PER.format(piece=one.piece), optional=True),
        Column(said.LOADED_COST, optional=True),
        Column(said.LOADED_PER.format(piece=one.piece)),
    ]
    return Table(columns, [_month_row(one, month) for month in one.months])


def _month_row(one: UnitCost, month: UnitCostMonth) -> Row:
    label = Cell(period_title(month.billing_period), aside=", ".join(_about(month)))
    if month.quantity is None:
        return Row([label, *[Cell("")] * 4, Cell(said.NOT_IN_YET, muted=True)])
    keys = {name: figure(one, month.billing_period, name) for name in said.OF_MONTH}
    cells = [
        Cell(quantity_text(month.quantity), figure=keys["quantity"]),
        amount_cell(month.direct, keys["direct"]),
        _one_cell(month.direct_of_one, keys["direct_of_one"]),
        amount_cell(month.loaded, keys["loaded"]),
        _one_cell(month.loaded_of_one, keys["loaded_of_one"]),
    ]
    return Row([label, *cells])


def _one_cell(amount: Decimal | None, key: tuple[str, str]) -> Cell:
    if amount is None:
        return Cell(said.NOT_DIVIDED, muted=True)
    return Cell(shown(amount, PLACES), figure=key)


def _about(month: UnitCostMonth) -> list[str]:
    """What is said of a month's quantity: when it was counted, and whether it may change or did."""
    if month.quantity is None:
        return []
    found = [said.AS_OF.format(day=month.as_of)]
    if not month.is_final:
        found.append(said.MAY_CHANGE)
    if month.closed_with is not None:
        found.append(said.REPLACES.format(quantity=quantity_text(month.closed_with)))
    if month.is_late:
        found.append(said.CAME_LATE)
    return found


def _changes(one: UnitCost) -> list[Part]:
    """Why the cost, and the unit cost, changed; nothing where there is nothing to compare."""
    if not one.effects:
        return []
    before, after = period_title(one.before), period_title(one.now.billing_period)
    cost = [
        (before, "", "before"),
        (said.VOLUME, said.VOLUME_IS.format(many=one.many, before=before), "volume"),
        (said.RATE, said.RATE_IS.format(piece=one.piece), "rate"),
        (after, "", "after"),
    ]
    unit = [
        (before, "", "one_before"),
        (said.COST_EFFECT, said.COST_EFFECT_IS.format(many=one.many), "cost_effect"),
        (
            said.QUANTITY_EFFECT,
            said.QUANTITY_EFFECT_IS.format(many=one.many, before=before),
            "quantity_effect",
        ),
        (after, "", "one_after"),
    ]
    return [
        _change_table(one, cost_title(one), cost, 2),
        _change_table(one, one_title(one), unit, PLACES),
    ]


def _change_table(
    one: UnitCost, title: str, lines: Sequence[tuple[str, str, str]], places: int
) -> Table:
    rows = []
    for label, about, name in lines:
        cells = [_change_cell(one, effects, name, places) for effects in one.effects]
        role = TOTAL if name in ("after", "one_after") else "body"
        rows.append(Row([Cell(label, aside=about), *cells], role))
    return Table([Column(title, 1), Column(words.DIRECT_COST), Column(said.LOADED_COST)], rows)


def _change_cell(one: UnitCost, effects: Effects, name: str, places: int) -> Cell:
    amount: Decimal = getattr(effects, name)
    key = figure(one, effects.basis, name)
    if name not in EFFECTS:
        return Cell(shown(amount, places), figure=key)
    return part_cell(amount, key) if places == 2 else Cell(signed(amount, places), figure=key)


def _warnings(statement: Statement, one: UnitCost) -> list[str]:
    """What a reader must know before the figures are used."""
    period, title = period_title(statement.billing_period), title_of(one)
    found = []
    if one.now.quantity is None:
        last = next(month for month in reversed(one.months) if month.quantity is not None)
        found.append(
            said.LATE.format(
                title=title, period=period, last=period_title(last.billing_period), day=last.as_of
            )
        )
    elif not one.now.quantity:
        found.append(said.NONE.format(title=title, many=one.many, period=period))
    elif not one.now.is_final:
        found.append(said.PROVISIONAL.format(title=title, period=period, day=one.now.as_of))
    if one.by_parts:
        found.append(said.BY_PARTS.format(title=title, period=period, many=one.many))
    if one.circular:
        found.append(said.CIRCULAR.format(title=title, pools=", ".join(one.circular)))
    return found


def _notes(statement: Statement, one: UnitCost) -> list[str]:
    """What has no quantity, and who counted."""
    found = []
    if one.without:
        found.append(
            said.WITHOUT.format(
                amount=shown(one.without),
                period=period_title(statement.billing_period),
                many=one.many,
                title=title_of(one),
            )
        )
    if one.source:
        found.append(said.COUNTED_BY.format(title=title_of(one), source=one.source))
    return found
