"""Ways: the shortest way between two nodes of a flow, by sets of places that are looked at as a whole.

In: the steps that can be taken in the drawing of a flow (`apportion.round_flow`), where every place has an
entry and an exit, START feeds the entries of all sources, and the exits of all payers lead to END. Out: of all
shortest ways from one node to another the one whose nodes come first, in the order START, entries by name,
exits by name, END. That is the way that a breadth first search finds which visits neighbours in this order.

Nodes are numbers in that order, so that a way is the same whoever looks for it. What is next to a node is kept
as the bits of one integer, one bit a place. Few places give (kinds of cost and pools), many only pay, so a
search asks each giver once for all payers together, and never goes through payers one by one.

Bound: with g givers and n places a search takes at most some g operations on integers of n bits for each step
of the way, and mostly one or two in all: a way back is most often over one other giver and one other payer. An
operation on 5,000 bits takes a fraction of a microsecond. So the time that a flow takes grows as the number of
its amounts does; faster only with tens of thousands of places, or with hundreds that give.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

START = -1


class Level(NamedTuple):
    """Nodes that are equally far from the goal: of one side, entries and END, or of the other.

    Args:
        entries, exits: of places, as bits; exits of those that only receive.
        givers: exits of places that give, as bits of their rank.
        has_start, has_end: whether START or END is among them.
    """

    entries: int = 0
    has_end: bool = False
    givers: int = 0
    exits: int = 0
    has_start: bool = False


class Ways:
    """The steps that can be taken from node to node, each in one direction.

    Args:
        places: how many there are; `entry` and `exit` number their nodes.
        givers: the places that give to others, sorted.
    """

    def __init__(self, places: int, givers: Sequence[int]) -> None:
        self.places, self.end = places, 2 * places
        self.givers = list(givers)
        self.rank = {giver: rank for rank, giver in enumerate(givers)}
        # From and to the exit of each giver, by rank: entries as bits. To such exits, by entry: ranks as bits.
        self.leaving = [0] * len(self.givers)
        self.arriving = [0] * len(self.givers)
        self.giving = [0] * places
        # Of places that only receive, from entry to exit and back; from and to END; from and to START.
        self.through, self.back = 0, 0
        self.to_end, self.from_end = 0, 0
        self.from_start, self.to_start = 0, 0

    def entry(self, place: int) -> int:
        """The node where a place receives."""
        return place

    def exit(self, place: int) -> int:
        """The node where a place gives."""
        return self.places + place

    def turn(self, here: int, there: int) -> None:
        """Open a step that is closed, or close one that is open; between END and START there is none."""
        places, end = self.places, self.end
        if here == START:
            if there != end:
                self.from_start ^= 1 << there
        elif there == START:
            if here != end:
                self.to_start ^= 1 << here
        elif here == end:
            self.from_end ^= 1 << there - places
        elif there == end:
            self.to_end ^= 1 << here - places
        elif here < places:
            rank = self.rank.get(there - places)
            if rank is None:
                self.through ^= 1 << here
            else:
                self.arriving[rank] ^= 1 << here
                self.giving[here] ^= 1 << rank
        else:
            rank = self.rank.get(here - places)
            if rank is None:
                self.back ^= 1 << there
            else:
                self.leaving[rank] ^= 1 << there

    def shortest(self, start: int, goal: int) -> list[int]:
        """The nodes of the shortest way, and of several the first; empty if there is none.

        The step from the start to the goal itself is no way.

        Args:
            start, goal: one of them an entry or END, the other an exit of a giver or START.
        """
        if start < 0 or start >= self.places or goal == self.end:
            return self._far(start, goal)
        # Over one other giver and one other place, which is all it takes nearly always.
        rank = self.rank[goal - self.places]
        near_goal = self.arriving[rank] & ~(1 << start)
        for other in bits(self.giving[start] & ~(1 << rank)):
            if both := self.leaving[other] & near_goal:
                return [start, self.places + self.givers[other], first(both), goal]
        return self._far(start, goal)

    def _far(self, start: int, goal: int) -> list[int]:
        """The same for ways of any length: by how far all nodes are from the goal, as far as need be."""
        levels = [self._level_of(goal)]
        seen = levels[0]
        while not self._has(levels[-1], start):
            level = self._before(levels[-1], seen)
            if len(levels) == 1 and 0 <= start < self.places:
                level = level._replace(entries=level.entries & ~(1 << start))
            elif len(levels) == 1 and start >= self.places:
                level = level._replace(givers=level.givers & ~(1 << self.rank[start - self.places]))
            if not any(level):
                return []
            seen = Level(
                seen.entries | level.entries,
                seen.has_end or level.has_end,
                seen.givers | level.givers,
                seen.exits | level.exits,
                seen.has_start or level.has_start,
            )
            levels.append(level)
        way = [start]
        for level in reversed(levels[:-1]):
            way.append(self._next(way[-1], level))
        return way

    def _level_of(self, node: int) -> Level:
        if node == START:
            return Level(has_start=True)
        if node == self.end:
            return Level(has_end=True)
        if node < self.places:
            return Level(entries=1 << node)
        return Level(givers=1 << self.rank[node - self.places])

    def _has(self, level: Level, node: int) -> bool:
        return any(one & other for one, other in zip(level, self._level_of(node), strict=True))

    def _before(self, level: Level, seen: Level) -> Level:
        """The nodes from which a step leads to a level, without those that are nearer to the goal."""
        if level.entries or level.has_end:
            givers = 0
            for rank, leaving in enumerate(self.leaving):
                if leaving & level.entries:
                    givers |= 1 << rank
            exits = self.back & level.entries | (self.to_end if level.has_end else 0)
            starts = bool(self.from_start & level.entries) and not seen.has_start
            return Level(0, False, givers & ~seen.givers, exits & ~seen.exits, starts)
        entries = self.through & level.exits | (self.to_start if level.has_start else 0)
        for rank in bits(level.givers):
            entries |= self.arriving[rank]
        ends = bool(self.from_end & level.exits) and not seen.has_end
        return Level(entries & ~seen.entries, ends)

    def _next(self, node: int, level: Level) -> int:
        """The first node of a level to which a step leads."""
        if node == START:
            return first(self.from_start & level.entries)
        if node == self.end:
            return self.places + first(self.from_end & level.exits)
        if node >= self.places:
            rank = self.rank.get(node - self.places)
            if rank is not None:
                return first(self.leaving[rank] & level.entries)
            own = node - self.places
            return own if self.back & level.entries & 1 << own else self.end
        if level.has_start and self.to_start & 1 << node:
            return START
        found = [self.givers[first(ranks)] for ranks in [self.giving[node] & level.givers] if ranks]
        if self.through & level.exits & 1 << node:
            found.append(node)
        return self.places + min(found)


def first(numbers: int) -> int:
    """The smallest number of a set that is given as bits.

    >>> first(0b1100)
    2
    """
    return (numbers & -numbers).bit_length() - 1


def bits(numbers: int) -> Iterator[int]:
    """The numbers of a set that is given as bits, from the smallest on.

    >>> list(bits(0b1101))
    [0, 2, 3]
    """
    while numbers:
        lowest = numbers & -numbers
        yield lowest.bit_length() - 1
        numbers ^= lowest
