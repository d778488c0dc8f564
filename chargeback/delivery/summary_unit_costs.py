"""Unit costs on the CFO's page: of each unit as its statement has them, of the company, and the proof of it.

Comes in: the data of the closed statements, and the quantities and totals of the company. Goes out: the
lines, the part of the page, and what of it is not what metrics and ledgers give when they are asked again.

The company's unit cost is all that is charged by the company's own quantity where metrics.csv has one (`*`).
Where several units have a quantity and the company has none, it is the sum of their costs by the sum of their
quantities, and what the other units are charged is told apart. It is never an average of the units' unit
costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from chargeback.books.checked import checked_postings
from chargeback.books.counted import Counted, counted_metrics
from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.core.text import beginning
from chargeback.delivery import summary_words as words
from chargeback.delivery.released import ClosedForDelivery
from chargeback.delivery.summary import Summary, UnitCostOf
from chargeback.delivery.summary_parts import Heading, Pair
from chargeback.ledger.produced import produced_by
from chargeback.ledger.unit_costs import PLACES, Produced, effects, unit_cost_of
from chargeback.pages.charts import half_unit_cost_chart
from chargeback.pages.parts import Cell, Chart, Column, Paragraph, Part, Row, Table, signed
from chargeback.params.metrics import COMPANY, owned_counts
from chargeback.statements.model import ZERO, PeriodAmount, Statement
from chargeback.statements.sections.unit_cost import quantity_text
from chargeback.statements.unit_cost_model import BASES, LOADED, UnitCost, UnitCostMonth

MOST_LINES = 8
#: The last columns, of what changed.
CHANGES = 4
#: So many letters a metric's names have on the page.
NAME_LETTERS = 60


def unit_costs_of(
    statements: Iterable[Statement], counted: Sequence[Counted], trend: Sequence[PeriodAmount]
) -> tuple[UnitCostOf, ...]:
    """The lines of the page: by metric, the dearest first; the company, where it has a line, before the units.

    Args:
        counted: the quantities that the period was closed with, of all owners.
        trend: what all units together were charged, by period, this one last.
    """
    units = [
        UnitCostOf(one.unit.business_unit_id, one.unit.name, first)
        for one in statements
        for first in first_lines(one.unit_costs)
    ]
    metrics = {one.found.metric for one in units}
    metrics |= {one.count.metric for one in counted if one.count.business_unit_id == COMPANY}
    groups = []
    for metric in sorted(metrics):
        own = [one for one in units if one.found.metric == metric]
        own.sort(key=lambda one: (-one.found.now.loaded, one.key))
        company = company_line(metric, [one.found for one in own], counted, trend)
        if company:
            own.insert(0, UnitCostOf(COMPANY, words.ALL_UNITS, company))
        own = [one for one in own if not one.found.ended]
        groups += [own] if own else []
    groups.sort(key=lambda own: -own[0].found.now.loaded)
    return tuple(one for own in groups for one in own)


def first_lines(found: Sequence[UnitCost]) -> list[UnitCost]:
    """Of each metric of a unit the first line: the unit itself, its cost centers together, or its only one."""
    return list({one.metric: one for one in reversed(found)}.values())


def company_line(
    metric: str,
    own: Sequence[UnitCost],
    counted: Sequence[Counted],
    trend: Sequence[PeriodAmount],
) -> UnitCost | None:
    """The company's line of a metric; None where one unit alone has it.

    In a month for which the company has a quantity of its own, all that is charged stands beside it; in another
    one the sums of the units that have one, as `params.metrics.owned_counts` has it.

    Args:
        own: the units' lines, also those that have ended.
    """
    shown_periods = {one.billing_period for one in trend}
    counts = {
        one.count.billing_period: one
        for one in counted
        if (one.count.metric, one.count.business_unit_id) == (metric, COMPANY)
        and one.count.billing_period in shown_periods
    }
    if not counts and len(own) < 2:
        return None
    latest = counts[max(counts)] if counts else None
    per = latest.name.per if latest else own[0].per
    produced: dict[str, Produced] = {}
    months = []
    for at in trend:
        count = counts.get(at.billing_period)
        of_units = [] if count else units_in(own, at.billing_period)
        if not count and not of_units and not produced:
            continue
        found = Produced(at.direct, at.amount, count.count.quantity) if count else sums_of(of_units)
        produced[at.billing_period] = found
        month = month_of(at.billing_period, found, per, count)
        if of_units:
            as_of = max(one.as_of for one in of_units)
            month = replace(month, as_of=as_of, is_final=all(one.is_final for one in of_units))
        months.append(month)
    if not months:
        return None
    return with_effects(described(metric, latest, own, months, trend[-1].amount, counts), produced)


def units_in(own: Iterable[UnitCost], period: str) -> list[UnitCostMonth]:
    """A month of the units that have a quantity in it."""
    return [
        month
        for one in own
        for month in one.months
        if month.billing_period == period and month.quantity is not None
    ]


def sums_of(found: Sequence[UnitCostMonth]) -> Produced:
    """Sums of cost and of quantities."""
    return Produced(
        sum((one.direct for one in found), ZERO),
        sum((one.loaded for one in found), ZERO),
        sum((one.quantity or Decimal(0) for one in found), Decimal(0)) if found else None,
    )


def described(
    metric: str,
    latest: Counted | None,
    own: Sequence[UnitCost],
    months: Sequence[UnitCostMonth],
    charged: Decimal,
    counts: Mapping[str, Counted],
) -> UnitCost:
    """The company's line without its effects.

    Args:
        latest: the company's own count that is the last one, where it has any.
        charged: all that is charged in the period.
    """
    now = months[-1]
    count = counts.get(now.billing_period)
    by_units = count is None and now.quantity is not None
    name = latest.name if latest else None
    return UnitCost(
        metric=metric,
        line=COMPANY,
        title=name.name if name else own[0].title,
        one=name.one if name else own[0].one,
        many=name.many if name else own[0].many,
        per=name.per if name else own[0].per,
        months=tuple(months),
        effects=(),
        before="",
        circular=count.circular
        if count
        else tuple(sorted({pool for one in own for pool in one.circular})),
        without=charged - now.loaded if by_units else ZERO,
        source=latest.count.source if latest else "",
        by_parts=by_units and latest is not None,
    )


def month_of(period: str, produced: Produced, per: int, counted: Counted | None) -> UnitCostMonth:
    """A month of the company."""
    direct, loaded = (unit_cost_of(produced, basis, per) for basis in BASES)
    return UnitCostMonth(
        billing_period=period,
        quantity=produced.quantity,
        direct=produced.direct,
        loaded=produced.loaded,
        direct_of_one=direct,
        loaded_of_one=loaded,
        as_of=counted.count.as_of if counted else "",
        is_final=counted.count.is_final if counted else True,
        closed_with=counted.closed.quantity if counted and counted.closed else None,
        is_late=counted.is_late if counted else False,
    )


def with_effects(line: UnitCost, produced: Mapping[str, Produced]) -> UnitCost:
    """The line with why it changed since the month before."""
    periods = sorted(produced)
    if len(periods) < 2:
        return line
    before, now = periods[-2:]
    found = [effects(produced[before], produced[now], basis, line.per) for basis in BASES]
    known = tuple(one for one in found if one is not None)
    return replace(line, effects=known, before=before if known else "")


def unit_costs(summary: Summary) -> list[Part]:
    """The table of all lines, what is to be known of them, and the first one month by month."""
    found = summary.unit_costs
    if not found:
        return []
    rows = [_row(one) for one in found[:MOST_LINES]]
    if len(found) > MOST_LINES:
        more = words.MORE.format(count=len(found) - MOST_LINES)
        rows.append(Row([Cell(more, muted=True), *[Cell("")] * 7]))
    columns = [
        Column(words.UNIT_COST_OF, 1),
        Column(words.QUANTITY, optional=True),
        Column(words.DIRECT_OF_ONE, optional=True),
        Column(words.LOADED_OF_ONE),
        Column(words.CHANGE),
        Column(words.COST_CHANGE, optional=True),
        Column(words.VOLUME, optional=True),
        Column(words.RATE, optional=True),
    ]
    if not any(one.found.effects_of(LOADED) for one in found):  # no earlier month to change from
        columns = columns[:-CHANGES]
        rows = [Row(row.cells[:-CHANGES], row.role) for row in rows]
    notes: list[Part] = [Paragraph(_notes(summary), "note")]
    chart = _chart(found[0])
    return [
        Heading(words.UNIT_COST),
        Table(columns, rows),
        *([Pair(notes, [chart])] if chart else notes),
    ]


def _row(one: UnitCostOf) -> Row:
    found, now = one.found, one.found.now
    about = beginning(words.PER.format(title=found.title, piece=found.piece), NAME_LETTERS)
    label = Cell(one.name, aside=about)
    role = "subtotal" if one.key == COMPANY else "body"
    if now.quantity is None or now.loaded_of_one is None or now.direct_of_one is None:
        said = words.NOT_IN_YET if now.quantity is None else words.NOT_DIVIDED
        return Row([label, *[Cell("")] * 2, Cell(said, muted=True), *[Cell("")] * CHANGES], role)
    loaded = found.effects_of(LOADED)
    changes = [Cell("")] * CHANGES
    if loaded:
        changes = [
            Cell(signed(loaded.one_after - loaded.one_before, PLACES), muted=True),
            Cell(signed(loaded.after - loaded.before)),
            Cell(signed(loaded.volume)),
            Cell(signed(loaded.rate)),
        ]
    return Row(
        [
            label,
            Cell(quantity_text(now.quantity)),
            Cell(shown(now.direct_of_one, PLACES)),
            Cell(shown(now.loaded_of_one, PLACES)),
            *changes,
        ],
        role,
    )


def _notes(summary: Summary) -> str:
    """What volume and rate are, and which lines are circular, provisional, late or without some cost."""
    period = period_title(summary.billing_period)
    said = [words.VOLUME_AND_RATE]
    lines = [
        (f"{one.name}, {beginning(one.found.title, NAME_LETTERS)}", one)
        for one in summary.unit_costs[:MOST_LINES]
    ]
    groups = [
        (words.CIRCULAR, [name for name, one in lines if one.found.circular]),
        (
            words.MAY_CHANGE,
            [name for name, one in lines if one.found.now.quantity and not one.found.now.is_final],
        ),
        (words.ARE_LATE, [name for name, one in lines if one.found.now.quantity is None]),
        (words.BY_PARTS, [name for name, one in lines if one.found.by_parts]),
    ]
    said += [
        text.format(names="; ".join(dict.fromkeys(names)), period=period)
        for text, names in groups
        if names
    ]
    said += [
        words.WITHOUT_COUNT.format(
            amount=shown(one.found.without), many=beginning(one.found.many, NAME_LETTERS), name=name
        )
        for name, one in lines
        if one.found.without
    ]
    return " ".join(said)


def _chart(one: UnitCostOf) -> Chart | None:
    """The first line month by month; None where only one month has a unit cost."""
    known = [month for month in one.found.months if month.loaded_of_one is not None]
    if len(known) < 2:
        return None
    drawn = half_unit_cost_chart(
        [
            (
                month.billing_period,
                month.direct_of_one or ZERO,
                month.loaded_of_one or ZERO,
                "" if month.loaded_of_one is None else shown(month.loaded_of_one, PLACES),
            )
            for month in one.found.months
        ]
    )
    says = ", ".join(
        f"{period_title(month.billing_period)} {shown(month.loaded_of_one or ZERO, PLACES)}"
        for month in known
    )
    caption = words.COST_PER.format(
        name=one.name,
        title=beginning(one.found.title, NAME_LETTERS),
        piece=beginning(one.found.piece, NAME_LETTERS),
    )
    return Chart(drawn, says, caption)


def unit_cost_differences(period: ClosedForDelivery, summary: Summary) -> Iterator[tuple[str, str]]:
    """Where a line is not what metrics and ledgers give: what differs, and what is shown instead."""
    counted = counted_metrics(period.books, period.params)
    closed = [one for one in period.books.closed_periods() if one < period.period][-1:]
    ledgers = {one: checked_postings(period.books, one) for one in closed}
    ledgers[period.period] = period.postings
    owners = {one.count.business_unit_id for one in counted}
    for one in summary.unit_costs:
        if one.key not in owners and one.key != COMPANY:
            yield f"unit cost of {one.key}: expected nothing", one.found.metric
    for one in summary.unit_costs:
        own = [found.count for found in counted if found.count.metric == one.found.metric]
        expected = {
            at: produced_by(
                rows, owned_counts([count for count in own if count.billing_period == at], one.key)
            )
            for at, rows in ledgers.items()
        }
        months = {month.billing_period: month for month in one.found.months}
        for at, produced in expected.items():
            month = months.get(at)
            found = (month.direct, month.loaded, month.quantity) if month else (ZERO, ZERO, None)
            wanted = (produced.direct, produced.loaded, produced.quantity)
            if found != wanted:
                yield (
                    f"unit cost of {one.key}, {one.found.metric} in {at}: expected {wanted}",
                    str(found),
                )
        if closed and closed[0] in months:
            pair = expected[closed[0]], expected[period.period]
            wanted_effects = [effects(*pair, basis, one.found.per) for basis in BASES]
            if [effect for effect in wanted_effects if effect] != [*one.found.effects]:
                yield f"effects of {one.key}, {one.found.metric}", str(one.found.effects)
