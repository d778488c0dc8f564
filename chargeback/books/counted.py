"""Counted: the quantities that unit costs are told by, as a close knows them.

In: the params of the period that is closed, and the evidence of the closed ones before it. Out: one `Counted`
for each period, metric and owner up to that period. A closed month keeps the quantities that it was closed
with; what was counted later for it replaces them by its later `as_of`, and is told as such. A quantity that
was edited without a later `as_of` replaces nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from chargeback.books.checked import Gone, checked_bytes, checked_manifest
from chargeback.books.manifest import recorded_files
from chargeback.core.books_folders import Books
from chargeback.params import Params
from chargeback.params.metrics import (
    COMPANY,
    FILE,
    Metric,
    MetricName,
    latest,
    metrics_of,
    named,
)
from chargeback.params.registers import read_register


@dataclass(frozen=True)
class Counted:
    """A quantity that holds.

    Args:
        closed: the quantity that its month was closed with, where this one replaces it.
        is_late: its month was closed without one.
        circular: the names of the pools that are split by the same quantity, of the period that is closed.
    """

    count: Metric
    name: MetricName
    closed: Metric | None = None
    is_late: bool = False
    circular: tuple[str, ...] = ()


def counted_metrics(books: Books, params: Params) -> tuple[Counted, ...]:
    """The quantities up to the period of some params, by period, metric and owner; none without metrics.

    Raises:
        Refusal: (exit 4) the evidence of a closed period is not what its manifest says.
    """
    kept: dict[str, dict[tuple[str, str, str, str], Metric] | None] = {
        period: kept_metrics(books, period)
        for period in books.closed_periods()
        if period < params.period
    }
    entered = [one for one in params.metrics if one.billing_period <= params.period]
    rows = [one for found in kept.values() if found for one in found.values()]
    found = []
    for key, count in sorted(latest([*rows, *entered]).items()):
        known = kept.get(count.billing_period)
        closed = known.get(key) if known is not None else None
        found.append(
            Counted(
                count,
                named(count.metric, params.metric_names),
                closed if closed != count else None,
                count.billing_period in kept and closed is None,
                circular_pools(params, count) if count.billing_period == params.period else (),
            )
        )
    return tuple(found)


def kept_metrics(books: Books, period: str) -> dict[tuple[str, str, str, str], Metric] | None:
    """The quantities of a closed period that it was closed with; None where its evidence is gone."""
    try:
        manifest = checked_manifest(books, period)
        names = ("cost_centers.csv", FILE)
        if f"evidence/params/{FILE}" not in recorded_files(manifest):
            return {}
        with tempfile.TemporaryDirectory(prefix="chargeback-") as temporary:
            folder = Path(temporary)
            for name in names:
                content = checked_bytes(books, period, f"evidence/params/{name}", manifest)
                (folder / name).write_bytes(content)
            centers, rows = (read_register(folder, name) for name in names)
    except Gone:
        return None
    own = (one for one in metrics_of(rows, centers) if one.billing_period == period)
    return latest(own)


def circular_pools(params: Params, count: Metric) -> tuple[str, ...]:
    """The pools whose driver is this quantity, by name or by number, and that its owner takes part in.

    The unit cost then holds cost that was split by the quantity itself.
    """
    own = own_centers(params, count)
    return tuple(
        pool.name
        for pool in params.pools
        if own & set(params.recipients(pool))
        and any(
            is_same_quantity(params, key.removeprefix("driver:"), count, own)
            for key in (pool.key, pool.fallback or "")
            if key.startswith("driver:")
        )
    )


def own_centers(params: Params, count: Metric) -> set[str]:
    """The cost centers whose cost a quantity is of."""
    if count.cost_center_id:
        return {count.cost_center_id}
    return {
        key
        for key, one in params.cost_centers.items()
        if count.business_unit_id in (COMPANY, one.business_unit_id)
    }


def is_same_quantity(params: Params, driver: str, count: Metric, own: Iterable[str]) -> bool:
    """Whether a driver has the metric's name, or measures the same of its owner."""
    if driver == count.metric:
        return True
    centers = set(own)
    measured = sum(
        one.quantity
        for one in params.drivers
        if one.driver == driver and one.cost_center_id in centers
    )
    return bool(count.quantity) and measured == count.quantity
