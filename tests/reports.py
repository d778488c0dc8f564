"""A tiny Data Exports folder: data files and their manifest, with CUR 2.0 column names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

PERIOD = "2026-05"
ACCOUNT = "012345678901"  # begins with a zero on purpose
INVOICE = "900000001"

TYPES: dict[str, pa.DataType] = {
    "bill_billing_entity": pa.string(),
    "bill_invoice_id": pa.string(),
    "line_item_currency_code": pa.string(),
    "line_item_line_item_description": pa.string(),
    "line_item_line_item_type": pa.string(),
    "line_item_operation": pa.string(),
    "line_item_product_code": pa.string(),
    "line_item_resource_id": pa.string(),
    "line_item_unblended_cost": pa.float64(),
    "line_item_usage_account_id": pa.string(),
    "line_item_usage_type": pa.string(),
    "reservation_reservation_a_r_n": pa.string(),
    "resource_tags": pa.map_(pa.string(), pa.string()),
    "savings_plan_savings_plan_a_r_n": pa.string(),
}

#: Columns that a delivery has only when one of its line items names them.
MORE: dict[str, pa.DataType] = {
    "bill_invoicing_entity": pa.string(),
    "bill_payer_account_id": pa.string(),
    "bill_payer_account_name": pa.string(),
    "cost_category": pa.map_(pa.string(), pa.string()),
    "product": pa.map_(pa.string(), pa.string()),
    "line_item_net_unblended_cost": pa.float64(),
    "line_item_usage_account_name": pa.string(),
    "tags": pa.map_(pa.string(), pa.string()),
    "identity_line_item_id": pa.string(),
    "line_item_usage_amount": pa.float64(),
    "line_item_usage_end_date": pa.timestamp("us"),
    "line_item_usage_start_date": pa.timestamp("us"),
    "reservation_effective_cost": pa.float64(),
    "reservation_unused_amortized_upfront_fee_for_billing_period": pa.float64(),
    "reservation_unused_recurring_fee": pa.float64(),
    "savings_plan_savings_plan_effective_cost": pa.float64(),
    "savings_plan_total_commitment_to_date": pa.float64(),
    "savings_plan_used_commitment": pa.float64(),
    "split_line_item_split_cost": pa.float64(),
    "split_line_item_unused_cost": pa.float64(),
}

DEFAULTS: dict[str, Any] = {
    "bill_invoice_id": INVOICE,
    "line_item_currency_code": "USD",
    "line_item_line_item_description": "",
    "line_item_line_item_type": "Usage",
    "line_item_operation": "RunInstances",
    "line_item_product_code": "AmazonEC2",
    "line_item_resource_id": "i-1",
    "line_item_unblended_cost": 0.0,
    "line_item_usage_account_id": ACCOUNT,
    "line_item_usage_type": "BoxUsage",
    "resource_tags": {},
}


def line_item(cost: float, owner: str = "", **cells: Any) -> dict[str, Any]:
    """A line item; `owner` is the value of its cost center tag, other cells are columns by name."""
    tags = {"user_cost_center": owner} if owner else {}
    return {"line_item_unblended_cost": cost, "resource_tags": tags, **cells}


def write_report(
    folder: Path,
    *files: Sequence[Mapping[str, Any]],
    period: str = PERIOD,
    without: Iterable[str] = (),
) -> Path:
    """A report with one data file per list of line items; returns its folder.

    Args:
        without: columns that the delivery lacks.
    """
    data = folder / "data" / f"BILLING_PERIOD={period}"
    metadata = folder / "metadata" / f"BILLING_PERIOD={period}"
    data.mkdir(parents=True)
    metadata.mkdir(parents=True)
    names = []
    named = {name for items in files for item in items for name in item}
    if any(name.startswith("split_") for name in named):  # an export has both, or neither
        named |= {"split_line_item_split_cost", "split_line_item_unused_cost"}
    types = {**TYPES, **{name: kind for name, kind in MORE.items() if name in named}}
    for number, items in enumerate(files, start=1):
        rows = [{**DEFAULTS, **item} for item in items]
        columns = {
            name: pa.array(
                [
                    list((row.get(name) or {}).items()) if pa.types.is_map(kind) else row.get(name)
                    for row in rows
                ],
                kind,
            )
            for name, kind in types.items()
            if name not in set(without)
        }
        names.append(f"tiny-{number:05d}.snappy.parquet")
        pq.write_table(pa.table(columns), data / names[-1])
    prefix = f"s3://billing/exports/tiny/data/BILLING_PERIOD={period}/"
    write_manifest(folder, [prefix + name for name in names], period)
    return folder


def manifest_path(folder: Path, period: str = PERIOD) -> Path:
    """Where the manifest lies."""
    return folder / "metadata" / f"BILLING_PERIOD={period}" / "tiny-Manifest.json"


def write_manifest(folder: Path, files: list[str], period: str = PERIOD) -> None:
    """The manifest, naming these data files in this order."""
    content = {
        "executionId": "e-1", "exportName": "tiny", "billingPeriod": period, "dataFiles": files,
    }  # fmt: skip
    manifest_path(folder, period).write_text(json.dumps(content))


def data_files(folder: Path) -> list[Path]:
    """The data files, sorted."""
    return sorted(folder.glob("data/*/*.parquet"))
