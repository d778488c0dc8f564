"""Two small months to compare: rollups written by hand, replayed into what a close would have kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from chargeback.books.schema import EXACT
from chargeback.ledger.derive import derive_postings
from chargeback.params import Params, read_params
from chargeback.statements.bridge import Bridge, Month, explain_change
from tests.params_folder import write_params
from tests.reports import ACCOUNT

APRIL, MAY = "2026-04", "2026-05"

ROLLUP = pa.schema(
    [("rollup_id", pa.int64())]
    + [(name, pa.string()) for name in (
        "invoice_id", "account_id", "currency", "line_item_type", "product_code", "operation",
        "usage_type",
    )]
    + [("has_resource", pa.bool_())]
    + [(f"cost_center_tag_{number}", pa.string()) for number in (1, 2, 3)]
    + [("ownership_rank", pa.int64()), ("is_split_view", pa.bool_()), ("line_items", pa.int64()),
       ("open_line_items", pa.int64()), ("is_marketplace", pa.bool_())]
    + [(name, EXACT) for name in (
        "usage_amount", "split_cost", "unblended_cost", "amortized_cost",
    )]
)  # fmt: skip

DEFAULTS: dict[str, Any] = {
    "invoice_id": "1", "account_id": ACCOUNT, "currency": "USD", "line_item_type": "Usage",
    "product_code": "AmazonEC2", "operation": "Run", "usage_type": "Box", "has_resource": True,
    "cost_center_tag_1": None, "cost_center_tag_2": None, "cost_center_tag_3": None,
    "ownership_rank": None, "is_split_view": False, "line_items": 1, "open_line_items": 0,
    "is_marketplace": False, "split_cost": Decimal(0),
}  # fmt: skip


def use(cost: str, quantity: str = "0", tag: str | None = None, **cells: Any) -> dict[str, Any]:
    """A row of a rollup: what it cost, how much was used, and whose tag it has; other cells by name."""
    money = {"unblended_cost": Decimal(cost), "amortized_cost": Decimal(cost)}
    known = {**DEFAULTS, **money, "usage_amount": Decimal(quantity), "cost_center_tag_1": tag}
    return {**known, **cells}


def small_params(period: str, **files: str) -> Params:
    """The params of a tiny folder as they hold in a period; keywords replace its files."""
    with tempfile.TemporaryDirectory() as folder:
        return read_params(write_params(Path(folder), **files), period)


def month(period: str, rows: Iterable[Mapping[str, Any]], params: Params) -> Month:
    """A period with the evidence that a close would keep of it."""
    numbered = [{**row, "rollup_id": number} for number, row in enumerate(rows, start=1)]
    rollup = pa.Table.from_pylist(numbered, schema=ROLLUP)
    here = {row["invoice_id"] for row in numbered}
    invoices = {key: one for key, one in params.invoices.items() if key in here}
    made = derive_postings(rollup, replace(params, period=period, invoices=invoices))
    return Month(period, made.postings, made.owned_costs, rollup, params)


def explained(
    before: Iterable[Mapping[str, Any]],
    now: Iterable[Mapping[str, Any]],
    params: Params,
    new_params: Params | None = None,
) -> dict[str, Bridge]:
    """The bridges from April's rows to May's, under the same params or under new ones in May."""
    after = new_params or params
    return explain_change(month(APRIL, before, params), month(MAY, now, after))


def parts(bridge: Bridge) -> dict[str, str]:
    """The parts of a bridge that are not nothing."""
    return {part.code: str(part.amount) for part in bridge.parts if part.amount}
