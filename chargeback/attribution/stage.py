"""The attribution stage: give each cost exactly one owner, and keep the rule that decided.

In: the rollup and the params. Out: `owned_costs.parquet`, and for allocation keys `split_costs.parquet`.
"""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa

from chargeback.attribution.owners import attribute, tag_readings
from chargeback.books.edges import Edge, Edges
from chargeback.books.tables import sum_where, write_table
from chargeback.books.work_folder import WorkFolder
from chargeback.core.money import rounded_once, sum_shown
from chargeback.core.sums import sum_of
from chargeback.engine import Engine
from chargeback.engine.controls import Outcome, register_policy, require, run_group
from chargeback.rollup.charged import charged_rollup

STAGE = "attribution"

#: The params files that the stage reads, beyond those of the stages before it.
PARAMS = (
    "business_units.csv", "cost_centers.csv", "accounts.csv", "tag_values.csv", "allocation.toml",
)  # fmt: skip


def to_own(work: WorkFolder) -> pa.Table:
    """The rollup without what stands on invoices that are left to a later period."""
    return charged_rollup(work.table("rollup"), work.params)


def read_tags(work: WorkFolder, rollup: pa.Table) -> pa.Table:
    """Whom each tag value of the rollup names, if anyone."""
    return tag_readings(rollup, work.params)


def own(work: WorkFolder, rollup: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The rollup with an owner and the rule that decided: `owned_costs` and `split_costs`."""
    engine = Engine()
    try:
        owned, split = attribute(engine, rollup, work.params)
        work.keep_sql(STAGE, engine.ran, anew=True)
        return owned, split
    finally:
        engine.close()


def edges(rollup: pa.Table, owned: pa.Table, split: pa.Table) -> Edges:
    """What the rollup comes to, and what has an owner: the cost that is charged, and commitments."""
    charged = sum_where(owned, "charged_cost", "rule") + sum_where(owned, "commitment_cost", "rule")
    return Edges(
        STAGE,
        Edge(
            "rollup", rollup.num_rows, "rows of the rollup",
            sum_where(rollup, "unblended_cost", "rollup_id"),
        ),
        Edge(
            f"owned costs, and {split.num_rows:,} second views that bill nothing",
            owned.num_rows + split.num_rows, "rows of the rollup", charged,
        ),
    )  # fmt: skip


def control(work: WorkFolder, rollup: pa.Table, owned: pa.Table) -> list[Outcome]:
    """The outcomes of the controls on owners: nothing is lost, and most of it is somebody's."""
    engine = Engine()
    register_policy(engine, work.params)
    engine.register("rollup_costs", rollup)
    engine.register("owned_costs", owned)
    outcomes = run_group(engine, STAGE, work.provisional, work.params)
    engine.close()
    return outcomes


def keep(work: WorkFolder, owned: pa.Table, split: pa.Table, outcomes: list[Outcome]) -> None:
    """Leave the owned costs for the stages that follow."""
    write_table(owned, work.path("owned_costs.parquet"))
    write_table(split, work.path("split_costs.parquet"))
    work.finish(
        STAGE, ["owned_costs.parquet", "split_costs.parquet"], outcomes,
        f"{owned_words(owned)} {work.params.policy.currency} unblended",
    )  # fmt: skip


def owned_words(owned: pa.Table) -> str:
    """What is owned directly, in pools and in commitments (unblended less charged), as a sum to the cent.

    Its total is what the sources stage said of the line items that are charged, rounded once; a cent by which
    the parts, rounded once too, come to another sum is a part of its own.
    """
    exact = sum_of(owned, "unblended_cost")
    prepaid, total = exact - sum_of(owned, "charged_cost"), rounded_once(exact)
    parts = [
        (rounded_once(sum_where(owned, "charged_cost", "cost_center_id")), "owned directly"),
        (rounded_once(sum_where(owned, "charged_cost", "pool_id")), "in pools"),
        (rounded_once(prepaid), "commitments"),
    ]
    cents_apart = total - sum((amount for amount, _ in parts), Decimal(0))
    return sum_shown([*parts, (cents_apart, "rounding")], total)


def run(work: WorkFolder) -> pa.Table:
    """The whole stage.

    Raises:
        Refusal: (exit 4) a cost has no owner, or several.
    """
    rollup = to_own(work)
    owned, split = own(work, rollup)
    outcomes = control(work, rollup, owned)
    require(outcomes, work.period)
    edges(rollup, owned, split).require()
    keep(work, owned, split, outcomes)
    return owned
