"""Tables of a period as files: the same rows give the same bytes, and are read back as they were."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from chargeback.books.schema import POSTINGS
from chargeback.core.sums import sum_of


def write_table(table: pa.Table, path: Path | BinaryIO) -> None:
    """A table as Parquet whose bytes depend on its rows alone."""
    pq.write_table(
        table.combine_chunks(), path, compression="snappy", version="2.6", row_group_size=131_072,
        store_schema=False, write_statistics=True, use_dictionary=True,
    )  # fmt: skip


def read_postings(path: Path | pa.BufferReader) -> pa.Table:
    """Postings as they were written."""
    return pq.read_table(path, schema=POSTINGS)


def sum_where(table: pa.Table, amount: str, present: str) -> Decimal:
    """The sum of an amount over the rows where another column is present."""
    return sum_of(table.filter(pc.is_valid(table[present])), amount)


def statement_total(postings: pa.Table) -> Decimal:
    """What all cost centers are charged together."""
    return sum_where(postings, "amount", "cost_center_id") or Decimal("0.00")
