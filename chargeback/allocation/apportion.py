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

from collections.abc import Hashable, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TypeVar

from chargeback.allocation.ways import START, Ways
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
    fractions = Fractions(exact, through, exact_total)
    fractions.settle(fractions.grand_total, upward=total_cents * UNITS_PER_CENT > exact_total)
    for arc in clearest_first(exact):
        fractions.settle(fractions.link_of[arc])
    assert not fractions.parts, "what goes through a place is whole when all amounts are"
    floors = {arc: units // UNITS_PER_CENT for arc, units in exact.items()}
    if wanted:
        fractions.bring(
            {fractions.link_of[arc]: cents - floors[arc] for arc, cents in wanted.items()}
        )
    return {arc: floors[arc] + fractions.whole.get(fractions.link_of[arc], 0) for arc in exact}


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
Link = tuple[int, int]  # from, to: nodes of `ways`


class Fractions:
    """The fractions of a cent on the links of a closed flow, and what became whole.

    Args:
        exact: the amounts, in units of 1e-10.
        through: what goes through each place.
        exact_total: what goes from the end back to the start.
    """

    def __init__(
        self, exact: Mapping[Arc, int], through: Mapping[str, int], exact_total: int
    ) -> None:
        self.parts: dict[Link, int] = {}  # strictly between 0 and one cent
        self.whole: dict[Link, int] = {}  # settled links: 0 or 1
        number = {place: at for at, place in enumerate(sorted(through))}
        gives, takes = {giver for giver, _ in exact}, {taker for _, taker in exact}
        self.ways = Ways(len(number), sorted(number[place] for place in gives))
        entry, exit_, end = self.ways.entry, self.ways.exit, self.ways.end
        self.link_of = {arc: (exit_(number[arc[0]]), entry(number[arc[1]])) for arc in exact}
        self.grand_total = (end, START)
        for arc, units in exact.items():
            self.put(self.link_of[arc], units)
        for place, units in through.items():
            at = number[place]
            self.put((entry(at), exit_(at)), units)
            if place not in takes:
                self.put((START, entry(at)), units)
            if place not in gives:
                self.put((exit_(at), end), units)
        self.put(self.grand_total, exact_total)

    def put(self, link: Link, units: int) -> None:
        """Add a link; one without a fraction takes no part."""
        fraction = units % UNITS_PER_CENT
        if fraction:
            self.parts[link] = fraction
            self.turn(link)

    def turn(self, link: Link) -> None:
        """Bring a link into play, or take it out of it: steps along it and against it."""
        start, end = link
        self.ways.turn(start, end)
        self.ways.turn(end, start)

    def settle(self, link: Link, upward: bool | None = None) -> None:
        """Move fractions along loops through a link until it is whole; by default to its nearer side."""
        while link in self.parts:
            if upward is None:
                upward = 2 * self.parts[link] >= UNITS_PER_CENT
            rising, falling = self.loop_through(link)
            if not upward:
                rising, falling = falling, rising
            step = min(
                [UNITS_PER_CENT - self.parts[one] for one in rising]
                + [self.parts[one] for one in falling]
            )
            for one in rising:
                self.change(one, step)
            for one in falling:
                self.change(one, -step)

    def change(self, link: Link, step: int) -> None:
        """Add to a link, and take it out of play when it became whole."""
        self.parts[link] += step
        if self.parts[link] in (0, UNITS_PER_CENT):
            self.whole[link] = self.parts.pop(link) // UNITS_PER_CENT
            self.turn(link)

    def loop_through(self, link: Link) -> tuple[list[Link], list[Link]]:
        """The shortest loop of fractions that begins with this link: links along it, links against it."""
        start, end = link
        way = self.ways.shortest(end, start)
        if not way:
            raise AssertionError("a fraction lies on no loop: the flow is not closed")
        along, against = [link], []
        for step in pairwise(way):
            if step in self.parts:
                along.append(step)
            else:
                against.append((step[1], step[0]))
        return along, against

    def bring(self, wanted: Mapping[Link, int]) -> None:
        """Move whole cents along loops until wanted links are what they should be, where that can be.

        If cents exist that lose nothing and have every wanted link right, they differ from those at hand by
        loops, up with the flow and down against it; each loop found here is such a loop, and leaves alone
        what is right already and the grand total.
        """
        kept = {link for link, cents in wanted.items() if self.whole.get(link, cents) == cents}
        kept.add(self.grand_total)
        for link in self.whole.keys() - kept:
            self.ways.turn(*self.movable(link))
        for link in sorted(wanted):
            if self.whole.get(link, wanted[link]) == wanted[link] or wanted[link] not in (0, 1):
                continue
            start, end = self.movable(link)
            way = self.ways.shortest(end, start)
            steps = [(start, end), *pairwise(way)] if way else []
            for one, other in steps:
                changed = (one, other) if (one, other) in self.whole else (other, one)
                self.ways.turn(one, other)
                self.whole[changed] = 1 - self.whole[changed]
                if changed not in wanted:
                    self.ways.turn(other, one)

    def movable(self, link: Link) -> Link:
        """The step that moves a cent on a link: up along it, or down against it."""
        start, end = link
        return (start, end) if self.whole[link] == 0 else (end, start)


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
