"""Closing: the stages of one period, each a step from files to files in the period's work folder.

A stage notebook opens the closing and calls one function of this module; the same functions, without a
notebook, re-derive a closed period to compare it. Each stage writes its tables, then a small record with what
it was made from; a run that stopped resumes from the first stage whose record does not fit the inputs any more.

    sources      sources.json, rollup.parquet       the delivery, frozen and summed; closed periods
                 restated_sources, restated_rollup  that AWS delivered again (chargeback/restatements)
    attribution  owned_costs.parquet                every cost with its owner
    allocation   owner_costs, charges.parquet       every pool split, cents found
    ledger       postings.parquet                   double entry, tied out, with corrections of
                 restatements.json                  earlier periods and what they were made from

A stage that stops with a refusal leaves it as `stopped.json`, so that the command line can show it and end
with its exit code although it happened in a notebook's own process.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from chargeback import allocation, ledger
from chargeback.attribution import attribute
from chargeback.controls import Outcome, require, run_group
from chargeback.engine import Engine, sql_digest
from chargeback.errors import Refusal, naming
from chargeback.keys import SqlKeys
from chargeback.ledger_schema import EXACT
from chargeback.line_item_types import AMORTIZED_COLUMNS, KNOWN
from chargeback.params import Params, read_invoices, read_params
from chargeback.places import ROOT, Books
from chargeback.replay import Replayed
from chargeback.report_engines import Place, ReportEngine, engine_for, report_place
from chargeback.restatements import Redelivery, Restated, correct, find_redeliveries, restate
from chargeback.restatements.controls import (
    invoice_refusal,
    register_corrections,
    register_invoice_changes,
)
from chargeback.restatements.corrections import delivered_again
from chargeback.restatements.held import RESTATED_ROLLUP, RESTATEMENTS, rollup_of
from chargeback.signing import Signer
from chargeback.sources import SourceRecord

STAGES = ("sources", "attribution", "allocation", "ledger")

#: The params files that a stage reads, beyond those of the stages before it.
STAGE_PARAMS = {
    "sources": ("policy.toml", "ownership.toml"),
    "attribution": (
        "business_units.csv", "cost_centers.csv", "accounts.csv", "tag_values.csv",
        "allocation.toml",
    ),
    "allocation": ("drivers.csv",),
    "ledger": ("invoices.csv", "adjustments.csv"),
}  # fmt: skip

#: The records of deliveries that the ledger stage corrects earlier periods from.
RESTATED_SOURCES = "restated_sources.json"

#: What a notebook leaves when it stops with a refusal.
STOPPED = "stopped.json"

#: What names a query that runs in Athena, so that whoever stops the notebook can stop the query.
RUNNING = "athena-query.json"

#: How lines of a query's progress begin in a notebook's output.
QUERY_LINE = "  athena  "

Progress = Callable[[str], None]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Closing:
    """One period being closed: what it reads and where it works."""

    period: str
    report: Place
    params_folder: Path
    books: Books
    work: Path
    provisional: bool = False
    signer: Signer | None = None  # who signs the statements; nobody signs a draft

    @functools.cached_property
    def params(self) -> Params:
        """The params of the period, read once."""
        return read_params(self.params_folder, self.period)

    def path(self, name: str) -> Path:
        """A file of the work folder."""
        return self.work / name

    def table(self, name: str) -> pa.Table:
        """A table that an earlier stage wrote."""
        return pq.read_table(self.path(f"{name}.parquet"))

    def source_record(self) -> SourceRecord:
        """The record that the sources stage wrote."""
        return SourceRecord.from_json(self.path("sources.json").read_text())

    def redeliveries(self) -> list[Redelivery]:
        """The deliveries of earlier periods that the sources stage found, as far as they are final."""
        rollups = pq.read_table(self.path(RESTATED_ROLLUP))
        records = json.loads(self.path(RESTATED_SOURCES).read_text())
        found = (SourceRecord.from_json(json.dumps(one)) for one in records)
        return [Redelivery(one, rollup_of(rollups, one.billing_period)) for one in found]

    def stage_record(self, stage: str) -> dict[str, Any]:
        """What a finished stage left about itself; empty when it has not finished, or was killed writing it."""
        path = self.path(f"{stage}.json") if stage != "sources" else self.path("sources.stage.json")
        try:
            return dict(json.loads(path.read_text()))
        except (FileNotFoundError, ValueError):
            return {}


def open_closing(
    period: str, report: str, params: str, books: str, work: str, provisional: str = "no"
) -> Closing:
    """A closing from the texts that a notebook gets as parameters; its work folder is made if need be."""
    Path(work).mkdir(parents=True, exist_ok=True)
    return Closing(
        period,
        report_place(report, Path(params)),
        Path(params),
        Books(Path(books)),
        Path(work),
        provisional == "yes",
    )


@functools.cache
def code_digest() -> str:
    """sha256 of the package's own modules: work done by other code is done again."""
    hashed = hashlib.sha256()
    for path in sorted((ROOT / "chargeback").rglob("*.py")):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()


