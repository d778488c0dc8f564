"""A unit's quantities beside what it was charged: unit costs by month, and why they changed.

A quantity of the unit stands beside the unit's whole cost; one of a cost center beside that cost center's.
Where several cost centers have one and the unit itself has none, they also stand together: the sum of their
cost by the sum of their quantities, never an average of their unit costs, and what the others are charged is
told apart. In a month for which the unit that counts elsewhere has no quantity of its own, those of its cost
centers are the unit's, as `params.metrics.owned_counts` has it.

A cost center that counts no more because it is not the unit's any more, or because the unit counts now, has
ended: its line is kept for the sums of its months, and is not shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from chargeback.books.counted import Counted
from chargeback.ledger.unit_costs import DIRECT, LOADED, Produced, effects, unit_cost_of
from chargeback.pages.charts import PERIODS_SHOWN
from chargeback.statements.extract.charges import Row
from chargeback.statements.extract.grouped import Grouped
from chargeback.statements.extract.unit_rows import UnitRows, cost_center_name, rows_of_kind, sum_of
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import ZERO
from chargeback.statements.unit_cost_model import TOGETHER, WHOLE_UNIT, UnitCost, UnitCostMonth

#: The quantities of a line, by period and then by cost center; blank for the unit itself.
Quantities = dict[str, dict[str, Counted]]


def unit_costs(inputs: StatementInputs, mine: UnitRows, grouped: Grouped) -> tuple[UnitCost, ...]:
    """The unit's unit costs, by metric, the unit itself first; none where it has no quantity."""
    own = grouped.metrics.get(mine.unit_id, [])
    if not own:
        return ()
    periods = [*sorted(one for one in inputs.history if one < inputs.billing_period)]
    periods = [*periods, inputs.billing_period][-PERIODS_SHOWN:]
    past = grouped.past.get(mine.unit_id, {})
    rows = {one: past.get(one, []) for one in periods[:-1]} | {periods[-1]: mine.rows}
    found = []
    centers = set(grouped.centers.get(mine.unit_id, ()))
    for metric, line, counted in lines_of(own):
        known = [one for one in periods if one in counted]
        if known:
            months = periods[periods.index(known[0]) :]
            one = unit_cost_line(inputs, metric, line, counted, months, rows)
            found.append(replace(one, ended=has_ended(one, counted, centers, own)))
    return tuple(with_own_titles(found))


def lines_of(own: Sequence[Counted]) -> list[tuple[str, str, Quantities]]:
    """The lines of a unit: metric, what it is of, and its quantities."""
    by_metric: dict[str, dict[str, Quantities]] = {}
    for one in own:
        lines = by_metric.setdefault(one.count.metric, {})
        line = lines.setdefault(one.count.cost_center_id or WHOLE_UNIT, {})
        line.setdefault(one.count.billing_period, {})[one.count.cost_center_id] = one
    found = []
    for metric, lines in sorted(by_metric.items()):
        if WHOLE_UNIT in lines:
            lines[WHOLE_UNIT] = together(lines.values()) | lines[WHOLE_UNIT]
        elif len(lines) > 1:
            lines[TOGETHER] = together(lines.values())
        order = [one for one in (WHOLE_UNIT, TOGETHER) if one in lines]
        order += sorted(lines.keys() - {WHOLE_UNIT, TOGETHER})
        found += [(metric, one, lines[one]) for one in order]
    return found


def together(lines: Iterable[Quantities]) -> Quantities:
    """The quantities of several cost centers, by period."""
    found: Quantities = {}
    for line in lines:
        for period, counted in line.items():
            found.setdefault(period, {}).update(counted)
    return found


