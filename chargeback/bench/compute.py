"""Compute: the part of a close from sources to ledger, whole and by its stages.

Each runs in a process of its own (chargeback/bench/__main__.py), so that its peak memory is its own. What
others do instead stands in chargeback/bench/instead.py.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from chargeback.bench.measuring import Measure, measure
from chargeback.core.books_folders import Books


def run_close(report: Path, params: Path, period: str) -> None:
    """The close's compute, sources to ledger, without notebooks and statements."""
    from chargeback.books.work_folder import WorkFolder
    from chargeback.close.stages import derive

    with tempfile.TemporaryDirectory(prefix="chargeback-") as work:
        derive(WorkFolder(period, report, params, Books(Path(work) / "books"), Path(work)))


def run_stages(report: Path, params: Path, period: str, place: Path, stages: Sequence[str]) -> None:
    """Some stages of the compute in order, after those before them in the same folder."""
    from chargeback.books.work_folder import WorkFolder
    from chargeback.close.stages import STAGE_FUNCTIONS

    for stage in stages:
        STAGE_FUNCTIONS[stage](WorkFolder(period, report, params, Books(place / "books"), place))


#: The parts of the compute that are measured apart: the two that read the report, and all that follow.
PARTS: dict[str, tuple[str, ...]] = {
    "sources": ("sources",),
    "rollup": ("rollup",),
    "the rest": ("attribution", "allocation", "ledger"),
}


def show_parts(reports: dict[int, Path], params: Path, period: str) -> None:
    """Seconds, CPU seconds and peak memory of each part, each in a process of its own, by line items."""
    print(
        f"the close's compute by stages{'line items':>11}{'seconds':>10}{'CPU s':>9}{'peak MB':>10}"
    )
    for size, report in sorted(reports.items()):
        with tempfile.TemporaryDirectory(prefix="chargeback-") as folder:
            for part in PARTS:
                found = measure(part, report, params, period, Path(folder))
                if not found:
                    break
                print_part(part, size, found[0])


def print_part(part: str, line_items: int, one: Measure) -> None:
    """A line of the table of parts."""
    print(
        f"  {part:<26}{line_items:>12,}{one['seconds']:>10.2f}{one['cpu']:>9.2f}{one['peak_mb']:>10,.0f}",
        flush=True,
    )