def stage_key(closing: Closing, stage: str) -> str:
    """What a stage was made from, as one sha256: period, delivery, params files, SQL and code."""
    parts = [closing.period, str(closing.provisional), sql_digest(), code_digest()]
    closed = closing.books.closed_periods()
    parts += [sha256_of(closing.books.ledger(one) / "manifest.json") for one in closed]
    engine = engine_for(closing.report)
    if stage == STAGES[0] or engine.state_is_free:
        parts += engine.state(closing.period)
        for one in closed:
            if one < closing.period and engine.has_period(one):
                parts += engine.state(one)
    else:  # asking AWS again for each stage would take time; the records name every object with its ETag
        parts += [sha256_of(closing.path(name)) for name in ("sources.json", RESTATED_SOURCES)]
    for name in STAGES[: STAGES.index(stage) + 1]:
        parts += [closing.params.digests.get(file, "") for file in STAGE_PARAMS[name]]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def is_done(closing: Closing, stage: str) -> bool:
    """Whether a stage's tables are there and were made from the inputs as they are now."""
    record = closing.stage_record(stage)
    return (
        bool(record)
        and record["key"] == stage_key(closing, stage)
        and all(sha256_of(closing.path(name)) == sha for name, sha in record["files"].items())
    )


def sha256_of(path: Path) -> str:
    """sha256 of a file, or an empty text when it is not there."""
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def finish_stage(
    closing: Closing,
    stage: str,
    files: Iterable[str],
    outcomes: list[Outcome],
    summary: str,
    **more: Any,
) -> None:
    """Record that a stage finished; its tables are written before this, and `more` is kept beside them."""
    name = "sources.stage.json" if stage == "sources" else f"{stage}.json"
    record = {
        "key": stage_key(closing, stage),
        "files": {one: sha256_of(closing.path(one)) for one in files},
        "controls": [outcome.record() for outcome in outcomes],
        "summary": summary,
        **more,
    }
    closing.path(name).write_text(json.dumps(record, indent=1) + "\n")


def stage(function: Callable[[Closing], Answer]) -> Callable[[Closing], Answer]:
    """Keep a refusal of a stage as `stopped.json`, so that it survives the notebook it happened in."""

    @functools.wraps(function)
    def keeping(closing: Closing) -> Answer:
        try:
            return function(closing)
        except Refusal as refusal:
            closing.path(STOPPED).write_text(json.dumps(asdict(refusal)))
            raise

    return keeping


@stage
def close_sources(closing: Closing) -> dict[str, Any]:
    """Freeze the delivery, roll it up, and pass the gate: whole, known, one currency, final.

    Returns:
        Facts: the source record, the rollup and the outcomes of the controls.
    """
    engine = engine_for(closing.report, closing.path(RUNNING), say_query)
    record = engine.freeze(closing.period)
    return take_sources(
        closing, engine, record, lambda: find_redeliveries(engine, closing.books, closing.period)
    )


