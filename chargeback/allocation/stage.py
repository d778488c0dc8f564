"""The allocation stage: split every pool by its key, and find every cost center's cents.

In: the owned costs and the params. Out: `owner_costs.parquet`, the exact leaves, and `charges.parquet`, cents
per invoice, cost center and source.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.allocation.keys import SqlKeys
from chargeback.allocation.pools import ALLOCATED, allocate, owner_costs
from chargeback.books.tables import sum_where, write_table
from chargeback.books.work_folder import WorkFolder
from chargeback.engine import Engine

STAGE = "allocation"

#: The params files that the stage reads, beyond those of the stages before it.
PARAMS = ("drivers.csv",)


def sum_owners(work: WorkFolder, owned: pa.Table) -> pa.Table:
    """The exact cost of each owner on each invoice, by account, product, type and rule: `owner_costs`."""
    engine = Engine()
    try:
        return owner_costs(engine, owned, work.params)
    finally:
        engine.close()


def spread(work: WorkFolder, owned: pa.Table, split: pa.Table, costs: pa.Table) -> pa.Table:
    """Every pool split by its key and every charge rounded to cents: `charges`.

    Raises:
        Refusal: (exit 4) a pool cannot be split; (exit 2) an allocation key is wrong.
    """
    engine = Engine()
    try:
        return allocate(costs, work.params, SqlKeys(engine, owned, split, work.params))
    finally:
        engine.close()


def keep(work: WorkFolder, costs: pa.Table, charges: pa.Table) -> None:
    """Leave costs and charges for the stages that follow."""
    write_table(costs, work.path("owner_costs.parquet"))
    write_table(charges, work.path("charges.parquet"))
    shared = charges.filter(pc.equal(charges["kind"], ALLOCATED))
    pools = len(set(shared["pool_id"].to_pylist()))
    amount = sum_where(shared, "amount", "cost_center_id")
    recipients = len(set(shared["cost_center_id"].to_pylist()) - {None})
    work.finish(
        STAGE, ["owner_costs.parquet", "charges.parquet"], [],
        f"{pools} pools, {amount:,.2f} {work.params.policy.currency} split onto "
        f"{recipients} cost centers",
    )  # fmt: skip


def run(work: WorkFolder) -> pa.Table:
    """The whole stage."""
    owned, split = work.table("owned_costs"), work.table("split_costs")
    costs = sum_owners(work, owned)
    charges = spread(work, owned, split, costs)
    keep(work, costs, charges)
    return charges