def has_ended(
    one: UnitCost, counted: Quantities, centers: Collection[str], own: Sequence[Counted]
) -> bool:
    """Whether a line counts no more, and will not: there is nobody left whose quantity could still come in.

    Args:
        centers: the unit's in the period.
        own: all quantities of the unit.
    """
    if one.now.quantity is not None:
        return False
    holders = {center for found in counted.values() for center in found}
    if holders.isdisjoint({WHOLE_UNIT, *centers}):
        return True
    return WHOLE_UNIT not in holders and any(
        (found.count.billing_period, found.count.metric, found.count.cost_center_id)
        == (one.now.billing_period, one.metric, WHOLE_UNIT)
        for found in own
    )


def unit_cost_line(
    inputs: StatementInputs,
    metric: str,
    line: str,
    counted: Quantities,
    months: Sequence[str],
    rows: Mapping[str, Sequence[Row]],
) -> UnitCost:
    """One line, from the first month with a quantity on.

    Args:
        rows: what the unit was charged, by period.
    """
    produced = {one: produced_in(rows[one], counted.get(one, {})) for one in months}
    latest = counted[max(counted)]
    name = next(iter(latest.values())).name
    before = inputs.previous_period or ""
    compares = not inputs.provisional and before in produced
    changes = [
        effects(produced[before], produced[months[-1]], basis, name.per)
        for basis in ((DIRECT, LOADED) if compares else ())
    ]
    found = tuple(one for one in changes if one is not None)
    now = counted.get(months[-1], {})
    title = name.name
    if line not in (WHOLE_UNIT, TOGETHER):
        title += f", {cost_center_name(inputs.params, line)}"
    return UnitCost(
        metric=metric,
        line=line,
        title=title,
        one=name.one,
        many=name.many,
        per=name.per,
        months=tuple(
            month_of(one, produced[one], counted.get(one, {}), name.per) for one in months
        ),
        effects=found,
        before=before if found else "",
        circular=tuple(sorted({pool for one in now.values() for pool in one.circular})),
        without=sum_of(rows[months[-1]]) - produced[months[-1]].loaded
        if now and WHOLE_UNIT not in now and line in (WHOLE_UNIT, TOGETHER)
        else ZERO,
        source=", ".join(dict.fromkeys(one.count.source for one in latest.values())),
        by_parts=bool(now) and line == WHOLE_UNIT and WHOLE_UNIT not in now,
    )


def produced_in(rows: Sequence[Row], counted: Mapping[str, Counted]) -> Produced:
    """What is charged in a month to whom its quantities are of; nothing where there are none."""
    if not counted:
        return Produced(ZERO, ZERO, None)
    mine = [one for one in rows if WHOLE_UNIT in counted or one["cost_center_id"] in counted]
    return Produced(
        sum_of(rows_of_kind(mine, DIRECT)),
        sum_of(mine),
        sum((one.count.quantity for one in counted.values()), Decimal(0)),
    )


def month_of(
    period: str, produced: Produced, counted: Mapping[str, Counted], per: int
) -> UnitCostMonth:
    """A month as it is shown."""
    is_replaced = any(one.closed for one in counted.values())
    closed = sum(((one.closed or one.count).quantity for one in counted.values()), Decimal(0))
    return UnitCostMonth(
        billing_period=period,
        quantity=produced.quantity,
        direct=produced.direct,
        loaded=produced.loaded,
        direct_of_one=unit_cost_of(produced, DIRECT, per),
        loaded_of_one=unit_cost_of(produced, LOADED, per),
        as_of=max((one.count.as_of for one in counted.values()), default=""),
        is_final=all(one.count.is_final for one in counted.values()),
        closed_with=closed if is_replaced and closed != produced.quantity else None,
        is_late=any(one.is_late for one in counted.values()),
    )


def with_own_titles(found: Sequence[UnitCost]) -> Iterator[UnitCost]:
    """Lines with titles of their own: where two are called the same, with metric and cost center."""
    times = Counter(one.title for one in found)
    for one in found:
        if times[one.title] > 1:
            one = replace(one, title=f"{one.title} ({one.metric}{one.line and f', {one.line}'})")
        yield one