def take_sources(
    closing: Closing,
    engine: ReportEngine,
    record: SourceRecord,
    find_again: Callable[[], list[Redelivery]],
) -> dict[str, Any]:
    """Roll up a frozen delivery and pass the gate; what comes after the record of a close, and of an audit.

    Args:
        find_again: finds the earlier periods that were delivered again, once the gate is passed.
    """
    params = closing.params
    rollup = engine.roll_up(record, params)
    outcomes = sources_outcomes(record, rollup, params, closing.provisional)
    require(outcomes, params, closing.period)
    closing.path("sources.json").write_text(record.to_json())
    ledger.write_table(rollup, closing.path("rollup.parquet"))
    again = find_again()
    write_redeliveries(closing, [one for one in again if one.final], rollup.schema)
    cost = Decimal(record.unblended_cost)
    finish_stage(
        closing, "sources",
        ["sources.json", "rollup.parquet", RESTATED_SOURCES, RESTATED_ROLLUP], outcomes,
        f"{record.line_items:,} line items in {len(record.files)} files, "
        f"{cost:,.2f} {params.policy.currency} unblended"
        + "".join(
            f"; {one.period} was delivered again" + ("" if one.final else ", not final yet")
            for one in again
        )
        + billed(engine.scans(), [record, *(one.record for one in again)]),
        scans=list(engine.scans()),
    )  # fmt: skip
    return {"record": record, "rollup": rollup, "outcomes": outcomes}


def say_query(line: str) -> None:
    """Progress of a query, which the notebook's cell prints and the command line passes on."""
    print(QUERY_LINE + line, flush=True)


def billed(scans: Sequence[dict[str, Any]], records: Iterable[SourceRecord]) -> str:
    """How many scans of the report there were, of how many bytes, and what they cost."""
    if not scans:
        return ""
    scanned = sum(one["bytes_scanned"] for one in scans)
    size = sum(file.size for record in records for file in record.files)
    cost = sum((Decimal(one["cost_usd"]) for one in scans), Decimal(0))
    return f"; {len(scans)} scans of {scanned:,} of {size:,} bytes, {cost} USD"


def write_redeliveries(
    closing: Closing, redeliveries: Iterable[Redelivery], schema: pa.Schema
) -> None:
    """Keep the deliveries that earlier periods are corrected from; empty tables when there are none."""
    found = list(redeliveries)
    records = [json.loads(one.record.to_json()) for one in found]
    closing.path(RESTATED_SOURCES).write_text(json.dumps(records) + "\n")
    tables = [
        one.rollup.append_column(
            "original_period", pa.array([one.period] * one.rollup.num_rows, pa.string())
        )
        for one in found
    ]
    none = schema.append(pa.field("original_period", pa.string())).empty_table()
    ledger.write_table(pa.concat_tables(tables) if tables else none, closing.path(RESTATED_ROLLUP))


def sources_outcomes(
    record: SourceRecord, rollup: pa.Table, params: Params, provisional: bool = False
) -> list[Outcome]:
    """The controls on a delivery and its rollup."""
    engine = Engine()
    register_policy(engine, params)
    engine.register("rollup_costs", rollup)
    engine.register(
        "control_totals",
        pa.table(
            {
                "line_items": pa.array([record.line_items], pa.int64()),
                "unblended_cost": pa.array([Decimal(record.unblended_cost)], EXACT),
            }
        ),
    )
    engine.register("known_line_item_types", texts(line_item_type=KNOWN))
    engine.register("absent_columns", texts(column_name=record.absent_columns))
    pairs = [(kind, one) for kind, columns in AMORTIZED_COLUMNS.items() for one in columns]
    engine.register(
        "amortized_columns",
        texts(line_item_type=[one for one, _ in pairs], column_name=[one for _, one in pairs]),
    )
    outcomes = run_group(engine, "sources", provisional)
    engine.close()
    return outcomes


@stage
def close_attribution(closing: Closing) -> dict[str, Any]:
    """Give each cost exactly one owner.

    Returns:
        Facts: the owned costs and the outcomes of the controls.
    """
    rollup = closing.table("rollup")
    engine = Engine()
    owned, split = attribute(engine, rollup, closing.params)
    engine.register("owned_costs", owned)
    outcomes = run_group(engine, "attribution")
    engine.close()
    require(outcomes, closing.params, closing.period)
    ledger.write_table(owned, closing.path("owned_costs.parquet"))
    ledger.write_table(split, closing.path("split_costs.parquet"))
    direct = sum_where(owned, "charged_cost", "cost_center_id")
    pooled = sum_where(owned, "charged_cost", "pool_id")
    currency = closing.params.policy.currency
    finish_stage(
        closing, "attribution", ["owned_costs.parquet", "split_costs.parquet"], outcomes,
        f"{direct:,.2f} {currency} owned directly, {pooled:,.2f} {currency} in pools",
    )  # fmt: skip
    return {"owned_costs": owned, "outcomes": outcomes}


