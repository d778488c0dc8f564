"""What the rollup notebook shows: the line items, summed, and whether the month may be closed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from chargeback.core.period import period_title
from chargeback.engine.control_view import control_lines
from chargeback.engine.controls import Outcome
from chargeback.pages.figures import Chart, bar, grouped
from chargeback.params import Params
from chargeback.rollup.redeliveries import Redelivery


def deciding_table(params: Params) -> pd.DataFrame:
    """What the params make line items be told apart by, with who approved it."""
    tags = [
        (f"cost_center_tag_{rank}", f"tag {key}", "policy.toml")
        for rank, key in enumerate(params.policy.cost_center_tags, start=1)
    ]
    rules = [
        (f"ownership_rank {rank}", rule.rule_id, f"{rule.approved}: {rule.reason}")
        for rank, rule in enumerate(params.ownership, start=1)
    ]
    return pd.DataFrame([*tags, *rules], columns=["column", "what it holds", "reference"])


def facts(rollup: pa.Table) -> str:
    """How far the rollup reduces the line items, and the cost of both bases."""
    line_items = sum(rollup["line_items"].to_pylist())
    return (
        f"{rollup.num_rows:,} rows for {line_items:,} line items\n"
        f"unblended cost {total(rollup, 'unblended_cost'):,f}\n"
        f"amortized cost {total(rollup, 'amortized_cost'):,f}"
    )


def type_facts(rollup: pa.Table) -> str:
    """Unblended cost by line item type."""
    sums = grouped(rollup, ["line_item_type"], "unblended_cost")
    return "\n".join(
        f"{row.line_item_type:<26}{row.unblended_cost:>24,f}"
        for row in sums.itertuples(index=False)
    )


def verdict_facts(outcomes: Sequence[Outcome], again: Sequence[Redelivery]) -> str:
    """The verdicts of the controls, and which closed periods were delivered again."""
    periods = ", ".join(one.period for one in again) or "none"
    return f"{control_lines(outcomes)}\nclosed periods that were delivered again: {periods}"


def total(rollup: pa.Table, amount: str) -> Decimal:
    """The exact sum of an amount."""
    return sum(rollup[amount].to_pylist(), Decimal(0))


def types_table(rollup: pa.Table) -> pd.DataFrame:
    """Cost by line item type: as billed, and with prepaid commitments spread over their use."""
    billed = grouped(rollup, ["line_item_type"], "unblended_cost")
    used = grouped(rollup, ["line_item_type"], "amortized_cost")
    return billed.merge(used, on="line_item_type")


def open_table(rollup: pa.Table) -> pd.DataFrame:
    """Line items that AWS has not put on an invoice yet, by account; empty when the month is final."""
    waiting = rollup.filter(pc.greater(rollup["open_line_items"], 0))
    return grouped(waiting, ["account_id"], "unblended_cost")


def figure(rollup: pa.Table, period: str, currency: str = "") -> Chart:
    """Unblended cost by line item type."""
    sums = grouped(rollup, ["line_item_type"], "unblended_cost")
    return bar(
        sums["line_item_type"].tolist(), sums["unblended_cost"].tolist(),
        f"Unblended cost by line item type, {period_title(period)}", currency,
    )  # fmt: skip
