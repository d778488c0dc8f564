"""The elimination: which combinations of totals leave one unit's unknowns alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

#: The totals that an unknown is in, and with which factor: 1 as itself, a price where it is a weight.
Parts = frozenset[tuple[str, Fraction]]
#: Who has unknowns of which kind, by the totals that these are in.
Columns = Mapping[Parts, frozenset["Owner"]]
Vector = tuple[Fraction, ...]


class Owner(NamedTuple):
    """Whose an unknown is, and what it is: "direct cost", "headcount"."""

    unit_id: str
    quantity: str


@dataclass(frozen=True)
class Told:
    """That some totals tell the reader of a statement another unit's figure.

    Args:
        quantities: what it is of.
        totals: which of those that the reader sees have to be put together.
    """

    reader: str
    unit_id: str
    quantities: tuple[str, ...]
    totals: tuple[str, ...]


def find_told(columns: Columns, seen: Mapping[str, Iterable[str]]) -> list[Told]:
    """Of which units the totals that readers see tell them.

    Args:
        columns: the unknowns of all units, those with a unit id of "" of nobody whose secret they are.
        seen: reader -> the totals that the own statement shows.
    """
    found = [told for view in views(seen) for told in _told_by(columns, *view)]
    return sorted(found, key=lambda one: (one.reader, one.unit_id))


def views(seen: Mapping[str, Iterable[str]]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Totals that are seen together, sorted, with all readers who see these and no others."""
    pairs = sorted((tuple(sorted(set(totals))), reader) for reader, totals in seen.items())
    for totals, group in groupby(pairs, key=lambda one: one[0]):
        if totals:
            yield totals, [reader for _, reader in group]


def _told_by(columns: Columns, totals: tuple[str, ...], readers: Sequence[str]) -> list[Told]:
    """What some totals tell readers who all see these."""
    owners: dict[Vector, set[Owner]] = {}
    for parts, holders in columns.items():
        of_total = dict(parts)
        vector = tuple(of_total.get(one, Fraction(0)) for one in totals)
        if any(vector):
            owners.setdefault(vector, set()).update(holders)
    few = {vector: held for vector, held in owners.items() if len(_units(held)) < 3}
    free = null_space([one for one in owners if one not in few], len(totals))
    # From here on a combination is a point of the null space, and an unknown what it is there.
    rare: dict[Vector, set[Owner]] = {}
    for vector, held in few.items():
        rare.setdefault(tuple(dot(one, vector) for one in free), set()).update(held)
    rare = {vector: held for vector, held in rare.items() if any(vector)}
    of_units = sorted({one.unit_id for held in rare.values() for one in held if one.unit_id})
    found = []
    for reader in readers:
        for unit_id in of_units:
            if unit_id != reader:
                found += _told_of(rare, totals, free, reader, unit_id)
    return found


def _told_of(
    rare: Mapping[Vector, set[Owner]],
    totals: Sequence[str],
    free: Sequence[Vector],
    reader: str,
    unit_id: str,
) -> list[Told]:
    """Whether a reader is told of a unit: nothing, or the first combination that tells."""
    mine = {reader, unit_id}
    others = [vector for vector, held in rare.items() if not _units(held) <= mine]
    of_unit = {
        vector: held
        for vector, held in rare.items()
        if unit_id in _units(held) and _units(held) <= mine
    }
    for combination in null_space(others, len(free)):
        told = {
            one.quantity
            for vector, held in of_unit.items()
            if dot(combination, vector)
            for one in held
            if one.unit_id == unit_id
        }
        if told:
            factors = [
                dot(combination, tuple(one[place] for one in free)) for place in range(len(totals))
            ]
            used = tuple(total for total, one in zip(totals, factors, strict=True) if one)
            return [Told(reader, unit_id, tuple(sorted(told)), used)]
    return []


def _units(held: Iterable[Owner]) -> set[str]:
    return {one.unit_id for one in held}


def dot(some: Sequence[Fraction], others: Sequence[Fraction]) -> Fraction:
    """The sum of the products.

    >>> dot([Fraction(1), Fraction(2)], [Fraction(3), Fraction(4)])
    Fraction(11, 1)
    """
    return sum((a * b for a, b in zip(some, others, strict=True) if a and b), Fraction(0))


def null_space(vectors: Iterable[Sequence[Fraction]], size: int) -> list[Vector]:
    """What is orthogonal to all vectors: a basis, of `size` vectors where there is none to be orthogonal to.

    >>> null_space([[Fraction(1), Fraction(-1)]], 2)
    [(Fraction(1, 1), Fraction(1, 1))]
    """
    rows: dict[int, list[Fraction]] = {}  # in reduced form, by the place of their leading one
    for vector in vectors:
        if len(rows) == size:
            return []
        _reduce(rows, list(vector))
    basis = []
    for place in range(size):
        if place not in rows:
            basis.append(
                tuple(
                    Fraction(int(one == place)) if one not in rows else -rows[one][place]
                    for one in range(size)
                )
            )
    return basis


def _reduce(rows: dict[int, list[Fraction]], vector: list[Fraction]) -> None:
    """Add a vector to rows in reduced form, unless it follows from them."""
    for place, row in rows.items():
        if factor := vector[place]:
            vector = [one - factor * other for one, other in zip(vector, row, strict=True)]
    lead = next((place for place, one in enumerate(vector) if one), None)
    if lead is None:
        return
    head = vector[lead]
    vector = [one / head for one in vector]
    for place, row in rows.items():
        if factor := row[lead]:
            rows[place] = [one - factor * other for one, other in zip(row, vector, strict=True)]
    rows[lead] = vector
