"""Unit costs: what one claim, member or other metric costs, and why that changed.

Comes in: what an owner was charged in a month (C, in cents) and the quantity that it produced (Q, of
metrics.csv). Goes out: the unit cost u = C / Q, for direct cost (kind direct) and fully loaded (all that is
charged), and its change. A quotient is never used again: whatever is computed starts from costs and
quantities, and only what is shown is rounded, once. So a ratio of sums is that, and no average of ratios.

Cost changes by a volume and a rate effect (price-volume variance analysis, as in Horngren, Datar, Rajan: Cost
Accounting; what a unit cost is for: FinOps Foundation, FinOps Framework, capability Unit Economics):

    C1 - C0 = (Q1 - Q0) x u0   volume: more or fewer pieces, each at what one cost before
            + (u1 - u0) x Q1   rate: one costs more or less, for all pieces of now

The volume effect is rounded to cents once, halves away from zero; the rate effect is the rest, so that both
sum to the change exactly. The unit cost changes by a cost and a quantity effect:

    u1 - u0 = (C1 - C0) / Q1        cost: another cost for the pieces of now
            + C0 x (1/Q1 - 1/Q0)    quantity: the cost of before, on more or fewer pieces

Unit costs are shown with PLACES decimals. The cost effect is rounded so once; the quantity effect is the rest
of the change of what is shown. What always holds: both sums, for whatever sign; no order of rows matters;
nothing is divided by a quantity of zero or by one that is not known.

Known drawback: the effects say what changed, not why; a cost that does not follow the quantity at all, such
as a licence, shows as a rate effect whenever the quantity moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from chargeback.allocation.apportion import part_of
from chargeback.core.money import cents, cents_amount
from chargeback.params.metrics import QUANTITY_PLACES

#: Decimals of a unit cost as it is shown.
PLACES = 4

#: What unit costs are of: cost of kind direct, and all that is charged.
DIRECT, LOADED = "direct", "loaded"


@dataclass(frozen=True)
class Produced:
    """What an owner was charged in a month, and what it produced.

    Args:
        direct, loaded: cost of kind direct, and all cost, in cents.
        quantity: None where it is not known.
    """

    direct: Decimal
    loaded: Decimal
    quantity: Decimal | None

    @property
    def is_divisible(self) -> bool:
        """Whether there is a unit cost: the quantity is known, and not zero."""
        return bool(self.quantity)

    def cost(self, basis: str) -> Decimal:
        """The cost of a basis, DIRECT or LOADED."""
        return self.direct if basis == DIRECT else self.loaded


@dataclass(frozen=True)
class Effects:
    """Why a cost and a unit cost changed, from one month to another.

    Args:
        basis: DIRECT or LOADED.
        before, after: the costs; before + volume + rate is after.
        one_before, one_after: the unit costs as they are shown; one_before + cost_effect + quantity_effect is
            one_after.
    """

    basis: str
    before: Decimal
    volume: Decimal
    rate: Decimal
    after: Decimal
    one_before: Decimal
    cost_effect: Decimal
    quantity_effect: Decimal
    one_after: Decimal


def unit_cost(cost: Decimal, quantity: Decimal, per: int = 1) -> Decimal:
    """What `per` pieces cost, rounded once to PLACES decimals, halves away from zero.

    Args:
        cost: in cents; may be negative.
        quantity: more than zero, with at most QUANTITY_PLACES decimals.

    >>> unit_cost(Decimal("100.00"), Decimal(3)), unit_cost(Decimal("-1.00"), Decimal(3000), per=1000)
    (Decimal('33.3333'), Decimal('-0.3333'))

    Raises:
        ValueError: the quantity is not more than zero.
    """
    shown = part_of(cents(cost) * per * 10 ** (PLACES - 2), pieces(Decimal(1)), pieces(quantity))
    return Decimal(shown).scaleb(-PLACES)


def unit_cost_of(found: Produced, basis: str, per: int = 1) -> Decimal | None:
    """The unit cost of a month; None where there is none."""
    if not found.quantity:
        return None
    return unit_cost(found.cost(basis), found.quantity, per)


def effects(before: Produced, after: Produced, basis: str, per: int = 1) -> Effects | None:
    """Why cost and unit cost changed; None where a month has no unit cost.

    >>> found = effects(
    ...     Produced(Decimal("60.00"), Decimal("100.00"), Decimal(50)),
    ...     Produced(Decimal("60.00"), Decimal("110.00"), Decimal(60)), LOADED)
    >>> found.volume, found.rate, found.one_before, found.one_after
    (Decimal('20.00'), Decimal('-10.00'), Decimal('2.0000'), Decimal('1.8333'))
    """
    if not before.quantity or not after.quantity:
        return None
    was, now = before.cost(basis), after.cost(basis)
    then, here = pieces(before.quantity), pieces(after.quantity)
    volume = cents_amount(part_of(cents(was), here - then, then))
    one_before = unit_cost(was, before.quantity, per)
    one_after = unit_cost(now, after.quantity, per)
    cost_effect = unit_cost(now - was, after.quantity, per)
    return Effects(
        basis,
        was,
        volume,
        now - was - volume,
        now,
        one_before,
        cost_effect,
        one_after - one_before - cost_effect,
        one_after,
    )


def pieces(quantity: Decimal) -> int:
    """A quantity as a whole number of its smallest parts.

    Raises:
        ValueError: it has more than QUANTITY_PLACES decimals.
    """
    scaled = quantity.scaleb(QUANTITY_PLACES)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{quantity} has more than {QUANTITY_PLACES} decimals")
    return whole
