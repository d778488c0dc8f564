"""What a close measures about itself, however it ends (chargeback/core/metrics.py)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import PurePath
from typing import TypeVar

import pyarrow as pa

from chargeback.books.checked import Gone, checked_bytes, checked_manifest, checked_postings
from chargeback.books.closed_period import time_closed
from chargeback.books.manifest import recorded_files
from chargeback.books.work_folder import WorkFolder
from chargeback.core.books_folders import Books
from chargeback.core.errors import DONE
from chargeback.core.json_text import read_json
from chargeback.core.metrics import Metric, count, gauge, measured_run
from chargeback.core.period import due_on, first_day, month_after
from chargeback.core.sums import sums_by

Answer = TypeVar("Answer")


def measured(
    close: Callable[[WorkFolder, Callable[[str], None]], Answer],
) -> Callable[[WorkFolder, Callable[[str], None]], Answer]:
    """A close that leaves metrics, however it ends."""

    @functools.wraps(close)
    def measuring(work: WorkFolder, progress: Callable[[str], None]) -> Answer:
        def figures(started: float, outcome: int) -> list[Metric]:
            if outcome != DONE:
                return []
            closed = time_closed(work.books, work.period)
            due_day = work.params.daily.close_due_day
            return [
                *timeliness(work.period, closed, due_day, datetime.fromtimestamp(started, UTC)),
                *close_metrics(work.books, work.period),
            ]

        with measured_run("close", work.period, work.books, progress, figures):
            return close(work, progress)

    return measuring


def timeliness(
    period: str, closed: datetime | None, due_day: int, started: datetime
) -> list[Metric]:
    """How long after its month a period was closed, and whether this run closed it after it was due.

    Args:
        closed: when it was; None when its evidence does not say, and then nothing is.
        started: when the run began: one that finds a period closed already closes nothing.
    """
    if closed is None:
        return []
    # The evidence has whole seconds.
    late = closed >= started.replace(microsecond=0) and closed.date() > due_on(period, due_day)
    days = (closed.date() - first_day(month_after(period))).days
    return [
        gauge("close_days", "Days from the end of the period to its close.", days, period=period),
        count("close_late_runs", "Runs that closed a period after it was due.", late),
    ]


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
    """Ratios of a ledger, what each unit is charged, and how that changed from the period before."""
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
    found += [
        gauge("close_unit_charged", "What a unit is charged, in the currency of the policy.", amount,
              period=period, business_unit=unit)
        for unit, amount in sorted(units.items())
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
    """Seconds of each stage, and what an engine scanned and Athena billed, as the evidence has them."""
    found = []
    for name in sorted(recorded_files(checked_manifest(books, period), "evidence/notebooks")):
        content = read_json(there(books, period, name))
        took = content.get("metadata", {}).get("papermill", {}).get("duration")
        if took is not None:
            found.append(gauge("close_stage_seconds", "How long a notebook of the close took.", took,
                               period=period, stage=PurePath(name).stem))  # fmt: skip
    scans = read_json(there(books, period, "evidence/run.json")).get("scans", [])
    scanned = sum(one["bytes_scanned"] for one in scans)
    spent = sum((Decimal(one["cost_usd"]) for one in scans), Decimal(0))
    return [
        *found,
        gauge("close_scanned_bytes", "Bytes that Athena or Trino scanned; 0 for a folder.", scanned,
              period=period),
        gauge("close_athena_cost", "What Athena bills for the close's queries, in USD; 0 for others.",
              spent, period=period),
    ]  # fmt: skip


def there(books: Books, period: str, name: str) -> bytes:
    """A file of the evidence as JSON, which says nothing where it is gone."""
    try:
        return checked_bytes(books, period, name)
    except Gone:
        return b"{}"
