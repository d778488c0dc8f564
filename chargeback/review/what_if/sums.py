"""Differences summed for a reader: by payer, by unit, by month, by source of cost, with their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

import pyarrow.compute as pc

from chargeback.core.period import period_title
from chargeback.pages.vocabulary import KINDS, key_name
from chargeback.params import Params
from chargeback.review.what_if.replayed import Difference, WhatIf

ZERO = Decimal("0.00")

SumKey = tuple[str, ...]


@dataclass(frozen=True)
class Sum:
    """Amounts of some differences together, over all periods.

    Args:
        more: what those cost centers that pay more pay more, each for itself.
        less: the same for those that pay less; negative.
    """

    key: SumKey
    before: Decimal
    after: Decimal
    more: Decimal
    less: Decimal

    @property
    def difference(self) -> Decimal:
        """After less before, which is more and less together."""
        return self.after - self.before


def by_unit(one: Difference) -> SumKey:
    """Business units."""
    return (one.business_unit_id,)


def by_unit_and_period(one: Difference) -> SumKey:
    """Business units, month by month."""
    return (one.business_unit_id, one.period)


def by_payer(one: Difference) -> SumKey:
    """Cost centers within their business unit."""
    return (one.business_unit_id, one.cost_center_id)


def by_source(one: Difference) -> SumKey:
    """Kinds of cost, pools apart."""
    return (one.kind, one.pool_id)


def summed(differences: Iterable[Difference], by: Callable[[Difference], SumKey]) -> list[Sum]:
    """Sums by a key, who pays most more first; of those who pay as much more, the largest first."""
    groups: dict[SumKey, list[Difference]] = {}
    for one in differences:
        groups.setdefault(by(one), []).append(one)
    sums = [sum_of(key, found) for key, found in groups.items()]
    return sorted(sums, key=lambda one: (-one.difference, -one.after, one.key))


def sum_of(key: SumKey, differences: Iterable[Difference]) -> Sum:
    """One sum; an empty one is zero."""
    before = after = ZERO
    payers: dict[SumKey, Decimal] = {}
    for one in differences:
        before, after = before + one.before, after + one.after
        payers[by_payer(one)] = payers.get(by_payer(one), ZERO) + one.difference
    more = sum((one for one in payers.values() if one > 0), ZERO)
    less = sum((one for one in payers.values() if one < 0), ZERO)
    return Sum(key, before, after, more, less)


def moved(sums: Iterable[Sum]) -> Decimal:
    """What those who pay more pay more together, which those who pay less pay less."""
    return sum((one.difference for one in sums if one.difference > 0), ZERO)


def in_order_of_sources(what_if: WhatIf, sums: Iterable[Sum]) -> list[Sum]:
    """Sums by source in the order of a statement, pools in the order in which they are split."""
    kinds = list(KINDS)
    pool_ids = ["", *(pool.pool_id for params in all_params(what_if) for pool in params.pools)]
    return sorted(sums, key=lambda one: (kinds.index(one.key[0]), pool_ids.index(one.key[1])))


def all_params(what_if: WhatIf) -> list[Params]:
    """Params to look for names in: proposed before in force, later periods before earlier ones."""
    latest = what_if.periods[::-1]
    return [*(one.proposed for one in latest), *(one.in_force for one in latest)]


def unit_name(what_if: WhatIf, business_unit_id: str) -> str:
    """The name of a business unit, proposed or as it was."""
    return next(
        one.business_units[business_unit_id].name
        for one in all_params(what_if)
        if business_unit_id in one.business_units
    )


def cost_center_name(what_if: WhatIf, cost_center_id: str) -> str:
    """The name of a cost center, proposed or as it was."""
    return next(
        one.cost_centers[cost_center_id].name
        for one in all_params(what_if)
        if cost_center_id in one.cost_centers
    )


def source_name(what_if: WhatIf, key: SumKey) -> str:
    """A kind of cost as a statement calls it, or the name of a pool, proposed or as it was."""
    kind, pool_id = key
    pools = (pool for params in all_params(what_if) for pool in params.pools)
    return next((one.name for one in pools if one.pool_id == pool_id), KINDS[kind])


def keys_used(what_if: WhatIf, pool_id: str) -> str:
    """The allocation keys that split a pool before and after, as far as it was split."""
    called = {key: one for params in all_params(what_if) for key, one in params.key_names.items()}
    names = []
    for side in ("before", "after"):
        found: dict[str, None] = {}
        for period in what_if.periods:
            postings = getattr(period, side)
            chosen = pc.and_(
                pc.equal(postings["kind"], "allocated"), pc.equal(postings["pool_id"], pool_id)
            )
            found |= dict.fromkeys(postings.filter(chosen)["allocation_key"].to_pylist())
        names.append(", then ".join(key_name(one, called) for one in found))
    before, after = names
    if before == after:
        return before
    return f"{before or 'no cost'} → {after or 'no cost'}"


def span(what_if: WhatIf) -> str:
    """The periods for a reader."""
    first, last = what_if.periods[0].period, what_if.periods[-1].period
    return (
        period_title(first) if first == last else f"{period_title(first)} to {period_title(last)}"
    )


def changes_by_period(what_if: WhatIf) -> list[str]:
    """Each change once, with the periods it holds in where those are not all."""
    found: dict[str, list[str]] = {}
    for one in what_if.periods:
        for change in one.changes:
            found.setdefault(change, []).append(period_title(one.period))
    return [
        change if len(periods) == len(what_if.periods) else f"{change} ({', '.join(periods)})"
        for change, periods in found.items()
    ]
