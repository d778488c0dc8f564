"""Series: what each group of costs used per day, over one unbroken run of days.

In: `daily_costs`, or sums that were kept from earlier days. Out: one array of dollars per group. Only what is
used day by day counts (`USED`), at its amortized cost, whoever owns it. Fees, taxes, credits, discounts and
unused commitments stand on one day of a month and have no run rate.

What always holds: a wider group is the sum of the cells in it. Missing days in the middle are not filled in:
the series begin after the last gap.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

#: Line item types that are written on the day on which something is used.
USED = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")

#: Scopes of a group, the narrowest first: that is where a finding is looked for first.
CELL, COST_CENTER, SERVICE, BUSINESS_UNIT = (
    "cost center and service", "cost center", "service", "business unit",
)  # fmt: skip
SCOPES = (CELL, COST_CENTER, SERVICE, BUSINESS_UNIT)

Floats = NDArray[np.float64]


class Cell(NamedTuple):
    """The finest that is summed: what one owner used of one service. A tuple, which is looked up sooner.

    Args:
        business_unit_id: blank where a pool owns.
        owner_id: a cost center, or `pool:<pool_id>`.
    """

    business_unit_id: str
    owner_id: str
    product_code: str


#: Dollars used per day and cell; a day without a cost is there too, and empty.
Sums = Mapping[date, Mapping[Cell, Decimal]]


class Group(NamedTuple):
    """A sum of cells; parts that are blank hold all of them."""

    scope: str
    business_unit_id: str = ""
    owner_id: str = ""
    product_code: str = ""

    def holds(self, cell: Cell) -> bool:
        """Whether a cell is part of the group's sum."""
        return all(
            mine in ("", theirs)
            for mine, theirs in (
                (self.business_unit_id, cell.business_unit_id),
                (self.owner_id, cell.owner_id),
                (self.product_code, cell.product_code),
            )
        )

    def shares(self, other: Group) -> bool:
        """Whether some cell can be part of both."""
        return all(
            not mine or not theirs or mine == theirs
            for mine, theirs in (
                (self.business_unit_id, other.business_unit_id),
                (self.owner_id, other.owner_id),
                (self.product_code, other.product_code),
            )
        )


@functools.lru_cache(maxsize=65_536)
def groups_of(cell: Cell) -> tuple[Group, ...]:
    """The groups that a cell is part of, the narrowest first. A pool belongs to no business unit."""
    unit, owner, product = cell.business_unit_id, cell.owner_id, cell.product_code
    found = [
        Group(CELL, unit, owner, product),
        Group(COST_CENTER, unit, owner),
        Group(SERVICE, product_code=product),
    ]
    return (*found, Group(BUSINESS_UNIT, unit)) if unit else tuple(found)


def run_rate(costs: pa.Table) -> dict[date, dict[Cell, Decimal]]:
    """What was used per day and cell, out of `daily_costs`."""
    sums: dict[date, dict[Cell, Decimal]] = {
        day: {} for day in pc.unique(costs["usage_date"]).to_pylist()
    }
    keys = ["usage_date", "business_unit_id", "cost_center_id", "pool_id", "product_code"]
    used = costs.filter(pc.is_in(costs["line_item_type"], pa.array(USED)))
    summed = used.group_by(keys).aggregate([("amortized_cost", "sum")])
    columns = [summed[name].to_pylist() for name in (*keys, "amortized_cost_sum")]
    for day, unit, center, pool, product, cost in zip(*columns, strict=True):
        cell, cells = Cell(unit or "", center or f"pool:{pool}", product), sums[day]
        cells[cell] = cells.get(cell, Decimal(0)) + cost
    return sums


@dataclass(frozen=True)
class History:
    """All groups' dollars on each of some days without a gap.

    Args:
        days: one after another.
        costs: an array for each group, in step with the days.
    """

    days: tuple[date, ...]
    costs: Mapping[Group, Floats]


def unbroken(days: Iterable[date]) -> tuple[date, ...]:
    """The last run of days that follow one another."""
    found: list[date] = []
    for day in sorted(days, reverse=True):
        if found and found[-1] - day != timedelta(days=1):
            break
        found.append(day)
    return tuple(reversed(found))


def history(sums: Sums, last: date) -> History:
    """The series of every group up to a day.

    Each day's sum of a group is taken in the order of its cells, so that it does not depend on how they came.
    """
    days = unbroken(day for day in sums if day <= last)
    spent: dict[Cell, Floats] = {}
    for number, day in enumerate(days):
        for cell in sorted(sums[day].keys() - spent.keys()):
            spent[cell] = np.zeros(len(days))
        for cell, cost in sums[day].items():
            spent[cell][number] = float(cost)
    costs = {group: np.zeros(len(days)) for cell in spent for group in groups_of(cell)}
    for cell in sorted(spent):
        for group in groups_of(cell):
            costs[group] += spent[cell]
    return History(days, costs)
