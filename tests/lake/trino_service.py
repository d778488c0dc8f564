"""A server that speaks Trino's client protocol over a folder of files, and does what a test plants.

It takes a statement, answers it in pages of JSON by DuckDB, and knows who asked, with which session, and what
was cancelled. What it does not have is Trino's own understanding of SQL; tests/trino asks a real one.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from chargeback.engine import in_duckdb
from chargeback.sources.report import COLUMNS

TABLE = "lake.billing.cur2"
IMMEDIATE = re.compile(r"EXECUTE IMMEDIATE '(.*)' USING (.*)", re.DOTALL)

Columns = list[dict[str, str]]


@dataclass
class Query:
    """A query: what was sent with it, and what became of it."""

    query_id: str
    text: str
    headers: dict[str, str]
    state: str = "QUEUED"
    values: tuple[str, ...] = ()
    pages: list[list[list[Any]]] = field(default_factory=list)
    columns: Columns = field(default_factory=list)
    scanned: int = 0


@dataclass
class Service:
    """The server's state.

    Args:
        faults: answers that come before the next true ones: a status, "half" or "reset".
        authorization: the header without which a request is answered with 401; blank for none.
        hold: queries on the report run until they are cancelled.
        error: what the next query on the report fails with.
        kinds: types of columns other than a delivery's; None for one that the table lacks.
        answer_kinds: types of the answer's columns other than they are.
        host: what addresses of next answers name; blank for the server's own.
    """

    report: Path
    url: str = ""
    faults: list[int | str] = field(default_factory=list)
    authorization: str = ""
    hold: bool = False
    error: dict[str, str] | None = None
    kinds: dict[str, str | None] = field(default_factory=dict)
    answer_kinds: dict[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ("billing_period",)
    location: str | None = None
    scanned: int | None = None
    host: str = ""
    rows_a_page: int = 2
    queries: dict[str, Query] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def on_report(self) -> list[Query]:
        """The queries that read the report, in their order."""
        return [one for one in self.queries.values() if "$path" in one.text]

    def begin(self, text: str, headers: dict[str, str]) -> Query:
        """Take a statement; nothing runs yet."""
        query = Query(f"20260501_{next(self.numbers):05d}", text, headers)
        found = IMMEDIATE.fullmatch(text)
        if found:
            query.text = found[1].replace("''", "'")
            query.values = tuple(one.strip() for one in found[2].split(","))
        self.queries[query.query_id] = query
        return query

    def answer(self, query: Query) -> None:
        """Run a query to its end."""
        if "information_schema" in query.text:
            types = {**COLUMNS, "billing_period": "varchar", **self.kinds}
            rows = [
                [name, kind, "partition key" if name in self.keys else ""]
                for name, kind in types.items()
                if kind and query.values == ("'billing'", "'cur2'")
            ]
            query.pages, query.columns = [rows], names("column_name", "data_type", "extra")
        elif query.text.startswith("SHOW CREATE TABLE"):
            location = f"file://{self.report}/data" if self.location is None else self.location
            made = f"   external_location = '{location}',\n" if location else ""
            query.pages = [[[f"CREATE TABLE {TABLE} (\n)\nWITH (\n{made}   format = 'PARQUET'\n)"]]]
            query.columns = names("Create Table")
        else:
            self.scan(query)
        query.state = "FINISHED"

    def scan(self, query: Query) -> None:
        """Run a query on the report."""
        statement = sqlglot.parse_one(query.text, read="trino")
        marks = list(statement.find_all(exp.Placeholder))
        assert len(marks) == len(query.values)
        for mark, value in zip(marks, query.values, strict=True):
            mark.replace(sqlglot.parse_one(value, read="trino"))
        connection = duckdb.connect(config={"threads": 1})
        for table in statement.find_all(exp.Table):
            if table.db:
                assert f"{table.catalog}.{table.db}.{table.name}" == TABLE
                table.replace(exp.to_table("cur2"))
        connection.execute(self.view())
        rows = connection.execute(in_duckdb(statement)).to_arrow_table()
        connection.close()
        files = [one for one in self.report.rglob("*.parquet") if f"file://{one}'" in query.text]
        query.scanned = (
            sum(one.stat().st_size for one in files) if self.scanned is None else self.scanned
        )
        query.columns = [
            {"name": one.name, "type": self.answer_kinds.get(one.name, trino_type(one.type))}
            for one in rows.schema
        ]
        shown = [[as_json(one) for one in row.values()] for row in rows.to_pylist()]
        query.pages = [
            shown[start : start + self.rows_a_page]
            for start in range(0, len(shown), self.rows_a_page)
        ]

    def view(self) -> str:
        """The table in DuckDB, absent columns as null."""
        files = sorted(str(one) for one in self.report.glob("data/**/*.parquet"))
        there = {
            row[0]
            for row in duckdb.sql(
                f"describe select * from read_parquet({files}, union_by_name = true)"
            ).fetchall()
        }
        shown = ", ".join(
            name if name in there else f"cast(null as {kind}) as {name}"
            for name, kind in COLUMNS.items()
        )
        return (
            f"create view cur2 as select {shown}, 'file://' || filename as \"$path\", "
            "regexp_extract(filename, 'BILLING_PERIOD=([^/]+)/', 1) as billing_period "
            f"from read_parquet({files}, union_by_name = true, filename = true, hive_partitioning = false)"
        )


def names(*columns: str) -> Columns:
    """Columns of texts."""
    return [{"name": one, "type": "varchar"} for one in columns]


def trino_type(kind: pa.DataType) -> str:
    """A type in Trino's words."""
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    known = {"int64": "bigint", "int32": "integer", "string": "varchar", "bool": "boolean",
             "date32[day]": "date", "double": "double"}  # fmt: skip
    return known[str(kind)]


