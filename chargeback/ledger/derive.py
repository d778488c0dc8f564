"""Derive: the postings that follow from a rollup under some params, without a report and without writing.

In: a period's rollup, as a close keeps it in evidence, and params of that period. Out: the tables that a close
makes of them. What always holds: with the params of the close they are the tables of the close, so a replay
under the rules in force shows no difference. Drawback: the rollup was grouped by the tag keys and ownership
rules of its close; `rollup_fits` says whether other params can use it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from chargeback.allocation.keys import SqlKeys
from chargeback.allocation.pools import allocate, owner_costs
from chargeback.attribution.owners import attribute
from chargeback.engine import Engine
from chargeback.ledger.post import post_period
from chargeback.params import Params


@dataclass(frozen=True)
class Derived:
    """The tables of a close, in the order in which they are made."""

    owned_costs: pa.Table
    owner_costs: pa.Table
    charges: pa.Table
    postings: pa.Table


def derive_postings(rollup: pa.Table, params: Params) -> Derived:
    """Attribute, allocate and post a rollup.

    Raises:
        Refusal: (exit 4) a pool cannot be split under these params; (exit 2) an allocation key is wrong.
    """
    engine = Engine()
    owned, split = attribute(engine, rollup, params)
    costs = owner_costs(engine, owned, params)
    charges = allocate(costs, params, SqlKeys(engine, owned, split, params))
    postings = post_period(costs, charges, params)
    engine.close()
    return Derived(owned, costs, charges, postings)


def rollup_fits(made_with: Params, params: Params) -> bool:
    """Whether a rollup made with some params holds what others decide by."""
    described = [(one.match, one.tags) for one in made_with.ownership]
    return made_with.policy.cost_center_tags == params.policy.cost_center_tags and described == [
        (one.match, one.tags) for one in params.ownership
    ]
