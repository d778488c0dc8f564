"""Deliveries of other providers than AWS, as they write FOCUS: Azure Cost Management, Google Cloud, a SaaS.

Modelled on what is documented (docs/other-providers.md names where): the columns and their types, folders and
manifests. Amounts are the test's own.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.core.period import month_after

PERIOD = "2026-05"
SUBSCRIPTION = "64e355d7-997c-491d-b0c1-8414dccfcf42"
RUN = "0f8fad5b-d9cb-469f-a165-70867728950e"

Row = dict[str, Any]

#: Columns of Azure's FOCUS 1.0 export that a test looks at, with the types of its Parquet files.
AZURE: dict[str, pa.DataType] = {
    "AvailabilityZone": pa.string(), "BilledCost": pa.float64(), "BillingAccountId": pa.string(),
    "BillingAccountName": pa.string(), "BillingAccountType": pa.string(), "BillingCurrency": pa.string(),
    "BillingPeriodEnd": pa.timestamp("us"), "BillingPeriodStart": pa.timestamp("us"),
    "ChargeCategory": pa.string(), "ChargeClass": pa.string(), "ChargeDescription": pa.string(),
    "ChargeFrequency": pa.string(), "ChargePeriodEnd": pa.timestamp("us"),
    "ChargePeriodStart": pa.timestamp("us"), "CommitmentDiscountCategory": pa.string(),
    "CommitmentDiscountId": pa.string(), "CommitmentDiscountName": pa.string(),
    "CommitmentDiscountStatus": pa.string(), "CommitmentDiscountType": pa.string(),
    "ConsumedQuantity": pa.float64(), "ConsumedUnit": pa.string(), "ContractedCost": pa.float64(),
    "EffectiveCost": pa.float64(), "InvoiceIssuerName": pa.string(), "ListCost": pa.float64(),
    "PricingCategory": pa.string(), "PricingQuantity": pa.float64(), "PricingUnit": pa.string(),
    "ProviderName": pa.string(), "PublisherName": pa.string(), "RegionId": pa.string(),
    "RegionName": pa.string(), "ResourceId": pa.string(), "ResourceName": pa.string(),
    "ResourceType": pa.string(), "ServiceCategory": pa.string(), "ServiceName": pa.string(),
    "SkuId": pa.string(), "SkuPriceId": pa.string(), "SubAccountId": pa.string(),
    "SubAccountName": pa.string(), "SubAccountType": pa.string(), "Tags": pa.string(),
    "x_ResourceGroupName": pa.string(), "x_SkuMeterCategory": pa.string(),
}  # fmt: skip


def times(period: str) -> Row:
    """The billing period of a row, as a time in UTC without saying so."""
    start, end = (datetime.strptime(one, "%Y-%m") for one in (period, month_after(period)))
    return {
        "BillingPeriodStart": start, "BillingPeriodEnd": end, "ChargePeriodStart": start.replace(day=3),
        "ChargePeriodEnd": start.replace(day=4),
    }  # fmt: skip


def azure_row(cost: float, tags: Mapping[str, str] | None = None, **cells: Any) -> Row:
    """A charge of Azure: usage of virtual machines, unless its cells say otherwise."""
    group = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/claims"
    machine = f"{group}/providers/microsoft.compute/virtualmachines/vm-1"
    return {
        "BilledCost": cost, "EffectiveCost": cost, "ContractedCost": cost, "ListCost": cost,
        "BillingAccountId": "/providers/Microsoft.Billing/billingAccounts/1234567",
        "BillingAccountName": "Insurer", "BillingAccountType": "Billing Account",
        "BillingCurrency": "USD", "ChargeCategory": "Usage",
        "ChargeDescription": "D4s v5", "ChargeFrequency": "Usage-Based", "ConsumedQuantity": 24.0,
        "ConsumedUnit": "Hours", "InvoiceIssuerName": "Microsoft", "PricingCategory": "Standard",
        "PricingQuantity": 24.0, "PricingUnit": "1 Hour", "ProviderName": "Microsoft",
        "PublisherName": "Microsoft", "RegionId": "westeurope", "RegionName": "West Europe",
        "ResourceId": machine, "ResourceName": "vm-1", "ResourceType": "Virtual machine",
        "ServiceCategory": "Compute", "ServiceName": "Virtual Machines", "SkuId": "DZH318Z0BQPS",
        "SubAccountId": f"/subscriptions/{SUBSCRIPTION}", "SubAccountName": "claims-analytics",
        "SubAccountType": "Subscription", "Tags": json.dumps(dict(tags or {})), **times(PERIOD), **cells,
    }  # fmt: skip


def write_azure(
    folder: Path,
    parts: Sequence[Sequence[Row]],
    period: str = PERIOD,
    run: str = RUN,
    submitted: str = "2026-06-03T04:11:09.4521873Z",
    form: str = "parquet",
    **changed: Any,
) -> Path:
    """A run of an export of Azure Cost Management: part files, then its manifest, which is returned.

    Args:
        form: parquet, csv or csv.gz.
        changed: keys of the manifest that are others.
    """
    year, month = period.split("-")
    last = (datetime.strptime(month_after(period), "%Y-%m") - datetime(1970, 1, 2)).days
    end = datetime.fromtimestamp(last * 86400, UTC)
    span = f"{year}{month}01-{end:%Y%m%d}"
    beside = folder / "focus-daily" / span / run
    beside.mkdir(parents=True)
    blobs = []
    for number, rows in enumerate(parts, start=1):
        name = f"part_{number}_0001." + ("snappy.parquet" if form == "parquet" else form)
        if form == "parquet":
            write_parquet(beside / name, rows, AZURE)
        else:
            write_csv(beside / name, list(AZURE), rows)
        blobs.append({
            "blobName": f"cost/focus-daily/{span}/{run}/{name}", "byteCount": (beside / name).stat().st_size,
            "dataRowCount": len(rows),
        })  # fmt: skip
    manifest = {
        "manifestVersion": "2024-04-01", "byteCount": sum(one["byteCount"] for one in blobs),
        "blobCount": len(blobs), "dataRowCount": sum(one["dataRowCount"] for one in blobs),
        "exportConfig": {
            "exportName": "focus-daily", "resourceId": "/providers/Microsoft.Billing/billingAccounts/1234567",
            "dataVersion": "1.0", "apiVersion": "2023-07-01-preview", "type": "FocusCost",
            "timeFrame": "MonthToDate", "granularity": "Daily",
        },
        "deliveryConfig": {
            "partitionData": True, "dataOverwriteBehavior": "CreateNewReport", "fileFormat": form,
            "compressionMode": "snappy", "containerUri": "/subscriptions/…/containers/cost",
            "rootFolderPath": "cost",
        },
        "runInfo": {
            "executionType": "Scheduled", "submittedTime": submitted, "runId": run,
            "startDate": f"{period}-01T00:00:00", "endDate": f"{end:%Y-%m-%d}T00:00:00",
        },
        "blobs": blobs, **changed,
    }  # fmt: skip
    path = beside / "manifest.json"
    path.write_text(json.dumps(manifest, indent=2))
    return path


def write_parquet(path: Path, rows: Iterable[Row], types: Mapping[str, pa.DataType]) -> None:
    """Rows as a Parquet file; a column that a row does not name is null."""
    schema = pa.schema(list(types.items()))
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path, compression="snappy")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Rows as a CSV file, packed where its name says so."""
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\r\n")
    write.writerow(columns)
    for row in rows:
        write.writerow([cell_text(row.get(one)) for one in columns])
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.name.endswith(".gz") else data)


