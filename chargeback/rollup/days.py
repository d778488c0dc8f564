"""Days of an open month: the same rollup with the day, from which a draft's rollup, its data through and its
estimate are made.

In: a frozen delivery, read once. Out: `days`, one row per row of the rollup and day, with `month_row`, the same
number for all days of a row, and `is_ahead`. What always holds: summed over its days it is the rollup that the
one pass without days gives.

The last day of usage is told by line items that stand on the day of their use. Fees, taxes and commitments may
be dated ahead, or on the first day for all of the month, and tell nothing.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.source_record import MONTHLY, SourceRecord
from chargeback.engine import Engine
from chargeback.params import Params
from chargeback.rollup.charged import AHEAD
from chargeback.rollup.roll_up import numbered
from chargeback.sources.readers import ReportReader
from chargeback.sources.report import AHEAD_OF_TIME, last_day_told

DAY, MONTH_ROW = "usage_date", "month_row"

#: The amounts of a row that days sum up to.
AMOUNTS = ("usage_amount", "split_cost", "unblended_cost", "amortized_cost")


def read_days(reader: ReportReader, record: SourceRecord, params: Params) -> pa.Table:
    """The rollup of a delivery by day, what is of days to come marked as ahead; in one scan."""
    days = reader.query(record, "rollup", "rollup_days", params)
    through = data_through(days, record)
    ahead = pa.array([False] * days.num_rows, pa.bool_())
    if through is not None:
        ahead = pc.and_(
            pc.equal(days["line_item_type"], AHEAD_OF_TIME),
            pc.fill_null(pc.greater(days[DAY], pa.scalar(through)), False),
        )
    return days.append_column(AHEAD, ahead)


def data_through(days: pa.Table, record: SourceRecord) -> date | None:
    """The last day of usage; None where no line item tells one, or the export has months."""
    if record.granularity == MONTHLY:
        return None
    last = days.group_by("line_item_type", use_threads=False).aggregate([(DAY, "max")])
    return last_day_told(
        zip(last["line_item_type"].to_pylist(), last[f"{DAY}_max"].to_pylist(), strict=True)
    )


def rollup_of_days(days: pa.Table) -> tuple[pa.Table, dict[str, str]]:
    """The rollup that days sum up to, and the SQL that summed them."""
    engine = Engine()
    try:
        engine.register("rollup_days", days)
        return numbered(engine.query("rollup", "rollup_of_days")), dict(engine.ran)
    finally:
        engine.close()
