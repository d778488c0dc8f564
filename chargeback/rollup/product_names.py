"""Product names: what the report calls products whose code says nothing to a reader.

In: rollups, the first of which counts most. Out: one name for each product code, for pages. Those of AWS
Marketplace alone: what AWS itself sells is called by the pages' own vocabulary. What always holds: names decide
no cost, and no owner. Rollups of earlier versions have none.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

NAME = "product_name"


def product_names(rollups: Iterable[pa.Table]) -> dict[str, str]:
    """The name of each product that has one; of several in a rollup the last by its letters."""
    found: dict[str, str] = {}
    for rollup in rollups:
        if NAME not in rollup.column_names:
            continue
        pairs = rollup.select(["product_code", NAME]).group_by("product_code")
        for row in pairs.aggregate([(NAME, "max")]).to_pylist():
            name = " ".join((row[f"{NAME}_max"] or "").split())
            if row["product_code"] and name:
                found.setdefault(row["product_code"], name)
    return found
