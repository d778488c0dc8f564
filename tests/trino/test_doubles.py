"""Trino casts doubles as DuckDB, the control totals and the audit do: by their shortest text."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chargeback.engine import read_sql
from tests.sources.doubles import doubles, exact
from tests.trino.server import Server

pytestmark = pytest.mark.trino


def test_twenty_thousand_doubles_are_cast_by_their_text(trino: Server):
    assert "cast(cast(line_item_unblended_cost as double) as decimal(38, 10))" in read_sql(
        "sources", "line_items"
    )
    values = doubles(20_000, largest=1e28)
    folder = trino.folder / "tables" / "doubles"
    folder.mkdir(parents=True)
    table = {"place": pa.array(range(len(values)), pa.int64()), "x": pa.array(values, pa.float64())}
    pq.write_table(pa.table(table), folder / "rows.parquet")
    trino.create("doubles", {"place": "bigint", "x": "double"}, folder)
    cast = trino.query(
        "select cast(cast(x as double) as decimal(38, 10)) as amount from doubles order by place"
    )
    wrong = [(x, one) for x, (one,) in zip(values, cast, strict=True) if one != exact(x)]
    assert wrong == []
