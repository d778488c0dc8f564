"""Rollup: reduce a period's line items to a small table, in one pass of the engine.

In: the frozen delivery. Out: `rollup_costs`, one row per combination of everything that can decide an owner;
or, for the daily flow, `daily_rollup`, the same by day and by which mandatory tags are there. What always
holds: its line items and unblended cost are those of the control totals, which Arrow counted independently.
Time is linear in line items; memory is that of the groups, not of the line items.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa

from chargeback.books.source_record import SourceRecord
from chargeback.engine import Engine
from chargeback.params import Params
from chargeback.sources.readers import ReportReader
from chargeback.sources.report import open_line_items


def read_rollup(
    reader: ReportReader, record: SourceRecord, params: Params, usage_to: date | None = None
) -> pa.Table:
    """The rollup of a delivery by whatever reads its report: the same table for the same line items.

    Args:
        usage_to: of a draft: the last day of usage, after which fees are of days to come.
    """
    return numbered(reader.query(record, "rollup", "rollup_costs", params, usage_to))


def roll_up(engine: Engine, report: Path, record: SourceRecord, params: Params) -> pa.Table:
    """The rollup of a delivery, sorted and numbered, so that the same rows give the same bytes."""
    open_line_items(engine, report, record, params)
    return numbered(engine.query("rollup", "rollup_costs"))


def daily_roll_up(engine: Engine, report: Path, record: SourceRecord, params: Params) -> pa.Table:
    """The rollup of a delivery by day, sorted and numbered like the other."""
    open_line_items(engine, report, record, params)
    return numbered(engine.query("daily", "daily_rollup"))


def numbered(rollup: pa.Table) -> pa.Table:
    """A rollup in the order of its keys, with ids from 1 on."""
    keys = [
        (name, "ascending")
        for name in rollup.column_names
        if not name.endswith(("_cost", "_amount", "line_items"))
    ]
    sorted_rollup = rollup.sort_by(keys).combine_chunks()
    ids = pa.array(range(1, sorted_rollup.num_rows + 1), pa.int64())
    return sorted_rollup.add_column(0, "rollup_id", ids)
