"""The Athena reader: the report as a close uses it, read by Athena.

Two scans, one after the other. The first (sql/sources/control_totals.sql) reads only the cost column, and
counts each file's line items and cost in integers. Its line items must be those of the files' own footers,
which come from S3 and which Athena never saw. So each file of the delivery was read, whole and once. The
second (sql/rollup/rollup_costs.sql) makes the rollup, whose DECIMAL sums the control totals check. Afterwards
the objects are looked at again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from chargeback.aws.athena_settings import AthenaSettings
from chargeback.aws.calls import Clients, patience
from chargeback.books.source_record import CUR_2, SourceFile, SourceRecord
from chargeback.core.errors import unreachable
from chargeback.core.money import exact_amount
from chargeback.engine import Engine, Parameter
from chargeback.params import Params
from chargeback.sources.athena.catalog import (
    ReportTable,
    read_table,
    read_workgroup,
    require_catalog_columns,
)
from chargeback.sources.athena.objects import (
    changed_files,
    is_recorded,
    manifest_names,
    period_objects,
    read_delivery,
)
from chargeback.sources.athena.queries import Queries
from chargeback.sources.athena.statement import PATH, scan_statement
from chargeback.sources.deliveries import changed_refusal
from chargeback.sources.ownership_ranks import RANKS, no_ranks
from chargeback.sources.report import COLUMNS, line_item_parameters

CONTROL_TOTALS = ("sources", "control_totals")


class AthenaReader:
    """Amazon Athena on the table of the settings.

    Args:
        running: a file that names the running query, if there is one.
        say: takes lines of progress.
    """

    state_is_free = False

    def __init__(
        self,
        settings: AthenaSettings,
        running: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.clients = Clients(settings, patience())
        self.running, self.say = running, say
        self.last_ran: Mapping[str, str] = {}

    @functools.cached_property
    def table(self) -> ReportTable:
        """The report's table."""
        return read_table(self.clients)

    @functools.cached_property
    def queries(self) -> Queries:
        """The queries, in a workgroup that is guarded."""
        return Queries(self.clients, read_workgroup(self.clients), self.running, self.say)

    def has_period(self, period: str) -> bool:
        """Whether the export has a manifest of a period."""
        return bool(manifest_names(period_objects(self.clients, self.table, period), period))

    def export_names(self, period: str) -> Sequence[str]:
        """The one export under the table."""
        return [self.table.name] if self.has_period(period) else []

    def holds(self, record: SourceRecord) -> bool:
        """Whether the newest delivery has the recorded ETags."""
        return is_recorded(self.clients, self.table, record)

    def state(self, period: str) -> Sequence[str]:
        """Each object of the period's folders with its ETag."""
        found = period_objects(self.clients, self.table, period)
        return [f"{path} {one.etag}" for path, one in sorted(found.items())]

    def freeze(self, period: str) -> SourceRecord:
        """The source record of the newest delivery, counted by Athena in integers.

        Raises:
            Refusal: (exit 6) the delivery, the table or the workgroup is not as it must be.
        """
        queries = self.queries  # the workgroup is looked at before anything is read
        delivery = read_delivery(self.clients, self.table, period)
        require_catalog_columns(self.table, delivery.absent_columns)
        totals = self.scan(*CONTROL_TOTALS, delivery.files, {"period": period})
        require_whole(totals, delivery.files, self.table, queries.workgroup.name)
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
        return changed_files(self.clients, self.table, record.billing_period, objects)

    def scan(
        self,
        stage: str,
        name: str,
        files: Sequence[SourceFile],
        parameters: dict[str, Parameter],
    ) -> pa.Table:
        """The answer of a SQL file over exactly these files of the table."""
        filled = [self.table.location + one.path for one in files if one.line_items]
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
    totals: pa.Table, files: Sequence[SourceFile], table: ReportTable, workgroup: str
) -> None:
    """Stop unless Athena read each file of the delivery, whole (exit 6)."""
    read = dict(zip(totals["path"].to_pylist(), totals["line_items"].to_pylist(), strict=True))
    differ = [
        f"{one.path}: {read.get(table.location + one.path, 0):,} of {one.line_items:,} line items"
        for one in files
        if read.get(table.location + one.path, 0) != one.line_items
    ]
    if differ:
        raise unreachable(
            "Athena does not read the files that the manifest names",
            f"{sum(one.line_items for one in files):,} line items in {len(files)} files",
            f"{sum(read.values()):,} line items in {len(read)} files",
            [f"{table.name}, workgroup {workgroup}", *differ[:5]],
            ["the table must lie over the export's data/ folder and know the period's partition: "
             "see docs/athena.md"],
        )  # fmt: skip
