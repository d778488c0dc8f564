"""Export: a closed period as FOCUS files, of every version, tied out to the ledger and the invoices.

In: the postings of a closed period, after its files were compared with the manifest. Out: a folder for each
version with a Parquet file for each dataset, and `metadata.json`, which says who made it and of what.

What always holds: BilledCost sums to what the ledger charged, exactly, in all, by invoice and by line of the
ledger; otherwise nothing is left in the folder. The same books give the same rows.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.books.checked import checked_json, checked_manifest, checked_postings, checked_table
from chargeback.books.closed_period import kept_params, kept_restatements
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params
from chargeback.core.files import replace_folder
from chargeback.core.money import shown
from chargeback.core.period import check_period, period_title
from chargeback.core.progress import Progress, show_path
from chargeback.ledger.invoices import issuer_of
from chargeback.review.focus.charges import Charge, Line, charges_of, line_of
from chargeback.review.focus.columns import (
    BILLING_PERIOD,
    COST_AND_USAGE,
    DATASETS,
    INVOICE_DETAIL,
    VERSIONS,
    Details,
    Period,
    charge_row,
    period_rows,
    schema_of,
)
from chargeback.rollup.product_names import product_names

FILES = {
    COST_AND_USAGE: "cost_and_usage.parquet",
    INVOICE_DETAIL: "invoice_detail.parquet",
    BILLING_PERIOD: "billing_period.parquet",
}
METADATA = "metadata.json"

#: The ledger account of what an invoice is owed.
PAYABLE = "payable:"

#: Rows that are held at once.
BATCH = 50_000
PARQUET: dict[str, Any] = {"compression": "zstd"}


@dataclass
class Totals:
    """What was written: rows, and amounts by line of the ledger and by invoice."""

    rows: int = 0
    by_line: dict[Line, Decimal] = field(default_factory=dict)
    by_invoice: dict[str, Decimal] = field(default_factory=dict)
    corrections: Decimal = Decimal(0)
    detailed: Decimal = Decimal(0)

    def add(self, charge: Charge) -> None:
        """Count a charge."""
        self.rows += 1
        line, invoice = line_of(charge.row), charge.row["invoice_id"] or ""
        self.by_line[line] = self.by_line.get(line, Decimal(0)) + charge.amount
        self.by_invoice[invoice] = self.by_invoice.get(invoice, Decimal(0)) + charge.amount
        if charge.row["original_period"]:
            self.corrections += charge.amount

    @property
    def total(self) -> Decimal:
        """All that was written."""
        return sum(self.by_invoice.values(), Decimal(0))


def export_focus(books: Books, period: str, to: Path | None, say: Progress) -> None:
    """Write a closed period as FOCUS files, and say what they hold.

    Args:
        to: the folder to write; by default in the books folder. What an earlier run left there is replaced.

    Raises:
        Refusal: (exit 2) the period is not closed, or something else lies at the place; (exit 4) a file of it
            is not what was closed, or the files would not sum to the ledger.
    """
    closed = books.closed_periods()
    if check_period(period) not in closed:
        raise bad_params(
            "this period is not closed",
            "one of " + ", ".join(closed) if closed else "a closed period", period, [books.place],
            ["name a closed period, or close it first: make monthly-close PERIOD=" + period],
        )  # fmt: skip
    place = to or books.focus(period)
    require_ours(place)
    rows = checked_postings(books, period).to_pylist()
    told = period_of(books, period, rows)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".focus-", dir=place.parent) as folder:
        made = Path(folder) / place.name
        made.mkdir()
        totals = write_versions(made, rows, told)
        require_ties(totals, rows, period)
        write_metadata(made, books, period, told)
        replace_folder(made, place)
    tell(place, totals, told, say)


def require_ours(place: Path) -> None:
    """Stop before anything is written over that no export made (exit 2)."""
    if place.exists() and not (place.is_dir() and (place / METADATA).is_file()):
        raise bad_params(
            "something else lies where the FOCUS files would go",
            f"nothing, or a folder of an earlier export, with {METADATA}", str(place), [str(place)],
            ["name another folder with TO="],
        )  # fmt: skip


def period_of(books: Books, period: str, rows: list[dict[str, Any]]) -> Period:
    """What every row of the period says alike."""
    issuers: dict[str, str] = {}
    for earlier in sorted({row["original_period"] for row in rows if row["original_period"]}):
        if earlier in books.closed_periods():
            params = kept_params(books, earlier)
            issuers |= {one: issuer_of(one, params) for one in params.invoices}
    for later in kept_restatements(books, period).values():
        issuers |= {one["invoice_id"]: one["issuer"] for one in later["invoices"]}
    closed_at = datetime.fromisoformat(checked_json(books, period, "run.json")["closed_at"])
    names = product_names([checked_table(books, period, "rollup.parquet")])
    return Period(period, kept_params(books, period), closed_at, names, issuers)


def write_versions(folder: Path, rows: list[dict[str, Any]], told: Period) -> Totals:
    """Write the datasets of all versions, and sum what was written."""
    totals, details = Totals(), Details(told)
    schemas = {version: schema_of(version, COST_AND_USAGE) for version in VERSIONS}
    writers = {}
    with contextlib.ExitStack() as stack:
        for version, schema in schemas.items():
            place = folder / version
            place.mkdir()
            path = place / FILES[COST_AND_USAGE]
            writers[version] = stack.enter_context(pq.ParquetWriter(path, schema, **PARQUET))
        for batch in batches(charges_of(rows)):
            written = [charge_row(one, told) for one in batch]
            for one, row in zip(batch, written, strict=True):
                totals.add(one)
                details.add(row)
            for version, schema in schemas.items():
                table = pa.Table.from_pylist(written, schema)
                writers[version].write_table(table)
    detailed = details.sorted_rows()
    issuers = {one["InvoiceIssuerName"] for one in detailed}
    more = {INVOICE_DETAIL: detailed, BILLING_PERIOD: period_rows(issuers, told)}
    for version, datasets in DATASETS.items():
        for dataset in datasets:
            if dataset in more:
                table = pa.Table.from_pylist(more[dataset], schema_of(version, dataset))
                pq.write_table(table, folder / version / FILES[dataset], **PARQUET)
    totals.detailed = sum((one["BilledCost"] for one in detailed), Decimal(0))
    return totals


def batches(charges: Iterable[Charge]) -> Iterator[list[Charge]]:
    """Charges in lists of at most `BATCH`."""
    rest = iter(charges)
    while batch := list(islice(rest, BATCH)):
        yield batch


def require_ties(totals: Totals, rows: Iterable[dict[str, Any]], period: str) -> None:
    """What was written is what the ledger charged, line by line, and what it owes on each invoice (exit 4)."""
    lines, owed = dict[Line, Decimal](), dict[str, Decimal]()
    for row in rows:
        invoice = row["invoice_id"] or ""
        if row["cost_center_id"]:
            lines[line_of(row)] = row["amount"]
        elif row["ledger_account"].startswith(PAYABLE):
            owed[invoice] = owed.get(invoice, Decimal(0)) - row["amount"]
    invoices = {one for one, amount in (owed | totals.by_invoice).items() if amount}
    wrong = [
        f"{entry} line {line}: {shown(lines.get((entry, line), Decimal(0)))} posted, {amount} written"
        for (entry, line), amount in totals.by_line.items()
        if lines.get((entry, line)) != amount
    ]
    wrong += [
        f"{entry} line {line}: not written" for entry, line in lines.keys() - totals.by_line.keys()
    ]
    wrong += [
        f"invoice {one}: {owed.get(one)} owed, {totals.by_invoice.get(one)} written"
        for one in sorted(invoices)
        if owed.get(one, 0) != totals.by_invoice.get(one, 0)
    ]
    if totals.detailed != totals.total:
        wrong.append(f"invoice detail: {totals.detailed} of {totals.total}")
    if wrong:
        raise Refusal(
            CONTROL_FAILED, f"the FOCUS files of {period} would not sum to the ledger",
            "each line and each invoice to the cent", f"{len(wrong)} that do not", where=wrong[:5],
            todo=["nothing was written; this is a fault of the program: report it with these lines"],
        )  # fmt: skip


def write_metadata(folder: Path, books: Books, period: str, told: Period) -> None:
    """Who made the files, of what, and which columns they have, in the form of FOCUS's metadata."""
    manifest = checked_manifest(books, period)
    schemas = [
        {
            "SchemaId": f"{version}/{dataset}",
            "FocusVersion": version,
            "CreationDate": told.closed_at.isoformat(),
            "ColumnDefinition": [
                {"ColumnName": one.name, "DataType": str(one.type)}
                for one in schema_of(version, dataset)
            ],
        }
        for version in VERSIONS
        for dataset in DATASETS[version]
    ]
    content = {
        "DataGenerator": {"DataGenerator": "Chargeback"},
        "BillingPeriod": period,
        "Postings": manifest["postings"],
        "Schema": schemas,
    }
    (folder / METADATA).write_text(
        json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )


def tell(place: Path, totals: Totals, told: Period, say: Progress) -> None:
    """What the files hold, and that it ties out."""
    say(f"{period_title(told.period)} as FOCUS {', '.join(VERSIONS)}, in {show_path(place)}")
    say(
        f"  {totals.rows:,} rows, BilledCost {shown(totals.total)}, as the ledger has it line by line"
    )
    for invoice, amount in sorted(totals.by_invoice.items()):
        say(f"  invoice {invoice:<14} {shown(amount):>18}  {told.issuer(invoice)}")
    if totals.corrections:
        say(f"  of it corrections {shown(totals.corrections):>15}  ChargeClass Correction")
