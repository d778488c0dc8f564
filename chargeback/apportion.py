"""Apportion: split whole amounts by weights, and round tables of exact amounts to cents. The one place.

Everything here is integers: exact amounts in units of 1e-10, or cents. Three operations, each of which
conserves its total by construction:

- `divide`: an exact amount by weights (largest remainder, Hamilton's method).
- `round_list`: exact amounts to cents with a given sum, each within one cent of its exact value.
- `round_table`: a table of exact amounts to cents so that every cell, every row total and every column total
  is within one cent of its exact value and the grand total is a given one. This is controlled rounding
  (Causey, Cox, Ernst 1985: "Applications of transportation theory to statistical problems", JASA 80(392)).

All three are independent of the order of their input (keys are sorted), and negating every input negates
every output (a table whose total is negative is negated, solved, and negated back). Drawback: where two
remainders are equal the smaller key gets the cent; the bias is at most one cent an operation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

from chargeback.money import UNITS_PER_CENT, nearest_cents

Key = TypeVar("Key", bound=Hashable)


def divide(total: int, weights: Mapping[Key, int]) -> dict[Key, int]:
    """An integer total split in proportion to weights; the parts sum to the total exactly.

    A negative weight counts as zero. Each part is within one unit of its exact share.

    Raises:
        ValueError: no weight is positive.
    """
    positive = {key: max(0, weight) for key, weight in weights.items()}
    whole = sum(positive.values())
    if whole == 0:
        raise ValueError("no weight is positive")
    size, sign = abs(total), -1 if total < 0 else 1
    parts = {key: size * weight // whole for key, weight in positive.items()}
    remainders = {key: size * weight % whole for key, weight in positive.items()}
    left = size - sum(parts.values())
    for key in sorted(parts, key=lambda key: (-remainders[key], key))[:left]:
        parts[key] += 1
    return {key: sign * part for key, part in parts.items()}


def round_list(exact: Mapping[Key, int], total_cents: int) -> dict[Key, int]:
    """Exact amounts (1e-10 units) rounded to cents that sum to `total_cents`.

    Each is rounded to the nearest cent (halves away from zero); what is then missing goes, a cent each, to
    those that rounding moved furthest the other way. With |total_cents - exact sum| < 1 cent every result is
    within one cent of its exact value.

    Raises:
        ValueError: the total is a cent or more away from the exact sum.
    """
    if abs(total_cents * UNITS_PER_CENT - sum(exact.values())) >= UNITS_PER_CENT:
        raise ValueError("the total is a cent or more away from the exact sum")
    rounded = {key: nearest_cents(units) for key, units in exact.items()}
    missing = total_cents - sum(rounded.values())
    step = -1 if missing < 0 else 1
    by_loss = sorted(
        exact, key=lambda key: (step * (rounded[key] * UNITS_PER_CENT - exact[key]), key)
    )
    for key in by_loss[: abs(missing)]:
        rounded[key] += step
    return rounded


def round_table(
    exact: Mapping[tuple[str, str], int],
    total_cents: int,
    wanted: Mapping[tuple[str, str], int] | None = None,
) -> dict[tuple[str, str], int]:
    """A table of exact amounts, keyed (row, column), rounded to cents with a given grand total.

    Every cell, row total and column total is within one cent of its exact value: whole cents stay as they
    are, all others become the cent below or above.

    Method: the fractions of a cent are bordered by a row and a column that complete every total to whole
    cents. While a cell still has a fraction, a closed loop of cells with fractions goes through it, because
    totals are whole; moving the same fraction along the loop, up and down in turns, keeps all totals and makes
    at least one cell whole. The corner of the border stands for the grand total and is settled first.

    Args:
        wanted: cents that some cells should become if that is possible at all beside everything above: as
            many as a search along loops of whole cents can bring there, in the order of their keys.

    Raises:
        ValueError: the total is a cent or more away from the exact sum.
    """
    exact_total = sum(exact.values())
    if abs(total_cents * UNITS_PER_CENT - exact_total) >= UNITS_PER_CENT:
        raise ValueError("the total is a cent or more away from the exact sum")
    if exact_total < 0 or (
        exact_total == 0 and next((exact[k] for k in sorted(exact) if exact[k]), 0) < 0
    ):
        flipped = round_table(
            {key: -units for key, units in exact.items()},
            -total_cents,
            {key: -cents for key, cents in (wanted or {}).items()},
        )
        return {key: -cents for key, cents in flipped.items()}
    floors = {key: units // UNITS_PER_CENT for key, units in exact.items()}
    fractions = Fractions()
    for (row, column), units in exact.items():
        fractions.put((0, row), (0, column), units % UNITS_PER_CENT)
    wants_more = total_cents * UNITS_PER_CENT > exact_total
    fractions.complete(wants_more)
    for row, column in sorted(exact):
        fractions.settle((0, row), (0, column))
    if wanted:
        fractions.bring(
            {((0, row), (0, column)): cents - floors[row, column]
             for (row, column), cents in wanted.items()}
        )  # fmt: skip
    return {
        (row, column): floors[row, column] + fractions.whole.get(((0, row), (0, column)), 0)
        for row, column in exact
    }


Line = tuple[int, str]  # 0 and a name, or the border
BORDER: Line = (1, "")


class Fractions:
    """The fractions of a cent of a table, with the border that completes its totals to whole cents."""

    def __init__(self) -> None:
        self.cells: dict[tuple[Line, Line], int] = {}  # strictly between 0 and one cent
        self.whole: dict[tuple[Line, Line], int] = {}  # settled cells: 0 or 1
        self.columns_of: dict[Line, dict[Line, None]] = {}
        self.rows_of: dict[Line, dict[Line, None]] = {}

    def put(self, row: Line, column: Line, fraction: int) -> None:
        """Set a cell; a cell without a fraction takes no part."""
        if fraction:
            self.cells[row, column] = fraction
            self.columns_of.setdefault(row, {})[column] = None
            self.rows_of.setdefault(column, {})[row] = None

    def complete(self, wants_more: bool) -> None:
        """Add the border, then settle its corner so that the grand total goes up (or down)."""
        for lines, is_row in ((self.columns_of, True), (self.rows_of, False)):
            for line in sorted(lines):
                total = sum(
                    self.cells[(line, other) if is_row else (other, line)] for other in lines[line]
                )
                rest = -total % UNITS_PER_CENT
                self.put(*((line, BORDER) if is_row else (BORDER, line)), rest)
        border = sum(self.cells.get((BORDER, column), 0) for column in sorted(self.rows_of))
        self.put(BORDER, BORDER, -border % UNITS_PER_CENT)
        for lines in (self.columns_of, self.rows_of):
            for line in list(lines):
                lines[line] = dict.fromkeys(sorted(lines[line]))
        # The border's row and column both complete the grand total, so its corner carries the total's own
        # fraction: raised to a whole cent, the total is rounded up.
        self.settle(BORDER, BORDER, upward=wants_more)

    def settle(self, row: Line, column: Line, upward: bool | None = None) -> None:
        """Move fractions along loops through a cell until it is whole; by default to its nearer side."""
        while (row, column) in self.cells:
            if upward is None:
                upward = 2 * self.cells[row, column] >= UNITS_PER_CENT
            loop = self.loop_through(row, column)
            rising, falling = (loop[0::2], loop[1::2]) if upward else (loop[1::2], loop[0::2])
            step = min(
                [UNITS_PER_CENT - self.cells[cell] for cell in rising]
                + [self.cells[cell] for cell in falling]
            )
            for cell in rising:
                self.change(cell, step)
            for cell in falling:
                self.change(cell, -step)

    def change(self, cell: tuple[Line, Line], step: int) -> None:
        """Add to a cell, and take it out of play when it became whole."""
        self.cells[cell] += step
        if self.cells[cell] in (0, UNITS_PER_CENT):
            self.whole[cell] = self.cells.pop(cell) // UNITS_PER_CENT
            row, column = cell
            del self.columns_of[row][column]
            del self.rows_of[column][row]

    def loop_through(self, row: Line, column: Line) -> list[tuple[Line, Line]]:
        """The shortest closed loop of fractional cells that begins with this one, by breadth first search."""
        start: tuple[str, Line] = ("row", row)
        goal: tuple[str, Line] = ("column", column)
        came_from: dict[tuple[str, Line], tuple[str, Line]] = {}
        queue: deque[tuple[str, Line]] = deque([start])
        while queue:
            kind, line = here = queue.popleft()
            for other in self.columns_of[line] if kind == "row" else self.rows_of[line]:
                there = ("column" if kind == "row" else "row", other)
                if there in came_from or there == start or (here, there) == (start, goal):
                    continue
                came_from[there] = here
                if there == goal:
                    return [(row, column), *path_cells(came_from, start, goal)]
                queue.append(there)
        raise AssertionError("a fractional cell lies on no loop: the border is wrong")

    def bring(self, wanted: Mapping[tuple[Line, Line], int]) -> None:
        """Move whole cents along loops until wanted cells are what they should be, where that can be.

        If cents exist that keep all totals and have every wanted cell right, they differ from those at hand by
        loops along which cells go up and down in turns; each loop found here is such a loop, and leaves alone
        what is right already and the corner, which is the grand total.
        """
        kept = {cell for cell, cents in wanted.items() if self.whole.get(cell, cents) == cents}
        kept.add((BORDER, BORDER))
        lines: dict[tuple[str, Line], list[Line]] = {}
        for row, column in sorted(self.whole):
            lines.setdefault(("row", row), []).append(column)
            lines.setdefault(("column", column), []).append(row)
        for cell in sorted(wanted):
            if self.whole.get(cell, wanted[cell]) == wanted[cell] or wanted[cell] not in (0, 1):
                continue
            for changed in self.whole_loop(cell, lines, kept):
                self.whole[changed] = 1 - self.whole[changed]
                if changed in wanted:
                    kept.add(changed)

    def whole_loop(
        self,
        cell: tuple[Line, Line],
        lines: Mapping[tuple[str, Line], list[Line]],
        kept: set[tuple[Line, Line]],
    ) -> list[tuple[Line, Line]]:
        """The shortest loop through a cell of 0 or 1 along which all can change; empty if there is none."""
        row, column = cell
        here_is = self.whole[cell]
        start: tuple[str, Line] = ("column", column)
        goal: tuple[str, Line] = ("row", row)
        came_from: dict[tuple[str, Line], tuple[str, Line]] = {}
        queue: deque[tuple[str, Line]] = deque([start])
        while queue:
            kind, line = here = queue.popleft()
            # Leaving a column a cell moves against the first one, leaving a row it moves with it.
            movable = 1 - here_is if kind == "column" else here_is
            for other in lines[here]:
                there = ("row" if kind == "column" else "column", other)
                through = (other, line) if kind == "column" else (line, other)
                if there in came_from or there == start or through == cell or through in kept:
                    continue
                if self.whole[through] != movable:
                    continue
                came_from[there] = here
                if there == goal:
                    return [cell, *path_cells(came_from, start, goal)]
                queue.append(there)
        return []


def path_cells(came_from: Mapping[Any, Any], start: Any, goal: Any) -> list[tuple[Line, Line]]:
    """The cells along the path found, from the goal back to the start."""
    cells: list[tuple[Line, Line]] = []
    there = goal
    while there != start:
        here = came_from[there]
        (kind, line), (_, other) = here, there
        cells.append((line, other) if kind == "row" else (other, line))
        there = here
    return cells
