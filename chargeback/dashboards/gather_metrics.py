"""What one piece of a metric costs a scope, month by month: the quantities of metrics.csv beside its own rows.

A closed month has the quantities that it was closed with, and what was counted later replaces them, as it
stands in the params of today. Of a scope that sees all, the company's own quantity counts, else the sum of
its units'.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from chargeback.books.counted import circular_pools
from chargeback.dashboards.gather_rows import ZERO, Own
from chargeback.dashboards.model import MetricCost
from chargeback.dashboards.months import KnownMonth, Months
from chargeback.dashboards.scope import ALL, COST_CENTER
from chargeback.ledger.produced import produced_by
from chargeback.ledger.unit_costs import DIRECT, LOADED, Produced, effects, unit_cost_of
from chargeback.params.metrics import (
    COMPANY,
    Metric,
    entered_metrics,
    latest,
    named,
    owned_counts,
)


def known_counts(months: Months, params_folder: Path) -> tuple[Metric, ...]:
    """The counts that hold of all months that are shown row by row.

    Raises:
        Refusal: (exit 2) the metrics.csv of today is malformed.
    """
    kept = [
        one
        for month in closed_in_detail(months)
        if month.params
        for one in latest(month.params.metrics).values()
        if one.billing_period == month.period
    ]
    return tuple(latest([*kept, *entered_metrics(params_folder)]).values())


def closed_in_detail(months: Months) -> list[KnownMonth]:
    """The closed months that are shown row by row."""
    return [one for one in months.detailed if one is not months.open]


def metric_costs_of(own: Own, counts: Sequence[Metric]) -> tuple[MetricCost, ...]:
    """The scope's unit costs by metric and month, from the first month with a quantity on."""
    found = []
    for metric in sorted({one.metric for one in counts}):
        before: Produced | None = None
        last: list[Metric] = []
        by_owner = False
        of_metric = [one for one in counts if one.metric == metric]
        for month in closed_in_detail(own.months):
            mine = counts_of(own, month, of_metric)
            if not mine and has_ended(own, month, last, of_metric):
                before = None
            elif mine or before is not None:
                produced = produced_by(own.table(month), mine)
                one = metric_cost(month, metric, mine, before, produced)
                is_own = any(is_owners(own, count) for count in mine)
                found.append(replace(one, by_parts=by_owner and bool(mine) and not is_own))
                before, last, by_owner = produced, mine or last, by_owner or is_own
    return tuple(found)


def is_owners(own: Own, count: Metric) -> bool:
    """Whether a count is the scope's own, and not one of its parts'."""
    if own.scope.kind == COST_CENTER:
        return True
    owner = COMPANY if own.scope.kind == ALL else own.scope.id
    return not count.cost_center_id and count.business_unit_id == owner


def has_ended(
    own: Own, month: KnownMonth, last: Iterable[Metric], counts: Iterable[Metric]
) -> bool:
    """Whether nobody's quantity could still come in for a month of a scope that has none.

    Those who counted last are the scope's no more, or their unit counts in their place.

    Args:
        last: the counts of the month before, of the scope.
        counts: all of the metric.
    """
    by_unit = {
        one.business_unit_id
        for one in counts
        if one.billing_period == month.period and not one.cost_center_id
    }
    return all(
        one.cost_center_id
        and (not own.covers(month, one.cost_center_id) or one.business_unit_id in by_unit)
        for one in last
    )


def counts_of(own: Own, month: KnownMonth, counts: Iterable[Metric]) -> list[Metric]:
    """The scope's counts of a month; of `own` only scope and months are looked at."""
    known = [one for one in counts if one.billing_period == month.period]
    if own.scope.kind == ALL:
        return owned_counts(known, COMPANY)
    if own.scope.kind == COST_CENTER:
        return [
            one
            for one in known
            if one.cost_center_id == own.scope.id and own.covers(month, own.scope.id)
        ]
    return owned_counts(known, own.scope.id)


def metric_cost(
    month: KnownMonth,
    metric: str,
    counts: Sequence[Metric],
    before: Produced | None,
    produced: Produced,
) -> MetricCost:
    """One month of a unit cost."""
    params = month.params
    name = named(metric, params.metric_names if params else {})
    change = effects(before, produced, LOADED, name.per) if before else None
    return MetricCost(
        billing_period=month.period,
        metric=metric,
        name=name.name,
        piece=name.one if name.per == 1 else f"{name.per:,} {name.many}",
        quantity=produced.quantity,
        direct=produced.direct if counts else ZERO,
        cost=produced.loaded if counts else ZERO,
        direct_of_one=unit_cost_of(produced, DIRECT, name.per),
        cost_of_one=unit_cost_of(produced, LOADED, name.per),
        volume=change.volume if change else None,
        rate=change.rate if change else None,
        as_of=max((one.as_of for one in counts), default=""),
        is_final=all(one.is_final for one in counts),
        is_circular=params is not None and any(circular_pools(params, one) for one in counts),
    )
