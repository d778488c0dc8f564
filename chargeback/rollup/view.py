"""What the rollup notebook shows: the line items, summed."""

from __future__ import annotations

import pyarrow as pa

from chargeback.books.tables import sum_where
from chargeback.core.sums import sum_of
from chargeback.engine.control_view import control_lines
from chargeback.engine.controls import Outcome
from chargeback.pages.figures import Chart, bar, grouped


def facts(rollup: pa.Table, outcomes: list[Outcome]) -> str:
    """Rows, line items, cost and the verdicts."""
    line_items = sum_of(rollup, "line_items")
    cost = sum_where(rollup, "unblended_cost", "rollup_id")
    return (
        f"rollup rows {rollup.num_rows}, line items {line_items}, unblended cost {cost}\n"
        + control_lines(outcomes)
    )


def figure(rollup: pa.Table, currency: str = "") -> Chart:
    """Unblended cost by line item type."""
    sums = grouped(rollup, ["line_item_type"], "unblended_cost")
    return bar(
        sums["line_item_type"].tolist(), sums["unblended_cost"].tolist(),
        "Unblended cost by line item type", currency,
    )  # fmt: skip
