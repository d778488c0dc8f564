"""Measuring: a job in a process of its own, so that its peak memory is its own; medians, and ratios."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from chargeback.core.paths import ROOT

Measure = dict[str, float]

#: PR_SET_CHILD_SUBREAPER of prctl(2).
SET_CHILD_SUBREAPER = 36


#: How often a job is run at most, by line items: the more there are, the less a second here or there counts.
REPEATS = {10_000_000: 5, 30_000_000: 3}


def repeats_of(line_items: int) -> int:
    """How often jobs on so many line items are run, of which the median counts."""
    return next((often for most, often in REPEATS.items() if line_items <= most), 2)


def measure(
    job: str, report: Path, params: Path, period: str, place: Path | None = None
) -> list[Measure]:
    """What a job printed about itself in a process of its own; empty when it could not finish.

    Args:
        place: of a part of the compute: the folder in which the parts before have worked.
    """
    command = [sys.executable, "-m", "chargeback.bench", job, str(report), str(params), period]
    command += [str(place)] if place else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or f"ended with {done.returncode}").splitlines()
        reason = next((one for one in said if one.startswith("STOPPED")), said[-1])
        if "Refusal:" in done.stderr:
            reason = done.stderr.rpartition("Refusal:")[2].strip().splitlines()[0]
        print(f"  {job}: not measured: {reason}", flush=True)
        return []
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def measure_all(
    cases: dict[str, tuple[str, Path]], params: Path, period: str, repeats: int
) -> dict[str, Measure]:
    """Medians of each case's seconds and peak memory, the repeats interleaved."""
    runs: dict[str, list[Measure]] = {name: [] for name in cases}
    for number in range(repeats):
        for name, (job, report) in cases.items():
            if number and not runs[name]:
                continue  # could not finish the first time
            runs[name] += measure(job, report, params, period)
    return {
        name: {key: statistics.median(one[key] for one in found) for key in found[0]}
        for name, found in runs.items()
        if found
    }


def ratio(label: str, over: float | None, under: float | None) -> str:
    """A ratio as a line, or that it could not be taken."""
    return f"  {label:<58}" + (f"{over / under:8.2f}" if over and under else "  not measured")


def adopt_left() -> None:
    """Processes that a verb leaves behind, such as a server of kernels that is about to end, become children of
    this one, so that their time is counted too. Linux alone can; elsewhere they are not counted.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def wait_for_left() -> None:
    """Wait until all children of this process have ended."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def children_seconds() -> float:
    """CPU seconds of the processes that this one started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peak_mb(whose: int) -> float:
    """The most memory, in MB of a million bytes, that this process has held, or the largest that it started.

    Args:
        whose: RUSAGE_SELF or RUSAGE_CHILDREN of `resource`.
    """
    peak = resource.getrusage(whose).ru_maxrss  # KiB on Linux, bytes on macOS
    return peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)
