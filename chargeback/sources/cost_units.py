"""Cost units: a report's costs, which are doubles, summed in whole units of 1e-10, without SQL or DECIMAL.

In: an array of doubles. Out: one integer. What always holds: each cost is its shortest text that reads back as
the double, which is what AWS wrote, rounded once to ten decimals, halves away from zero. SQL casts by the same
rule (chargeback/engine/doubles.py), so that control totals and rollup agree for whatever a report holds.

Periods that were closed before have the SQL of their time in their evidence. It cast whole and fraction apart,
by the double's own binary digits, which differs where a cost with cents is larger than some 500,000: in the
tenth decimal. An audit counts as the period's SQL does.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from chargeback.engine.doubles import NEAR_HALF, NEAR_HALF_AT_LEAST

Count = Callable[[np.ndarray], int]

#: A cost that a double does not hold to the cent; a batch of smaller ones fits into 64 bits.
LARGEST_COST = 1e14


def cost_units(costs: np.ndarray) -> int:
    """The exact sum of costs in 1e-10 units, each rounded once, halves away from zero, as SQL casts it.

    Raises:
        ValueError: a cost is no number, or too large for a bill.
    """
    require_costs(costs)
    scaled = costs * 1e10
    below = np.floor(scaled)
    is_doubtful = np.abs(scaled - below - 0.5) <= NEAR_HALF_AT_LEAST + np.abs(costs) * NEAR_HALF
    below[is_doubtful] = scaled[is_doubtful] = 0
    units = below.astype(np.int64) + (scaled - below > 0.5)
    # In two parts, of which neither sum of a batch leaves 64 bits.
    total = (int((units >> 20).sum()) << 20) + int((units & (2**20 - 1)).sum())
    return total + sum(map(units_of_text, costs[is_doubtful].tolist()))


def units_of_text(cost: float) -> int:
    """A cost in 1e-10 units by its shortest text, which says more than the double's own digits.

    >>> units_of_text(-7_000_000.1234567), units_of_text(0.00000000005)
    (-70000001234567000, 1)
    """
    return int(Decimal(repr(cost)).scaleb(10).quantize(Decimal(1), ROUND_HALF_UP))


def cost_units_in_parts(costs: np.ndarray) -> int:
    """The sum as `cost_units`, of costs that are cast as SQL did before: whole and fraction apart.

    Raises:
        ValueError: a cost is no number, or too large for a bill.
    """
    require_costs(costs)
    whole = np.trunc(costs)
    scaled = (costs - whole) * 1e10
    fraction = np.trunc(scaled)
    fraction += np.sign(scaled) * (np.abs(scaled - fraction) >= 0.5)
    return int(whole.astype(np.int64).sum()) * 10**10 + int(fraction.astype(np.int64).sum())


def count_of(line_items_sql: str) -> Count:
    """How costs are counted for a text of sql/sources/line_items.sql, of today or as it is kept in evidence."""
    return cost_units if "as double) as decimal" in line_items_sql else cost_units_in_parts


def require_costs(costs: np.ndarray) -> None:
    """Stop at what is no cost of a bill."""
    if not np.isfinite(costs).all():
        raise ValueError("a cost is not a finite number")
    if len(costs) and (largest := np.abs(costs).max()) >= LARGEST_COST:
        raise ValueError(f"a cost of {largest:g} is no amount of a bill")
