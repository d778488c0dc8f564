"""What a close measures about itself, however it ends (chargeback/core/metrics.py)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from decimal import Decimal
from pathlib import PurePath
from typing import TypeVar

import pyarrow as pa

from chargeback.books.checked import Gone, checked_bytes, checked_manifest, checked_postings
from chargeback.books.manifest import recorded_files
from chargeback.books.work_folder import WorkFolder
from chargeback.core.books_folders import Books
from chargeback.core.errors import DONE
from chargeback.core.json_text import read_json
from chargeback.core.metrics import Metric, gauge, measured_run
from chargeback.core.sums import sums_by

Answer = TypeVar("Answer")


def measured(
    close: Callable[[WorkFolder, Callable[[str], None]], Answer],
) -> Callable[[WorkFolder, Callable[[str], None]], Answer]:
    """A close that leaves metrics, however it ends."""

    @functools.wraps(close)
    def measuring(work: WorkFolder, progress: Callable[[str], None]) -> Answer:
        def figures(_: float, outcome: int) -> list[Metric]:
            return close_metrics(work.books, work.period) if outcome == DONE else []

        with measured_run("close", work.period, work.books, progress, figures):
            return close(work, progress)

    return measuring


def close_metrics(books: Books, period: str) -> list[Metric]:
    """What a closed period says: its money, and what its evidence says about the run that closed it."""
    manifest, postings = checked_manifest(books, period), checked_postings(books, period)
    earlier = [one for one in books.closed_periods() if one < period]
    before = checked_postings(books, earlier[-1]) if earlier else None
    rounding = sum(
        (abs(Decimal(one["rounding"])) for one in manifest["invoices"].values()), Decimal(0)
    )
    return [
        gauge("close_line_items", "Line items of the delivery.", manifest["sources"]["line_items"],
              period=period),
        gauge("close_charged", "What all statements come to, in the currency of the policy.",
              Decimal(manifest["postings"]["charged"]), period=period),
        gauge("close_reconciliation_difference", "Invoices less rounded line items, signs aside.",
              rounding, period=period),
        *money_metrics(postings, before, period),
        *evidence_metrics(books, period),
    ]  # fmt: skip


def money_metrics(postings: pa.Table, before: pa.Table | None, period: str) -> list[Metric]:
    """Ratios of a ledger, and how each unit's total changed from the one before."""
    units = unit_totals(postings)
    was = unit_totals(before) if before is not None else {}
    whole = sum(units.values(), Decimal(0))
    found = []
    if whole:
        by_account = sums_by(postings, ["kind", "ledger_account"], "amount")
        untagged = by_account.get(("pooled", "pool:untagged"), Decimal(0))
        from_pools = sum(
            (amount for (kind, account), amount in by_account.items()
             if kind == "allocated" and account.startswith("cost-center:")), Decimal(0),
        )  # fmt: skip
        found = [
            gauge("close_untagged_ratio", "Cost that fell to the pool untagged, of all charged.",
                  untagged / whole, period=period),
            gauge("close_pool_ratio", "Cost allocated from pools, of all charged.",
                  from_pools / whole, period=period),
        ]  # fmt: skip
    return found + [
        gauge("close_unit_change_ratio", "A unit's total over that of the last closed period, less one.",
              amount / was[unit] - 1, period=period, business_unit=unit)
        for unit, amount in sorted(units.items())
        if was.get(unit)
    ]  # fmt: skip


def unit_totals(postings: pa.Table) -> dict[str, Decimal]:
    """What each business unit is charged."""
    sums = sums_by(postings, ["business_unit_id"], "amount")
    return {unit: total for (unit,), total in sums.items() if unit}


def evidence_metrics(books: Books, period: str) -> list[Metric]:
    """Seconds of each stage and bytes scanned, as the period's evidence has them; none where it is gone."""
    found = []
    for name in sorted(recorded_files(checked_manifest(books, period), "evidence/notebooks")):
        content = read_json(there(books, period, name))
        took = content.get("metadata", {}).get("papermill", {}).get("duration")
        if took is not None:
            found.append(gauge("close_stage_seconds", "How long a notebook of the close took.", took,
                               period=period, stage=PurePath(name).stem))  # fmt: skip
    scans = read_json(there(books, period, "evidence/run.json")).get("scans", [])
    scanned = sum(one["bytes_scanned"] for one in scans)
    return [
        *found,
        gauge(
            "close_scanned_bytes",
            "Bytes that Athena billed; 0 for a folder.",
            scanned,
            period=period,
        ),
    ]


def there(books: Books, period: str, name: str) -> bytes:
    """A file of the evidence as JSON, which says nothing where it is gone."""
    try:
        return checked_bytes(books, period, name)
    except Gone:
        return b"{}"
