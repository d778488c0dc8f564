"""Unit costs as a statement has them: what one claim, or whatever the unit counts, cost, and why that changed.

Typed and frozen like the rest of the statement (`model`). The kernels import this, so nothing heavy is
imported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from chargeback.ledger.unit_costs import DIRECT, LOADED, Effects
from chargeback.signing import LATER

#: What a line is of: the unit itself, or those of its cost centers together that have a quantity. Else an id.
WHOLE_UNIT, TOGETHER = "", "="

#: What unit costs are of, direct first.
BASES = (DIRECT, LOADED)

__all__ = ["BASES", "DIRECT", "LOADED", "Effects", "UnitCost", "UnitCostMonth"]


@dataclass(frozen=True)
class UnitCostMonth:
    """A month of a unit cost.

    Args:
        quantity: None where it is not in yet; then there are no costs beside it either.
        direct, loaded: cost of kind direct, and all that was charged, in cents, of whom the quantity is of.
        direct_of_one, loaded_of_one: None where nothing is divided.
        as_of: the day on which it was counted, the latest of several; blank where there is none.
        closed_with: the quantity that the month was closed with, where a later count replaced it.
        is_late: the month was closed without a quantity.
    """

    billing_period: str
    quantity: Decimal | None
    direct: Decimal
    loaded: Decimal
    direct_of_one: Decimal | None
    loaded_of_one: Decimal | None
    as_of: str
    is_final: bool
    closed_with: Decimal | None
    is_late: bool


@dataclass(frozen=True)
class UnitCost:
    """What a metric's pieces cost a unit, one of its cost centers, or several together.

    Args:
        line: WHOLE_UNIT, TOGETHER or the id of a cost center.
        title: what it is called; no other one of the statement is called the same.
        one, many: "claim", "claims".
        per: so many pieces the unit cost is of.
        months: the closed ones from the first quantity on, and the period itself, in order.
        effects: why cost and unit cost changed, direct first; none where a month has no unit cost.
        before: the month that they are from; blank where there is none.
        circular: the pools that are split by the same quantity, by their names.
        without: what is charged to cost centers of the unit that have no quantity, where these are counted.
        source: where the quantity of the period comes from.
        by_parts: the owner had a quantity of its own in another month, and in the period its parts have.
        ended: nobody counts it for the unit any more; it is kept for the sums of its months, and is not shown.
    """

    metric: str
    line: str
    title: str
    one: str
    many: str
    per: int
    months: tuple[UnitCostMonth, ...]
    effects: tuple[Effects, ...]
    before: str
    circular: tuple[str, ...]
    without: Decimal
    source: str
    ended: bool = field(default=False, metadata={LATER: True})
    by_parts: bool = field(default=False, metadata={LATER: True})

    @property
    def now(self) -> UnitCostMonth:
        """The period itself."""
        return self.months[-1]

    @property
    def piece(self) -> str:
        """What the unit cost is of: "claim", "1,000 logins"."""
        return self.one if self.per == 1 else f"{self.per:,} {self.many}"

    def effects_of(self, basis: str) -> Effects | None:
        """Why the cost of a basis changed."""
        return next((one for one in self.effects if one.basis == basis), None)
