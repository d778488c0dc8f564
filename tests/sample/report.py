"""Reading a report as the tests need it: exactly, and by what the manifest names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

LINE_ITEMS = 5_000


def manifest(folder: Path, period: str) -> dict[str, Any]:
    """The manifest of a period."""
    (path,) = (folder / "metadata" / f"BILLING_PERIOD={period}").glob("*-Manifest.json")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def files(folder: Path, period: str) -> list[Path]:
    """The data files that a period's manifest names."""
    return [
        folder / "data" / f"BILLING_PERIOD={period}" / uri.rpartition("/")[2]
        for uri in manifest(folder, period)["dataFiles"]
    ]


def ask(folder: Path, period: str, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query on a period's `report`; unblended cost is there as `units`, 1e-10 each."""
    names = ", ".join(f"'{path}'" for path in files(folder, period))
    connection = duckdb.connect()
    connection.execute(
        "create view report as select *, cast(round(line_item_unblended_cost * 1e10) as hugeint) "
        f"as units from read_parquet([{names}])"
    )
    return connection.execute(sql).fetchall()
