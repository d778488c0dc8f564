"""Unit costs of finished pages, and the quantities that they are to be of, as tables for a control.

In: the bytes of all pages and of their data, and what they were gathered from. Out: what each file shows of a
metric's months, and the counts that are a scope's. The control sums the ledger's rows for them by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa

from chargeback.core.money import read_decimal
from chargeback.dashboards.gather import Gathered
from chargeback.dashboards.gather_metrics import closed_in_detail, counts_of
from chargeback.dashboards.gather_rows import Own
from chargeback.dashboards.read_back import Read, SeenDashboard
from chargeback.dashboards.scope import Scope
from chargeback.ledger.unit_costs import PLACES
from chargeback.params.metrics import COMPANY, QUANTITY_PLACES, named

MONEY, EXACT = pa.decimal128(38, 2), pa.decimal128(38, max(PLACES, QUANTITY_PLACES))

_WHERE = [
    ("scope_kind", pa.string()),
    ("scope_id", pa.string()),
    ("medium", pa.string()),
    ("metric", pa.string()),
    ("billing_period", pa.string()),
]
#: The company's count has no unit here, and a unit's no cost center.
COUNTS = pa.schema(
    [*_WHERE, ("business_unit_id", pa.string()), ("cost_center_id", pa.string()), ("quantity", EXACT),
     ("per", pa.int32())]
)  # fmt: skip
#: What a file shows; null where it shows no number. The month before is that of the closed ones.
SHOWN = pa.schema(
    [*_WHERE, ("compared_period", pa.string()), ("quantity", EXACT), ("loaded", MONEY),
     ("loaded_of_one", EXACT), ("volume", MONEY), ("rate", MONEY)]
)  # fmt: skip

#: What the figures of a page, and the fields of its data, are called.
ALIKE = {one: one for one in ("quantity", "volume", "rate")}
ON_PAGE = {**ALIKE, "loaded": "loaded", "loaded-one": "loaded_of_one"}
IN_DATA = {**ALIKE, "cost": "loaded", "cost_of_one": "loaded_of_one"}

#: The parts of a figure of a metric: that it is one, its id, the month, and what of it.
FIGURE_PARTS = 4

#: A metric and a month, and what is shown of it.
Figures = dict[tuple[str, str], dict[str, Decimal | None]]


class UnitCosts:
    """What the control reads, gathered file by file.

    Args:
        found: what pages were gathered from.
    """

    def __init__(self, found: Gathered) -> None:
        self.found = found
        self.before = {
            now.period: then.period for then, now in pairwise(closed_in_detail(found.months))
        }
        self.counts: list[dict[str, object]] = []
        self.shown: list[dict[str, object]] = []

    def add(self, scope: Scope, medium: str, read: Read) -> None:
        """What one file shows, and what is counted of its scope."""
        if self.found.counts:
            self.counts += counted_rows(self.found, scope, medium)
        for (metric, period), figures in sorted(figures_in(read).items()):
            where = (scope.kind, scope.id, medium, metric, period, self.before.get(period))
            values = [fitting(figures.get(one), SHOWN.field(one).type) for one in SHOWN.names[6:]]
            self.shown.append(dict(zip(SHOWN.names, (*where, *values), strict=True)))

    def tables(self) -> dict[str, pa.Table]:
        """By name; empty where nothing is counted and no page shows a unit cost."""
        return {
            "metric_counts": pa.Table.from_pylist(self.counts, schema=COUNTS),
            "dashboard_unit_costs": pa.Table.from_pylist(self.shown, schema=SHOWN),
        }


def counted_rows(found: Gathered, scope: Scope, medium: str) -> Iterator[dict[str, object]]:
    """The counts that are a scope's quantities, month by month."""
    own = Own(scope, found.months, ())
    for month in closed_in_detail(found.months):
        names = month.params.metric_names if month.params else {}
        for metric in sorted({one.metric for one in found.counts}):
            for one in counts_of(own, month, (one for one in found.counts if one.metric == metric)):
                unit = "" if one.business_unit_id == COMPANY else one.business_unit_id
                cells = (
                    scope.kind, scope.id, medium, metric, month.period, unit, one.cost_center_id,
                    one.quantity, named(metric, names).per,
                )  # fmt: skip
                yield dict(zip(COUNTS.names, cells, strict=True))


def figures_in(read: Read) -> Figures:
    """What one file shows of metrics; a file that cannot be read shows a month that nobody expects."""
    try:
        return page_figures(read) if isinstance(read, SeenDashboard) else data_figures(read)
    except (ValueError, LookupError, TypeError, ArithmeticError):
        return {("", ""): {}}


def page_figures(seen: SeenDashboard) -> Figures:
    """What a reader sees; of two that differ, none."""
    found: Figures = {}
    for one in seen.figures:
        if one.what[0] == "metric" and len(one.what) == FIGURE_PARTS and one.what[3] in ON_PAGE:
            figures = found.setdefault((one.what[1], one.what[2]), {})
            name = ON_PAGE[one.what[3]]
            figures[name] = one.value if figures.get(name, one.value) == one.value else None
    return found


def data_figures(found: Any) -> Figures:
    """What the page is made from."""
    if not isinstance(found, dict):
        raise TypeError("no data of a page")
    return {
        (one["metric"], one["billing_period"]): {
            name: None if one[field] is None else read_decimal(one[field])
            for field, name in IN_DATA.items()
        }
        for one in found.get("metric_costs", [])
        if one["quantity"] is not None
    }


def fitting(amount: Decimal | None, kind: pa.Decimal128Type) -> Decimal | None:
    """A number in the decimals of its column; None where it has more."""
    if amount is None or amount != round(amount, kind.scale):
        return None
    return amount
