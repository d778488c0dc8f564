"""The allocation stage: sum by owner, split every pool by its key exactly, then find every share's cents.

In: the owned costs and the params. Out: `owner_costs.parquet`, the exact leaves, and `charges.parquet`, cents
per invoice, cost center and source.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.allocation import pools
from chargeback.allocation.keys import SqlKeys
from chargeback.allocation.pools import ALLOCATED, Shares, owner_costs
from chargeback.books.edges import Edge, Edges
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
        costs = owner_costs(engine, owned, work.params)
        work.keep_sql(STAGE, engine.ran, anew=True)
        return costs
    finally:
        engine.close()


def split_pools(work: WorkFolder, owned: pa.Table, split: pa.Table, costs: pa.Table) -> Shares:
    """Every pool split by its key, exactly: who pays what on each invoice, from which source.

    Raises:
        Refusal: (exit 4) a pool cannot be split; (exit 2) an allocation key is wrong.
    """
    engine = Engine()
    try:
        shares = pools.split_pools(costs, work.params, SqlKeys(engine, owned, split, work.params))
        work.keep_sql(STAGE, engine.ran)
        return shares
    finally:
        engine.close()


def round_cents(shares: Shares) -> pa.Table:
    """The cents of every share: `charges`."""
    return pools.round_shares(shares)


def edges(owned: pa.Table, charges: pa.Table) -> Edges:
    """What has an owner, and what cost centers pay when all pools are empty: exactly the same."""
    cost = sum_where(owned, "charged_cost", "rule") + sum_where(owned, "commitment_cost", "rule")
    paid = charges.filter(pc.is_valid(charges["cost_center_id"]))
    return Edges(
        STAGE,
        Edge("owned costs", owned.num_rows, "rows of the rollup", cost),
        Edge(
            "charges of cost centers", paid.num_rows, "charges",
            sum_where(paid, "exact_amount", "cost_center_id"),
        ),
    )  # fmt: skip


def keep(work: WorkFolder, costs: pa.Table, charges: pa.Table) -> None:
    """Leave costs and charges for the stages that follow."""
    write_table(costs, work.path("owner_costs.parquet"))
    write_table(charges, work.path("charges.parquet"))
    shared = charges.filter(pc.equal(charges["kind"], ALLOCATED))
    pool_count = len(set(shared["pool_id"].to_pylist()))
    amount = sum_where(shared, "amount", "cost_center_id")
    recipients = len(set(shared["cost_center_id"].to_pylist()) - {None})
    work.finish(
        STAGE, ["owner_costs.parquet", "charges.parquet"], [],
        f"{pool_count} pools, {amount:,.2f} {work.params.policy.currency} split onto "
        f"{recipients} cost centers",
    )  # fmt: skip


def run(work: WorkFolder) -> pa.Table:
    """The whole stage.

    Raises:
        Refusal: (exit 4) a pool cannot be split; (exit 2) an allocation key is wrong.
    """
    owned, split = work.table("owned_costs"), work.table("split_costs")
    costs = sum_owners(work, owned)
    charges = round_cents(split_pools(work, owned, split, costs))
    edges(owned, charges).require()
    keep(work, costs, charges)
    return charges
