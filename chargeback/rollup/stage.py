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

from chargeback.books.closed_period import (
    RESTATED_ROLLUP,
    kept_params,
    last_record,
    read_corrections,
    rollup_of,
)
from chargeback.books.edges import Edge, Edges
from chargeback.books.source_record import MONTHLY, SourceRecord
from chargeback.books.tables import sum_where, write_table
from chargeback.books.work_folder import WorkFolder
from chargeback.core.errors import Refusal
from chargeback.core.period import month_before
from chargeback.core.sums import sum_of
from chargeback.engine import Engine
from chargeback.engine.controls import Outcome, register_policy, require, run_group
from chargeback.engine.tables import texts
from chargeback.params import Params, read_params
from chargeback.params.invoicing import NO_INVOICE, PRO_FORMA
from chargeback.rollup.charged import AHEAD
from chargeback.rollup.days import data_through, read_days, rollup_of_days
from chargeback.rollup.redeliveries import Redelivery, differences_table, find_redeliveries
from chargeback.rollup.roll_up import read_rollup
from chargeback.sample.organization import SAMPLE_ACCOUNTS
from chargeback.sample.ratified import RATIFIED_RULES
from chargeback.sources.focus import invoices_told, settings
from chargeback.sources.line_item_types import KNOWN, amortized_columns
from chargeback.sources.needs import absent_table, close_needs, needed_table
from chargeback.sources.readers import ReportReader
from chargeback.sources.stage import billed, count, open_reader
from chargeback.sources.tags_there import key_hints

STAGE = "rollup"

#: The params files that the stage reads, beyond those of the stages before it.
PARAMS = ("deferrals.csv",)

#: How a month ends that AWS sends no invoice for.
FINAL = {PRO_FORMA: "pro forma", NO_INVOICE: "final as declared: AWS sends no invoice"}

#: Of a draft: the last day that has usage.
LAST_DAY = "last_day.txt"

#: Of a draft: its days, those of the month before, and why there are none; in tables and in a word.
DAYS, DAYS_BEFORE, NO_DAYS_BEFORE = "days.parquet", "days_before.parquet", "no_days_before.txt"
NOT_AT_HAND, NOT_DATED, UNREADABLE = "not-at-hand", "not-dated", "unreadable"

#: The records of deliveries that the ledger stage corrects earlier periods from.
RESTATED_SOURCES = "restated_sources.json"


def roll_up(work: WorkFolder, reader: ReportReader, record: SourceRecord) -> pa.Table:
    """The line items of the delivery, summed by everything that can decide an owner."""
    if work.provisional:
        return roll_up_days(work, reader, record)
    rollup = read_rollup(reader, record, work.params)
    work.keep_sql(STAGE, reader.ran(), anew=True)
    return rollup


def roll_up_days(work: WorkFolder, reader: ReportReader, record: SourceRecord) -> pa.Table:
    """The rollup of a draft, from its days, which are left for what is estimated from them."""
    days = read_days(reader, record, work.params)
    work.keep_sql(STAGE, reader.ran(), anew=True)
    write_table(days, work.path(DAYS))
    through = data_through(days, record)
    work.path(LAST_DAY).write_text(f"{through or ''}\n", encoding="utf-8")
    rollup, ran = rollup_of_days(days)
    work.keep_sql(STAGE, ran)
    return rollup


def keep_days_before(work: WorkFolder, reader: ReportReader) -> None:
    """Leave the days of the month before, rolled up by its own params, for a draft to be compared with.

    Where they are not at hand, why is left in their place: a draft is not stopped by that.
    """
    period = month_before(work.period)
    for name in (DAYS_BEFORE, NO_DAYS_BEFORE):
        work.path(name).unlink(missing_ok=True)
    why = ""
    if not work.path(LAST_DAY).read_text("utf-8").strip():
        why = NOT_DATED
    elif not reader.has_period(period):
        why = NOT_AT_HAND
    else:
        try:
            record = delivered(work, reader, period)
            if record.granularity == MONTHLY:
                why = NOT_DATED
            elif not record.line_items:
                why = NOT_AT_HAND
            else:
                days = read_days(reader, record, params_of(work, period))
                if data_through(days, record) is None:
                    why = NOT_DATED
                else:
                    write_table(days, work.path(DAYS_BEFORE))
        except Refusal as refusal:
            why = f"{UNREADABLE} {refusal.what}"
    if why:
        work.path(NO_DAYS_BEFORE).write_text(why + "\n", encoding="utf-8")


def delivered(work: WorkFolder, reader: ReportReader, period: str) -> SourceRecord:
    """The newest delivery of another period: the record of its close where that is still it, else frozen."""
    if work.books.ledger(period).is_dir():
        closed = last_record(work.books, period, read_corrections(work.books))
        if reader.holds(closed):
            return closed
    return reader.freeze(period)


