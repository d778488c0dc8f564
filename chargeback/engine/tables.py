"""Small tables for an engine to read, made of Python values."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

#: Exact amounts, ten decimals; and whole cents.
EXACT, CENTS = pa.decimal128(38, 10), pa.decimal128(18, 2)


def texts(**columns: Iterable[str | None]) -> pa.Table:
    """A table of text columns."""
    return pa.table({name: pa.array(list(values), pa.string()) for name, values in columns.items()})


def table_of(columns: list[tuple[str, pa.DataType]], rows: list[tuple]) -> pa.Table:
    """A table of rows as tuples."""
    schema = pa.schema(columns)
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    return pa.table(
        [pa.array(one, field.type) for one, field in zip(cells, schema, strict=True)], schema=schema
    )
