"""Visible: the rows of a table that somebody may see, by the policy of viewers.toml.

In: a table with the columns business_unit_id and cost_center_id, as postings have them. Out: the rows that a
`Sight` covers, in their order. Every surface that shows rows to somebody takes them from here; those that other
programs filter (QuickSight, Lake Formation) get rules that are held to the same rows by tests.
"""

from __future__ import annotations

import pyarrow as pa

from chargeback.params.viewers import Sight

UNIT, CENTER = "business_unit_id", "cost_center_id"


def visible_rows(table: pa.Table, sight: Sight) -> pa.Table:
    """The rows that are seen; all columns, in order."""
    if sight.everything:
        return table
    pairs = list(zip(table[UNIT].to_pylist(), table[CENTER].to_pylist(), strict=True))
    seen = {pair: sight.covers(*pair) for pair in set(pairs)}
    return table.filter(pa.array([seen[pair] for pair in pairs], pa.bool_()))
