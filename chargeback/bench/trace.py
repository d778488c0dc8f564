"""Trace: how long it takes to follow one line of a statement back to its line items."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from chargeback.bench.measuring import Measure, measure, ratio
from chargeback.core.books_folders import Books


def run_trace(report: Path, params: Path, period: str) -> None:
    """The largest direct line of a derived period followed back; prints the seconds of that alone."""
    from chargeback.books.tables import read_postings
    from chargeback.books.work_folder import WorkFolder
    from chargeback.close.stages import derive
    from chargeback.review.trace import Origin, line_items_behind

    with tempfile.TemporaryDirectory(prefix="chargeback-") as folder:
        place = Path(folder)
        work = WorkFolder(period, report, params, Books(place / "books"), place)
        derive(work)
        postings = read_postings(work.path("postings.parquet"))
        record, owned = work.source_record(), work.table("owned_costs")
        origin = Origin(period, work.params, record, owned, postings)
        direct = [row for row in postings.to_pylist() if row["kind"] == "direct" and row["rule"]]
        largest = max(direct, key=lambda row: row["amount"])
        started = time.monotonic()
        items = line_items_behind(origin, [largest], report)
        items.largest(20)
        took = time.monotonic() - started
        [(count, _)] = items.sums().values()
        print(json.dumps({"seconds": took, "line_items": count}))


def show_trace(report: Path, params: Path, period: str, close: Measure | None) -> None:
    """How long it takes to follow one line back, beside a close of the same report."""
    found = measure("trace", report, params, period)
    if found:
        print(f"trace: one line, {found[0]['line_items']:,.0f} line items behind it")
        seconds = close["seconds"] if close else None
        print(ratio("trace / close, time", found[0]["seconds"], seconds))
