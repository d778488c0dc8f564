"""Derived: a period as a close would derive it, up to the ledger, with everything that would stop it.

In: params and a report, read once. Out: `Tried`: the rollup, the owned costs, the outcomes of the controls, and
refusals. What always holds: every step is the close's own; nothing is written, and books are not looked at, so
that controls on closed periods and on what they hand on are not among those asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from chargeback.allocation.keys import SqlKeys
from chargeback.allocation.pools import allocate, owner_costs
from chargeback.attribution.owners import attribute
from chargeback.attribution.stage import control as control_owners
from chargeback.books.source_record import SourceRecord
from chargeback.books.work_folder import WorkFolder
from chargeback.core.errors import Refusal
from chargeback.engine import Engine
from chargeback.engine.controls import FINAL_GATE, FINAL_ONLY, Outcome, register_policy, run_group
from chargeback.ledger.medical_loss_ratio import control_splits, splits_of
from chargeback.ledger.post import post_period
from chargeback.ledger.stage import register_invoices
from chargeback.rollup.charged import charged_rollup
from chargeback.rollup.roll_up import read_rollup
from chargeback.rollup.stage import control as control_rollup
from chargeback.sources.readers import ReportReader
from chargeback.sources.stage import control as control_sources


@dataclass(frozen=True)
class Tried:
    """What came of a period.

    Args:
        split: second views of other line items' cost, which charge nothing.
        postings: none where a pool cannot be split.
        outcomes: of the controls that were asked, in the order of a close.
        refusals: what else would stop it.
    """

    record: SourceRecord
    rollup: pa.Table
    owned: pa.Table
    split: pa.Table
    postings: pa.Table | None
    outcomes: tuple[Outcome, ...]
    refusals: tuple[Refusal, ...]

    @property
    def is_open(self) -> bool:
        """Whether line items are on no invoice yet."""
        return bool(self.rows(FINAL_GATE))

    def rows(self, control: str) -> list[dict[str, Any]]:
        """The rows that break a control; none where it holds or was not asked."""
        return [row for one in self.outcomes if one.name == control for row in one.rows.to_pylist()]


def try_out(work: WorkFolder, reader: ReportReader, record: SourceRecord | None = None) -> Tried:
    """A period derived as far as it can be.

    Args:
        record: of the delivery, where it is frozen already.

    Raises:
        Refusal: (exit 6) the report cannot be read.
    """
    params = work.params
    record = record or reader.freeze(work.period)
    rollup = read_rollup(reader, record, params)
    outcomes = control_sources(work, reader) + control_rollup(record, rollup, params)
    if any(one.name == FINAL_GATE and not one.holds for one in outcomes):
        # As a draft does: without fees of days to come, which an open month has already.
        rollup = read_rollup(reader, record, params, reader.usage_to(record))
    engine = Engine()
    refusals = []
    postings = None
    try:
        owned, split = attribute(engine, rollup, params)
        outcomes += control_owners(work, charged_rollup(rollup, params), owned)
        register_policy(engine, params)
        register_invoices(engine, rollup, params)
        outcomes += run_group(engine, "invoices", params=params)
        try:
            costs = owner_costs(engine, owned, params)
            charges = allocate(costs, params, SqlKeys(engine, owned, split, params))
            postings = post_period(costs, charges, params)
            engine.register("postings", postings)
            outcomes += run_group(engine, "ledger", params=params)
            outcomes += control_splits(engine, splits_of(work, postings))
        except Refusal as refusal:
            refusals.append(refusal)
    finally:
        engine.close()
    return Tried(record, rollup, owned, split, postings, tuple(asked(outcomes)), tuple(refusals))


def asked(outcomes: list[Outcome]) -> list[Outcome]:
    """The outcomes without those that only follow from others.

    An open month has no invoices to tie to; and charges cannot tie to an invoice that line items do not.
    """
    failed = {one.name for one in outcomes if not one.holds}
    is_open = FINAL_GATE in failed
    if "sources_tie_to_invoices" in failed:
        outcomes = [one for one in outcomes if one.name != "charges_tie_to_invoices"]
    return [
        one
        for one in outcomes
        if not is_open or one.name == FINAL_GATE or one.name not in FINAL_ONLY
    ]
