"""Commitments over their life: what was paid for each, given back, used up and left unused, month after month.

In: the rollup of the period that is closed, and those of the periods closed before it, each as it was corrected
last. Out: `commitment_lives`, one row per commitment (sql/ledger/commitment_lives.sql).

What always holds: months are added up without a gap, back to the first that was closed on amortized cost by
software that told commitments apart, and whose evidence is there. What was prepaid before it cannot be tied
out; it is listed. Time is that of reading the kept rollups of those months.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.checked import checked_manifest
from chargeback.books.closed_period import last_rollups
from chargeback.books.schema import EXACT
from chargeback.books.work_folder import WorkFolder
from chargeback.core.period import month_before
from chargeback.engine import Engine, has_sql
from chargeback.ledger.corrections import Restated

COMMITMENT = "commitment_arn"

#: What is added up, by period.
COSTS = pa.schema(
    [
        ("billing_period", pa.string()),
        ("line_item_type", pa.string()),
        (COMMITMENT, pa.string()),
        ("line_items", pa.int64()),
        ("unblended_cost", EXACT),
        ("amortized_cost", EXACT),
    ]
)

#: The cost basis on which commitments are charged where they are used.
AMORTIZED = "amortized"

#: The standing of a commitment whose line items stopped before its term was over.
ENDED_EARLY = "ended early"


def commitment_lives(
    work: WorkFolder, engine: Engine, restated: Iterable[Restated] = ()
) -> pa.Table | None:
    """What became of each commitment so far; None when a close is derived again that did not ask.

    Args:
        restated: closed periods that this close corrects.
    """
    if not has_sql("ledger", "commitment_lives"):
        return None
    costs = [costs_of(*one) for one in known_rollups(work, restated)]
    engine.register("commitment_costs", pa.concat_tables(costs or [COSTS.empty_table()]))
    return engine.query("ledger", "commitment_lives", {"period": work.period})


def known_rollups(work: WorkFolder, restated: Iterable[Restated]) -> Iterator[tuple[str, pa.Table]]:
    """The period and those before it with their rollups, the last first, as far as they can be added up."""
    if work.params.policy.cost_basis != AMORTIZED:
        return
    yield work.period, work.table("rollup")
    corrected = {one.period: one.rollup for one in restated}
    for period, kept in last_rollups(work.books, work.period):
        rollup = corrected.get(period, kept)
        if COMMITMENT not in rollup.column_names:
            return
        if checked_manifest(work.books, period)["cost_basis"] != AMORTIZED:
            return
        yield period, rollup


def ended_early(lives: pa.Table, period: str) -> pa.Table:
    """The commitments that had their last line items in the month before and are not used up."""
    chosen = pc.and_(
        pc.equal(lives["standing"], ENDED_EARLY),
        pc.equal(lives["last_period"], month_before(period)),
    )
    return lives.filter(pc.and_(chosen, pc.greater(lives["held_cost"], lives["rounding_cost"])))


def costs_of(period: str, rollup: pa.Table) -> pa.Table:
    """What the line items of commitments cost in a period."""
    chosen = rollup.filter(pc.is_valid(rollup[COMMITMENT])).select(COSTS.names[1:])
    periods = pa.array([period] * chosen.num_rows, pa.string())
    return chosen.add_column(0, "billing_period", periods).cast(COSTS)
