"""A small Athena for tests: boto3's own protocol in front, DuckDB on the objects of moto's S3 behind.

What it runs is what it was sent: the text is parsed as Trino SQL, refused when it is anything else (a cast
written with ::, functions that Trino does not have, a question mark outside a where clause), and translated for
DuckDB. Tables are those of moto's Glue. A table's columns are read by name; one that a file has in another type
fails as Athena fails. Bytes scanned are those of the column chunks that the query needs, from the footers.
A double becomes a decimal as in Trino. Not simulated: time, other arithmetic of the engine, and permissions.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify

UNLOAD = re.compile(
    r"\s*UNLOAD\s*\((?P<query>.*)\)\s*TO\s*'(?P<to>s3://[^']+)'\s*WITH\s*\((?P<options>.*)\)\s*",
    re.DOTALL | re.IGNORECASE,
)
#: The longest text in bytes of UTF-8; and how many comparisons one expression may have, as a Trino had fewer.
LONGEST = 262_144
MOST_COMPARED = 400
TERMINAL = ("SUCCEEDED", "FAILED", "CANCELLED")

#: Parquet types that a catalog type can be read from.
READABLE = {
    "string": ("string", "large_string"),
    "double": ("double", "float"),
    "bigint": ("int64", "int32"),
    "timestamp": ("timestamp",),
    "map<string,string>": ("map",),
}


class Refused(Exception):
    """A request that Athena answers with an error: its code and words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class QueryFailed(Exception):
    """A query that was taken and fails."""


@dataclass
class Execution:
    """One query."""

    query_id: str
    request: dict[str, Any]
    state: str = "QUEUED"
    reason: str = ""
    scanned: int = 0
    output: str = ""
    manifest: str = ""
    rows: pa.Table | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)


@dataclass
class Answer:
    """The rows of a query, the bytes that it scanned, and the tables as they were, with their objects."""

    rows: pa.Table | None = None
    scanned: int = 0
    tables: dict[tuple[str, str], Any] = field(default_factory=dict)


