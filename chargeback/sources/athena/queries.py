"""Queries: one Athena query after the other, with its progress, its answer and its cost.

PyAthena starts a query, repeats throttled calls with growing waits, waits for the end and cancels the query on
Ctrl-C. Each query is an UNLOAD to Parquet in the workgroup's own location: column types are kept, and empty
texts stay distinct from nulls, which Athena's CSV cannot do. The files that the query's data manifest names
are read from S3 with the same client as everything else, into Arrow. (PyAthena's Arrow cursor reads them with
a second S3 client, from Arrow, which knows neither our retries nor an endpoint that boto3 was given.)

Results of earlier queries are not reused: a close must see the files as they are. How much a query scanned is
what Athena says; its cost is the public price. Drawback: the small result files stay in S3 until the bucket's
lifecycle rule removes them.
"""

from __future__ import annotations

import functools
import io
import json
import logging
import time
import uuid
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.aws.athena_settings import AthenaSettings
from chargeback.aws.calls import FAILURES, Clients, call_refusal, calling, patience
from chargeback.core.errors import Refusal, unreachable
from chargeback.sources.athena.catalog import ATHENA, Workgroup
from chargeback.sources.lake.results import SAY_EVERY, Progress, Scan, other_columns
from chargeback.sources.lake.statement import Statement
from chargeback.sources.lake.stores import read_again

#: Athena's public price: 5 USD per terabyte scanned, each query rounded up to a megabyte, 10 at least.
USD_PER_TERABYTE = Decimal(5)
MEGABYTE = 2**20
FEWEST_MEGABYTES = 10

#: What Athena says when a query was stopped by the workgroup's cutoff.
CUT_OFF = "bytes scanned limit was exceeded"


