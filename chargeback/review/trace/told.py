"""What a unit's reader is told of a pool: no more than its own statement tells.

In: closed books, a period, a unit and a pool. Out: which of the totals that statement.csv may have it has.
Where finance keeps a pool's totals, or publishes shares alone, a trace for the unit keeps them too.
"""

from __future__ import annotations

import csv
import io

from chargeback.allocation.pools import ALLOCATED
from chargeback.books.checked import Gone, checked_bytes
from chargeback.core.books_folders import Books
from chargeback.core.text import from_spreadsheet_text
from chargeback.statements.lines import TOTALS_OF_POOLS

#: What whoever sees the whole ledger is told, and the reader of a line that is no unit's.
EVERYTHING = frozenset(TOTALS_OF_POOLS)
ALL_WEIGHTS = "total_weight"


def told_of_pool(books: Books, period: str, unit_id: str | None, pool_id: str) -> frozenset[str]:
    """The columns of statement.csv that tell a unit of a pool's totals; all where it has no statement.

    A file of an earlier version has all weights alone: what says these says the others.
    """
    try:
        text = checked_bytes(books, period, f"statements/{unit_id}/statement.csv").decode()
    except Gone:
        return EVERYTHING
    found: set[str] = set()
    for row in csv.DictReader(io.StringIO(text, newline="")):
        if row.get("kind") == ALLOCATED and from_spreadsheet_text(row["pool_id"]) == pool_id:
            found |= {name for name in TOTALS_OF_POOLS if row.get(name)}
            if "pool_total" not in row and row.get(ALL_WEIGHTS):
                return EVERYTHING
    return frozenset(found)
