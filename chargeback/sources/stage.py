"""The sources stage: find what AWS delivered for the period, freeze it, and count it a second way.

In: a report and a period. Out: `sources.json`, the source record with its control totals. What always holds:
the record names every byte that later stages read. Whether the delivery is whole and final is asked once it is
rolled up (chargeback/rollup/stage.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from chargeback.aws.report_location import ReportLocation
from chargeback.books.edges import Edge, Edges
from chargeback.books.schema import EXACT
from chargeback.books.source_record import SourceRecord
from chargeback.books.work_folder import WorkFolder
from chargeback.core.period import month_before
from chargeback.engine import Engine
from chargeback.engine.controls import Outcome, require, run_group
from chargeback.engine.tables import texts
from chargeback.sources.readers import ReportReader, reader_of

STAGE = "sources"

#: The params files that the stage reads.
PARAMS = ("policy.toml", "ownership.toml")

#: What names a query that an engine runs, so that whoever stops the notebook can stop the query.
RUNNING = "running-query.json"


def query_line(report: ReportLocation) -> str:
    """How lines of a query's progress begin in a notebook's output."""
    return f"  {report}  "


def open_reader(work: WorkFolder) -> ReportReader:
    """What reads the report; it says what its queries do, and the command line passes that on."""
    begin = query_line(work.report)
    return reader_of(
        work.report, work.path(RUNNING), lambda line: print(begin + line, flush=True)
    )  # fmt: skip


def freeze(work: WorkFolder, reader: ReportReader) -> SourceRecord:
    """The record of the period's newest delivery: each file with its digest, and control totals.

    Raises:
        Refusal: (exit 6) the delivery is absent, incomplete, doubled or unreadable.
    """
    record = reader.freeze(work.period)
    work.keep_sql(STAGE, reader.ran(), anew=True)
    return record


def count(record: SourceRecord) -> pa.Table:
    """The control totals, which Arrow counted in integers apart from the engine: one row.

    (An engine counts those of a report that stays where it is, in integers; sql/sources/control_totals.sql.)
    """
    return pa.table(
        {
            "billing_period": [record.billing_period],
            "line_items": pa.array([record.line_items], pa.int64()),
            "unblended_cost": pa.array([Decimal(record.unblended_cost)], EXACT),
        }
    )


def edges(record: SourceRecord, totals: pa.Table) -> Edges:
    """What the files say that they hold, and what was counted in them."""
    [counted] = totals.to_pylist()
    held = sum(one.line_items for one in record.files)
    cost = counted["unblended_cost"]
    return Edges(
        STAGE,
        Edge(f"{len(record.files)} files of the delivery", held, "line items", cost),
        Edge("control totals", counted["line_items"], "line items", cost),
    )


def control(work: WorkFolder, reader: ReportReader) -> list[Outcome]:
    """The outcomes of the control on exports: each that delivered the month before delivers this one too."""
    engine = Engine()
    for name, period in (("exports_then", month_before(work.period)), ("exports_now", work.period)):
        engine.register(name, texts(export_name=reader.export_names(period)))
    outcomes = run_group(engine, STAGE, work.provisional, work.params)
    engine.close()
    return outcomes


def keep(
    work: WorkFolder,
    record: SourceRecord,
    outcomes: Sequence[Outcome] = (),
    scans: Sequence[dict[str, Any]] = (),
) -> None:
    """Leave the record for the stages that follow."""
    work.path("sources.json").write_text(record.to_json())
    cost = Decimal(record.unblended_cost)
    work.finish(
        STAGE, ["sources.json"], outcomes,
        f"{record.line_items:,} line items in {len(record.files)} files, "
        f"{cost:,.2f} {work.params.policy.currency} unblended" + billed(scans, [record]),
        scans=list(scans),
    )  # fmt: skip


def run(work: WorkFolder) -> SourceRecord:
    """The whole stage."""
    reader = open_reader(work)
    record = freeze(work, reader)
    edges(record, count(record)).require()
    outcomes = control(work, reader)
    require(outcomes, work.period)
    keep(work, record, outcomes, reader.scans())
    return record


def billed(scans: Sequence[dict[str, Any]], records: Iterable[SourceRecord]) -> str:
    """How many scans of the report there were, of how many bytes, and what they cost."""
    if not scans:
        return ""
    scanned = sum(one["bytes_scanned"] for one in scans)
    size = sum(file.size for record in records for file in record.files)
    cost = sum((Decimal(one["cost_usd"]) for one in scans), Decimal(0))
    number = f"{len(scans)} scan" + ("s" if len(scans) != 1 else "")
    return f"; {number} of {scanned:,} of {size:,} bytes" + (f", {cost} USD" if cost else "")