def cell_text(value: Any) -> str:
    """A cell as CSV files have it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    return "" if value is None else str(value)


#: Columns of a SaaS's FOCUS 1.2: those that the standard asks for, and InvoiceId.
SAAS = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency",
    "ChargePeriodEnd", "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit", "ContractedCost",
    "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost", "PricingCurrency", "PricingQuantity",
    "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName", "ServiceSubcategory",
    "SkuId", "SkuMeter", "SubAccountId", "SubAccountName", "Tags",
)  # fmt: skip


def saas_row(cost: float, tags: Mapping[str, str] | None = None, **cells: Any) -> Row:
    """A charge of a SaaS that sells observability, invoiced."""
    return {
        "BilledCost": cost, "EffectiveCost": cost, "ContractedCost": cost, "ListCost": cost,
        "BillingAccountId": "org-771", "BillingAccountName": "Insurer", "BillingCurrency": "USD",
        "ChargeCategory": "Usage", "ChargeDescription": "Infrastructure hosts", "ChargeFrequency": "Recurring",
        "ConsumedQuantity": 40.0, "ConsumedUnit": "Hosts", "InvoiceId": "OBS-2026-0517",
        "InvoiceIssuerName": "Observa Inc.", "PricingCurrency": "USD", "PricingQuantity": 40.0,
        "PricingUnit": "Hosts", "ProviderName": "Observa", "PublisherName": "Observa",
        "ServiceCategory": "Management and Governance", "ServiceName": "Infrastructure Monitoring",
        "ServiceSubcategory": "Observability", "SkuId": "infra-pro", "SkuMeter": "Hosts",
        "SubAccountId": "ws-claims", "SubAccountName": "Claims workspace",
        "Tags": json.dumps(dict(tags or {})), **times(PERIOD), **cells,
    }  # fmt: skip


def write_saas(
    folder: Path, rows: Sequence[Row], period: str = PERIOD, without: Sequence[str] = ()
) -> Path:
    """A month of a SaaS as one CSV file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"observa-focus-{period}.csv"
    write_csv(path, [one for one in SAAS if one not in without], rows)
    return path