def params_of(work: WorkFolder, period: str) -> Params:
    """The params of another period: as it was closed, else as they stand in the folder."""
    if work.books.ledger(period).is_dir():
        return kept_params(work.books, period)
    return read_params(work.params_folder, period)


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
    record: SourceRecord,
    rollup: pa.Table,
    params: Params,
    provisional: bool = False,
    closed: bool = False,
) -> list[Outcome]:
    """The outcomes of the controls on a delivery and its rollup.

    Args:
        closed: of a period that is closed already: what a person could accept is not asked again.
    """
    engine = Engine()
    register_policy(engine, params)
    engine.register("rollup_costs", rollup)
    engine.register("control_totals", count(record))
    engine.register("known_line_item_types", texts(line_item_type=KNOWN))
    engine.register("absent_columns", absent_table(record))
    needs = invoices_told(close_needs(params, record.columns), record, params)
    engine.register("needed_columns", needed_table(needs, record.columns, settings(record)))
    register_declared(engine, params)
    engine.register("provider_accounts", provider_accounts(record))
    engine.register(
        "deferrals",
        texts(
            invoice_id=[one.invoice_id for one in params.deferrals],
            deferred_to=[one.deferred_to for one in params.deferrals],
        ),
    )
    pairs = sorted(
        {
            pair
            for one in record.parts()
            for pair in amortized_columns(one.layout, one.absent_columns)
        }
    )
    engine.register(
        "amortized_columns",
        texts(line_item_type=[one for one, _ in pairs], column_name=[one for _, one in pairs]),
    )
    outcomes = run_group(engine, STAGE, provisional, None if closed else params)
    engine.close()
    return outcomes


def register_declared(engine: Engine, params: Params) -> None:
    """Make readable what params declare about tag keys, accounts and ratifications."""
    keys = params.policy.cost_center_tags
    engine.register(
        "tag_keys",
        pa.table(
            {"tag_rank": pa.array(range(1, len(keys) + 1), pa.int64()), "tag_key": list(keys)}
        ),
    )
    engine.register(
        "accounts",
        texts(
            account_id=params.accounts,
            provider=[one.provider for one in params.accounts.values()],
        ),
    )
    held = [params.ratification] if params.ratification else []
    engine.register(
        "ratifications",
        pa.table(
            {
                "rules_digest": pa.array([one.rules_digest for one in held], pa.string()),
                "reference": pa.array([one.reference for one in held], pa.string()),
                "is_of_the_sample": pa.array(
                    [one.rules_digest in RATIFIED_RULES for one in held], pa.bool_()
                ),
            }
        ),
    )
    engine.register("sample_accounts", texts(account_id=sorted(SAMPLE_ACCOUNTS)))


def provider_accounts(record: SourceRecord) -> pa.Table:
    """The accounts that other providers than AWS delivered line items of: account_id, provider."""
    pairs = [(one, part.provider) for part in record.parts() for one in part.account_ids]
    return texts(account_id=[one for one, _ in pairs], provider=[name for _, name in pairs])


def find_again(work: WorkFolder, reader: ReportReader) -> list[Redelivery]:
    """Closed periods before this one that AWS delivered again, each rolled up as its own close did."""
    return find_redeliveries(reader, work.books, work.period)


def control_again(work: WorkFolder, again: Iterable[Redelivery]) -> list[Outcome]:
    """The outcomes of the controls on deliveries that earlier periods would be corrected from."""
    engine = Engine()
    engine.register("delivery_differences", differences_table(again))
    outcomes = run_group(engine, "redeliveries", work.provisional, work.params)
    engine.close()
    return outcomes


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
    drafted = []
    if work.provisional:
        keep_days_before(work, reader)
        drafted = [DAYS, LAST_DAY, *(one for one in (DAYS_BEFORE, NO_DAYS_BEFORE)
                                     if work.path(one).is_file())]  # fmt: skip
    write_redeliveries(work, [one for one in again if one.corrects], rollup.schema)
    work.finish(
        STAGE, ["rollup.parquet", RESTATED_SOURCES, RESTATED_ROLLUP, *drafted], outcomes,
        f"{rollup.num_rows:,} rows for {record.line_items:,} line items, whole and "
        + ("open" if work.provisional else FINAL.get(work.params.policy.invoicing, "final"))
        + ahead_words(rollup, work.params.policy.currency)
        + "".join(f"; {one.period} was delivered again{one.state}" for one in again)
        + billed(reader.scans(), [record, *(one.record for one in again)]),
        scans=list(reader.scans()),
    )  # fmt: skip


def ahead_words(rollup: pa.Table, currency: str) -> str:
    """What a draft leaves out because it is of days to come; nothing of a close."""
    if AHEAD not in rollup.column_names:  # SQL of a version that did not tell, in an audit
        return ""
    cost = sum_of(rollup.filter(rollup[AHEAD]), "unblended_cost")
    return f"; {cost:,.2f} {currency} of fees for days to come are left out" if cost else ""


def run(work: WorkFolder) -> pa.Table:
    """The whole stage.

    Raises:
        Refusal: (exit 3) the delivery is not final; (exit 4) it is not what was counted, or not known.
    """
    reader, record = open_reader(work), work.source_record()
    rollup = roll_up(work, reader, record)
    outcomes = control(record, rollup, work.params, work.provisional)
    hints = key_hints(work.report, record, outcomes)
    require(outcomes, work.period, work.params.policy.currency, hints)
    edges(record, rollup).require()
    again = find_again(work, reader)
    outcomes += control_again(work, again)
    require(outcomes, work.period, work.params.policy.currency)
    keep(work, reader, record, rollup, outcomes, again)
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
    records = json.loads(work.made(RESTATED_SOURCES).read_text("utf-8"))
    found = (SourceRecord.from_json(json.dumps(one)) for one in records)
    return [Redelivery(one, rollup_of(rollups, one.billing_period)) for one in found]
