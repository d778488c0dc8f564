"""A running Trino: one process, a catalog of files in a temporary folder, and its REST protocol spoken here.

The catalog is named as Athena's is, awsdatacatalog. A report's folder is made a table of it as
docs/athena.md has it made in Athena: external, Parquet, partitioned by billing_period. Rows come back with the
types that Trino gives them: decimals as Decimal, bigint as int, varchar as str, double as float.
Trino needs Java 24 or newer, and takes a gigabyte of memory and half a minute of a processor.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

from tests.trino.install import home, is_installed, place
from tests.trino.java import NEEDED_JAVA, find_java

CATALOG, SCHEMA = "awsdatacatalog", "billing"
HEAP = "1G"
PATIENCE_SECONDS = 300
QUERY_SECONDS = 300
REQUIRED = "CHARGEBACK_TEST_TRINO"
#: How Trino addresses files of this machine.
LOCAL = "local://"
DATA = "data"
PARTITION_FOLDER = re.compile(r"BILLING_PERIOD=([0-9]{4}-[0-9]{2})")

#: Arrow's types as a table of Hive has them, as Trino writes it.
HIVE_TYPES: dict[pa.DataType, str] = {
    pa.string(): "varchar", pa.large_string(): "varchar", pa.float64(): "double", pa.int64(): "bigint",
    pa.int32(): "integer", pa.bool_(): "boolean", pa.date32(): "date", pa.null(): "varchar",
}  # fmt: skip


class TrinoError(Exception):
    """What Trino says about a statement that it does not answer: the error's name, and its words."""

    def __init__(self, name: str, said: str) -> None:
        super().__init__(f"{name}: {said}")
        self.name = name


@dataclass(frozen=True)
class Answer:
    """Rows with the names and Trino's types of their columns, in order."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@dataclass
class Server:
    """A running server, and the temporary folder that its tables lie in."""

    base: str
    folder: Path
    lakes: dict[Path, str] = field(default_factory=dict)

    def query(
        self, sql: str, parameters: Sequence[str] = (), schema: str = SCHEMA
    ) -> list[tuple[Any, ...]]:
        """The rows that a statement answers; raises TrinoError.

        Args:
            parameters: values of its question marks, as SQL ('…' with its quotes), as Athena takes them.
        """
        return self.answer(sql, parameters, schema).rows

    def answer(self, sql: str, parameters: Sequence[str] = (), schema: str = SCHEMA) -> Answer:
        """As `query`, with the names and types of columns."""
        # Trino loses rows that join by `is not distinct from` where both sides are null, when a filter that it
        # makes while it runs comes in time (a fault that its project knows). No statement that is sent to a
        # lake joins so; sql/explore does, which DuckDB alone runs.
        headers = {
            "X-Trino-User": "judge", "X-Trino-Catalog": CATALOG, "X-Trino-Schema": schema,
            "X-Trino-Time-Zone": "UTC", "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
            "X-Trino-Session": "enable_dynamic_filtering=false",
        }  # fmt: skip
        if parameters:
            prepared = requests.utils.quote(sql, safe="")
            headers["X-Trino-Prepared-Statement"] = f"asked={prepared}"
            if len(prepared) > 60_000:  # a header takes no more: the text itself is executed
                headers.pop("X-Trino-Prepared-Statement")
                body = f"execute immediate {quoted(sql)} using {', '.join(parameters)}"
            else:
                body = f"execute asked using {', '.join(parameters)}"
        else:
            body = sql
        said = self.call("post", f"{self.base}/v1/statement", data=body.encode(), headers=headers)
        columns: list[dict[str, Any]] = []
        rows: list[tuple[Any, ...]] = []
        deadline = time.monotonic() + QUERY_SECONDS
        while True:
            if "error" in said:
                raise TrinoError(said["error"]["errorName"], said["error"]["message"])
            columns = said.get("columns") or columns
            read = [reader(one["typeSignature"]) for one in columns]
            rows += [
                tuple(f(v) for f, v in zip(read, row, strict=True))
                for row in said.get("data") or ()
            ]
            following = said.get("nextUri")
            if not following:
                break
            if time.monotonic() > deadline:
                self.call("delete", following)
                raise TrinoError("TOO_SLOW", f"no answer in {QUERY_SECONDS} seconds")
            said = self.call("get", following)
        return Answer(
            tuple(one["name"] for one in columns), tuple(one["type"] for one in columns), rows
        )

    def call(self, method: str, address: str, **options: Any) -> dict[str, Any]:
        """One call of the protocol; a busy server is asked again."""
        while True:
            answer = requests.request(method, address, timeout=QUERY_SECONDS, **options)
            if answer.status_code not in (502, 503, 504):
                assert answer.ok, (answer.status_code, answer.text[:2000])
                return json.loads(answer.text, parse_float=Decimal) if answer.text else {}
            time.sleep(0.1)

    def lake(self, report: Path, table: str | None = None) -> str:
        """The folder of an export as a table of the catalog, partitioned by billing period; made once a folder.

        Args:
            report: the folder that holds `data` or `<export>/data`, with folders BILLING_PERIOD=yyyy-mm.
            table: its name; by default one that no other has.

        Returns:
            "billing.<table>", as ReportTable's `name` has it.
        """
        if report in self.lakes and table is None:
            return self.lakes[report]
        table = table or f"cur_{len(self.lakes) + 1}"
        months = sorted(
            one
            for one in report.rglob("BILLING_PERIOD=*")
            if one.is_dir() and DATA in one.relative_to(report).parts
        )
        assert months, f"{report} has no month"
        columns: dict[str, str] = {}
        for path in (one for month in months for one in sorted(month.rglob("*.parquet"))):
            for name, kind in self.columns_of(path).items():
                columns.setdefault(name, kind)
        self.create(table, columns, months[0].parent, partitioned=True)
        for month in months:
            matched = PARTITION_FOLDER.fullmatch(month.name)
            assert matched, month
            self.query(
                f"call system.register_partition('{SCHEMA}', '{table}', array['billing_period'], "
                f"array['{matched.group(1)}'], '{LOCAL}{month}')"
            )
        self.lakes[report] = f"{SCHEMA}.{table}"
        return self.lakes[report]

    def columns_of(self, path: Path) -> dict[str, str]:
        """Names and types of a Parquet file's columns, as a table of Hive has them."""
        schema = pq.read_schema(path)
        return {one.name: hive_type(one.type) for one in schema}

    def create(
        self,
        table: str,
        columns: dict[str, str],
        location: Path,
        partitioned: bool = False,
        schema: str = SCHEMA,
    ) -> None:
        """Make a folder of Parquet files a table."""
        listed = [
            f'"{name}" {kind}'
            for name, kind in columns.items()
            if not (partitioned and name == "billing_period")
        ]
        also = ""
        if partitioned:
            listed.append("billing_period varchar")
            also = ", partitioned_by = array['billing_period']"
        self.query(f"create schema if not exists {schema}")
        self.query(
            f'create table {schema}."{table}" ({", ".join(listed)}) '
            f"with (format = 'PARQUET', external_location = '{LOCAL}{location}'{also})"
        )