@stage
def close_allocation(closing: Closing) -> dict[str, Any]:
    """Split every pool by its key and find every cost center's cents.

    Returns:
        Facts: exact owner costs, charges and the outcomes of the controls on invoices.
    """
    engine = Engine()
    costs = allocation.owner_costs(engine, closing.table("owned_costs"), closing.params)
    keys = SqlKeys(
        engine, closing.table("owned_costs"), closing.table("split_costs"), closing.params
    )
    charges = allocation.allocate(costs, closing.params, keys)
    engine.close()
    ledger.write_table(costs, closing.path("owner_costs.parquet"))
    ledger.write_table(charges, closing.path("charges.parquet"))
    shared = charges.filter(pc.equal(charges["kind"], allocation.ALLOCATED))
    pools = len(set(shared["pool_id"].to_pylist()))
    amount = sum_where(shared, "amount", "cost_center_id")
    recipients = len(set(shared["cost_center_id"].to_pylist()) - {None})
    finish_stage(
        closing, "allocation", ["owner_costs.parquet", "charges.parquet"], [],
        f"{pools} pools, {amount:,.2f} {closing.params.policy.currency} split onto "
        f"{recipients} cost centers",
    )  # fmt: skip
    return {"owner_costs": costs, "charges": charges}


@stage
def close_ledger(closing: Closing) -> dict[str, Any]:
    """Tie out to the invoices, post in double entry, and prove the postings.

    Returns:
        Facts: the postings, the invoices as `invoice_ties` gives them, and the outcomes of the controls.
    """
    params = closing.params
    costs, charges = closing.table("owner_costs"), closing.table("charges")
    engine = Engine()
    register_policy(engine, params)
    engine.register("rollup_costs", closing.table("rollup"))
    restated = close_restatements(closing)
    register_invoices(engine, params, restated)
    outcomes = run_group(engine, "invoices", closing.provisional)
    require(outcomes, params, closing.period)
    postings = ledger.with_corrections(
        ledger.post_period(costs, charges, params), correct(restated, params)
    )
    engine.register("postings", postings)
    outcomes += run_group(engine, "ledger", closing.provisional)
    register_corrections(engine, restated)
    outcomes += run_group(engine, "corrections")
    engine.close()
    require(outcomes, params, closing.period)
    ledger.write_table(postings, closing.path("postings.parquet"))
    closing.path(RESTATEMENTS).write_text(
        json.dumps([one.kept() for one in restated], indent=1, sort_keys=True) + "\n"
    )
    ties = invoice_ties(costs, params)
    total = ledger.statement_total(postings)
    tied = "not invoiced yet" if closing.provisional else (
        f"tied out to {len(ties)} invoice" + ("s" if len(ties) != 1 else "")
    )  # fmt: skip
    corrected = "".join(f", {one.period} corrected" for one in restated)
    finish_stage(
        closing, "ledger", ["postings.parquet", RESTATEMENTS], outcomes,
        f"{postings.num_rows:,} postings, {total:,.2f} {params.policy.currency}, {tied}{corrected}",
    )  # fmt: skip
    return {"postings": postings, "invoices": ties, "outcomes": outcomes}


def close_restatements(closing: Closing) -> list[Restated]:
    """Closed periods that AWS delivered again, derived again, each by the controls of a close.

    Raises:
        Refusal: (exit 4) one of them would not be closed as it is now delivered and invoiced.
    """
    books, period = closing.books, closing.period
    invoices = read_invoices(closing.params_folder, books.closed_periods())
    found = restate(books, period, closing.redeliveries(), invoices, closing.provisional)
    for one in found:
        outcomes = replay_outcomes(
            one.record, one.rollup, one.after, one.params, closing.provisional
        )
        invoice_refusal(one, outcomes)
        with naming(delivered_again(one.period)):
            require(outcomes, one.params, one.period)
    return found


