"""Totals that are printed one after the other: whether one more tells anything, given that those before do not.

Two answers are at hand without an elimination of all that is seen:

- Yes, where all that is in the total is of one unit, or of two of which one reads it: the total alone tells it.
- No, where nothing is in the total, or where it is no combination of those before in the unknowns that three or
  more units have alike. No reader is rid of these without giving the new total the factor nothing, and what is
  then left told nothing before. Whether it is one is worked out once for all readers, and only the new total is
  gone through.

All else is asked in full (`Unknowns.tells`). What always holds: the answer is the same as in full.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction

from chargeback.statements.isolation.linear import Columns
from chargeback.statements.isolation.sparse import MANY, Sparse, reduced
from chargeback.statements.isolation.unknowns import Unknowns, is_of_pool


class OneByOne:
    """The totals that are printed so far, which tell nothing together.

    Args:
        unknowns: of the period.
        readers: business units that get a statement.
        payers: who sees the totals of a pool, by total; all others are seen by all readers.
    """

    def __init__(
        self, unknowns: Unknowns, readers: Collection[str], payers: Mapping[str, Collection[str]]
    ) -> None:
        self.unknowns, self.readers, self.payers = unknowns, readers, payers
        self.totals: list[str] = []
        self._by_cause, self._by_charge = _Span(unknowns.by_cause), _Span(unknowns.by_charge)

    def tells(self, total: str) -> bool:
        """Whether one more total tells anything together with those that are printed."""
        spans = [self._by_cause] if is_of_pool(total) else [self._by_cause, self._by_charge]
        seers = self._seers(total)
        if any(_is_of_few(one.holders.get(total, set()), seers) for one in spans):
            return True
        if self.unknowns.seen_with([total]) == {total} and all(
            one.is_new(total) or not one.holders.get(total) for one in spans
        ):
            return False
        shown = [*self.totals, total]
        return self.unknowns.tells(
            {
                reader: [one for one in shown if reader in self._seers(one)]
                for reader in self.readers
            }
        )

    def add(self, total: str) -> None:
        """Print a total that tells nothing."""
        self.totals.append(total)
        for one in sorted(self.unknowns.seen_with([total])):
            self._by_cause.add(one)
            if not is_of_pool(one):
                self._by_charge.add(one)

    def _seers(self, total: str) -> Collection[str]:
        return self.payers.get(total, self.readers)


def _is_of_few(holders: Collection[str], seers: Collection[str]) -> bool:
    """Whether what is in a total is of one unit of which another reads, or of two of which one reads."""
    if not holders or len(holders) > 2 or "" in holders:
        return False
    first, *second = sorted(holders)
    if second:
        return first in seers or second[0] in seers
    return any(reader != first for reader in seers)


class _Span:
    """All combinations of some totals, in the unknowns that three or more units have alike.

    Args:
        holders: whose the unknowns are that are in each total.
    """

    def __init__(self, columns: Columns) -> None:
        self.holders: dict[str, set[str]] = {}
        self._vectors: dict[str, Sparse] = {}
        for number, (parts, owners) in enumerate(columns.items()):
            units = {owner.unit_id for owner in owners}
            for total, factor in parts:
                self.holders.setdefault(total, set()).update(units)
                if len(units) >= MANY:
                    self._vectors.setdefault(total, {})[number] = factor
        self._rows: list[Sparse] = []
        self._row_of: dict[int, int] = {}
        self._places: list[int] = []

    def is_new(self, total: str) -> bool:
        """Whether a total is no combination of those that were added."""
        return bool(self._rest(total))

    def add(self, total: str) -> None:
        """Take a total among those that are combined."""
        rest = self._rest(total)
        if rest:
            own = min(rest)
            head = rest[own]
            self._row_of[own] = len(self._rows)
            self._places.append(own)
            self._rows.append({place: one / head for place, one in rest.items()})

    def _rest(self, total: str) -> dict[int, Fraction]:
        return reduced(self._vectors.get(total, {}), self._rows, self._row_of, self._places)
