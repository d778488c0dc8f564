"""Growth: every verb at three sizes of an estate along each axis, in CPU seconds and peak memory.

In: estates that are large along one axis and small along all others (chargeback/bench/estates.py), at one,
two and four times a size. Out: a table of ratios at twice the size, with a verdict
(chargeback/bench/growth_verdict.py). Each verb runs in a process of its own, which is waited for with what
the system counted of it and its children. Estates are measured side by side, one a core; CPU seconds bear
that, wall time would not. What grows faster than n log n the first time is measured twice more, its sizes in
turn, and the least of each counts.

A close is that of the last period, into books where the earlier ones are closed. Stages are measured apart
from notebooks; statements are what is left of their process, its start included. Peak memory is that of the
largest single process.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from chargeback.bench.estates import LAST, SIZES, Size, grown
from chargeback.bench.growth_verdict import (
    MARKS,
    MEGABYTES,
    MORE,
    SECONDS,
    Noise,
    verdict,
)
from chargeback.bench.sections import AXES, STAGES, STATEMENTS
from chargeback.core.paths import ROOT

TIMES = (1, 2, 4)
AGAIN = 2

#: The day that the daily verb looks at, in the open month.
DAY = "2026-06-15"

CLOSE = "monthly-close"

#: What is shown: in words, by the name of the figure, and its noise.
KINDS = (("CPU time", "seconds", SECONDS), ("peak memory", "megabytes", MEGABYTES))

Cell = tuple[str, str]  # a verb and an axis


@dataclass(frozen=True)
class Used:
    """CPU seconds of a process with its children, and the peak memory of the largest in megabytes."""

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Place:
    """An estate of the bench on disk.

    Args:
        size: of the estate.
        folder: where its report, params and books are; `opened` before the last close, `books` after it.
    """

    size: Size
    folder: Path

    def at(self, *names: str) -> list[str]:
        """Options that name the report, the params and the books, and a folder to write to, as wanted."""
        paths = {"--cur": "cur", "--params": "params", "--books": "books", "--to": "to"}
        return [text for name in names for text in (name, str(self.folder / paths[name]))]


#: What each verb is called with, in the order in which they are run. None writes what another one measures.
VERBS: dict[str, Callable[[Place], Sequence[str]]] = {
    "check-params": lambda place: [LAST, *place.at("--cur", "--params")],
    "rules": lambda place: [LAST, *place.at("--params", "--books")],
    "viewers": lambda place: [LAST, *place.at("--params", "--books")],
    "verify": lambda place: place.at("--books", "--params"),
    "restatements": lambda place: place.at("--cur", "--params", "--books"),
    "audit": lambda place: [LAST, *place.at("--cur", "--params", "--books", "--to")],
    "trace": lambda place: [
        LAST, "unit-000/shared-000", *place.at("--cur", "--params", "--books"), "--full", "yes",
    ],
    "journal": lambda place: place.at("--books", "--params", "--to"),
    "export": lambda place: [
        "--groups", "group-0,group-1", *place.at("--params", "--books", "--to"),
    ],
    "bundle": lambda place: [LAST, "unit-000", *place.at("--params", "--books", "--to")],
    "what-if": lambda place: [LAST, *place.at("--params", "--books")],
    "dashboards": lambda place: place.at("--cur", "--params", "--books"),
    "handout": lambda place: [LAST, *place.at("--cur", "--params", "--books")],
    "daily": lambda place: [DAY, *place.at("--cur", "--params", "--books")],
    "draft": lambda place: [
        place.size.open_period, *place.at("--cur", "--params", "--books"),
    ],
}  # fmt: skip


def show_growth(only: str = "", axes: Sequence[str] = AXES) -> None:
    """Measure and print the growth of every verb, or of one.

    Args:
        only: a verb, or a stage of the close; blank is all.
        axes: along which; all, if not named.

    Raises:
        RuntimeError: an estate could not be made, or a verb stopped that did not the first time.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chargeback-growth-") as folder:
        places = {
            (axis, times): Place(grown(axis, times), Path(folder) / f"{axis}-{times}")
            for axis in axes
            for times in TIMES
        }
        runs: dict[tuple[str, str, int], list[Used]] = {}
        with ThreadPoolExecutor(os.cpu_count()) as several:
            for (axis, times), found in zip(
                places,
                several.map(lambda place: first_runs(place, only), places.values()),
                strict=True,
            ):
                for verb, used in found.items():
                    runs[verb, axis, times] = [used]
                took = time.monotonic() - started
                reached = getattr(SIZES[axis], axis) * times
                print(f"  {took:6.0f} s  {reached:>9,} {named(axis)}", flush=True)
        for verb, axis in doubted(runs):
            for _ in range(AGAIN):
                for times in TIMES:
                    runs[verb, axis, times].append(measured_again(places[axis, times], verb))
    show(runs, axes)
    print(f"  {time.monotonic() - started:.0f} s in all", flush=True)


def named(axis: str) -> str:
    """An axis in words."""
    return axis.replace("_", " ").replace("periods", "closed periods")


