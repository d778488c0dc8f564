"""The rollup stage: sum the line items in one pass, and pass the gate: whole, known, one currency, final.

In: the source record. Out: `rollup.parquet`; and for closed periods that AWS delivered again, which the ledger
stage corrects, `restated_sources.json` and `restated_rollup.parquet`, which are empty when there are none.
What always holds: the line items and the unblended cost of the rollup are those of the control totals.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.books.closed_period import RESTATED_ROLLUP, rollup_of
from chargeback.books.edges import Edge, Edges
from chargeback.books.source_record import SourceRecord
from chargeback.books.tables import sum_where, write_table
from chargeback.books.work_folder import WorkFolder
from chargeback.engine import Engine
from chargeback.engine.controls import Outcome, register_policy, require, run_group
from chargeback.engine.tables import texts
from chargeback.params import Params
from chargeback.params.invoicing import NO_INVOICE, PRO_FORMA
from chargeback.rollup.redeliveries import Redelivery, find_redeliveries
from chargeback.rollup.roll_up import read_rollup
from chargeback.sources.line_item_types import AMORTIZED_COLUMNS, KNOWN
from chargeback.sources.readers import ReportReader
from chargeback.sources.stage import billed, count, open_reader

STAGE = "rollup"

#: The params files that the stage reads, beyond those of the stages before it.
PARAMS = ("deferrals.csv",)

#: How a month ends that AWS sends no invoice for.
FINAL = {PRO_FORMA: "pro forma", NO_INVOICE: "final as declared: AWS sends no invoice"}

#: The records of deliveries that the ledger stage corrects earlier periods from.
RESTATED_SOURCES = "restated_sources.json"


def roll_up(work: WorkFolder, reader: ReportReader, record: SourceRecord) -> pa.Table:
    """The line items of the delivery, summed by everything that can decide an owner."""
    rollup = read_rollup(reader, record, work.params)
    work.keep_sql(STAGE, reader.ran(), anew=True)
    return rollup


def edges(record: SourceRecord, rollup: pa.Table) -> Edges:
    """What was counted in the delivery, and what its rollup comes to."""
    line_items = sum(rollup["line_items"].to_pylist())
    return Edges(
        STAGE,
        Edge("control totals", record.line_items, "line items", Decimal(record.unblended_cost)),
        Edge(
            f"rollup of {rollup.num_rows:,} rows", line_items, "line items",
            sum_where(rollup, "unblended_cost", "rollup_id"),
        ),
    )  # fmt: skip


def control(
    record: SourceRecord, rollup: pa.Table, params: Params, provisional: bool = False
) -> list[Outcome]:
    """The outcomes of the controls on a delivery and its rollup."""
    engine = Engine()
    register_policy(engine, params)
    engine.register("rollup_costs", rollup)
    engine.register("control_totals", count(record))
    engine.register("known_line_item_types", texts(line_item_type=KNOWN))
    engine.register(
        "deferrals",
        texts(
            invoice_id=[one.invoice_id for one in params.deferrals],
            deferred_to=[one.deferred_to for one in params.deferrals],
        ),
    )
    engine.register("absent_columns", texts(column_name=record.absent_columns))
    pairs = [(kind, one) for kind, columns in AMORTIZED_COLUMNS.items() for one in columns]
    engine.register(
        "amortized_columns",
        texts(line_item_type=[one for one, _ in pairs], column_name=[one for _, one in pairs]),
    )
    outcomes = run_group(engine, STAGE, provisional)
    engine.close()
    return outcomes


def find_again(work: WorkFolder, reader: ReportReader) -> list[Redelivery]:
    """Closed periods before this one that AWS delivered again, each rolled up as its own close did."""
    return find_redeliveries(reader, work.books, work.period)


def keep(
    work: WorkFolder,
    reader: ReportReader,
    record: SourceRecord,
    rollup: pa.Table,
    outcomes: list[Outcome],
    again: list[Redelivery],
) -> None:
    """Leave the rollup, and those of the periods to correct, for the stages that follow."""
    write_table(rollup, work.path("rollup.parquet"))
    write_redeliveries(work, [one for one in again if one.final], rollup.schema)
    work.finish(
        STAGE, ["rollup.parquet", RESTATED_SOURCES, RESTATED_ROLLUP], outcomes,
        f"{rollup.num_rows:,} rows for {record.line_items:,} line items, whole and "
        + ("open" if work.provisional else FINAL.get(work.params.policy.invoicing, "final"))
        + "".join(
            f"; {one.period} was delivered again" + ("" if one.final else ", not final yet")
            for one in again
        )
        + billed(reader.scans(), [record, *(one.record for one in again)]),
        scans=list(reader.scans()),
    )  # fmt: skip


def run(work: WorkFolder) -> pa.Table:
    """The whole stage.

    Raises:
        Refusal: (exit 3) the delivery is not final; (exit 4) it is not what was counted, or not known.
    """
    reader, record = open_reader(work), work.source_record()
    rollup = roll_up(work, reader, record)
    outcomes = control(record, rollup, work.params, work.provisional)
    require(outcomes, work.period, work.params.policy.currency)
    edges(record, rollup).require()
    keep(work, reader, record, rollup, outcomes, find_again(work, reader))
    return rollup


def write_redeliveries(
    work: WorkFolder, redeliveries: Iterable[Redelivery], schema: pa.Schema
) -> None:
    """Keep the deliveries that earlier periods are corrected from; empty tables when there are none."""
    found = list(redeliveries)
    records = [json.loads(one.record.to_json()) for one in found]
    work.path(RESTATED_SOURCES).write_text(json.dumps(records) + "\n")
    tables = [
        one.rollup.append_column(
            "original_period", pa.array([one.period] * one.rollup.num_rows, pa.string())
        )
        for one in found
    ]
    none = schema.append(pa.field("original_period", pa.string())).empty_table()
    write_table(pa.concat_tables(tables) if tables else none, work.path(RESTATED_ROLLUP))


def read_redeliveries(work: WorkFolder) -> list[Redelivery]:
    """The deliveries of earlier periods that the stage found, as far as they are final."""
    rollups = pq.read_table(work.made(RESTATED_ROLLUP))
    records = json.loads(work.made(RESTATED_SOURCES).read_text())
    found = (SourceRecord.from_json(json.dumps(one)) for one in records)
    return [Redelivery(one, rollup_of(rollups, one.billing_period)) for one in found]
