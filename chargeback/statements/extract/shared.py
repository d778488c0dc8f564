"""Shared cost: the unit's part of each pool, and what pools passed on to each other."""

from __future__ import annotations

from chargeback.ledger.references import POOL_LINE
from chargeback.ledger.splits import Split
from chargeback.pages.vocabulary import key_label
from chargeback.params import Params
from chargeback.params.published_totals import ALL, hides_weights
from chargeback.statements.extract.charges import Charges
from chargeback.statements.extract.published import rounded_share
from chargeback.statements.extract.unit_rows import (
    UnitRows,
    pool_names,
    rows_by,
    rows_of_kind,
)
from chargeback.statements.model import ZERO, PassedOn, PoolShare


def pool_shares(params: Params, mine: UnitRows, charges: Charges) -> tuple[PoolShare, ...]:
    """The pools that the unit pays for or paid for in the last closed period, the largest first."""
    allocated = mine.of_kind("allocated")
    names = pool_names(params)
    currency = params.policy.currency
    approved = {pool.pool_id: pool.approved or "" for pool in params.pools}
    found, by_pool = [], rows_by(allocated.rows, "pool_id")
    for pool_id, amount, previous in allocated.compared("pool_id"):
        pool = charges.pools.get(pool_id) or Split(pool_id)
        centers = {row["cost_center_id"] for row in by_pool.get(pool_id, ())}
        label = key_label(pool.allocation_key, params.key_names)
        is_shown = shows_totals(charges, pool_id, bool(centers))
        has_share = charges.published.share(pool_id) and bool(centers and pool.total_weight)
        weight = sum((pool.weights.get(center, ZERO) for center in centers), ZERO)
        found.append(
            PoolShare(
                pool_id=pool_id,
                name=names.get(pool_id, pool_id),
                approved=approved.get(pool_id, ""),
                allocation_key=pool.allocation_key,
                split_by=label.name,
                unit=label.unit or (currency if pool.allocation_key == "direct_spend" else ""),
                weight=None if hides_weights(charges.published.policy) else weight,
                total_weight=pool.total_weight if is_shown else None,
                pool_total=pool.amount if is_shown else None,
                is_kept=not (charges.published.pool(pool_id) or has_share) and bool(centers),
                amount=amount,
                previous=previous,
                share=rounded_share(weight, pool.total_weight) if has_share else None,
                reference=mine.references.of_key(POOL_LINE, pool_id),
            )
        )
    return tuple(found)


def shows_totals(charges: Charges, pool_id: str, takes_part: bool) -> bool:
    """Whether a unit's statement shows a pool's totals: those published, of pools that it pays for now."""
    return charges.published.pool(pool_id) and (takes_part or charges.published.policy == ALL)


def passed_on_to(params: Params, mine: UnitRows, charges: Charges) -> tuple[PassedOn, ...]:
    """What pools gave each other, where the unit pays for one of the two and both totals are published."""
    own = {row["pool_id"] for row in rows_of_kind(mine.rows, "allocated")}
    names = pool_names(params)
    return tuple(
        PassedOn(names.get(giver, giver), names.get(receiver, receiver), amount)
        for (giver, receiver), amount in charges.passed_on.items()
        if amount
        and own & {giver, receiver}
        and charges.published.pool(giver)
        and charges.published.pool(receiver)
    )