def as_json(value: Any) -> Any:
    """A value as the protocol has it: what JSON has no type for is a text."""
    return value if value is None or isinstance(value, bool | int | str | float) else str(value)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    service: Service
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.is_let_in():
            query = self.service.begin(body, dict(self.headers.items()))
            self.say(query, f"queued/{query.query_id}/y1/0")

    def do_GET(self) -> None:
        if not self.is_let_in():
            return
        _, query_id, _, token = self.path.rsplit("/", 3)
        query, number = self.service.queries[query_id], int(token)
        held = self.service.hold and "$path" in query.text
        if query.state == "CANCELED":
            self.say(query, "", error={"errorName": "USER_CANCELED", "message": "canceled"})
        elif held:
            query.state = "RUNNING"
            time.sleep(0.02)
            self.say(query, f"executing/{query_id}/y1/{number + 1}")
        elif self.service.error and "$path" in query.text:
            query.state = "FAILED"
            self.say(query, "", error=self.service.error)
        elif "queued" in self.path:
            self.service.answer(query)
            self.say(query, f"executing/{query_id}/y1/0")
        else:
            self.say_page(query, number)

    def say_page(self, query: Query, number: int) -> None:
        """A page of rows; of an answer without rows the columns."""
        page = query.pages[number] if number < len(query.pages) else []
        last = number + 1 >= len(query.pages)
        following = "" if last else f"executing/{query.query_id}/y1/{number + 1}"
        self.say(query, following, columns=query.columns, **({"data": page} if page else {}))

    def do_DELETE(self) -> None:
        self.service.calls.append(f"DELETE {self.path}")
        query_id = self.path.rsplit("/", 3)[1]
        self.service.queries[query_id].state = "CANCELED"
        self.reply(204, b"")

    def is_let_in(self) -> bool:
        """Whether nothing planted and nobody unknown is in the way."""
        self.service.calls.append(f"{self.command} {self.path}")
        if self.service.faults:
            fault = self.service.faults.pop(0)
            if fault == "reset":
                self.connection.close()
                self.close_connection = True
            elif fault == "half":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"id": "2026')
                self.close_connection = True
            else:
                self.reply(int(fault), b"<html>busy</html>")
            return False
        wanted = self.service.authorization
        if wanted and self.headers.get("Authorization") != wanted:
            self.reply(401, b"Unauthorized")
            return False
        return True

    def say(self, query: Query, following: str, **more: Any) -> None:
        """An answer of the protocol; `following` is blank in the last one."""
        content: dict[str, Any] = {
            "id": query.query_id, "infoUri": f"{self.service.url}/ui/query.html?{query.query_id}",
            "stats": {"state": query.state, "physicalInputBytes": query.scanned}, **more,
        }  # fmt: skip
        if following:
            content["nextUri"] = f"{self.service.host or self.service.url}/v1/statement/{following}"
        self.reply(200, json.dumps(content).encode())

    def reply(self, status: int, body: bytes) -> None:
        """One HTTP answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """Quiet about connections that break."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing is printed."""


@contextmanager
def serving(report: Path) -> Iterator[Service]:
    """A server over a report's folder, on a free port of this machine."""
    service = Service(report)
    server = Server(("127.0.0.1", 0), type("Own", (Handler,), {"service": service}))
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
