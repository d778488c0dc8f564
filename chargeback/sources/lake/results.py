"""Results: what a query on the report was, and an answer that is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from chargeback.core.errors import Refusal, unreachable
from chargeback.sources.lake.table import LakeEngine

#: Seconds between two lines of progress of one query.
SAY_EVERY = 5.0

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Scan:
    """One query on the report: what ran, what it scanned, and what that costs.

    Args:
        bytes_scanned: bytes that were read of the files.
        cost_usd: what the engine bills for it; "0" for one that bills no bytes.
        seconds: from its start to its end, with one decimal.
    """

    query: str
    query_id: str
    bytes_scanned: int
    cost_usd: str
    seconds: str

    @property
    def shown(self) -> str:
        """For a line of progress."""
        billed = f", {self.cost_usd} USD" if self.cost_usd != "0" else ""
        return f"{self.query}: {self.bytes_scanned:,} bytes scanned{billed}"


def other_columns(engine: LakeEngine, schema: pa.Schema, found: str, name: str) -> Refusal:
    """An answer that is not of the columns and types that DuckDB gives the same SQL (exit 6)."""
    return unreachable(
        f"{engine.name} answered with other columns than the SQL names", ", ".join(schema.names)[:200],
        found[:200], [name], ["report it with the engine's version"],
    )  # fmt: skip
