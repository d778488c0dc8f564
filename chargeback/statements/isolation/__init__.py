"""Isolation: whether totals of all units together tell the reader of one statement another unit's figure.

A total that is printed is a sum of what cost centers have: a pool's weights, what is on an invoice, what the
company was charged. Its reader knows that sum, and what the own cost centers have. Another unit's figure is
told when some combination of the totals that the reader sees leaves nothing unknown but what is that one
unit's: the total of the weights of one pool less that of another is the weight of the one unit that takes part
in the first only. This package says whether there is such a combination, and which, in exact fractions.

In: `Unknowns`, what the totals are made of, and which totals each unit's statement shows. Out: `Told`, one per
reader and unit that is told of. What always holds: the more totals are shown, the more is told; what is told
depends on who takes part and on no single figure, so that keeping a total back gives nothing away.

How it is found: a combination has a factor for each total. It is rid of what others have when the factors,
applied to each of their unknowns, come to zero: such combinations are a null space. It tells of a unit when it
does not come to zero for all of that unit's. Most unknowns are in the same totals as those of many other units.
What three or more units have alike no reader gets rid of, so that their null space is found once for all.

Known drawbacks: knowledge from elsewhere is not counted, nor what a reader remembers of other months; two
readers who put their statements together see more than one of them.
"""

from __future__ import annotations

from chargeback.statements.isolation.linear import Told, find_told
from chargeback.statements.isolation.one_by_one import OneByOne
from chargeback.statements.isolation.unknowns import (
    CHARGED_TOTAL,
    COMPANY,
    Unknowns,
    change_total,
    invoice_total,
    pool_total,
)

__all__ = [
    "CHARGED_TOTAL",
    "COMPANY",
    "OneByOne",
    "Told",
    "Unknowns",
    "change_total",
    "find_told",
    "invoice_total",
    "pool_total",
]
