"""Produced: what a ledger charges to whom quantities are of, beside these quantities.

In: rows of a ledger and the counts that are an owner's. Out: cost and quantity of the month, as sums; nothing
is divided here (`unit_costs`).
"""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.allocation.pools import DIRECT
from chargeback.core.sums import sum_of
from chargeback.ledger.unit_costs import Produced
from chargeback.params.metrics import COMPANY, Metric

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def produced_by(rows: pa.Table, counts: Collection[Metric]) -> Produced:
    """The cost of those whose quantities are counted, and the sum of these; without counts nothing.

    Args:
        rows: of one month, with the columns of postings.
        counts: of one metric and the same month (`params.metrics.owned_counts`).
    """
    if not counts:
        return Produced(ZERO, ZERO, None)
    charged = rows.filter(pc.is_valid(rows["cost_center_id"]))
    units = sorted({one.business_unit_id for one in counts if not one.cost_center_id})
    centers = sorted({one.cost_center_id for one in counts if one.cost_center_id})
    if COMPANY not in units:
        of_unit = pc.is_in(charged["business_unit_id"], pa.array(units, pa.string()))
        of_center = pc.is_in(charged["cost_center_id"], pa.array(centers, pa.string()))
        holders = pa.array(sorted({one.business_unit_id for one in counts}), pa.string())
        of_holder = pc.and_(of_center, pc.is_in(charged["business_unit_id"], holders))
        charged = charged.filter(pc.or_(of_unit, of_holder))
    direct = charged.filter(pc.equal(charged["kind"], DIRECT))
    return Produced(
        sum_of(direct, "amount").quantize(CENT),
        sum_of(charged, "amount").quantize(CENT),
        sum((one.quantity for one in counts), Decimal(0)),
    )