def hive_type(of: pa.DataType) -> str:
    """Hive's type of a column of Parquet, as Trino writes it."""
    if pa.types.is_timestamp(of):
        return "timestamp(3)"  # as in Athena: finer parts are rounded
    if pa.types.is_decimal(of):
        return f"decimal({of.precision}, {of.scale})"
    if pa.types.is_map(of):
        return f"map({hive_type(of.key_type)}, {hive_type(of.item_type)})"
    if pa.types.is_list(of):
        return f"array({hive_type(of.value_type)})"
    if pa.types.is_struct(of):
        fields = (
            f"{of.field(number).name} {hive_type(of.field(number).type)}"
            for number in range(of.num_fields)
        )
        return f"row({', '.join(fields)})"
    if pa.types.is_dictionary(of):
        return hive_type(of.value_type)
    return HIVE_TYPES[of]


def quoted(value: str) -> str:
    """A text as a literal of SQL."""
    return "'" + value.replace("'", "''") + "'"


def reader(signature: dict[str, Any]) -> Callable[[Any], Any]:
    """How a value of a type is read from JSON; null stays None."""
    of_type = reader_of(signature)
    return lambda value: None if value is None else of_type(value)


def reader_of(signature: dict[str, Any]) -> Callable[[Any], Any]:
    """How a value that is not null is read."""
    kind = signature["rawType"]
    inner = [
        reader(one["value"]) for one in signature.get("arguments", ()) if one["kind"] == "TYPE"
    ]
    simple: dict[str, Callable[[Any], Any]] = {
        "decimal": Decimal, "double": float_of, "real": float_of, "date": date.fromisoformat,
        "timestamp": datetime.fromisoformat,
    }  # fmt: skip
    if kind == "array":
        return lambda value: [inner[0](one) for one in value]
    if kind == "map":  # JSON's keys are texts
        return lambda value: {inner[0](key): inner[1](one) for key, one in value.items()}
    if kind == "row":
        return lambda value: tuple(
            f(one) for f, one in zip(value_readers(signature), value, strict=True)
        )
    return simple.get(kind, lambda value: value)


