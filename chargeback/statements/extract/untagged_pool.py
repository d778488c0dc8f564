"""What a unit's accounts put into the pool for untagged cost, and what the unit pays of it, side by side."""

from __future__ import annotations

from chargeback.pages.vocabulary import key_label
from chargeback.params import Params
from chargeback.params.rules import UNTAGGED
from chargeback.statements.extract.charges import Charges
from chargeback.statements.extract.shared import shows_totals
from chargeback.statements.extract.unit_rows import UnitRows, pool_names, rows_of_kind, sum_of
from chargeback.statements.model import Untagged, UntaggedPool


def untagged_pool(
    params: Params, mine: UnitRows, charges: Charges, untagged: Untagged
) -> UntaggedPool | None:
    """The two figures of a unit, and the pool's total where it is published; None where both are nothing."""
    rows = [row for row in rows_of_kind(mine.rows, "allocated") if row["pool_id"] == UNTAGGED]
    put_in, paid = untagged.pooled, sum_of(rows)
    if not put_in and not paid:
        return None
    pool = charges.pools.get(UNTAGGED)
    is_shown = pool is not None and shows_totals(charges, UNTAGGED, bool(rows))
    return UntaggedPool(
        pool_id=UNTAGGED,
        name=pool_names(params).get(UNTAGGED, UNTAGGED),
        split_by=key_label(pool.allocation_key, params.key_names).name if pool and rows else "",
        put_in=put_in,
        paid=paid,
        pool_total=pool.amount if pool and is_shown else None,
    )
