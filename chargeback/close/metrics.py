"""What a close measures about itself (chargeback/core/metrics.py), however it ends."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from chargeback.books.manifest import MANIFEST, POSTINGS
from chargeback.books.tables import read_postings
from chargeback.books.work_folder import WorkFolder
from chargeback.core.errors import DONE, Refusal
from chargeback.core.metrics import UNFORESEEN, Metric, emit, gauge, run_metrics
from chargeback.core.places import Books

Answer = TypeVar("Answer")


def measured(
    close: Callable[[WorkFolder, Callable[[str], None]], Answer],
) -> Callable[[WorkFolder, Callable[[str], None]], Answer]:
    """A close that leaves metrics, however it ends."""

    @functools.wraps(close)
    def measuring(work: WorkFolder, progress: Callable[[str], None]) -> Answer:
        started, outcome = time.time(), UNFORESEEN
        try:
            answer = close(work, progress)
            outcome = DONE
            return answer
        except Refusal as refusal:
            outcome = refusal.exit_code
            raise
        finally:
            found = run_metrics("close", started, outcome, work.period)
            try:
                found += close_metrics(work.books, work.period) if outcome == DONE else []
            except Exception as error:
                progress(
                    f"metrics of the ledger were not measured: {type(error).__name__}: {error}"
                )
            emit(found, work.books, "close", progress)

    return measuring


def close_metrics(books: Books, period: str) -> list[Metric]:
    """What a closed period says: its money, and what its evidence says about the run that closed it."""
    manifest = json.loads((books.ledger(period) / MANIFEST).read_bytes())
    rows = read_postings(books.ledger(period) / POSTINGS).to_pylist()
    earlier = [one for one in books.closed_periods() if one < period]
    before = read_postings(books.ledger(earlier[-1]) / POSTINGS).to_pylist() if earlier else []
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
        *money_metrics(rows, before, period),
        *evidence_metrics(books, period),
    ]  # fmt: skip


def money_metrics(
    rows: list[dict[str, Any]], before: list[dict[str, Any]], period: str
) -> list[Metric]:
    """Ratios of a ledger, and how each unit's total changed from the one before."""
    units = unit_totals(rows)
    whole = sum(units.values(), Decimal(0))
    found = []
    if whole:
        pooled = sum((row["amount"] for row in rows if row["kind"] == "allocated" and row["cost_center_id"]),
                     Decimal(0))  # fmt: skip
        untagged = sum(
            (row["amount"] for row in rows
             if row["kind"] == "pooled" and row["ledger_account"] == "pool:untagged"), Decimal(0),
        )  # fmt: skip
        found = [
            gauge("close_untagged_ratio", "Cost that fell to the pool untagged, of all charged.",
                  untagged / whole, period=period),
            gauge("close_pool_ratio", "Cost allocated from pools, of all charged.", pooled / whole,
                  period=period),
        ]  # fmt: skip
    was = unit_totals(before)
    return found + [
        gauge("close_unit_change_ratio", "A unit's total over that of the last closed period, less one.",
              amount / was[unit] - 1, period=period, business_unit=unit)
        for unit, amount in sorted(units.items())
        if was.get(unit)
    ]  # fmt: skip


def unit_totals(rows: list[dict[str, Any]]) -> dict[str, Decimal]:
    """What each business unit is charged."""
    totals: dict[str, Decimal] = {}
    for row in rows:
        unit = row["business_unit_id"]
        if unit:
            totals[unit] = totals.get(unit, Decimal(0)) + row["amount"]
    return totals


def evidence_metrics(books: Books, period: str) -> list[Metric]:
    """Seconds of each stage and bytes scanned, as the period's evidence has them; none where it is gone."""
    folder, found = books.evidence(period), []
    for path in sorted((folder / "notebooks").glob("*.ipynb")):
        content = json.loads(path.read_bytes())
        took = content.get("metadata", {}).get("papermill", {}).get("duration")
        if took is not None:
            found.append(gauge("close_stage_seconds", "How long a notebook of the close took.", took,
                               period=period, stage=path.stem))  # fmt: skip
    run = folder / "run.json"
    scans = json.loads(run.read_bytes()).get("scans", []) if run.is_file() else []
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