def value_readers(signature: dict[str, Any]) -> list[Callable[[Any], Any]]:
    """How the fields of a row are read."""
    return [reader(one["value"]["typeSignature"]) for one in signature["arguments"]]


def float_of(value: Any) -> float:
    """A double: Trino writes the special ones as texts."""
    made = float(value)
    assert isinstance(value, str) or math.isfinite(made)
    return made


def absent(reason: str) -> NoReturn:
    """Skip the test that needs Trino, or fail it where it must be there."""
    if os.environ.get(REQUIRED) == "required":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def write_settings(folder: Path, port: int, plugins: Path) -> Path:
    """The server's settings; the folder that holds them."""
    etc = folder / "etc"
    (etc / "catalog").mkdir(parents=True)
    (folder / "catalog").mkdir()
    settings = {
        "node.properties": {"node.environment": "judge", "node.id": "judge", "node.data-dir": folder / "data"},
        "config.properties": {
            "coordinator": "true", "node-scheduler.include-coordinator": "true", "http-server.http.port": port,
            "node.internal-address": "127.0.0.1", "discovery.uri": f"http://127.0.0.1:{port}",
            "catalog.config-dir": etc / "catalog", "plugin.dir": plugins,
            "query.max-memory-per-node": "600MB", "memory.heap-headroom-per-node": "200MB",
            "query.max-length": "4000000", "task.concurrency": 2, "task.max-worker-threads": 4,
            "query.client.timeout": "10m", "http-server.max-request-header-size": "256kB",
        },
        f"catalog/{CATALOG}.properties": {
            "connector.name": "hive", "hive.metastore": "file", "hive.metastore.catalog.dir":
            f"{LOCAL}{folder}/catalog", "fs.hadoop.enabled": "false", "fs.native-local.enabled": "true",
            "local.location": "/",
            "hive.non-managed-table-writes-enabled": "true", "hive.security": "allow-all",
            "hive.parquet.use-column-names": "true", "hive.recursive-directories": "true",
            "hive.allow-register-partition-procedure": "true",
        },
        "log.properties": {"io.trino": "WARN"},
    }  # fmt: skip
    for name, values in settings.items():
        text = "".join(f"{key}={value}\n" for key, value in values.items())
        (etc / name).write_text(text, encoding="utf-8")
    return etc


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Server]:
    """A server that answers, with everything that it writes in a folder; ended by its process id.

    Where Trino or a Java for it is absent the test is skipped, or fails where CHARGEBACK_TEST_TRINO=required.
    """
    installed = place().absolute()
    if not is_installed(installed):
        absent(f"Trino is not installed in {installed}: python3 -m tests.trino.install")
    java = find_java() or absent(f"no Java {NEEDED_JAVA} or newer, which Trino needs, is installed")
    port = free_port()
    etc = write_settings(folder, port, home(installed) / "plugin")
    log = folder / "server.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [str(java), f"-Xmx{HEAP}", "-Xms256M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
             "-XX:+ExitOnOutOfMemoryError", "-Djdk.attach.allowAttachSelf=true", "-Dfile.encoding=UTF-8",
             "-Duser.timezone=UTC", "--add-modules=jdk.incubator.vector",
             "--sun-misc-unsafe-memory-access=allow",
             "--enable-native-access=ALL-UNNAMED",
             f"-Dnode.data-dir={folder / 'data'}", "-Dnode.id=judge", "-Dnode.environment=judge",
             f"-Dconfig={etc / 'config.properties'}", f"-Dlog.levels-file={etc / 'log.properties'}",
             "-cp", f"{home(installed) / 'lib'}/*", "io.trino.server.TrinoServer"],
            stdout=stream, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)}, start_new_session=True,
        )  # fmt: skip
    try:
        server = Server(f"http://127.0.0.1:{port}", folder)
        wait_ready(server, process, log)
        yield server
    finally:
        end(process)


def wait_ready(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers statements."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-4000:]
        with contextlib.suppress(requests.RequestException, TrinoError, AssertionError):
            said = requests.get(f"{server.base}/v1/info", timeout=10).json()
            if not said["starting"] and server.query("select 1") == [(1,)]:
                return
        time.sleep(0.25)
    raise AssertionError(log.read_text()[-4000:])


def end(process: subprocess.Popen[bytes]) -> None:
    """End the server that was started here, and nothing else."""
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(20)
    if process.poll() is None:
        process.kill()
    process.wait()
