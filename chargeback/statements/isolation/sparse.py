"""Whether totals tell their readers anything of one other unit: yes or no, without saying what and by which.

It is asked of each total before it is printed, and of all of them once they are. Most unknowns are in few of
many totals (a cost on an invoice is in that invoice, in the company's total and the pools of its weight). So
vectors keep what is not zero, and elimination takes the rarest total of each first: then little is added to the
others. What tells, and in which totals, is worked out where the answer is yes (`linear`).

Bound: an elimination takes each unknown that three or more units have alike once through the totals that it is
in and those of the pools; readers who have nothing that fewer have are asked once for all. So it grows with the
unknowns that are not alike, and hardly with units or cost centers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from chargeback.statements.isolation.linear import Columns, Vector, dot, null_space, views

#: A vector's places that are not zero.
Sparse = dict[int, Fraction]

#: What so many units have alike no reader gets rid of.
MANY = 3


def tells(columns: Columns, seen: Mapping[str, Iterable[str]]) -> bool:
    """Whether `linear.find_told` would find anything.

    Args:
        columns: the unknowns of all units.
        seen: reader -> the totals that the own statement shows.
    """
    return any(_tell(columns, totals, readers) for totals, readers in views(seen))


def _tell(columns: Columns, totals: Sequence[str], readers: Sequence[str]) -> bool:
    """Whether some totals tell one of the readers who all see these."""
    place = {total: at for at, total in enumerate(totals)}
    holders: dict[tuple[tuple[int, Fraction], ...], set[str]] = {}
    for parts, owners in columns.items():
        key = tuple(sorted((place[total], one) for total, one in parts if total in place))
        if key:
            holders.setdefault(key, set()).update(owner.unit_id for owner in owners)
    many = [dict(key) for key, held in holders.items() if len(held) >= MANY]
    free = combinations(many, len(totals))
    if not free:
        return False
    rare: dict[Vector, set[str]] = {}
    for key, held in holders.items():
        if len(held) < MANY:
            vector = tuple(
                sum((one.get(at, 0) * factor for at, factor in key), Fraction(0)) for one in free
            )
            if any(vector):
                rare.setdefault(vector, set()).update(held)
    units = {unit_id for held in rare.values() for unit_id in held if unit_id}
    # Who has nothing rare is told what all others are who have nothing rare.
    alike = [reader for reader in readers if reader not in units][:1]
    asked = [*alike, *(reader for reader in readers if reader in units)]
    return any(
        _tells_of(rare, len(free), {reader, unit_id}, unit_id)
        for reader in asked
        for unit_id in sorted(units - {reader})
    )


def _tells_of(rare: Mapping[Vector, set[str]], size: int, mine: set[str], unit_id: str) -> bool:
    """Whether something of a unit is left when all that others than it and the reader have is got rid of."""
    of_unit = [vector for vector, held in rare.items() if unit_id in held and held <= mine]
    if not of_unit:
        return False
    others = (vector for vector, held in rare.items() if not held <= mine)
    return any(
        dot(combination, vector) for combination in null_space(others, size) for vector in of_unit
    )


def combinations(vectors: Iterable[Sparse], size: int) -> list[Sparse]:
    """What is orthogonal to all vectors: a basis of the null space.

    >>> combinations([{0: Fraction(1), 1: Fraction(-1)}], 2)
    [{1: Fraction(1, 1), 0: Fraction(1, 1)}]
    """
    given = list(vectors)
    often = Counter(place for vector in given for place in vector)
    rows: list[
        Sparse
    ] = []  # each has 1 at its own place, and none of the places of those before it
    row_of: dict[int, int] = {}
    places: list[int] = []
    for vector in sorted(given, key=lambda one: (min(often[place] for place in one), len(one))):
        if len(rows) == size:
            return []
        rest = reduced(vector, rows, row_of, places)
        if rest:
            own = min(rest, key=lambda place: (often[place], place))
            head = rest[own]
            row_of[own] = len(rows)
            places.append(own)
            rows.append({place: one / head for place, one in rest.items()})
    found = []
    for free in range(size):
        if free not in row_of:
            basis = {free: Fraction(1)}
            for own, row in zip(reversed(places), reversed(rows), strict=True):
                value = -sum(
                    (one * basis[at] for at, one in row.items() if at in basis), Fraction(0)
                )
                if value:
                    basis[own] = value
            found.append(basis)
    return found


def reduced(
    vector: Sparse, rows: Sequence[Sparse], row_of: Mapping[int, int], places: Sequence[int]
) -> Sparse:
    """What is left of a vector when the places of all rows are taken out of it, in the order of the rows."""
    rest = dict(vector)
    while hit := [row_of[place] for place in rest if place in row_of]:
        own = places[min(hit)]
        row, factor = rows[row_of[own]], rest[own]
        for place, one in row.items():
            left = rest.get(place, Fraction(0)) - factor * one
            if left:
                rest[place] = left
            else:
                rest.pop(place, None)
    return rest