def replay_outcomes(
    record: SourceRecord,
    rollup: pa.Table,
    replayed: Replayed,
    params: Params,
    provisional: bool = False,
) -> list[Outcome]:
    """The controls of a close, from its sources to its ledger, on a period that was derived again."""
    engine = Engine()
    register_policy(engine, params)
    register_invoices(engine, params)
    engine.register("rollup_costs", rollup)
    engine.register("owned_costs", replayed.owned_costs)
    engine.register("postings", replayed.postings)
    outcomes = sources_outcomes(record, rollup, params, provisional)
    for group in ("attribution", "invoices", "ledger"):
        outcomes += run_group(engine, group, provisional)
    engine.close()
    return outcomes


STAGE_FUNCTIONS: dict[str, Callable[[Closing], dict[str, Any]]] = {
    "sources": close_sources,
    "attribution": close_attribution,
    "allocation": close_allocation,
    "ledger": close_ledger,
}


def derive(closing: Closing, progress: Progress | None = None) -> None:
    """All stages in this process, without notebooks: how a closed period is derived again."""
    for name, function in STAGE_FUNCTIONS.items():
        started = time.monotonic()
        function(closing)
        if progress:
            summary = closing.stage_record(name)["summary"]
            progress(f"  {name:<12}{summary}  ({time.monotonic() - started:.1f} s)")


def invoice_ties(costs: pa.Table, params: Params) -> list[dict[str, Any]]:
    """Per invoice: its total, the exact sum of its line items, and the rounding posting between them.

    Returns:
        Dicts with invoice_id, issuer, total, rows_total (exact) and rounding; total is the rounded sum when
        the invoice is not known (drafts).
    """
    exact: dict[str, Decimal] = {}
    for row in costs.to_pylist():
        exact[row["invoice_id"]] = exact.get(row["invoice_id"], Decimal(0)) + row["exact_amount"]
    roundings = ledger.invoice_rounding(costs, params)
    ties = []
    for invoice_id, rows_total in sorted(exact.items()):
        known = params.invoices.get(invoice_id)
        rounding = Decimal(roundings.get(invoice_id, 0)).scaleb(-2)
        rounded = ledger.rounded_once(rows_total)
        ties.append(
            {
                "invoice_id": invoice_id,
                "issuer": known.issuer if known else "not invoiced yet",
                "total": known.total if known else rounded,
                "rows_total": rows_total,
                "rounding": rounding,
            }
        )
    return ties


def texts(**columns: Iterable[str | None]) -> pa.Table:
    """A table of text columns."""
    return pa.table({name: pa.array(list(values), pa.string()) for name, values in columns.items()})


def register_policy(engine: Engine, params: Params) -> None:
    """Make the policy readable by controls, one row."""
    policy = params.policy
    engine.register(
        "policy",
        pa.table(
            {
                "currency": pa.array([policy.currency], pa.string()),
                "cost_basis": pa.array([policy.cost_basis], pa.string()),
                "invoice_rounding_limit": pa.array([policy.invoice_rounding_limit], EXACT),
            }
        ),
    )


def register_invoices(engine: Engine, params: Params, restated: Iterable[Restated] = ()) -> None:
    """Make the period's invoices readable by controls, and what restated periods' invoices changed by."""
    register_invoice_changes(engine, restated)
    invoices = params.invoices.values()
    engine.register(
        "invoices",
        pa.table(
            {
                "invoice_id": pa.array([one.invoice_id for one in invoices], pa.string()),
                "total": pa.array([one.total for one in invoices], EXACT),
            }
        ),
    )


def sum_where(table: pa.Table, amount: str, present: str) -> Decimal:
    """The sum of an amount over the rows where another column is present."""
    return sum(
        (
            value
            for value, owner in zip(
                table[amount].to_pylist(), table[present].to_pylist(), strict=True
            )
            if owner is not None
        ),
        Decimal(0),
    )