def query_cost(bytes_scanned: int) -> Decimal:
    """What a query costs, in USD, with six decimals, rounded up."""
    megabytes = max(FEWEST_MEGABYTES, -(-bytes_scanned // MEGABYTE))
    cost = Decimal(megabytes) * USD_PER_TERABYTE / MEGABYTE
    return cost.quantize(Decimal("0.000001"), ROUND_CEILING)


class Queries:
    """Runs statements in a workgroup; `scans` says what each one was.

    Args:
        running: a file that names the query while it runs, so that it can be stopped by another process when
            this one is killed.
        say: takes lines of progress.
    """

    def __init__(
        self,
        clients: Clients,
        workgroup: Workgroup,
        running: Path | None = None,
        say: Progress = lambda _: None,
    ) -> None:
        self.clients, self.workgroup, self.running, self.say = clients, workgroup, running, say
        self.place = f"workgroup {workgroup.name}"
        self.scans: list[Scan] = []
        self.name, self.query_id, self.started, self.said = "", "", 0.0, 0.0
        logging.getLogger("pyathena").setLevel(logging.CRITICAL + 1)  # a refusal says it

    def run(self, name: str, statement: Statement, schema: pa.Schema) -> pa.Table:
        """The answer of a statement, in the columns and types that it must have.

        Raises:
            Refusal: (exit 6) Athena could not start, finish or deliver it; the query is stopped then.
        """
        self.name, self.started = name, time.monotonic()
        target = f"{self.workgroup.output}unload/{uuid.uuid4()}/"
        text = (
            f"UNLOAD ({statement.sql}) TO '{target}' "
            "WITH (format = 'PARQUET', compression = 'SNAPPY')"
        )
        cursor = self.execute(name, text, statement.parameters)
        seconds = f"{time.monotonic() - self.started:.1f}"
        scanned = int(cursor.data_scanned_in_bytes or 0)
        scan = Scan(name, str(cursor.query_id), scanned, str(query_cost(scanned)), seconds)
        self.scans.append(scan)
        self.say(scan.shown)
        if cursor.reused_previous_result:
            raise unreachable(
                "Athena answered with the result of an earlier query", "a query that ran",
                str(cursor.query_id), [name], ["run it again"],
            )  # fmt: skip
        return conform(self.read_result(name, cursor), schema, name)

    @functools.cached_property
    def connection(self) -> Any:
        """PyAthena's connection to the workgroup; results are not reused, Ctrl-C cancels."""
        from pyathena import connect
        from pyathena.util import RetryConfig

        settings, waits = self.clients.settings, self.clients.waits
        return connect(
            session=self.clients.session, config=self.clients.config(), region_name=settings.region,
            work_group=self.workgroup.name, schema_name=settings.database,
            s3_staging_dir=self.workgroup.output, poll_interval=waits.scale,
            result_reuse_enable=False, kill_on_interrupt=True,
            retry_config=RetryConfig(multiplier=waits.scale, max_delay=30),  # type: ignore[arg-type]
            on_start_query_execution=self.note_running, on_poll=self.show,
        )  # fmt: skip

    def execute(self, name: str, text: str, parameters: tuple[str, ...]) -> Any:
        """Run a statement to its end through PyAthena; the cursor knows what it was."""
        from pyathena.error import Error

        try:
            cursor = self.connection.cursor()
            cursor.execute(text, list(parameters), paramstyle="qmark")
        except (Error, *FAILURES) as error:
            self.stop_running()
            raise query_refusal(error, name, self.workgroup) from None
        except BaseException:
            self.stop_running()
            raise
        self.forget_running()
        return cursor

    def note_running(self, query_id: str) -> None:
        """Name the running query in its file."""
        self.query_id = query_id
        if self.running:
            self.running.write_text(json.dumps({"query_id": query_id}))

    def forget_running(self) -> None:
        """The query has ended."""
        self.query_id = ""
        if self.running:
            self.running.unlink(missing_ok=True)

    def stop_running(self) -> None:
        """Stop a query that nobody waits for any more; it may have ended already."""
        if self.query_id:
            stop_query(self.clients, self.query_id)
        self.forget_running()

    def show(self, execution: Any) -> None:
        """A line of progress now and then."""
        now = time.monotonic()
        if now - self.said >= SAY_EVERY:
            self.said = now
            scanned = int(execution.data_scanned_in_bytes or 0)
            state, took = str(execution.state).lower(), now - self.started
            self.say(f"{self.name}: {state}, {took:.0f} s, {scanned:,} bytes scanned")

    def read_result(self, name: str, cursor: Any) -> pa.Table | None:
        """The files that a query's data manifest names, as one table; None when it wrote none."""
        place = str(cursor.data_manifest_location or "")
        names = self.read_object(place).decode().split() if place else []
        tables = []
        for one in names:
            try:
                tables.append(pq.read_table(io.BytesIO(self.read_object(one))))
            except pa.ArrowException as error:
                raise unreachable(
                    "Athena's result cannot be read", "Parquet", str(error).splitlines()[0],
                    [name, one], ["run it again"],
                ) from None  # fmt: skip
        return pa.concat_tables(tables) if tables else None

    def read_object(self, address: str) -> bytes:
        """An object of the result, whole."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        s3 = self.clients.client("s3")
        with calling("s3:GetObject", address):
            found: bytes = read_again(lambda: s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        return found


def stop_query(clients: Clients, query_id: str) -> bool:
    """Ask Athena to stop a query; whether it could be asked."""
    try:
        clients.client("athena").stop_query_execution(QueryExecutionId=query_id)
    except (*FAILURES, Refusal):
        return False
    return True


def stop_left(settings: AthenaSettings, running: Path) -> None:
    """Stop the query that a file names, and remove the file."""
    try:
        query_id = str(json.loads(running.read_text(encoding="utf-8"))["query_id"])
    except (OSError, ValueError, KeyError):
        query_id = ""
    if query_id:
        stop_query(Clients(settings, patience()), query_id)
    running.unlink(missing_ok=True)


def conform(table: pa.Table | None, schema: pa.Schema, name: str) -> pa.Table:
    """A result in the columns and types that DuckDB gives the same SQL (exit 6 when it has others)."""
    if table is None:
        return schema.empty_table()
    try:
        if table.column_names != schema.names:
            raise ValueError(", ".join(table.column_names))
        return pa.table(
            [table[field.name].cast(field.type) for field in schema],
            schema=schema.remove_metadata(),
        )
    except (pa.ArrowException, ValueError) as error:
        raise other_columns(ATHENA, schema, str(error).splitlines()[0], name) from None


def query_refusal(error: BaseException, name: str, workgroup: Workgroup) -> Refusal:
    """A query that did not succeed, as a refusal (exit 6)."""
    cause = error.__cause__
    if isinstance(error, FAILURES):
        return call_refusal(error, "athena:StartQueryExecution", name)
    if isinstance(cause, FAILURES):
        action = getattr(cause, "operation_name", "") or "StartQueryExecution"
        return call_refusal(cause, f"athena:{action}", name)
    said = " ".join(str(error).split())
    if CUT_OFF in said.lower():
        return unreachable(
            "Athena stopped a query at the workgroup's cutoff",
            f"at most {workgroup.cutoff:,} bytes scanned", said[:200], [name, workgroup.name],
            ["see whether the table is partitioned and the delivery is the size you expect",
             "if it is, raise BytesScannedCutoffPerQuery (aws athena update-work-group …), and run it again"],
        )  # fmt: skip
    return unreachable(
        "Athena could not answer a query", "a query that succeeds", said[:300] or "no reason given",
        [name], ["if a column's type is named, compare the table's columns with the delivery's",
                 "else run the same command again"],
    )  # fmt: skip
