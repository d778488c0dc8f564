"""Growth: every verb at three sizes of an estate along each axis, in CPU seconds and peak memory.

In: an estate that is small along all axes, and for each axis one that is far along it and one twice as far
(chargeback/bench/estates.py). Out: a table of ratios at twice the size (chargeback/bench/growth_table.py) and
every figure in build/bench/growth.json. Each verb runs in a process of its own, which is waited for with what
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
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from chargeback.bench.estates import LAST, Size, sizes_along
from chargeback.bench.growth_table import Runs, Used, doubted, figures_of, named, show
from chargeback.bench.sections import AXES, STAGES, STATEMENTS
from chargeback.core.paths import BUILD, ROOT

#: How often what is doubted is measured again; and every verb on the estate that all axes share, at first.
AGAIN = 2

#: The day that the daily verb looks at, in the open month.
DAY = "2026-06-15"

CLOSE = "monthly-close"


@dataclass(frozen=True)
class Place:
    """An estate of the bench on disk.

    Args:
        size: of the estate.
        folder: where its report, params and books are; `opened` are the books before the last
            close, `closed` after it, `books` those that verbs work in.
        axis: the first for which it was made.
    """

    size: Size
    folder: Path
    axis: str

    @property
    def told(self) -> str:
        """How large it is along its axis."""
        return f"{getattr(self.size, self.axis):,} {named(self.axis)}"

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
    "restatements": lambda place: [
        *place.at("--params", "--books"), "--cur", str(place.folder / "again"),
    ],
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

#: Those that find less to do a second time: they are run on the books as the close left them.
WRITING = ("dashboards", "handout", "daily", "draft")


def show_growth(only: str = "", axes: Sequence[str] = AXES) -> None:
    """Measure and print the growth of every verb, or of one.

    Args:
        only: a verb, or a stage of the close; blank is all.
        axes: along which; all, if not named.

    Raises:
        RuntimeError: an estate could not be made, or a verb stopped that did not the first time.
    """
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"  {time.monotonic() - started:6.0f} s  {text}", flush=True)

    with tempfile.TemporaryDirectory(prefix="chargeback-growth-") as folder:
        places: dict[Size, Place] = {}
        for along in axes:
            for size in sizes_along(along):
                places.setdefault(size, Place(size, Path(folder) / str(len(places)), along))
        runs: Runs = {}
        with ThreadPoolExecutor(os.cpu_count()) as several:
            measuring = {
                several.submit(first_runs, place, only): place for place in places.values()
            }
            for one in as_completed(measuring):
                place = measuring[one]
                for verb, used in one.result().items():
                    runs[verb, place.size] = [used]
                say(f"{len({size for _, size in runs}):>3} of {len(places)}  {place.told}")
                keep(runs)
        again = doubted(runs, axes)
        for verb, axis in again:
            say(f"again: {verb} by {named(axis)}")
            for _ in range(AGAIN):
                for size in sizes_along(axis):
                    runs[verb, size].append(measured_again(places[size], verb))
            keep(runs)
    show(runs, axes)
    say("in all")


def keep(runs: Runs) -> None:
    """Every figure so far, by verb and size, in build/bench/growth.json."""
    BUILD.joinpath("bench").mkdir(parents=True, exist_ok=True)
    (BUILD / "bench" / "growth.json").write_text(json.dumps(figures_of(runs), indent=1) + "\n")


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
    wanted_stage = only if only in STAGES else STAGES[0]  # one run measures them all
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
    shutil.rmtree(place.folder / "to", ignore_errors=True)
    if verb != CLOSE:
        if verb in WRITING:
            copy_books(place, "closed", "books")
        return run(["-m", "chargeback", verb, *VERBS[verb](place)])[0]
    copy_books(place, "opened", "books")
    options = [*place.at("--cur", "--params", "--books"), "--handout", "no"]
    used, _ = run(["-m", "chargeback", CLOSE, LAST, *options])
    copy_books(place, "books", "closed")
    return used


def copy_books(place: Place, one: str, other: str) -> None:
    """Books as they are in one folder of an estate, and nothing else, in another."""
    shutil.rmtree(place.folder / other, ignore_errors=True)
    shutil.copytree(place.folder / one, place.folder / other)


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