TAG = pa.struct([
    ("key", pa.string()), ("value", pa.string()), ("x_type", pa.string()), ("x_inherited", pa.bool_()),
    ("x_namespace", pa.string()),
])  # fmt: skip

#: Columns of Google's FOCUS view, exported from BigQuery: costs are NUMERIC, tags a list, times have a zone.
GOOGLE: dict[str, pa.DataType] = {
    "BilledCost": pa.decimal128(38, 9), "BillingAccountId": pa.string(), "BillingCurrency": pa.string(),
    "BillingPeriodStart": pa.timestamp("us", "UTC"), "BillingPeriodEnd": pa.timestamp("us", "UTC"),
    "ChargeCategory": pa.string(), "ChargeClass": pa.string(), "ChargeDescription": pa.string(),
    "ChargePeriodStart": pa.timestamp("us", "UTC"), "ChargePeriodEnd": pa.timestamp("us", "UTC"),
    "CommitmentDiscountId": pa.string(), "ConsumedQuantity": pa.decimal128(38, 9), "ConsumedUnit": pa.string(),
    "ContractedCost": pa.decimal128(38, 9), "EffectiveCost": pa.decimal128(38, 9), "ProviderName": pa.string(),
    "PublisherName": pa.string(), "RegionId": pa.string(), "ResourceId": pa.string(),
    "ServiceCategory": pa.string(), "ServiceName": pa.string(), "SkuId": pa.string(),
    "SubAccountId": pa.string(), "SubAccountName": pa.string(), "Tags": pa.list_(TAG),
    "x_CostType": pa.string(), "x_ExportTime": pa.timestamp("us", "UTC"),
}  # fmt: skip


def google_row(cost: str, tags: Mapping[str, str] | None = None, **cells: Any) -> Row:
    """A charge of Google Cloud; its months begin at midnight in Los Angeles."""
    start, end = datetime(2026, 5, 1, 7, tzinfo=UTC), datetime(2026, 6, 1, 7, tzinfo=UTC)
    amount = Decimal(cost)
    return {
        "BilledCost": amount, "EffectiveCost": amount, "ContractedCost": amount,
        "BillingAccountId": "01A2B3-C4D5E6-F7A8B9", "BillingCurrency": "USD", "BillingPeriodStart": start,
        "BillingPeriodEnd": end, "ChargeCategory": "usage", "ChargeDescription": "Analysis",
        "ChargePeriodStart": start, "ChargePeriodEnd": end, "ConsumedQuantity": Decimal(5),
        "ConsumedUnit": "tebibyte", "ProviderName": "Google Cloud", "PublisherName": "Google Cloud",
        "RegionId": "us-east4", "ResourceId": "//bigquery.googleapis.com/projects/claims-lake/jobs/1",
        "ServiceCategory": "Analytics", "ServiceName": "BigQuery", "SkuId": "16B8-3DDA-9F10",
        "SubAccountId": "claims-lake", "SubAccountName": "Claims lake",
        "Tags": [{"key": key, "value": value, "x_type": "label", "x_inherited": False, "x_namespace": "n/a"}
                 for key, value in (tags or {}).items()],
        "x_CostType": "regular", **cells,
    }  # fmt: skip


def write_google(folder: Path, files: Sequence[Sequence[Row]], name: str = PERIOD) -> Path:
    """A month of Google's view as a folder of Parquet files, as an export of BigQuery names them."""
    own = folder / name
    own.mkdir(parents=True)
    for number, rows in enumerate(files):
        write_parquet(own / f"{number:012}.parquet", rows, GOOGLE)
    return own


def sources_toml(entries: Iterable[tuple[str, Path | str, str]], valid_from: str = PERIOD) -> str:
    """sources.toml with an entry for each provider: name, folder, layout."""
    return "".join(
        f'[[provider]]\nname = "{name}"\nfolder = "{folder}"\nformat = "focus"\nlayout = "{layout}"\n'
        f'valid_from = "{valid_from}"\n\n'
        for name, folder, layout in entries
    )
