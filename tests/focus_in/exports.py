"""A tiny FOCUS export: charges, their files and the manifest, as Data Exports delivers them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.sample.focus_columns import SCHEMAS
from tests.reports import ACCOUNT, INVOICE, PERIOD, write_manifest

AWS = "Amazon Web Services, Inc."
PLAN = f"arn:aws:savingsplans::{ACCOUNT}:savingsplan/0a1b"
RESERVED = f"arn:aws:rds:us-east-1:{ACCOUNT}:reserved-instances/ri-1"

DEFAULTS: dict[str, Any] = {
    "BillingAccountId": ACCOUNT,
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargeDescription": "",
    "ChargeFrequency": "Usage-Based",
    "ChargePeriodEnd": datetime(2026, 5, 4, 1),
    "ChargePeriodStart": datetime(2026, 5, 4),
    "InvoiceId": INVOICE,
    "InvoiceIssuerName": AWS,
    "ProviderName": "AWS",
    "PublisherName": AWS,
    "ResourceId": "i-1",
    "ServiceName": "Amazon Elastic Compute Cloud",
    "SkuMeter": "BoxUsage",
    "SubAccountId": ACCOUNT,
    "x_Operation": "RunInstances",
    "x_ServiceCode": "AmazonEC2",
    "x_UsageType": "BoxUsage",
}


def charge(
    billed: float, effective: float | None = None, owner: str = "", **cells: Any
) -> dict[str, Any]:
    """A charge; `owner` is the value of its cost center tag, other cells are columns by name."""
    tags = {"user_cost_center": owner} if owner else {}
    own = billed if effective is None else effective
    return {"BilledCost": billed, "EffectiveCost": own, "Tags": tags, **cells}


def write_focus(
    folder: Path,
    *files: Sequence[Mapping[str, Any]],
    form: str = "focus-1.2",
    period: str = PERIOD,
    without: Sequence[str] = (),
    as_csv: bool = False,
    **manifest: Any,
) -> Path:
    """An export with one data file per list of charges; returns its folder.

    Args:
        without: columns that the export does not select.
        as_csv: CSV packed by GZIP instead of Parquet.
        manifest: further keys of the manifest.
    """
    data = folder / "data" / f"BILLING_PERIOD={period}"
    data.mkdir(parents=True)
    (folder / "metadata" / f"BILLING_PERIOD={period}").mkdir(parents=True)
    schema = pa.schema([one for one in SCHEMAS[form] if one.name not in without])
    names = []
    for number, charges in enumerate(files, start=1):
        rows = [{**DEFAULTS, **one} for one in charges]
        columns = [
            pa.array([cell_of(row.get(one.name), one.type) for row in rows], one.type)
            for one in schema
        ]
        names.append(f"tiny-{number:05d}" + (".csv.gz" if as_csv else ".snappy.parquet"))
        table = pa.table(columns, schema=schema)
        if as_csv:
            (data / names[-1]).write_bytes(gzip.compress(csv_of(table).encode()))
        else:
            pq.write_table(table, data / names[-1])
    prefix = f"s3://billing/exports/tiny/data/BILLING_PERIOD={period}/"
    write_manifest(folder, [prefix + name for name in names], period)
    if manifest:
        path = folder / "metadata" / f"BILLING_PERIOD={period}" / "tiny-Manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **manifest}))
    return folder


def cell_of(value: Any, kind: pa.DataType) -> Any:
    """A cell as Arrow takes it."""
    return list((value or {}).items()) if pa.types.is_map(kind) else value


def csv_of(table: pa.Table) -> str:
    """A table as CSV has it: maps as JSON, times in ISO with a Z, blank for null."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(table.column_names)
    for row in table.to_pylist():
        writer.writerow([text_of(one) for one in row.values()])
    return stream.getvalue()


def text_of(value: Any) -> str:
    """A cell as CSV has it."""
    if value is None:
        return ""
    if isinstance(value, list):
        return json.dumps(dict(value))
    return value.isoformat() + ".000Z" if isinstance(value, datetime) else str(value)
