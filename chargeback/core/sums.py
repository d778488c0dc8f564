"""Sums of a table's amounts. Arrow adds integers and DECIMALs exactly, so no order of rows changes them.

Kernels that show statements import this, so Arrow is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def sum_of(table: pa.Table, amount: str) -> Decimal:
    """The sum of a column; of no rows it is zero."""
    return sums_by(table, [], amount)[()] or Decimal(0)


def sums_by(table: pa.Table, keys: Sequence[str], amount: str) -> dict[tuple[Any, ...], Decimal]:
    """The sum of a column for all rows that have the same keys, in the order in which keys appear.

    >>> import pyarrow as pa
    >>> table = pa.table({"owner": ["a", "b", "a"], "amount": pa.array([1, 2, 3], pa.decimal128(9, 2))})
    >>> sums_by(table, ["owner"], "amount")
    {('a',): Decimal('4.00'), ('b',): Decimal('2.00')}
    """
    sums = table.group_by(list(keys), use_threads=False).aggregate([(amount, "sum")])
    columns = [sums[name].to_pylist() for name in (*keys, f"{amount}_sum")]
    return {tuple(key): found for *key, found in zip(*columns, strict=True)}