def first_runs(place: Place, only: str) -> dict[str, Used]:
    """Make an estate and its books, and measure each verb once."""
    place.folder.mkdir()
    made = "import sys, pathlib; from chargeback.bench.estate_params import write_estate; "
    made += f"from chargeback.bench.estates import Size; write_estate(pathlib.Path(sys.argv[1]), {place.size})"
    run(["-c", made, str(place.folder)])
    opened = place.folder / "opened"
    earlier = place.size.closed_periods[:-1]
    if earlier:
        options = [*place.at("--cur", "--params"), "--books", str(opened), "--handout", "no"]
        run(["-m", "chargeback", CLOSE, f"{earlier[0]}..{earlier[-1]}", *options])
    else:
        opened.mkdir()
    found: dict[str, Used] = {}
    wanted_stage = only or STAGES[0]  # one run measures them all
    for verb in (CLOSE, *STAGES, *VERBS):
        # Verbs read what the close has left; stages, which are run together, what was there before it.
        if only in ("", verb) or (verb == CLOSE and only not in STAGES):
            try:
                if verb == wanted_stage:
                    found |= stage_runs(place)
                elif verb not in STAGES:
                    found[verb] = measured_again(place, verb)
            except RuntimeError as stopped:
                print(f"  {verb}: not measured: {first_line(stopped)}", flush=True)
    return found


def first_line(stopped: RuntimeError) -> str:
    """What a process said that stopped, in a line: its refusal, else the last that it printed."""
    said = str(stopped).strip().splitlines()
    return next((one for one in said if one.startswith("STOPPED")), said[-1])


def measured_again(place: Place, verb: str) -> Used:
    """One run of a verb or a stage; a close, into books where its period is open again."""
    if verb in STAGES:
        return stage_runs(place)[verb]
    to = place.folder / "to"
    shutil.rmtree(to, ignore_errors=True)
    if verb != CLOSE:
        return run(["-m", "chargeback", verb, *VERBS[verb](place)])[0]
    books = place.folder / "books"
    shutil.rmtree(books, ignore_errors=True)
    shutil.copytree(place.folder / "opened", books)
    options = [*place.at("--cur", "--params", "--books"), "--handout", "no"]
    return run(["-m", "chargeback", CLOSE, LAST, *options])[0]


def stage_runs(place: Place) -> dict[str, Used]:
    """Each stage of the last close; memory is that of their one process."""
    with tempfile.TemporaryDirectory(dir=place.folder) as work:
        where = [str(place.folder / name) for name in ("cur", "params", "opened")]
        used, said = run(["-m", "chargeback.bench.growth_stages", *where[:2], LAST, where[2], work])
    seconds: dict[str, float] = json.loads(said)
    seconds[STATEMENTS] = used.seconds - sum(
        took for stage, took in seconds.items() if stage != STATEMENTS
    )
    return {stage: Used(took, used.megabytes) for stage, took in seconds.items()}


def run(arguments: Sequence[str]) -> tuple[Used, str]:
    """A process of this Python, waited for: what it used, and what it printed.

    Raises:
        RuntimeError: it did not end well; with what it said.
    """
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, stdout=said, stderr=said, text=True
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)}\n{text}")
    unit = 1e6 if sys.platform == "darwin" else 1e6 / 1024  # bytes on macOS, KiB on Linux
    return Used(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit), text


def least(runs: Sequence[Used], of: str) -> float:
    """The least figure of several runs."""
    return min(getattr(one, of) for one in runs)


def figures(runs: dict[tuple[str, str, int], list[Used]], cell: Cell, of: str) -> list[float]:
    """A cell's figure at each size."""
    return [least(runs[(*cell, times)], of) for times in TIMES]


def judged(runs: dict[tuple[str, str, int], list[Used]], cell: Cell, of: str, noise: Noise) -> str:
    """A cell's verdict."""
    axis = cell[1]
    return verdict(getattr(SIZES[axis], axis), figures(runs, cell, of), noise)


def cells(runs: Iterable[tuple[str, str, int]]) -> list[Cell]:
    """The cells that were measured at every size."""
    measured = set(runs)
    several = dict.fromkeys((verb, axis) for verb, axis, _ in runs)
    return [one for one in several if all((*one, times) in measured for times in TIMES)]


def doubted(runs: dict[tuple[str, str, int], list[Used]]) -> list[Cell]:
    """The cells that grew faster than n log n in one run."""
    return [
        cell for cell in cells(runs)
        if MORE in (judged(runs, cell, "seconds", SECONDS), judged(runs, cell, "megabytes", MEGABYTES))
    ]  # fmt: skip


def show(runs: dict[tuple[str, str, int], list[Used]], axes: Sequence[str]) -> None:
    """A table of time and one of memory, and what grows faster than n log n in full."""
    over = "larger than at half the size; l linear, n n log n, ! MORE, else flat"
    for what, of, noise in KINDS:
        print(f"growth of {what}: times {over}")
        print(" " * 15 + "".join(f"{axis.replace('_', ' ')[:12]:>13}" for axis in axes))
        for verb in dict.fromkeys(one for one, _ in cells(runs)):
            row = ""
            for axis in axes:
                if (verb, axis) not in cells(runs):
                    row += f"{'-':>12} "
                    continue
                _, middle, large = figures(runs, (verb, axis), of)
                mark = MARKS[judged(runs, (verb, axis), of, noise)]
                row += f"{large / middle if middle else 1:>12.2f}{mark}"
            print(f"  {verb:<13}{row}")
        for cell in cells(runs):
            if judged(runs, cell, of, noise) == MORE:
                told = ", ".join(f"{one:.2f}" for one in figures(runs, cell, of))
                print(f"  MORE  {cell[0]} by {named(cell[1])}: {told} ({of})")
    sys.stdout.flush()
