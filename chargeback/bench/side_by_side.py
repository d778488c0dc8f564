"""Side by side: statements of few and of many units, and the daily run, by this checkout and another in turn.

Each figure is the median of interleaved runs. CPU seconds divided by seconds are the processors that were used.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from chargeback.bench.measuring import children_seconds, ratio
from chargeback.core.paths import PARAMS, ROOT, SAMPLE_CUR

PERIOD = "2026-05"
UNITS = (8, 200)

#: A day and the one after it: the first reads the months that it looks back on, the next finds them kept.
DAYS = ("2026-06-14", "2026-06-15")
REPEATS = 3

Runs = dict[str, list[dict[str, float]]]


def checkouts(before: Path | None) -> dict[str, Path]:
    """The checkouts to compare, by their names in the table; this one is the first."""
    return {"now": ROOT} | ({"before": before} if before else {})


def python_of(checkout: Path) -> str:
    """The Python of a checkout's own environment, else this one."""
    own = checkout / ".venv" / "bin" / "python"
    return str(own if own.is_file() else sys.executable)


def write_sample() -> None:
    """The sample's reports of all its months."""
    from chargeback.sample import PERIODS, write_estate

    write_estate(SAMPLE_CUR, PERIODS, progress=lambda line: print(line, flush=True))


def params_of(before: Path | None) -> Path:
    """The params for both: an earlier version may not know a key of today's."""
    return before / "params" if before else PARAMS


def show_many_statements(before: Path | None) -> None:
    """Statements a minute of the sample's units, and of two hundred."""
    write_sample()
    job = Path(__file__).with_name("many_units.py")
    print(f"{'statements rendered':<30}{'a minute':>10}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}")
    for units in UNITS:
        runs: Runs = {name: [] for name in checkouts(before)}
        for _ in range(REPEATS if units == min(UNITS) else 1):
            for name, checkout in checkouts(before).items():
                command = [python_of(checkout), "-P", str(job), str(SAMPLE_CUR)]
                command += [str(params_of(before)), PERIOD, str(units)]
                done = subprocess.run(command, cwd=checkout, check=True, capture_output=True)
                runs[name].append(json.loads(done.stdout.splitlines()[-1]))
        for name, found in runs.items():
            seconds, cpu, peak = (
                statistics.median(one[key] for one in found)
                for key in ("seconds", "cpu_seconds", "peak_mb")
            )
            rate = 60 * units / seconds
            label = f"  {units} units, {name}"
            print(f"{label:<30}{rate:>10.1f}{seconds:>9.1f}{cpu:>8.1f}{peak:>9,.0f}", flush=True)
            print(ratio(f"processors used, {units} units, {name}", cpu, seconds))
        show_ratios(runs)


def show_daily(before: Path | None) -> None:
    """The daily run on a day without what an earlier one kept, and on the day after it."""
    write_sample()
    runs: dict[str, Runs] = {day: {name: [] for name in checkouts(before)} for day in DAYS}
    for _ in range(REPEATS):
        for name, checkout in checkouts(before).items():
            with tempfile.TemporaryDirectory(prefix="chargeback-") as books:
                for day in DAYS:
                    command = [python_of(checkout), "-I", "-m", "chargeback", "daily", day]
                    command += ["--cur", str(SAMPLE_CUR), "--params", str(params_of(before))]
                    used, started = children_seconds(), time.monotonic()
                    subprocess.run(
                        [*command, "--books", books], cwd=checkout, check=True, capture_output=True
                    )
                    took = time.monotonic() - started
                    runs[day][name].append(
                        {"seconds": took, "cpu_seconds": children_seconds() - used}
                    )
    print(f"{'the daily run':<40}{'seconds':>9}{'CPU s':>8}")
    for day, words in zip(DAYS, ("nothing is kept yet", "the day after"), strict=True):
        for name, found in runs[day].items():
            seconds, cpu = (
                statistics.median(one[key] for one in found) for key in ("seconds", "cpu_seconds")
            )
            label = f"  {day}, {words}, {name}"
            print(f"{label:<40}{seconds:>9.1f}{cpu:>8.1f}", flush=True)
        show_ratios(runs[day])


def show_ratios(runs: Runs) -> None:
    """Of two checkouts, how much less time and processor the first took."""
    if len(runs) < 2:
        return
    for key, words in (("seconds", "time"), ("cpu_seconds", "CPU seconds")):
        now, then = (statistics.median(one[key] for one in found) for found in runs.values())
        print(ratio(f"now / before, {words}", now, then))
