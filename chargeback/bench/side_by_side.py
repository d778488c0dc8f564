"""Side by side: statements of few and of many units, and the daily run, by this checkout and another in turn.

Each figure is the median of interleaved runs. CPU seconds divided by seconds are the processors that were used.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from chargeback.bench.measuring import adopt_left, children_seconds, ratio, wait_for_left
from chargeback.bench.verbs import SIX
from chargeback.core.paths import PARAMS, ROOT, SAMPLE_CUR

PERIOD = "2026-05"
UNITS = (8, 200)

#: A day and the one after it: the first reads the months that it looks back on, the next finds them kept.
DAYS = ("2026-06-14", "2026-06-15")
REPEATS = 3

#: What the parts of making statements are called together.
MADE = "made"

Runs = dict[str, list[dict[str, Any]]]


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
    """Statements of the sample's units, and of two hundred: rendered, signed and read back."""
    write_sample()
    job = Path(__file__).with_name("many_units.py")
    print(f"{'statements':<34}{'a minute':>10}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}")
    for units in UNITS:
        runs: dict[str, Runs] = {}
        for _ in range(REPEATS if units == min(UNITS) else 1):
            for name, checkout in checkouts(before).items():
                command = [python_of(checkout), "-P", str(job), str(SAMPLE_CUR)]
                command += [str(params_of(before)), PERIOD, str(units)]
                done = subprocess.run(command, cwd=checkout, check=True, capture_output=True)
                parts = [json.loads(line) for line in done.stdout.splitlines()]
                for one in [*parts, together(parts)]:
                    of_part = runs.setdefault(one["part"], {each: [] for each in checkouts(before)})
                    of_part[name].append(one)
        for part, found in runs.items():
            show_part(f"{units} units {part}", units, found)
        for name, found_of in runs[MADE].items():
            seconds, cpu = (median_of(found_of, key) for key in ("seconds", "cpu_seconds"))
            label = f"both cores: CPU seconds / seconds, {units} units, {name}"
            print(ratio(label, cpu, seconds), flush=True)
        show_ratios(runs[MADE])


def together(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """What all parts take, one after the other."""
    sums = {key: sum(one[key] for one in parts) for key in ("seconds", "cpu_seconds")}
    return {"part": MADE, **sums, "peak_mb": max(one["peak_mb"] for one in parts)}


def show_part(label: str, units: int, runs: Runs) -> None:
    """A line for each checkout."""
    for name, found in runs.items():
        seconds, cpu, peak = (
            median_of(found, key) for key in ("seconds", "cpu_seconds", "peak_mb")
        )
        print(
            f"  {label + ', ' + name:<32}{60 * units / seconds:>10.1f}{seconds:>9.1f}{cpu:>8.1f}{peak:>9,.0f}",
            flush=True,
        )


def median_of(found: list[dict[str, Any]], key: str) -> float:
    """The median of a figure."""
    return float(statistics.median(one[key] for one in found))


def show_daily(before: Path | None) -> None:
    """The daily run on a day without what an earlier one kept, and on the day after it: in empty books, and in
    books where the sample's six final months are closed, by the checkout that runs.
    """
    write_sample()
    adopt_left()
    with tempfile.TemporaryDirectory(prefix="chargeback-") as folder:
        empty, closed = ({one: Path(folder) / what / one for one in checkouts(before)}
                         for what in ("empty", "closed"))  # fmt: skip
        for name, checkout in checkouts(before).items():
            empty[name].mkdir(parents=True)
            ran_on_sample(checkout, before, closed[name], "monthly-close", f"{SIX[0]}..{SIX[-1]}")
        print(f"{'the daily run':<60}{'seconds':>9}{'CPU s':>8}")
        for words, books in (("no month closed", empty), ("six months closed", closed)):
            show_days(before, books, words)


def show_days(before: Path | None, books: dict[str, Path], words: str) -> None:
    """The daily run on both days, on copies of books.

    Args:
        books: by the name of the checkout that runs on them.
        words: what is in them.
    """
    runs: dict[str, Runs] = {day: {name: [] for name in checkouts(before)} for day in DAYS}
    for _ in range(REPEATS):
        for name, checkout in checkouts(before).items():
            with tempfile.TemporaryDirectory(prefix="chargeback-") as folder:
                copy = Path(folder) / "books"
                shutil.copytree(books[name], copy, symlinks=True)
                for day in DAYS:
                    runs[day][name].append(ran_on_sample(checkout, before, copy, "daily", day))
    for day, kept in zip(DAYS, ("nothing is kept yet", "the day after"), strict=True):
        for name, found in runs[day].items():
            seconds, cpu = (
                statistics.median(one[key] for one in found) for key in ("seconds", "cpu_seconds")
            )
            label = f"  {day}, {words}, {kept}, {name}"
            print(f"{label:<60}{seconds:>9.1f}{cpu:>8.1f}", flush=True)
        show_ratios(runs[day])


def ran_on_sample(
    checkout: Path, before: Path | None, books: Path, verb: str, what: str
) -> dict[str, float]:
    """A verb of a checkout on the sample and some books: its seconds and its CPU seconds."""
    command = [python_of(checkout), "-I", "-m", "chargeback", verb, what, "--books", str(books)]
    command += ["--cur", str(SAMPLE_CUR), "--params", str(params_of(before))]
    used, started = children_seconds(), time.monotonic()
    subprocess.run(command, cwd=checkout, check=True, capture_output=True)
    took = time.monotonic() - started
    wait_for_left()
    return {"seconds": took, "cpu_seconds": children_seconds() - used}


def show_ratios(runs: Runs) -> None:
    """Of two checkouts, how much less time and processor the first took."""
    if len(runs) < 2:
        return
    for key, words in (("seconds", "time"), ("cpu_seconds", "CPU seconds")):
        now, then = (statistics.median(one[key] for one in found) for found in runs.values())
        print(ratio(f"now / before, {words}", now, then))
