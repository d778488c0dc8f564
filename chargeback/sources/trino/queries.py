"""Queries: one Trino query after the other, with its progress, its answer and the bytes that it read.

A statement goes as EXECUTE IMMEDIATE with its values behind USING, in the body of the request: a header, in
which prepared statements go, is too short for a delivery of many files. Rows come back as JSON, in pages, and
each page becomes Arrow as it comes. Decimals are texts there, so that no digit is lost, and an empty text is
not a null.

The server stops a query at the limit of bytes (the session's query_max_scan_physical_bytes), which it looks at
once a second; whoever asks looks at it with each answer too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from chargeback.aws.calls import patience
from chargeback.core.errors import Refusal, unreachable
from chargeback.params.trino_settings import TrinoSettings
from chargeback.sources.lake.results import SAY_EVERY, Progress, Scan, other_columns
from chargeback.sources.lake.statement import Statement
from chargeback.sources.trino.connection import (
    AGAIN,
    Answer,
    Connection,
    badly,
    denied,
    no_table,
    words,
)
from chargeback.sources.trino.rows import record_batch
from chargeback.sources.trino.table import TRINO

#: What the server says when a query reads more than it may.
OVER_LIMIT = "EXCEEDED_SCAN_LIMIT"
ABSENT = ("TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND", "CATALOG_NOT_FOUND", "MISSING_CATALOG_NAME")


class Queries:
    """Runs statements on a server; `scans` says what each one on the report was.

    Args:
        running: a file that names the query while it runs, so that it can be stopped by another process when
            this one is killed.
        say: takes lines of progress.
    """

    def __init__(
        self,
        connection: Connection,
        running: Path | None = None,
        say: Progress = lambda _: None,
    ) -> None:
        self.connection, self.running, self.say = connection, running, say
        self.settings = connection.settings
        self.place = self.settings.url
        self.scans: list[Scan] = []
        self.started, self.said = 0.0, 0.0

    def run(self, name: str, statement: Statement, schema: pa.Schema) -> pa.Table:
        """The answer of a statement, in the columns and types that it must have.

        Raises:
            Refusal: (exit 6) Trino could not start, finish or deliver it; the query is stopped then.
        """
        text = immediate(statement.sql, statement.parameters)
        batches, columns, answer = [], None, {}
        for answer in self.answers(name, text):
            columns = answer.get("columns", columns)
            if answer.get("data"):
                batches.append(self.batch(answer, columns, schema, name))
        seconds = f"{time.monotonic() - self.started:.1f}"
        scan = Scan(name, answer["id"], bytes_read(answer), "0", seconds)
        self.scans.append(scan)
        self.say(scan.shown)
        return pa.Table.from_batches(batches, schema.remove_metadata())

    def batch(self, answer: Answer, columns: Any, schema: pa.Schema, name: str) -> pa.RecordBatch:
        """A page's rows."""
        try:
            return record_batch(columns, answer["data"], schema.remove_metadata())
        except (pa.ArrowException, ArithmeticError, ValueError, KeyError, TypeError) as error:
            raise other_columns(TRINO, schema, words(str(error)), name) from None

    def ask(self, name: str, text: str, parameters: Sequence[str] = ()) -> list[list[Any]]:
        """The rows of a short answer, such as what the catalog has."""
        found: list[list[Any]] = []
        for answer in self.answers(name, immediate(text, parameters)):
            found += answer.get("data") or []
        return found

    def answers(self, name: str, text: str) -> Iterator[Answer]:
        """Each answer of a query to its end; the query is cancelled when nobody waits for it any more."""
        self.started = self.said = time.monotonic()
        address = ""
        try:
            answer = self.connection.post(text)
            while True:
                address = str(answer.get("nextUri") or "")
                self.note_running(address)
                self.require_within(name, answer)
                yield answer
                if not address:
                    break
                self.show(name, answer)
                answer = self.connection.next(address)
        except BaseException:
            if address:
                self.connection.cancel(address)
            raise
        finally:
            self.note_running("")

    def require_within(self, name: str, answer: Answer) -> None:
        """Stop at an error, and at a query that has read more than it may (exit 6)."""
        if not isinstance(answer.get("stats", {}), dict):
            raise badly(self.settings, "an answer whose stats are no object")
        error = answer.get("error")
        if error:
            raise query_refusal(self.settings, name, answer["id"], error)
        scanned = bytes_read(answer)
        if scanned > self.settings.bytes_scanned_limit:
            raise over_limit(self.settings, name, answer["id"], f"{scanned:,} bytes read")

    def note_running(self, address: str) -> None:
        """Name the running query in its file, by the address that cancels it; a blank one has ended."""
        if self.running and address:
            self.running.write_text(json.dumps({"address": address}))
        elif self.running:
            self.running.unlink(missing_ok=True)

    def show(self, name: str, answer: Answer) -> None:
        """A line of progress now and then."""
        now = time.monotonic()
        if now - self.said >= SAY_EVERY:
            self.said = now
            state, took = str(answer.get("stats", {}).get("state", "")).lower(), now - self.started
            self.say(f"{name}: {state}, {took:.0f} s, {bytes_read(answer):,} bytes scanned")


def immediate(text: str, parameters: Sequence[str]) -> str:
    """A statement with question marks as one that says what they are; values as SQL writes them."""
    if not parameters:
        return text
    quoted = text.replace("'", "''")
    return f"EXECUTE IMMEDIATE '{quoted}' USING {', '.join(parameters)}"


def bytes_read(answer: Answer) -> int:
    """The bytes of files that a query has read so far; older servers say only what it processed."""
    stats = answer.get("stats", {})
    found = stats.get("physicalInputBytes", stats.get("processedBytes", 0))
    return found if type(found) is int else 0


def stop_left_query(settings: TrinoSettings, running: Path) -> None:
    """Cancel the query that a file names, and remove the file."""
    try:
        address = str(json.loads(running.read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, KeyError, TypeError):
        address = ""
    if address:
        Connection(settings, patience()).cancel(address)
    running.unlink(missing_ok=True)


def query_refusal(settings: TrinoSettings, name: str, query_id: str, error: Any) -> Refusal:
    """A query that did not succeed, as a refusal (exit 6)."""
    error = error if isinstance(error, dict) else {"message": str(error)}
    kind = str(error.get("errorName") or "")
    said = f"{kind}: {words(str(error.get('message') or 'no reason given'))}".removeprefix(": ")
    if kind == OVER_LIMIT:
        return over_limit(settings, name, query_id, said)
    where = [name, f"query {query_id} on {settings.url}"]
    if kind == "PERMISSION_DENIED":
        return denied(said, where)
    if kind in ABSENT:
        return no_table(settings, said)
    return unreachable(
        "Trino could not answer a query", "a query that succeeds", said, where,
        ["if a column's type is named, compare the table's columns with the delivery's",
         f"else look at the query in Trino's web interface; {AGAIN}"],
    )  # fmt: skip


def over_limit(settings: TrinoSettings, name: str, query_id: str, said: str) -> Refusal:
    """A query that reads more than it may (exit 6)."""
    return unreachable(
        "a query of Trino was stopped at the limit of bytes",
        f"at most {settings.bytes_scanned_limit:,} bytes read", said,
        [name, f"query {query_id} on {settings.url}"],
        ["see whether the table is partitioned and the delivery is the size you expect",
         "if it is, raise bytes_scanned_limit in sources.toml, and run it again"],
    )  # fmt: skip
