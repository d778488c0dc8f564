"""How each pool was split: the one set of totals and weights that everything shows.

In: the postings of a period. Out: a `Split` for each pool: what it held, in all and on each invoice, and the
weight of every recipient. The PDF, the HTML, statement.csv, the trace and the notebooks all take theirs from
here, so that one line has one arithmetic: what the pool held, times the own weight, divided by all weights.

The recipients are all who took a part of the pool, those that are pools themselves among them. What a pool
passed on to a later pool was split by the same weights in the same step, so leaving it out would show a total
and weights by which nothing was ever divided.

What always holds: exact_amount × weight ÷ total_weight is the exact amount of each posting, to its ten decimals
(chargeback/allocation/apportion.py says who gets the last one). A recipient's weight is the same on all
invoices of a period.

Known drawback: a recipient whose part is nothing to ten decimals has no posting, nor its weight a place here.
So of what holds fewer units of 1e-10 than `MOST_RECIPIENTS` nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from chargeback.allocation.pools import ALLOCATED, POOL
from chargeback.core.money import exact_units

#: More recipients than any pool has; a pool of fewer units of 1e-10 may leave some of them out.
MOST_RECIPIENTS = 1_000_000

#: Decimals of a share: so many that a share of any pool gives its exact amount.
SHARE_PLACES = 24

_ZERO, _NO_CENTS = Decimal(0), Decimal("0.00")
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)

Row = Mapping[str, Any]


@dataclass
class Split:
    """How a pool was split in a period.

    Args:
        amount: what it held and gave away, as posted, over all invoices.
        exact: the same exactly, by invoice.
        weights: of each cost center by its id, and of each pool that took a part by `pool:<id>`.
    """

    pool_id: str
    allocation_key: str = ""
    amount: Decimal = _NO_CENTS
    exact: dict[str, Decimal] = field(default_factory=dict)
    weights: dict[str, Decimal] = field(default_factory=dict)

    @cached_property
    def total_weight(self) -> Decimal:
        """The weights of all recipients together; summed once, as every line of a pool asks for it."""
        return sum(self.weights.values(), _ZERO)

    @cached_property
    def pays_centers(self) -> bool:
        """Whether a cost center takes a part, or all of it is passed on to pools."""
        return not all(name.startswith(POOL) for name in self.weights)

    @property
    def weight_of_centers(self) -> Decimal:
        """The weights of cost centers alone, which statement.csv of earlier versions has as all weights."""
        return sum((one for name, one in self.weights.items() if not name.startswith(POOL)), _ZERO)

    def share(self, weight: Decimal) -> Decimal:
        """The part of the pool that a weight is, between 0 and 1, with `SHARE_PLACES` decimals.

        >>> Split("p", weights={"a": Decimal(1), "b": Decimal(3)}).share(Decimal(1)).normalize()
        Decimal('0.25')
        """
        places = Decimal(1).scaleb(-SHARE_PLACES)
        return _WIDE.quantize(_WIDE.divide(weight, self.total_weight), places)


def splits_of(rows: Iterable[Row]) -> dict[str, Split]:
    """How each pool was split, in the ledger's order; corrections of earlier periods are splits of those."""
    found: dict[str, Split] = {}
    for row in rows:
        if row["kind"] != ALLOCATED or row["original_period"]:
            continue
        pool_id, invoice_id = row["pool_id"], row["invoice_id"] or ""
        one = found.setdefault(pool_id, Split(pool_id))
        one.allocation_key = one.allocation_key or row["allocation_key"] or ""
        if is_given(row):
            one.amount -= row["amount"]
            one.exact[invoice_id] = one.exact.get(invoice_id, _ZERO) - row["exact_amount"]
        elif row["weight"] is not None:
            one.weights.setdefault(recipient(row), row["weight"])
    return found


def is_given(row: Row) -> bool:
    """Whether a posting of a pool's entry is the one that empties the pool."""
    return not row["cost_center_id"] and bool(row["ledger_account"] == f"{POOL}{row['pool_id']}")


def recipient(row: Row) -> str:
    """Who takes a part of a pool: a cost center by its id, a pool by its ledger account."""
    return str(row["cost_center_id"] or row["ledger_account"])


def recomputes(held: Decimal, weight: Decimal, all_weights: Decimal, exact: Decimal) -> bool:
    """Whether an exact amount is a weight's part of what a pool held, to its ten decimals.

    >>> recomputes(Decimal(30), Decimal(1), Decimal(3), Decimal("10.0000000000"))
    True
    """
    if not all_weights:
        return False
    units = exact_units(held)
    off = Fraction(units) * Fraction(weight) / Fraction(all_weights) - exact_units(exact)
    return abs(off) < 1 or abs(units) < MOST_RECIPIENTS
