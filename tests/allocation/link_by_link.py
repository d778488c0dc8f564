"""The rounding of flows as it was first written, one link at a time: the judge of `apportion.round_flow`.

It draws every link, looks at every neighbour in order, and so says plainly which cent goes where. Its time
grows with the square of the amounts, which is why the product does it in another way. Its cents are those of
every period that was ever closed, which is why it is kept: whatever looks for loops must find the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

from chargeback.allocation.apportion import Arc, amounts_through, clearest_first
from chargeback.core.money import UNITS_PER_CENT

Node = tuple[int, str]
Link = tuple[Node, Node]
ENTRY, EXIT = 1, 2
START: Node = (0, "")
END: Node = (3, "")


def round_flow(
    exact: Mapping[Arc, int], total_cents: int, wanted: Mapping[Arc, int] | None = None
) -> dict[Arc, int]:
    """Amounts that flow between places, to cents, as `apportion.round_flow` says it."""
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
