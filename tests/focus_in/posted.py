"""What two closes posted, put side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

#: What a posting is about, but for its place in its entry.
ABOUT = (
    "invoice_id", "kind", "ledger_account", "account_id", "product_code", "line_item_type", "rule", "pool_id",
    "allocation_key",
)  # fmt: skip

Sums = dict[tuple[Any, ...], tuple[Decimal, Decimal]]


def postings_in(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of postings."""
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def sums(rows: list[dict[str, Any]], *names: str) -> Sums:
    """Exact amounts and cents by these columns."""
    found: dict[tuple[Any, ...], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for row in rows:
        own = found[tuple(row[name] for name in names)]
        own[0] += row["exact_amount"]
        own[1] += row["amount"]
    return {about: (exact, cents) for about, (exact, cents) in found.items()}


def differing(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> set[Any]:
    """The keys that two sums differ in."""
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
