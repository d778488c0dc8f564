"""What units were charged in a period, as a change is measured: postings, summed in exact units of 1e-10.

In: postings of a close or of a replay. Out: sums by unit and by what they are for. What always holds: a unit's
leaves sum to the exact amounts of the postings that charge its cost centers, and its cents to their cents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from chargeback.allocation.pools import ALLOCATED, POOL
from chargeback.core.money import cents, exact_units
from chargeback.params import Params

#: What corrects an earlier period, apart from what people adjusted.
CORRECTION = "correction"


class Leaf(NamedTuple):
    """What a charge is for; blank where it does not apply."""

    kind: str
    pool_id: str = ""
    account_id: str = ""
    product_code: str = ""


#: Exact units by what they are for.
Amounts = dict[Leaf, int]


@dataclass
class Charged:
    """A period's charges.

    Args:
        unit_of: cost center -> the business unit it was posted with; by the params where nothing was.
        leaves: business unit -> exact units by what they are for.
        pools: pool -> exact units that it gave to cost centers and later pools.
        cents: business unit -> posted cents.
    """

    unit_of: dict[str, str] = field(default_factory=dict)
    leaves: dict[str, Amounts] = field(default_factory=dict)
    pools: dict[str, int] = field(default_factory=dict)
    cents: dict[str, int] = field(default_factory=dict)

    def of(self, unit_id: str, *kinds: str) -> Amounts:
        """A unit's leaves of some kinds, or of all."""
        return {
            leaf: units
            for leaf, units in self.leaves.get(unit_id, {}).items()
            if not kinds or leaf.kind in kinds
        }

    def pool_parts(self, unit_id: str) -> dict[str, int]:
        """A unit's part of each pool."""
        return {leaf.pool_id: units for leaf, units in self.of(unit_id, ALLOCATED).items()}


def charged(postings: pa.Table, params: Params | None) -> Charged:
    """The charges of a table of postings.

    Args:
        params: of the period; cost centers whose usage was free have no posting.
    """
    registered = params.cost_centers.values() if params else ()
    found = Charged({one.cost_center_id: one.business_unit_id for one in registered})
    columns = (
        "kind", "ledger_account", "business_unit_id", "cost_center_id", "pool_id", "account_id",
        "product_code", "exact_amount", "amount", "original_period",
    )  # fmt: skip
    for row in postings.select(columns).to_pylist():
        units, unit_id = exact_units(row["exact_amount"]), row["business_unit_id"]
        if row["cost_center_id"] is not None:
            leaf = leaf_of(row)
            leaves = found.leaves.setdefault(unit_id, {})
            leaves[leaf] = leaves.get(leaf, 0) + units
            found.unit_of[row["cost_center_id"]] = unit_id
            found.cents[unit_id] = found.cents.get(unit_id, 0) + cents(row["amount"])
        elif row["kind"] == ALLOCATED and row["ledger_account"] == POOL + row["pool_id"]:
            found.pools[row["pool_id"]] = found.pools.get(row["pool_id"], 0) - units
    return found


def leaf_of(row: Mapping[str, str | None]) -> Leaf:
    """What a posting that charges a cost center is for."""
    kind = row["kind"] or ""
    if row["original_period"]:
        return Leaf(
            CORRECTION, row["pool_id"] or "", row["account_id"] or "", row["product_code"] or ""
        )
    if kind == ALLOCATED:
        return Leaf(kind, pool_id=row["pool_id"] or "")
    return Leaf(kind, "", row["account_id"] or "", row["product_code"] or "")


def difference(later: Mapping[Leaf, int], earlier: Mapping[Leaf, int]) -> Amounts:
    """What changed, by what it is for; what did not change is left out."""
    changes = {
        leaf: later.get(leaf, 0) - earlier.get(leaf, 0) for leaf in later.keys() | earlier.keys()
    }
    return {leaf: units for leaf, units in changes.items() if units}


def summed(*amounts: Mapping[Leaf, int]) -> Amounts:
    """Several sets of amounts as one; what comes to nothing is left out."""
    found = Amounts()
    for one in amounts:
        for leaf, units in one.items():
            found[leaf] = found.get(leaf, 0) + units
    return {leaf: units for leaf, units in found.items() if units}


def total(amounts: Iterable[Mapping[Leaf, int]]) -> int:
    """The sum of several sets of amounts."""
    return sum(sum(one.values()) for one in amounts)
