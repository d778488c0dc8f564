"""The reader of a lake: the report as a close uses it, read by an engine over the objects.

Two scans, one after the other. The first (sql/sources/control_totals.sql) reads only the cost column, and
counts each file's line items and cost in integers. Its line items must be those of the files' own footers,
which the close reads itself and which the engine never saw. So each file of the delivery was read, whole and
once. The second (sql/rollup/rollup_costs.sql) makes the rollup, whose DECIMAL sums the control totals check.
Afterwards the objects are looked at again.

Athena (chargeback/sources/athena) and Trino (chargeback/sources/trino) say what their table is, where its
objects lie, and how a statement is run; everything else is here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, Protocol

import pyarrow as pa

from chargeback.books.source_record import CUR_2, SourceFile, SourceRecord
from chargeback.core.errors import unreachable
from chargeback.core.money import exact_amount
from chargeback.engine import Engine, Parameter
from chargeback.params import Params
from chargeback.sources.deliveries import changed_refusal
from chargeback.sources.lake.objects import (
    changed_files,
    is_recorded,
    manifest_names,
    period_objects,
    read_delivery,
)
from chargeback.sources.lake.results import Scan
from chargeback.sources.lake.statement import PATH, Statement, scan_statement
from chargeback.sources.lake.stores import Store
from chargeback.sources.lake.table import ReportTable, require_catalog_columns
from chargeback.sources.ownership_ranks import RANKS, no_ranks
from chargeback.sources.report import COLUMNS, line_item_parameters

CONTROL_TOTALS = ("sources", "control_totals")


class Queries(Protocol):
    """Runs statements; `scans` says what each one was, `place` where they run, for a reader."""

    place: str
    scans: list[Scan]

    def run(self, name: str, statement: Statement, schema: pa.Schema) -> pa.Table:
        """The answer of a statement, in the columns and types that it must have.

        Raises:
            Refusal: (exit 6) the engine could not start, finish or deliver it; the query is stopped then.
        """


class LakeReader(ABC):
    """An engine on a table over a report."""

    state_is_free = False

    def __init__(self) -> None:
        self.last_ran: Mapping[str, str] = {}

    @property
    @abstractmethod
    def table(self) -> ReportTable:
        """The report's table."""

    @property
    @abstractmethod
    def store(self) -> Store:
        """Where its export's objects are."""

    @property
    @abstractmethod
    def queries(self) -> Queries:
        """The queries, once it is known that they are guarded."""

    def has_period(self, period: str) -> bool:
        """Whether the export has a manifest of a period."""
        return bool(manifest_names(period_objects(self.store, period), period))

    def export_names(self, period: str) -> Sequence[str]:
        """The one export under the table."""
        return [self.table.name] if self.has_period(period) else []

    def holds(self, record: SourceRecord) -> bool:
        """Whether the newest delivery has the recorded ETags."""
        return is_recorded(self.store, record)

    def state(self, period: str) -> Sequence[str]:
        """Each object of the period's folders with its ETag."""
        found = period_objects(self.store, period)
        return [f"{path} {one.etag}" for path, one in sorted(found.items())]

    def freeze(self, period: str) -> SourceRecord:
        """The source record of the newest delivery, counted by the engine in integers.

        Raises:
            Refusal: (exit 6) the delivery, the table or the engine is not as it must be.
        """
        queries = self.queries  # what guards them is looked at before anything is read
        delivery = read_delivery(self.store, period)
        require_catalog_columns(self.table, delivery.absent_columns)
        totals = self.scan(*CONTROL_TOTALS, delivery.files, {"period": period})
        require_whole(totals, delivery.files, self.table, queries.place)
        units = sum(totals["whole_cost"].to_pylist()) * 10**10 + sum(
            totals["cost_units"].to_pylist()
        )
        return SourceRecord(
            period, delivery.export_name, delivery.execution_id, CUR_2, delivery.manifest, delivery.files,
            delivery.unlisted, delivery.absent_columns,
            sum(one.line_items for one in delivery.files), str(exact_amount(units)),
            self.table.location,
        )  # fmt: skip

    def usage_to(self, record: SourceRecord) -> date | None:
        """Not asked: it would be a third scan of the report."""
        return None

    def query(
        self,
        record: SourceRecord,
        stage: str,
        name: str,
        params: Params,
        usage_to: date | None = None,
    ) -> pa.Table:
        """The answer of a scan of a delivery that did not change since it was frozen.

        Raises:
            Refusal: (exit 6) the query failed, or the delivery changed meanwhile.
        """
        answer = self.scan(stage, name, record.files, line_item_parameters(params, usage_to))
        changed = self.changed(record)
        if changed:
            raise changed_refusal(changed, self.table.location)
        return answer

    def changed(self, record: SourceRecord) -> Sequence[str]:
        """The objects of a delivery that have another ETag than was recorded, or are gone."""
        objects = (record.manifest, *record.files)
        return changed_files(self.store, record.billing_period, objects)

    def scan(
        self,
        stage: str,
        name: str,
        files: Sequence[SourceFile],
        parameters: dict[str, Parameter],
    ) -> pa.Table:
        """The answer of a SQL file over exactly these files of the table."""
        filled = [self.table.called(one.path) for one in files if one.line_items]
        schema = expected_schema(stage, name, parameters)
        if not filled:
            return schema.empty_table()
        statement = scan_statement(stage, name, self.table, filled, parameters)
        self.last_ran = {f"{stage}/{name}": statement.told()}
        return self.queries.run(f"sql/{stage}/{name}.sql", statement, schema)

    def ran(self) -> Mapping[str, str]:
        """The last scan as it was sent, with the values of its question marks."""
        return self.last_ran

    def scans(self) -> Sequence[dict[str, Any]]:
        """Each query with its bytes and cost."""
        return [asdict(one) for one in self.queries.scans]


def expected_schema(stage: str, name: str, parameters: dict[str, Parameter]) -> pa.Schema:
    """Columns and types of a SQL file's answer: what DuckDB gives for a report without line items."""
    engine = Engine(threads=1)
    columns = ", ".join(f"cast(null as {kind}) as {column}" for column, kind in COLUMNS.items())
    engine.create_own_view(
        "report", f"select '' as billing_period, '' as \"{PATH}\", {columns} where false"
    )
    if stage == "rollup":
        engine.register(RANKS, no_ranks())
        engine.create_view("line_items", "sources", parameters)
    schema = engine.query(stage, name, parameters).schema
    engine.close()
    return schema


def require_whole(
    totals: pa.Table, files: Sequence[SourceFile], table: ReportTable, place: str
) -> None:
    """Stop unless the engine read each file of the delivery, whole (exit 6)."""
    read = dict(zip(totals["path"].to_pylist(), totals["line_items"].to_pylist(), strict=True))
    differ = [
        f"{one.path}: {read.get(table.called(one.path), 0):,} of {one.line_items:,} line items"
        for one in files
        if read.get(table.called(one.path), 0) != one.line_items
    ]
    if differ:
        raise unreachable(
            f"{table.engine.name} does not read the files that the manifest names",
            f"{sum(one.line_items for one in files):,} line items in {len(files)} files",
            f"{sum(read.values()):,} line items in {len(read)} files",
            [f"{table.name}, {place}", *differ[:5]],
            ["the table must lie over the export's data/ folder and know the period's partition: "
             f"see {table.engine.page}"],
        )  # fmt: skip
