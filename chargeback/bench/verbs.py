"""Verbs: the whole monthly-close as finance runs it, beside another checkout's where one is named."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from chargeback.bench.measuring import Measure, children_seconds, ratio
from chargeback.core.paths import PARAMS, ROOT, SAMPLE_CUR

PERIOD = "2026-05"
VERB_REPEATS = 3

#: The final months of the sample, for the verb on one month after the other.
SIX = ("2025-12", "2026-01", "2026-02", "2026-03", "2026-04", "2026-05")


def show_verbs(reports: dict[int, Path], close: Measure | None, before: Path | None) -> None:
    """The whole verb as finance runs it: start-up, notebooks, statements, signing, publishing.

    Args:
        reports: by their line items, the largest last.
        close: the compute alone on the largest; none where that was of another report.
        before: another checkout, set up, whose verb runs in turn with this one's.
    """
    checkouts = {"monthly-close": ROOT} | ({"monthly-close, before": before} if before else {})
    params = (
        before / "params" if before else PARAMS
    )  # an earlier version may not know a key of today's
    print(f"the whole verb{'':<22}{'line items':>12}{'seconds':>9}{'CPU s':>8}")
    largest = max(reports)
    for size, report in reports.items():
        runs: dict[str, list[tuple[float, float]]] = {name: [] for name in checkouts}
        for _ in range(VERB_REPEATS):
            for name, checkout in checkouts.items():
                runs[name].append(run_verb(checkout, report, [PERIOD], params))
        found = show_runs(runs, size)
        if size == largest and close:
            print(ratio("the verb / its compute, time", found["monthly-close"], close["seconds"]))
    runs = {name: [run_verb(one, SAMPLE_CUR, SIX, params)] for name, one in checkouts.items()}
    show_runs({f"{name}, six months": one for name, one in runs.items()}, len(SIX) * 250_000)


def show_runs(runs: dict[str, list[tuple[float, float]]], line_items: int) -> dict[str, float]:
    """A line for each checkout with its medians, and the ratio of the two; returns seconds by checkout."""
    seconds = {}
    for name, took in runs.items():
        seconds[name] = statistics.median(one for one, _ in took)
        cpu = statistics.median(one for _, one in took)
        print(f"  {name:<34}{line_items:>12,}{seconds[name]:>9.1f}{cpu:>8.1f}", flush=True)
    if len(seconds) > 1:
        now, then = seconds.values()
        print(ratio("now / before, time", now, then))
    return seconds


def run_verb(
    checkout: Path, report: Path, periods: Sequence[str], params: Path
) -> tuple[float, float]:
    """Seconds and CPU seconds of closing periods in order into empty books, by a checkout's own command."""
    python = checkout / ".venv" / "bin" / "python"
    with tempfile.TemporaryDirectory(prefix="chargeback-") as books:
        command = [str(python if python.is_file() else sys.executable), "-m", "chargeback"]
        command += ["monthly-close", f"{periods[0]}..{periods[-1]}", "--cur", str(report)]
        command += ["--params", str(params), "--books", books]
        used, started = children_seconds(), time.monotonic()
        subprocess.run(command, cwd=checkout, check=True, capture_output=True)
        return time.monotonic() - started, children_seconds() - used


def measure_verbs(
    before: Path | None, more: dict[int, Path] | None = None, close: Measure | None = None
) -> None:
    """The whole verb on the sample's May, on larger reports, and on its six final months."""
    from chargeback.sample import write_estate

    write_estate(SAMPLE_CUR, SIX, progress=lambda line: print(line, flush=True))
    show_verbs({250_000: SAMPLE_CUR, **(more or {})}, close, before)
