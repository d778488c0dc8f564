"""Rows: a page of Trino's JSON as Arrow, in the columns and types that DuckDB gives the same SQL.

A value that is of another type than its column must be, or that a type cannot hold to the last digit, is an
error: nothing is rounded, and nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

#: What Trino calls a type, and how its values are read, by the type that a column must have.
Reading = tuple[str, Callable[[Any], Any]]


def reading_of(kind: pa.DataType) -> Reading:
    """Which types of Trino a column may have, as a regular expression, and how their values are read."""
    if pa.types.is_decimal(kind):
        return r"decimal(\(.*\))?|(tiny|small|big)?int|integer", Decimal
    if pa.types.is_integer(kind):
        return r"(tiny|small|big)?int|integer", whole
    if pa.types.is_boolean(kind):
        return r"boolean", truth
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return r"(var)?char(\([0-9]+\))?", text
    if pa.types.is_date(kind):
        return r"date", date.fromisoformat
    if pa.types.is_timestamp(kind):
        return r"timestamp(\([0-9]+\))?", datetime.fromisoformat
    if pa.types.is_floating(kind):
        return r"double|real", float
    raise ValueError(f"no reading for {kind}")


def whole(value: Any) -> int:
    """An integer, which is none of the other JSON types."""
    if type(value) is not int:
        raise ValueError(f"{value!r} is not an integer")
    return value


def truth(value: Any) -> bool:
    """A boolean."""
    if type(value) is not bool:
        raise ValueError(f"{value!r} is not a boolean")
    return value


def text(value: Any) -> str:
    """A text."""
    if type(value) is not str:
        raise ValueError(f"{value!r} is not a text")
    return value


def record_batch(columns: Any, rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    """A page of rows.

    Args:
        columns: as the answer describes them: name and type of each.

    Raises:
        ValueError, KeyError, TypeError, ArithmeticError, pa.ArrowException: they are others.
    """
    names = [str(one["name"]) for one in columns or []]
    if names != schema.names:
        raise ValueError(", ".join(names) or "rows without columns")
    if any(len(row) != len(names) for row in rows):
        raise ValueError("a row of another length")
    arrays = []
    for field, column, values in zip(schema, columns, zip(*rows, strict=True), strict=True):
        pattern, read = reading_of(field.type)
        if not re.fullmatch(f"{pattern}|unknown", str(column["type"])):
            raise ValueError(f"{field.name} is {column['type']}, not {field.type}")
        found = [None if one is None else read(one) for one in values]
        arrays.append(pa.array(found, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
