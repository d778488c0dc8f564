"""FOCUS: an export in the FinOps Foundation's columns, read as a report of CUR 2.0.

In: the files of a FOCUS delivery, Parquet or CSV. Out: the table `focus_charges`, with the columns of FOCUS
that sql/sources/focus_report.sql reads, absent ones null. That file answers CUR 2.0's columns, so everything
after it reads one kind of report; docs/focus-in.md says what each column becomes, and what FOCUS lacks.

A version is told by its columns, or by the table of AWS that a manifest names: 1.0, or 1.2 (as which 1.1 is
read). What is newer, or a preview, is refused by name. FOCUS 1.0 names no invoice: there a charge is on the one
invoice of its issuer that invoices.csv has for the period, and where there are two, a close stops.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.books.source_record import (
    FOCUS_1_0,
    FOCUS_1_0_CSV,
    FOCUS_1_2,
    FOCUS_1_2_CSV,
    SourceRecord,
)
from chargeback.core.errors import unreachable
from chargeback.engine import json_map
from chargeback.params import Params
from chargeback.sources import flat_columns, provider_cells
from chargeback.sources.flat_columns import file_text, name_of, text

#: The table that sql/sources/focus_report.sql reads, and the file's place.
CHARGES, STAGE, REPORT_SQL = "focus_charges", "sources", "focus_report"

LAYOUTS = (FOCUS_1_0, FOCUS_1_0_CSV, FOCUS_1_2, FOCUS_1_2_CSV)
CSV_LAYOUTS = (FOCUS_1_0_CSV, FOCUS_1_2_CSV)
WITHOUT_INVOICES = (FOCUS_1_0, FOCUS_1_0_CSV)
INVOICE = "bill_invoice_id"

Need = tuple[str, str]

#: The columns of FOCUS that are read, with their types; x_ is AWS's own.
COLUMNS: dict[str, str] = {
    "BilledCost": "double",
    "BillingAccountId": "varchar",
    "BillingAccountName": "varchar",
    "BillingCurrency": "varchar",
    "ChargeCategory": "varchar",
    "ChargeClass": "varchar",
    "ChargeDescription": "varchar",
    "ChargeFrequency": "varchar",
    "ChargePeriodEnd": "timestamp",
    "ChargePeriodStart": "timestamp",
    "CommitmentDiscountCategory": "varchar",
    "CommitmentDiscountId": "varchar",
    "CommitmentDiscountStatus": "varchar",
    "CommitmentDiscountType": "varchar",
    "ConsumedQuantity": "double",
    "EffectiveCost": "double",
    "InvoiceId": "varchar",
    "InvoiceIssuerName": "varchar",
    "PricingQuantity": "double",
    "ProviderName": "varchar",
    "PublisherName": "varchar",
    "RegionId": "varchar",
    "ResourceId": "varchar",
    "ServiceName": "varchar",
    "SkuId": "varchar",
    "SkuMeter": "varchar",
    "SubAccountId": "varchar",
    "SubAccountName": "varchar",
    "Tags": "map(varchar, varchar)",
    "x_CostCategories": "map(varchar, varchar)",
    "x_Discounts": "map(varchar, double)",
    "x_Operation": "varchar",
    "x_ServiceCode": "varchar",
    "x_UsageType": "varchar",
}

#: What each column of CUR 2.0 is made of; it is there where one of these is.
MADE_OF: dict[str, tuple[str, ...]] = {
    "bill_billing_entity": ("PublisherName",),
    "bill_invoice_id": ("InvoiceId",),
    "bill_invoicing_entity": ("InvoiceIssuerName",),
    "bill_payer_account_id": ("BillingAccountId",),
    "bill_payer_account_name": ("BillingAccountName",),
    "cost_category": ("x_CostCategories",),
    "line_item_currency_code": ("BillingCurrency",),
    "line_item_line_item_description": ("ChargeDescription",),
    "line_item_line_item_type": ("ChargeCategory",),
    "line_item_operation": ("x_Operation",),
    "line_item_product_code": ("x_ServiceCode", "ServiceName"),
    "line_item_resource_id": ("ResourceId",),
    "line_item_unblended_cost": ("BilledCost",),
    "line_item_usage_account_id": ("SubAccountId", "BillingAccountId"),
    "line_item_usage_account_name": ("SubAccountName", "BillingAccountName"),
    "line_item_usage_amount": ("ConsumedQuantity", "PricingQuantity"),
    "line_item_usage_end_date": ("ChargePeriodEnd",),
    "line_item_usage_start_date": ("ChargePeriodStart",),
    "line_item_usage_type": ("x_UsageType", "SkuMeter"),
    "product": ("ServiceName",),
    "product_region_code": ("RegionId",),
    "reservation_effective_cost": ("EffectiveCost",),
    "reservation_reservation_a_r_n": ("CommitmentDiscountId",),
    "reservation_unused_amortized_upfront_fee_for_billing_period": ("EffectiveCost",),
    "reservation_unused_recurring_fee": ("EffectiveCost",),
    "resource_tags": ("Tags",),
    "savings_plan_savings_plan_a_r_n": ("CommitmentDiscountId",),
    "savings_plan_savings_plan_effective_cost": ("EffectiveCost",),
    "savings_plan_total_commitment_to_date": ("EffectiveCost",),
    "savings_plan_used_commitment": ("EffectiveCost",),
}

#: What FOCUS has no column for at all, in any version that is read.
NOWHERE = "AWS's FOCUS exports do not carry it: have CUR 2.0 delivered, or use another rule"

#: Columns that tell FOCUS from CUR 2.0, so many at least, and its versions from each other.
KNOWN_BY = frozenset(
    ("BilledCost", "BillingCurrency", "ChargeCategory", "EffectiveCost", "ServiceName")
)
KNOWN_BY_AT_LEAST = 2
SINCE_1_1 = frozenset((
    "BillingAccountType", "CapacityReservationId", "CommitmentDiscountQuantity", "InvoiceId", "PricingCurrency",
    "ServiceSubcategory", "SkuMeter", "SkuPriceDetails", "SubAccountType",
))  # fmt: skip
SINCE_1_3 = frozenset((
    "AllocatedMethodId", "AllocatedResourceId", "ContractApplied", "HostProviderName", "ServiceProviderName",
))  # fmt: skip

#: How AWS calls its table in the query that a manifest may repeat.
_TABLE = re.compile(r"FOCUS_[0-9]+_[0-9]+(?:_[A-Z]+)+")
TABLES = {"FOCUS_1_0_AWS": FOCUS_1_0, "FOCUS_1_2_AWS": FOCUS_1_2}


def is_focus(layout: str) -> bool:
    """Whether a layout is one of FOCUS."""
    return layout in LAYOUTS


def layout_of(
    content: Mapping[str, Any], paths: Sequence[str], folder: Path, manifest: Path | str
) -> str:
    """The layout of a delivery in FOCUS; blank where its columns are not those of FOCUS.

    Args:
        content: of its manifest.
        paths: its data files, relative to the folder of the export.

    Raises:
        Refusal: (exit 6) it is of a version that is not read.
    """
    headers = headers_told(content) or headers_read([folder / one for one in paths])
    if not is_told_by(headers):
        return ""
    said = {name: one for name, one in content.items() if name != "dataFiles"}
    named = sorted(set(_TABLE.findall(json.dumps(said))))
    version = version_of(headers, named, manifest)
    return f"{version}, CSV" if paths[0].endswith((".csv", ".csv.gz")) else version


def is_told_by(headers: Collection[str]) -> bool:
    """Whether columns are those of FOCUS."""
    return len(KNOWN_BY & set(headers)) >= KNOWN_BY_AT_LEAST


def require_no_focus(headers: Collection[str], file: str) -> None:
    """Stop where an engine is to read a file in FOCUS where it lies (exit 6)."""
    if is_told_by(headers):
        raise unreachable(
            "the export is in FOCUS, which Athena and Trino are not asked for", "CUR 2.0", "FOCUS's columns",
            [file],
            ["name its folder, or its address: CUR=s3://bucket/prefix, from which it is fetched",
             "or have CUR 2.0 delivered, and make the table over that"],
        )  # fmt: skip


def version_of(headers: Collection[str], tables: Sequence[str], manifest: Path | str) -> str:
    """The version by the table that a manifest names, else by the columns that there are.

    Raises:
        Refusal: (exit 6) it is none of those that are read.
    """
    newer = sorted(SINCE_1_3 & set(headers))
    unknown = [one for one in tables if one not in TABLES]
    if unknown or newer:
        found = (
            f"the table {unknown[0]}" if unknown else f"the column {newer[0]}, which came with 1.3"
        )
        raise unreachable(
            "the export is of a FOCUS version that is not read", "FOCUS 1.0 or 1.2", found, [str(manifest)],
            ["have AWS deliver FOCUS_1_2_AWS, or CUR 2.0"],
        )  # fmt: skip
    if tables:
        return TABLES[tables[0]]
    return FOCUS_1_2 if SINCE_1_1 & set(headers) else FOCUS_1_0


def headers_told(content: Mapping[str, Any]) -> list[str]:
    """The columns that a manifest lists; none where it lists none."""
    told = content.get("columns")
    if not isinstance(told, list):
        return []
    names = [one.get("name") if isinstance(one, dict) else one for one in told]
    return [one for one in names if isinstance(one, str)]


def headers_read(files: Iterable[Path]) -> list[str]:
    """The columns of the first file that can be read; none where none can."""
    for one in files:
        try:
            return headers_of(one)
        except (pa.ArrowException, OSError, EOFError, ValueError):
            continue
    return []


def headers_of(path: Path) -> list[str]:
    """The columns of a file, Parquet or CSV."""
    if path.name.endswith(".parquet"):
        return list(pq.read_schema(path).names)
    return flat_columns.csv_headers(path)


def names_in(headers: Iterable[str]) -> set[str]:
    """The columns of CUR 2.0 that a file of these columns gives."""
    there = set(headers)
    return {name for name, of in MADE_OF.items() if there & set(of)}


def answered(name: str) -> str:
    """A column of CUR 2.0 by what focus_report.sql answers; a map of products has the name alone."""
    if name == flat_columns.PRODUCT:
        return f"map([{text(flat_columns.PRODUCT_NAME)}], [{flat_columns.PRODUCT_NAME}])"
    return name if name in MADE_OF else "null"


def header_of(name: str, headers: Collection[str]) -> str:
    """The column that one of CUR 2.0 is first of all made of; blank where the file has none.

    >>> header_of("line_item_usage_account_id", ["BillingAccountId", "Tags"])
    'BillingAccountId'
    """
    return next((one for one in MADE_OF.get(name, ()) if one in headers), "")


def called(name: str) -> str:
    """A column of CUR 2.0 as a reader of FOCUS knows it."""
    return " or ".join(MADE_OF.get(name, (name,)))


def setting_of(name: str) -> str:
    """How an export in FOCUS is made to have what CUR 2.0 calls so."""
    if name not in MADE_OF:
        return NOWHERE
    if name == INVOICE:
        return "have FOCUS 1.2 or CUR 2.0 delivered: FOCUS 1.0 names no invoice"
    if name == "cost_category":
        return "FOCUS 1.2 has cost categories among its tags: name the key as it stands there"
    return f"select {called(name)} in the export's query"


def settings(record: SourceRecord) -> dict[str, str]:
    """How to have each column, where a delivery is in FOCUS; nothing for other layouts."""
    if not any(is_focus(one.layout) for one in record.parts()):
        return {}
    names = {name for part in record.parts() for name in part.absent_columns}
    return {name: setting_of(name) for name in names}


def invoice_by_issuer(params: Params) -> dict[str, str]:
    """The invoice of each issuer who sent exactly one; of none where one was left to a later period."""
    if params.deferrals:
        return {}
    sent: dict[str, list[str]] = defaultdict(list)
    for invoice_id, one in params.invoices.items():
        sent[one.issuer].append(invoice_id)
    return {issuer: ids[0] for issuer, ids in sent.items() if len(ids) == 1}


def invoices_told(needs: Iterable[Need], record: SourceRecord, params: Params) -> list[Need]:
    """What a close needs of a delivery, without the column of invoices where invoices.csv says it all.

    Raises:
        Refusal: (exit 6) an export in FOCUS 1.0, which has no such column, is of an issuer who sent several.
    """
    # Of other providers chargeback/sources/provider_cells.py finds the invoices.
    own = [one for one in record.parts() if not one.provider]
    lacking = [one for one in own if INVOICE in one.absent_columns]
    if not lacking or any(one.layout not in WITHOUT_INVOICES for one in lacking):
        return list(needs)
    of_others = {
        name for one in record.parts() if one.provider for name in (one.provider, *one.issuers)
    }
    several = {one.issuer for one in params.invoices.values()} - set(invoice_by_issuer(params))
    several -= of_others
    if several:
        issuer = sorted(several)[0]
        ids = sorted(id for id, one in params.invoices.items() if one.issuer == issuer)
        ids += [f"{one.invoice_id} (deferred)" for one in params.deferrals]
        raise unreachable(
            "FOCUS 1.0 does not say which invoice a charge is on",
            f"one invoice of {issuer} for {params.period}", f"{len(ids)}: {', '.join(ids)}",
            [one.manifest.path for one in lacking] + ["invoices.csv"],
            ["have AWS deliver FOCUS_1_2_AWS, which has InvoiceId, or CUR 2.0",
             "nothing was divided: amounts do not tell which invoice a charge is on"],
        )  # fmt: skip
    return [one for one in needs if one[0] != INVOICE]


def charges_select(
    report: Path,
    record: SourceRecord,
    params: Params | None,
    placed: bool = False,
) -> str:
    """The files of one export in FOCUS as the table `focus_charges`, in DuckDB's SQL.

    Args:
        params: of the period, whose invoices count for a version that names none; without them it has none.
        placed: with source_file and source_row, which is null for CSV.
    """
    files = [report / one.path for one in record.files]
    is_csv = record.layout in CSV_LAYOUTS
    cells, source = csv_source(files) if is_csv else parquet_source(files)
    values = {name: cells.get(name, "null") for name in COLUMNS}
    if record.layout in WITHOUT_INVOICES and values["InvoiceId"] == "null" and params:
        values["InvoiceId"] = invoice_cell(values["InvoiceIssuerName"], params)
    if record.provider:
        invoices = params.invoices if params else {}
        values = provider_cells.provider_values(values, cells, files, record, invoices)
    chosen = [f"cast({values[name]} as {kind}) as {name.lower()}" for name, kind in COLUMNS.items()]
    if placed:
        row = "cast(null as bigint)" if is_csv else "file_row_number + 1"
        chosen += [f"{flat_columns.delivered_name(files)} as source_file", f"{row} as source_row"]
        chosen.append("cast(null as varchar) as identity_line_item_id")
    return (
        f"select {text(record.billing_period)} as billing_period, {', '.join(chosen)} from {source}"
    )


def invoice_cell(issuer: str, params: Params) -> str:
    """The invoice of a charge, by who issued it; of one that names nobody, the only one that there is."""
    known = invoice_by_issuer(params)
    whens = " ".join(f"when {text(name)} then {text(one)}" for name, one in sorted(known.items()))
    if not whens:
        return "null"
    only = text(next(iter(params.invoices))) if len(params.invoices) == 1 else "null"
    return f"case coalesce({issuer}, '') {whens} when '' then {only} end"


def parquet_source(files: Sequence[Path]) -> tuple[dict[str, str], str]:
    """The cells of Parquet files by their columns, and where they are read from; a map may be JSON."""
    cells: dict[str, str] = {}
    for one in files:
        for field in pq.read_schema(one):
            name = name_of(field.name)
            is_json = COLUMNS.get(field.name, "").startswith("map") and not pa.types.is_map(
                field.type
            )
            cells[field.name] = json_cell(name, "filename", field.name) if is_json else name
    listed = ", ".join(map(file_text, files))
    more = (
        "union_by_name = true, hive_partitioning = false, filename = true, file_row_number = true"
    )
    return cells, f"read_parquet([{listed}], {more})"


def csv_source(files: Sequence[Path]) -> tuple[dict[str, str], str]:
    """The cells of CSV files by their columns, and where they are read from; blank, or NULL, is null.

    Raises:
        Refusal: (exit 6) two files have different columns, which are read by place.
    """
    headers = flat_columns.csv_headers(files[0])
    for one in files[1:]:
        found = flat_columns.csv_headers(one)
        if found != headers:
            raise unreachable(
                "two files of a delivery have different columns", "the same header in each",
                f"{len(headers)} and {len(found)} columns, or another order", [str(files[0]), str(one)],
                ["they are of different deliveries: fetch the period again as a whole"],
            )  # fmt: skip
    cells, name = {}, flat_columns.delivered_name(files)
    for number, header in enumerate(headers):
        cell = f"nullif(nullif(column_{number}, ''), 'NULL')"
        is_map = COLUMNS.get(header, "").startswith("map")
        cells[header] = json_cell(cell, name, header) if is_map else cell
    types = ", ".join(f"'column_{number}': 'varchar'" for number in range(len(headers)))
    listed = ", ".join(file_text(flat_columns.unzipped(one)) for one in files)
    return cells, (
        f"read_csv([{listed}], auto_detect = false, header = true, delim = ',', quote = '\"', "
        f"escape = '\"', columns = {{{types}}}, filename = true)"
    )


def json_cell(cell: str, file: str, header: str) -> str:
    """A map that is written as JSON, blank where there is none; Azure's older exports leave its braces out."""
    bare = f"ltrim({cell}) like '\"%'"
    return json_map(f"if({bare}, '{{' || {cell} || '}}', {cell})", file, text(header))
