"""Judged: the rows of DuckDB beside those of Trino, compared exactly and with their types.

Types are equal when they hold the same values: whole numbers, decimals of one scale, texts, doubles and so on.
A sum of whole numbers is a wider type in DuckDB (HUGEINT, in Arrow a decimal of scale 0) than in Trino; it is
the same number. A null is not an empty text, and not 0. Rows have no order, unless the statement says one: then
the columns that it orders by must come in the same order.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from sqlglot import exp

from tests.trino.server import Answer, Server

NUMBERS = itertools.count(1)
SHOWN = 5
WHOLE = "whole number"


def mirrored(server: Server, sql: str, tables: Mapping[str, pa.Table]) -> Answer:
    """What Trino answers to a statement of Athena's SQL over small tables."""
    schema = f"mirrored_{next(NUMBERS)}"
    server.query(f"create schema {schema}")
    for name, rows in tables.items():
        folder = server.folder / "tables" / schema / name
        folder.mkdir(parents=True)
        pq.write_table(rows, folder / "rows.parquet", coerce_timestamps="us")
        server.create(name, server.columns_of(folder / "rows.parquet"), folder, schema=schema)
    return server.answer(sql, schema=schema)


def differences(sql: str, ours: pa.Table, theirs: Answer, without: Sequence[str] = ()) -> list[str]:
    """What differs between the answer of DuckDB and that of Trino, for a reader; nothing where they are equal.

    Args:
        without: columns that are not compared.
    """
    said = []
    if list(theirs.columns) != ours.column_names:
        return [f"columns: DuckDB {ours.column_names}, Trino {list(theirs.columns)}"]
    if without:
        kept = [number for number, name in enumerate(ours.column_names) if name not in without]
        ours = ours.select(kept)
        theirs = Answer(
            tuple(theirs.columns[one] for one in kept), tuple(theirs.types[one] for one in kept),
            [tuple(row[one] for one in kept) for row in theirs.rows],
        )  # fmt: skip
    for name, kind, type_of_trino in zip(
        ours.column_names, ours.schema.types, theirs.types, strict=True
    ):
        if arrow_kind(kind) not in (trino_kind(type_of_trino), "nothing"):
            said.append(
                f"type of {name}: DuckDB {arrow_kind(kind)}, Trino {trino_kind(type_of_trino)}"
            )
    rows = rows_of(ours)
    judged = [tuple(comparable(one) for one in row) for row in theirs.rows]
    only_ours, only_theirs = Counter(rows) - Counter(judged), Counter(judged) - Counter(rows)
    for who, only in (("DuckDB", only_ours), ("Trino", only_theirs)):
        said += [f"only {who}: {row}" for row in sorted(only, key=repr)[:SHOWN]]
    if not said:
        keys = [ours.column_names.index(one) for one in ordered_by(sql, ours.column_names)]
        for number, (one, other) in enumerate(zip(rows, judged, strict=True)):
            if [one[key] for key in keys] != [other[key] for key in keys]:
                said.append(f"order, row {number}: DuckDB {one}, Trino {other}")
                break
    return said


def rows_of(table: pa.Table) -> list[tuple[Any, ...]]:
    """Rows of Arrow as `comparable` has them."""
    columns = [
        [
            comparable(dict(one) if pa.types.is_map(column.type) and one is not None else one)
            for one in column.to_pylist()
        ]
        for column in table.columns
    ]
    return list(zip(*columns, strict=True)) if columns else []


def comparable(value: Any) -> Any:
    """A value that is equal to another of the same type and amount only, and can be counted."""
    if isinstance(value, dict):
        return ("map", *sorted((key, comparable(one)) for key, one in value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(comparable(one) for one in value)
    if isinstance(value, float) and value == 0:
        return ("float", "0.0")
    if (
        isinstance(value, Decimal)
        and value == value.to_integral_value()
        and not value.as_tuple().exponent
    ):
        value = int(value)
    return (type(value).__name__, str(value)) if value is not None else ("null", "")


def ordered_by(sql: str, columns: Iterable[str]) -> list[str]:
    """The columns of the answer that a statement orders by, up to the first expression that is none."""
    order = sqlglot.parse_one(sql, read="athena").args.get("order")
    found = [one.this for one in order.expressions] if order else []
    return [
        one.name
        for one in itertools.takewhile(
            lambda one: isinstance(one, exp.Column) and one.name in columns, found
        )
    ]


def arrow_kind(kind: pa.DataType) -> str:
    """A type of Arrow by what it can hold."""
    if pa.types.is_decimal(kind):
        return f"decimal of scale {kind.scale}" if kind.scale else WHOLE
    if pa.types.is_timestamp(kind):
        return "timestamp"
    if pa.types.is_map(kind):
        return f"map of {arrow_kind(kind.key_type)} to {arrow_kind(kind.item_type)}"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"array of {arrow_kind(kind.value_type)}"
    known = {
        pa.string(): "text", pa.large_string(): "text", pa.float64(): "double",
        pa.int64(): WHOLE, pa.int32(): "integer",
        pa.bool_(): "boolean", pa.date32(): "date", pa.null(): "nothing",
    }  # fmt: skip
    return known.get(kind, str(kind))


def trino_kind(kind: str) -> str:
    """A type of Trino by what it can hold."""
    if matched := re.fullmatch(r"decimal\([0-9]+, ?([0-9]+)\)", kind):
        return f"decimal of scale {matched.group(1)}" if matched.group(1) != "0" else WHOLE
    if matched := re.fullmatch(r"map\((varchar[^,]*), (.*)\)", kind):
        return f"map of text to {trino_kind(matched.group(2))}"
    if matched := re.fullmatch(r"array\((.*)\)", kind):
        return f"array of {trino_kind(matched.group(1))}"
    if kind.startswith(("varchar", "char")):
        return "text"
    return WHOLE if kind == "bigint" else kind.partition("(")[0]
