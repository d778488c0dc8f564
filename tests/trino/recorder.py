"""A plugin of pytest: what DuckDB is sent while tests run, kept with the tables that it read and its answer.

    python -m pytest -p tests.trino.recorder tests/controls …      with CHARGEBACK_TRINO_RECORDS=<folder>

Of each file of sql/ some recordings are kept, with rows and without. A recording
is a folder <stage>/<name>/<digest> with the bound statement as Athena's SQL, each table that it may
read as Parquet, and DuckDB's rows. Nothing of what tests see is changed: the engine's own methods answer first.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from chargeback.core.paths import ROOT
from chargeback.engine import Engine, Parameter, bind, read_sql

VARIABLE = "CHARGEBACK_TRINO_RECORDS"
STATEMENT, ANSWER = "statement.sql", "answer.parquet"
#: A table of more rows is not kept: what is large is judged by scans of whole months.
MOST_ROWS = 5_000
#: Recordings of a file that are kept: with rows, and without.
WITH_ROWS, WITHOUT = 4, 2


def pytest_configure() -> None:
    """Hook the engine where somebody asks for recordings."""
    if os.environ.get(VARIABLE):
        hook(Path(os.environ[VARIABLE]))


def hook(folder: Path) -> None:
    """Have every engine of this process leave recordings in a folder."""
    query, view, table = Engine.query, Engine.create_view, Engine.create_table

    def recording_query(
        self: Engine, stage: str, name: str, parameters: Mapping[str, Parameter] | None = None
    ) -> pa.Table:
        answer = query(self, stage, name, parameters)
        quietly(lambda: record(folder, self, stage, name, parameters or {}, (), answer))
        return answer

    def recording_view(
        self: Engine, name: str, stage: str, parameters: Mapping[str, Parameter], carried: Any = ()
    ) -> None:
        read = inputs(self, stage, name, parameters, carried)
        view(self, name, stage, parameters, carried)
        quietly(
            lambda: record(
                folder, self, stage, name, parameters, carried, rows_of(self, name), read
            )
        )

    def recording_table(
        self: Engine, name: str, stage: str, parameters: Mapping[str, Parameter]
    ) -> None:
        read = inputs(self, stage, name, parameters, ())
        table(self, name, stage, parameters)
        quietly(
            lambda: record(folder, self, stage, name, parameters, (), rows_of(self, name), read)
        )

    Engine.query, Engine.create_view, Engine.create_table = (  # type: ignore[method-assign]
        recording_query, recording_view, recording_table,
    )  # fmt: skip


def quietly(keep: Callable[[], None]) -> None:
    """Keep a recording; one that the engine cannot read, as tests of broken reports want, is none."""
    try:
        keep()
    except duckdb.Error:
        return


def rows_of(engine: Engine, name: str) -> pa.Table | None:
    """What a table of an engine holds; None for a large one."""
    if name in engine.registered and name not in engine.created:
        found = engine.registered[name]
    else:
        found = engine.connection.execute(
            f'select * from "{name}" limit {MOST_ROWS + 1}'
        ).to_arrow_table()
    return found if found.num_rows <= MOST_ROWS else None


def inputs(
    engine: Engine, stage: str, name: str, parameters: Mapping[str, Parameter], carried: Any
) -> dict[str, pa.Table] | None:
    """The tables that a statement may read; None where one is too large or cannot be read."""
    read: dict[str, pa.Table] = {}
    statement = bind(read_sql(stage, name), parameters, carried)
    for one in sorted({found.name for found in statement.find_all(exp.Table)} & engine.readable):
        try:
            rows = rows_of(engine, one)
        except duckdb.Error:
            return None
        if rows is None:
            return None
        read[one] = rows
    return read


def record(
    folder: Path,
    engine: Engine,
    stage: str,
    name: str,
    parameters: Mapping[str, Parameter],
    carried: Any,
    answer: pa.Table | None,
    read: dict[str, pa.Table] | None = None,
) -> None:
    """Keep a statement that ran, unless enough of its file are kept or it is not the file's own text."""
    if answer is None or read_sql(stage, name) != text_of_file(stage, name):
        return
    place = folder / stage / name
    kind = "rows" if answer.num_rows else "none"
    if len(list(place.glob(f"{kind}-*"))) >= (WITH_ROWS if answer.num_rows else WITHOUT):
        return
    read = inputs(engine, stage, name, parameters, carried) if read is None else read
    if read is None:
        return
    text = bind(read_sql(stage, name), parameters, carried).sql(dialect="athena")
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="writing-") as work:
        whole = Path(work) / "whole"
        whole.mkdir()
        (whole / STATEMENT).write_text(text, encoding="utf-8")
        digest = hashlib.sha256(text.encode())
        for one, rows in [*read.items(), ("", answer)]:
            path = whole / (f"{one}/rows.parquet" if one else ANSWER)
            path.parent.mkdir(exist_ok=True)
            pq.write_table(storable(rows), path)
            digest.update(path.read_bytes())
        kept = place / f"{kind}-{digest.hexdigest()[:12]}"
        if not kept.exists():
            shutil.move(whole, kept)


def storable(rows: pa.Table) -> pa.Table:
    """A table whose columns all have a type: one of nothing but nulls is of text."""
    schema = pa.schema(
        [
            pa.field(one.name, pa.string() if pa.types.is_null(one.type) else one.type)
            for one in rows.schema
        ]
    )
    return rows.cast(schema)


def text_of_file(stage: str, name: str) -> str:
    """The text of a file of sql/, whatever a test has put in its place."""
    return (ROOT / "sql" / stage / f"{name}.sql").read_text(encoding="utf-8")
