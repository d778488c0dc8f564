"""Apportion: split whole amounts by weights, and round flows of exact amounts to cents. The one place.

Everything here is integers: exact amounts in units of 1e-10, or cents. Three operations, each of which
conserves its total by construction, and one beside them that is no split:

- `divide`: an exact amount by weights (largest remainder, Hamilton's method).
- `round_list`: exact amounts to cents with a given sum, each within one cent of its exact value.
- `round_flow`: exact amounts that flow from sources through pools to those who pay, to cents, so that every
  amount, and what flows through every place, is within one cent of its exact value, every pool gives what it
  received, and the grand total is a given one. This is controlled rounding (Causey, Cox, Ernst 1985:
  "Applications of transportation theory to statistical problems", JASA 80(392)), where a table is a flow
  from its columns to its rows.
- `part_of`: so many of so many equal parts of an amount, to the nearest unit.

All are independent of the order of their input (keys are sorted), and negating every input negates
every output (a flow whose total is negative is negated, solved, and negated back). Drawback: where two
remainders are equal the smaller key gets the cent; the bias is at most one cent an operation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from chargeback.core.money import UNITS_PER_CENT, nearest_cents

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


def part_of(total: int, parts: int, whole: int) -> int:
    """`parts` of `whole` equal parts of an integer, to the nearest unit, halves away from zero.

    >>> part_of(1000, 5, 31), part_of(-1000, 5, 31), part_of(300, 8, 3)
    (161, -161, 800)

    Raises:
        ValueError: the whole is no positive number.
    """
    if whole <= 0:
        raise ValueError("the whole is no positive number")
    quotient, rest = divmod(abs(total * parts), whole)
    size = quotient + (1 if 2 * rest >= whole else 0)
    return size if total * parts >= 0 else -size


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


def round_flow(
    exact: Mapping[Arc, int], total_cents: int, wanted: Mapping[Arc, int] | None = None
) -> dict[Arc, int]:
    """Amounts that flow between places, keyed (from, to), rounded to cents with a given grand total.

    Where an amount only leaves is a source, where it only arrives is a payer; every other place gives what it
    receives, exactly and in cents. Each amount and what each place receives or gives in all is within one
    cent of its exact value: whole cents stay as they are, all others become the cent below or above.

    Method: every place is drawn as an entry and an exit with its whole amount between them, all sources are
    fed from a start, all payers lead to an end, and the end leads back to the start with the grand total. So
    nothing is lost anywhere, and while an amount has a fraction of a cent a closed loop of fractions goes
    through it; moving the same fraction along the loop, up where it runs with the flow and down where it runs
    against it, loses nothing either and makes at least one amount whole. The grand total is settled first.

    Args:
        wanted: cents that some amounts should become if that is possible at all beside everything above: as
            many as a search along loops of whole cents can bring there, in the order of their keys.

    Raises:
        ValueError: the total is a cent or more away from the exact sum, a place gives something else than it
            receives, or amounts flow in a circle.
    """
    through, exact_total = amounts_through(exact)
    if abs(total_cents * UNITS_PER_CENT - exact_total) >= UNITS_PER_CENT:
        raise ValueError("the total is a cent or more away from the exact sum")
    if exact_total < 0 or (
        exact_total == 0 and next((exact[k] for k in sorted(exact) if exact[k]), 0) < 0
    ):
        flipped = round_flow(
            {arc: -units for arc, units in exact.items()},
            -total_cents,
            {arc: -cents for arc, cents in (wanted or {}).items()},
        )
        return {arc: -cents for arc, cents in flipped.items()}
    fractions = Fractions()
    for (giver, taker), units in exact.items():
        fractions.put((EXIT, giver), (ENTRY, taker), units)
    gives, takes = {giver for giver, _ in exact}, {taker for _, taker in exact}
    for place, units in through.items():
        fractions.put((ENTRY, place), (EXIT, place), units)
        if place not in takes:
            fractions.put(START, (ENTRY, place), units)
        if place not in gives:
            fractions.put((EXIT, place), END, units)
    fractions.put(END, START, exact_total)
    fractions.settle(END, START, upward=total_cents * UNITS_PER_CENT > exact_total)
    for giver, taker in clearest_first(exact):
        fractions.settle((EXIT, giver), (ENTRY, taker))
    for start, end in sorted(fractions.parts):
        fractions.settle(start, end)
    floors = {arc: units // UNITS_PER_CENT for arc, units in exact.items()}
    if wanted:
        fractions.bring(
            {((EXIT, giver), (ENTRY, taker)): cents - floors[giver, taker]
             for (giver, taker), cents in wanted.items()}
        )  # fmt: skip
    return {
        (giver, taker): floors[giver, taker]
        + fractions.whole.get(((EXIT, giver), (ENTRY, taker)), 0)
        for giver, taker in exact
    }


def clearest_first(exact: Mapping[Arc, int]) -> list[Arc]:
    """The amounts in the order of how near they are to a whole cent.

    Of equal claims to a cent the smaller key has the better one: it is rounded up first or down last.
    """
    keys = sorted(exact)
    down = [arc for arc in reversed(keys) if 2 * (exact[arc] % UNITS_PER_CENT) < UNITS_PER_CENT]
    up = [arc for arc in keys if 2 * (exact[arc] % UNITS_PER_CENT) >= UNITS_PER_CENT]

    def distance(arc: Arc) -> int:
        return min(exact[arc] % UNITS_PER_CENT, -exact[arc] % UNITS_PER_CENT)

    return sorted([*up, *down], key=distance)


def amounts_through(exact: Mapping[Arc, int]) -> tuple[dict[str, int], int]:
    """What goes through each place, and the grand total that leaves the sources.

    Raises:
        ValueError: a place gives something else than it receives, or amounts flow in a circle.
    """
    given: dict[str, int] = {}
    taken: dict[str, int] = {}
    for (giver, taker), units in exact.items():
        given[giver] = given.get(giver, 0) + units
        taken[taker] = taken.get(taker, 0) + units
    for place in given.keys() & taken.keys():
        if given[place] != taken[place]:
            raise ValueError(f"{place} gives something else than it receives")
    try:
        TopologicalSorter(followers(exact)).prepare()
    except CycleError as error:
        raise ValueError("amounts flow in a circle: " + " -> ".join(error.args[1])) from None
    total = sum(units for place, units in given.items() if place not in taken)
    return {**given, **taken}, total


def followers(exact: Mapping[Arc, int]) -> dict[str, list[str]]:
    """Whom each place gives to, sorted."""
    found: dict[str, list[str]] = {}
    for giver, taker in sorted(exact):
        found.setdefault(giver, []).append(taker)
    return found


Arc = tuple[str, str]  # from, to
Node = tuple[int, str]
Link = tuple[Node, Node]
ENTRY, EXIT = 1, 2
START: Node = (0, "")
END: Node = (3, "")


class Fractions:
    """The fractions of a cent on the links of a closed flow, and what became whole."""

    def __init__(self) -> None:
        self.parts: dict[Link, int] = {}  # strictly between 0 and one cent
        self.whole: dict[Link, int] = {}  # settled links: 0 or 1
        self.near: dict[
            Node, dict[Node, None]
        ] = {}  # nodes with a fraction between them, both ways

    def put(self, start: Node, end: Node, units: int) -> None:
        """Add a link; one without a fraction takes no part."""
        fraction = units % UNITS_PER_CENT
        if fraction:
            self.parts[start, end] = fraction
            self.near.setdefault(start, {})[end] = None
            self.near.setdefault(end, {})[start] = None

    def settle(self, start: Node, end: Node, upward: bool | None = None) -> None:
        """Move fractions along loops through a link until it is whole; by default to its nearer side."""
        while (start, end) in self.parts:
            if upward is None:
                upward = 2 * self.parts[start, end] >= UNITS_PER_CENT
            rising, falling = self.loop_through(start, end)
            if not upward:
                rising, falling = falling, rising
            step = min(
                [UNITS_PER_CENT - self.parts[link] for link in rising]
                + [self.parts[link] for link in falling]
            )
            for link in rising:
                self.change(link, step)
            for link in falling:
                self.change(link, -step)

    def change(self, link: Link, step: int) -> None:
        """Add to a link, and take it out of play when it became whole."""
        self.parts[link] += step
        if self.parts[link] in (0, UNITS_PER_CENT):
            self.whole[link] = self.parts.pop(link) // UNITS_PER_CENT
            start, end = link
            del self.near[start][end]
            del self.near[end][start]

    def loop_through(self, start: Node, end: Node) -> tuple[list[Link], list[Link]]:
        """The shortest loop of fractions that begins with this link: links along it, links against it."""
        path = shortest_path(
            end, start, lambda here: (
                there for there in sorted(self.near[here]) if (here, there) != (end, start)
            ),
        )  # fmt: skip
        if not path:
            raise AssertionError("a fraction lies on no loop: the flow is not closed")
        along = [(start, end)] + [step for step in path if step in self.parts]
        return along, [
            (after, before) for before, after in path if (before, after) not in self.parts
        ]

    def bring(self, wanted: Mapping[Link, int]) -> None:
        """Move whole cents along loops until wanted links are what they should be, where that can be.

        If cents exist that lose nothing and have every wanted link right, they differ from those at hand by
        loops, up with the flow and down against it; each loop found here is such a loop, and leaves alone
        what is right already and the grand total.
        """
        kept = {link for link, cents in wanted.items() if self.whole.get(link, cents) == cents}
        kept.add((END, START))
        near: dict[Node, set[Node]] = {}
        for start, end in self.whole:
            near.setdefault(start, set()).add(end)
            near.setdefault(end, set()).add(start)
        for link in sorted(wanted):
            if self.whole.get(link, wanted[link]) == wanted[link] or wanted[link] not in (0, 1):
                continue
            for changed in self.whole_loop(link, near, kept):
                self.whole[changed] = 1 - self.whole[changed]
                if changed in wanted:
                    kept.add(changed)

    def whole_loop(self, link: Link, near: Mapping[Node, set[Node]], kept: set[Link]) -> list[Link]:
        """The shortest loop through a link along which all can change by a cent; empty if there is none."""
        rising = self.whole[link] == 0
        first, last = (link[1], link[0]) if rising else link

        def movable(here: Node) -> Iterator[Node]:
            for there in sorted(near[here]):
                along = (here, there) in self.whole
                through = (here, there) if along else (there, here)
                if through != link and through not in kept and self.whole[through] == (not along):
                    yield there

        path = shortest_path(first, last, movable)
        return [link] * bool(path) + [
            (here, there) if (here, there) in self.whole else (there, here) for here, there in path
        ]


def shortest_path(
    start: Node, goal: Node, neighbours: Callable[[Node], Iterable[Node]]
) -> list[Link]:
    """The steps from one node to another by breadth first search; empty if there is no way."""
    came_from: dict[Node, Node] = {}
    queue: deque[Node] = deque([start])
    while queue:
        here = queue.popleft()
        for there in neighbours(here):
            if there in came_from or there == start:
                continue
            came_from[there] = here
            if there == goal:
                steps = []
                while there != start:
                    steps.append((came_from[there], there))
                    there = came_from[there]
                return steps[::-1]
            queue.append(there)
    return []


def proportional(units: int, times: int, over: int) -> int:
    """An amount times a ratio, rounded once to a whole unit, halves away from zero.

    So a whole amount is its own proportion, and negating in negates out.

    Args:
        over: more than zero; `times` is zero or more.

    >>> proportional(10, 1, 4), proportional(-10, 1, 4), proportional(7, 30, 30)
    (3, -3, 7)
    """
    quotient, rest = divmod(abs(units) * times, over)
    whole = quotient + (2 * rest >= over)
    return whole if units >= 0 else -whole
