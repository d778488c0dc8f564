"""Growth table: what each verb took at three sizes along each axis, as ratios with a verdict.

In: runs by verb and estate. Out: a table of CPU time and one of peak memory. A cell has two ratios at twice the
size: of the whole figure, which a user sees, and of what is not fixed, which tells the growth: what the small
estate takes is taken off, so 2 is linear and 4 is square (chargeback/bench/growth_verdict.py). Of several runs
the least counts.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from chargeback.bench.estates import Size, sizes_along
from chargeback.bench.growth_verdict import (
    FLAT,
    MARKS,
    MEGABYTES,
    MORE,
    SECONDS,
    Noise,
    net_ratio,
    verdict,
)

#: What is shown: in words, by the name of the figure, and its noise.
KINDS = (("CPU time", "seconds", SECONDS), ("peak memory", "megabytes", MEGABYTES))

OVER = "at twice the size / as a whole, and without what is fixed: l linear, n n log n, ! MORE; else flat"

Cell = tuple[str, str]  # a verb and an axis


@dataclass(frozen=True)
class Used:
    """CPU seconds of a process with its children, and the peak memory of the largest in megabytes."""

    seconds: float
    megabytes: float


#: Every run of a verb on an estate.
Runs = dict[tuple[str, Size], list[Used]]


def named(axis: str) -> str:
    """An axis in words."""
    return axis.replace("_", " ").replace("periods", "closed periods")


def sizes_of(axis: str) -> list[int]:
    """How large the three estates of an axis are along it."""
    return [getattr(size, axis) for size in sizes_along(axis)]


def figures(runs: Mapping[tuple[str, Size], list[Used]], cell: Cell, of: str) -> list[float]:
    """A cell's figure at each size."""
    verb, axis = cell
    return [min(getattr(one, of) for one in runs[verb, size]) for size in sizes_along(axis)]


def judged(runs: Runs, cell: Cell, of: str, noise: Noise) -> str:
    """A cell's verdict."""
    return verdict(sizes_of(cell[1]), figures(runs, cell, of), noise)


def cells(runs: Runs, axes: Sequence[str]) -> list[Cell]:
    """The cells that were measured at every size."""
    verbs = dict.fromkeys(verb for verb, _ in runs)
    return [
        (verb, axis) for verb in verbs for axis in axes
        if all((verb, size) in runs for size in sizes_along(axis))
    ]  # fmt: skip


def doubted(runs: Runs, axes: Sequence[str]) -> list[Cell]:
    """The cells that grew faster than n log n in what was measured so far."""
    return [
        cell for cell in cells(runs, axes)
        if MORE in [judged(runs, cell, of, noise) for _, of, noise in KINDS]
    ]  # fmt: skip


def figures_of(runs: Runs) -> list[dict[str, object]]:
    """Every run as one record: the verb, the estate's size along all axes, CPU seconds and megabytes."""
    return [
        {"verb": verb, **asdict(size), "cpu_seconds": one.seconds, "megabytes": one.megabytes}
        for (verb, size), found in runs.items()
        for one in found
    ]


def show(runs: Runs, axes: Sequence[str]) -> None:
    """A table of time and one of memory, and what grows faster than n log n in full."""
    print("measured: " + "; ".join(told(axis) for axis in axes))
    measured = cells(runs, axes)
    for what, of, noise in KINDS:
        print(f"growth of {what} {OVER}")
        print(" " * 15 + "".join(f"{axis.replace('_', ' '):>13}" for axis in axes))
        for verb in dict.fromkeys(one for one, _ in measured):
            row = (
                in_cell(runs, (verb, axis), of, noise) if (verb, axis) in measured else "- "
                for axis in axes
            )
            print(f"  {verb:<13}" + "".join(f"{one:>13}" for one in row))
        for cell in measured:
            if judged(runs, cell, of, noise) == MORE:
                each = ", ".join(f"{one:.2f}" for one in figures(runs, cell, of))
                print(f"  MORE  {cell[0]} by {named(cell[1])}: {each} ({of})")
    sys.stdout.flush()


def told(axis: str) -> str:
    """An axis and its three sizes."""
    small, far, twice = sizes_of(axis)
    return f"{named(axis)} {small:,}, {far:,} and {twice:,}"


def in_cell(runs: Runs, cell: Cell, of: str, noise: Noise) -> str:
    """The two ratios of a cell, and the mark of its verdict."""
    found, judgement = figures(runs, cell, of), judged(runs, cell, of, noise)
    _, far, twice = found
    whole = f"{twice / far if far else 1:.2f}"
    if judgement == FLAT:
        return f"{whole}     {MARKS[FLAT]}"
    return f"{whole} {min(net_ratio(sizes_of(cell[1]), found), 9.9):.1f}{MARKS[judgement]}"