class AthenaService:
    """Workgroups and queries over the tables of a Glue and the objects of an S3.

    Args:
        s3, glue: boto3 clients that reach moto without a way in which faults are planted.
        folder: where downloaded objects are kept.
    """

    def __init__(self, s3: Any, glue: Any, folder: Path) -> None:
        self.s3, self.glue, self.folder = s3, glue, folder
        self.workgroups: dict[str, dict[str, Any]] = {}
        self.executions: dict[str, Execution] = {}
        self.hold = False  # queries run until they are stopped
        self.before_running: list[Any] = []  # done once, when the next query begins to run
        self.rows_a_file = 100_000
        self.etags: dict[Path, str] = {}
        self.answers: dict[tuple[str, tuple[str, ...]], Answer] = {}
        self.lock = threading.Lock()

    def call(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer one request."""
        handler = getattr(self, "do_" + action, None)
        if handler is None:
            raise Refused("InvalidRequestException", f"{action} is not simulated")
        answer: dict[str, Any] = handler(body)
        return answer

    def do_GetWorkGroup(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["WorkGroup"] not in self.workgroups:
            raise Refused("InvalidRequestException", f"WorkGroup {body['WorkGroup']} is not found.")
        return {"WorkGroup": self.workgroups[body["WorkGroup"]]}

    def do_StartQueryExecution(self, body: dict[str, Any]) -> dict[str, Any]:
        if len(body["QueryString"].encode()) > LONGEST:
            raise Refused(
                "InvalidRequestException",
                "1 validation error detected: Value at 'queryString' failed to satisfy constraint: "
                f"Member must have length less than or equal to {LONGEST}",
            )
        for one in self.executions.values():
            if one.request["ClientRequestToken"] == body["ClientRequestToken"]:
                return {"QueryExecutionId": one.query_id}
        group = self.do_GetWorkGroup(body)["WorkGroup"]["Configuration"]
        execution = Execution(str(uuid.uuid4()), body)
        output = group["ResultConfiguration"]["OutputLocation"]
        execution.output = f"{output.rstrip('/')}/{execution.query_id}.csv"
        self.executions[execution.query_id] = execution
        threading.Thread(target=self.run, args=(execution, group), daemon=True).start()
        return {"QueryExecutionId": execution.query_id}

    def do_StopQueryExecution(self, body: dict[str, Any]) -> dict[str, Any]:
        execution = self.known(body)
        execution.stop.set()
        if execution.state not in TERMINAL:
            execution.state, execution.reason = "CANCELLED", "Query cancelled by user"
        return {}

    def do_GetQueryExecution(self, body: dict[str, Any]) -> dict[str, Any]:
        one = self.known(body)
        if not self.hold:
            one.ended.wait(0.5)  # so that a query is asked about once or twice
        status = {"State": one.state, "SubmissionDateTime": 1.0}
        if one.reason:
            status["StateChangeReason"] = one.reason
        statistics = {
            "DataScannedInBytes": one.scanned, "TotalExecutionTimeInMillis": 1,
            "ResultReuseInformation": {"ReusedPreviousResult": False},
        }  # fmt: skip
        if one.manifest:
            statistics["DataManifestLocation"] = one.manifest
        return {
            "QueryExecution": {
                "QueryExecutionId": one.query_id, "Query": one.request["QueryString"],
                "StatementType": "DML", "WorkGroup": one.request["WorkGroup"],
                "ResultConfiguration": {"OutputLocation": one.output}, "Status": status,
                "QueryExecutionContext": one.request.get("QueryExecutionContext", {}),
                "Statistics": statistics,
            }
        }  # fmt: skip

    def do_GetQueryResults(self, body: dict[str, Any]) -> dict[str, Any]:
        """Pages of a SELECT's rows, the names first; nothing for an UNLOAD."""
        one = self.known(body)
        if one.state != "SUCCEEDED":
            raise Refused("InvalidRequestException", f"Query did not finish: {one.state}")
        columns, rows = [], []
        if one.rows is not None:
            columns = [
                {"Name": name, "Type": "varchar", "Precision": 0, "Scale": 0, "Nullable": "UNKNOWN",
                 "CaseSensitive": True}
                for name in one.rows.column_names
            ]  # fmt: skip
            cells = zip(
                *(one.rows[name].to_pylist() for name in one.rows.column_names), strict=True
            )
            rows = [
                {"Data": [{"VarCharValue": str(cell)} if cell is not None else {} for cell in row]}
                for row in itertools.chain([one.rows.column_names], cells)
            ]
        start, size = int(body.get("NextToken", 0)), int(body.get("MaxResults", 1000))
        answer: dict[str, Any] = {
            "ResultSet": {
                "Rows": rows[start : start + size], "ResultSetMetadata": {"ColumnInfo": columns},
            }
        }  # fmt: skip
        if start + size < len(rows):
            answer["NextToken"] = str(start + size)
        return answer

    def do_ListDatabases(self, body: dict[str, Any]) -> dict[str, Any]:
        names = [one["Name"] for one in self.glue.get_databases()["DatabaseList"]]
        return {"DatabaseList": [{"Name": name} for name in names]}

    def known(self, body: dict[str, Any]) -> Execution:
        """A query that was started here."""
        if body["QueryExecutionId"] not in self.executions:
            raise Refused("InvalidRequestException", "QueryExecution was not found")
        return self.executions[body["QueryExecutionId"]]

    def run(self, execution: Execution, group: dict[str, Any]) -> None:
        """Carry a query out, in a thread of its own."""
        execution.state = "RUNNING"
        while self.before_running:
            self.before_running.pop()()
        if self.hold:
            execution.stop.wait(60)
        if execution.stop.is_set():
            return
        try:
            self.answer(execution, int(group.get("BytesScannedCutoffPerQuery", 0)))
            state, reason = "SUCCEEDED", ""
        except Exception as error:
            state, reason = "FAILED", str(error) or repr(error)
        if not execution.stop.is_set():
            execution.reason, execution.state = reason, state
        execution.ended.set()

    def answer(self, execution: Execution, cutoff: int) -> None:
        """Run a query and write what it answers; the same query on the same objects has the same rows."""
        text = execution.request["QueryString"]
        unload = UNLOAD.fullmatch(text)
        query, values = unload["query"] if unload else text, self.values(execution)
        found = self.answers.get((query, values))
        if found is None or any(self.table(*one) != was for one, was in found.tables.items()):
            found = self.compute(query, values)
            self.answers[query, values] = found
        execution.scanned = found.scanned
        if cutoff and execution.scanned > cutoff:
            execution.scanned = cutoff
            raise QueryFailed("Bytes scanned limit was exceeded")
        if unload:
            self.write_files(execution, found.rows, unload["to"])
        else:
            execution.rows = found.rows

    @staticmethod
    def values(execution: Execution) -> tuple[str, ...]:
        """The values of a query's question marks."""
        return tuple(execution.request.get("ExecutionParameters", []))

    def compute(self, query: str, values: tuple[str, ...]) -> Answer:
        """Run a query."""
        made = Answer()
        statement = read_trino(query)
        put_values(statement, list(values))
        connection = duckdb.connect(config={"threads": 1})
        for table in {one.sql(): one for one in statement.find_all(exp.Table) if one.db}.values():
            self.open_table(connection, statement, table, made)
        for table in statement.find_all(exp.Table):
            if table.db:
                table.replace(exp.to_table(f"{table.db}_{table.name}"))
        by_text = statement.transform(cast_by_text)
        made.rows = connection.execute(by_text.sql(dialect="duckdb")).to_arrow_table()
        connection.close()
        return made

    def table(self, database: str, name: str) -> tuple[dict[str, str], str, str, dict[str, Any]]:
        """A table of the catalog: its columns, its place, and the objects there."""
        found = self.glue.get_table(DatabaseName=database, Name=name)["Table"]["StorageDescriptor"]
        columns = {one["Name"]: one["Type"] for one in found["Columns"]}
        bucket, _, prefix = found["Location"].removeprefix("s3://").partition("/")
        return columns, bucket, prefix, self.objects(bucket, prefix)

    def write_files(self, execution: Execution, rows: pa.Table, target: str) -> None:
        """Parquet files of the answer, none when it is empty, and the manifest that names them."""
        bucket, _, prefix = target.removeprefix("s3://").partition("/")
        if self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"]:
            raise QueryFailed("HIVE_PATH_ALREADY_EXISTS: Target directory is not empty")
        names = []
        for number, start in enumerate(range(0, rows.num_rows, self.rows_a_file)):
            stream = io.BytesIO()
            pq.write_table(rows.slice(start, self.rows_a_file), stream)
            key = f"{prefix}20260501_{number:05d}_{execution.query_id[:8]}"
            self.s3.put_object(Bucket=bucket, Key=key, Body=stream.getvalue())
            names.append(f"s3://{bucket}/{key}")
        manifest = execution.output.removesuffix(".csv") + "-manifest.csv"
        place, _, key = manifest.removeprefix("s3://").partition("/")
        self.s3.put_object(Bucket=place, Key=key, Body="\n".join(names).encode())
        execution.manifest = manifest

    def open_table(
        self, connection: Any, statement: exp.Expr, table: exp.Table, made: Answer
    ) -> None:
        """Make a table of the catalog readable, and count the bytes that the query needs of it."""
        found = made.tables[table.db, table.name] = self.table(table.db, table.name)
        columns, bucket, _, objects = found
        scans = used_columns(statement, table, columns)
        used = set().union(*scans)
        wanted = pinned(statement, table, objects)
        files = [self.download(bucket, key, objects[f"s3://{bucket}/{key}"][1]) for key in wanted]
        there: dict[str, str] = {}
        for file in files:
            footer = pq.ParquetFile(file)
            for entry in footer.schema_arrow:
                there[entry.name] = str(entry.type).partition("<")[0].partition("[")[0]
            for group in range(footer.metadata.num_row_groups):
                chunks = footer.metadata.row_group(group)
                for number in range(chunks.num_columns):
                    chunk = chunks.column(number)
                    name = chunk.path_in_schema.partition(".")[0]
                    made.scanned += chunk.total_compressed_size * sum(name in one for one in scans)
        for name in used:
            kind = columns.get(name, "string")
            if name in there and name in columns and there[name] not in READABLE[kind]:
                raise QueryFailed(
                    f"HIVE_BAD_DATA: Field {name}'s type {there[name]} in parquet file is incompatible "
                    f"with type {kind} defined in table schema"
                )
        shown = ", ".join(
            name if name in there else f"cast(null as {duckdb_type(kind)}) as {name}"
            for name, kind in columns.items()
        )
        read = "read_parquet([" + ", ".join(f"'{file}'" for file in files) + "]"
        source = f"{read}, union_by_name = true, hive_partitioning = false, filename = true)"
        path = f"replace(filename, '{self.folder}/', 's3://')"
        period = f"regexp_extract({path}, 'BILLING_PERIOD=([^/]+)/', 1)"
        name = f"{table.db}_{table.name}"
        if not files:
            nulls = ", ".join(
                f"cast(null as {duckdb_type(kind)}) as {name}" for name, kind in columns.items()
            )
            connection.execute(
                f"create view {name} as select {nulls}, '' as \"$path\", '' as billing_period where false"
            )
            return
        connection.execute(
            f'create view {name} as select {shown}, {path} as "$path", {period} as billing_period '
            f"from {source}"
        )

    def objects(self, bucket: str, prefix: str) -> dict[str, tuple[str, str]]:
        """The objects below a prefix that Athena would read: address to key and ETag."""
        found = {}
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for one in page.get("Contents", []):
                if not one["Key"].rpartition("/")[2].startswith(("_", ".")):
                    found[f"s3://{bucket}/{one['Key']}"] = (one["Key"], one["ETag"])
        return found

    def download(self, bucket: str, key: str, etag: str) -> Path:
        """An object as a file."""
        path = self.folder / bucket / key
        with self.lock:
            if self.etags.get(path) != etag:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
                self.etags[path] = etag
        return path


def duckdb_type(kind: str) -> str:
    """A catalog type in DuckDB's words."""
    return "map(varchar, varchar)" if kind.startswith("map") else kind


def read_trino(text: str) -> exp.Expr:
    """A text parsed as Trino's SQL; what Trino would not take is refused."""
    if "::" in re.sub(r"'[^']*'", "", text) or "`" in text or text.rstrip().endswith(";"):
        raise QueryFailed("SYNTAX_ERROR: mismatched input")
    statement = sqlglot.parse_one(text, read="athena")
    for call in statement.find_all(exp.Anonymous):
        if str(call.this).lower() not in ("truncate", "bool_or", "count_if"):
            raise QueryFailed(f"FUNCTION_NOT_FOUND: Function '{call.this}' not registered")
    for case in statement.find_all(exp.Case):
        if sum(1 for _ in case.find_all(exp.Like, exp.EQ, exp.In)) > MOST_COMPARED:
            raise QueryFailed("COMPILER_ERROR: Compiler failed")
    for one in statement.find_all(exp.Placeholder):
        if one.this is not None or not one.find_ancestor(exp.Where):
            raise QueryFailed("SYNTAX_ERROR: parameters are supported in where clauses only")
    if isinstance(statement, exp.Select | exp.Union):
        return statement
    raise QueryFailed("NOT_SUPPORTED: only SELECT and UNLOAD")


def cast_by_text(node: exp.Expr) -> exp.Expr:
    """A double's cast to a decimal as Trino was seen to do it: its shortest text, rounded half up.

    DuckDB reads a text so as well, but for the tiny ones that it writes with an exponent.
    """
    inner = node.this
    if not (
        isinstance(node, exp.Cast)
        and node.to.is_type("decimal")
        and isinstance(inner, exp.Cast)
        and inner.to.is_type("double")
    ):
        return node
    double, kind = inner.sql(dialect="duckdb"), node.to.sql(dialect="duckdb")
    return sqlglot.parse_one(
        f"case when abs({double}) < 5e-11 then cast(0 as {kind}) "
        f"else cast(cast({double} as text) as {kind}) end",
        read="duckdb",
    )


def put_values(statement: exp.Expr, values: list[str]) -> None:
    """Put the execution parameters in the place of question marks; there must be as many."""
    marks = list(statement.find_all(exp.Placeholder))
    if len(marks) != len(values):
        raise QueryFailed(f"INVALID_PARAMETER_USAGE: {len(marks)} expected but found {len(values)}")
    for mark, value in zip(marks, values, strict=True):
        mark.replace(sqlglot.parse_one(value, read="trino"))


def scanning_selects(statement: exp.Expr, table: exp.Table) -> list[exp.Select]:
    """The selects that read a table of the catalog, in order; each is a scan."""
    found = [
        one.find_ancestor(exp.Select)
        for one in statement.find_all(exp.Table)
        if (one.db, one.name) == (table.db, table.name)
    ]
    return [one for one in found if one is not None]


def used_columns(statement: exp.Expr, table: exp.Table, columns: dict[str, str]) -> list[set[str]]:
    """The columns that each scan of a query needs: those that a planner keeps."""
    known = {**columns, "$path": "string", "billing_period": "string"}
    schema = {table.db: {table.name: dict.fromkeys(known, "varchar")}}
    planned = qualify(
        statement.copy(), schema=schema, dialect="athena", validate_qualify_columns=False
    )
    kept = scanning_selects(pushdown_projections(planned), table)
    return [{one.name for one in scan.find_all(exp.Column)} & set(columns) for scan in kept]


def pinned(statement: exp.Expr, table: exp.Table, objects: dict[str, tuple[str, str]]) -> list[str]:
    """The keys of the objects that a query opens: by partition and "$path", as Athena prunes them.

    Each of its scans must open the same ones.
    """
    wheres = [one.args.get("where") for one in scanning_selects(statement, table)]
    where = wheres[0]
    assert all(one == where for one in wheres)
    conditions = [where.this] if where and not isinstance(where.this, exp.And) else (
        list(where.this.flatten()) if where else []
    )  # fmt: skip
    pruning = [
        one.sql(dialect="duckdb")
        for one in conditions
        if {column.name for column in one.find_all(exp.Column)} <= {"$path", "billing_period"}
    ]
    connection = duckdb.connect()
    connection.execute('create table files ("$path" varchar, billing_period varchar, key varchar)')
    for address, (key, _) in objects.items():
        period = re.search(r"BILLING_PERIOD=([^/]+)/", key)
        connection.execute(
            "insert into files values (?, ?, ?)", [address, period[1] if period else None, key]
        )
    chosen = connection.execute(
        f"select key from files where {' and '.join(pruning) or 'true'} order by key"
    ).fetchall()
    connection.close()
    return [key for (key,) in chosen]


def error_body(code: str, message: str) -> bytes:
    """An error as Athena's protocol has it."""
    return json.dumps({"__type": code, "Message": message}).encode()
