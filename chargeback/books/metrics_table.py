"""The metrics table: the quantities that a close told unit costs by, beside its ledger, for Athena.

`metrics.parquet` lies in a closed period's ledger folder where the params have metrics, and is named by the
manifest like everything else there. It has every count that held when the period was closed, of its own month
and of all before it. A later close may have a later count of the same; the view `chargeback_unit_costs`
(chargeback/books/ledger_table.py) takes the one with the latest `as_of`, never two of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from chargeback.books.counted import Counted
from chargeback.books.tables import write_table
from chargeback.params.metrics import QUANTITY_PLACES

#: Columns as Athena has them; the closed period is the partition.
METRICS_SCHEMA = pa.schema(
    [
        ("counted_period", pa.string()),
        ("metric", pa.string()),
        ("business_unit_id", pa.string()),  # "*" for the whole company
        ("cost_center_id", pa.string()),  # blank where the quantity is a unit's or the company's
        ("quantity", pa.decimal128(38, QUANTITY_PLACES)),
        ("per", pa.int32()),
        ("source", pa.string()),
        ("as_of", pa.string()),
        ("is_final", pa.string()),  # yes or no
    ]
)


def metrics_table(counted: Iterable[Counted]) -> pa.Table:
    """The counts as a table, by month, metric and owner."""
    rows = [
        {
            "counted_period": one.count.billing_period,
            "metric": one.count.metric,
            "business_unit_id": one.count.business_unit_id,
            "cost_center_id": one.count.cost_center_id,
            "quantity": one.count.quantity,
            "per": one.name.per,
            "source": one.count.source,
            "as_of": one.count.as_of,
            "is_final": "yes" if one.count.is_final else "no",
        }
        for one in sorted(counted, key=lambda one: one.count.key)
    ]
    return pa.Table.from_pylist(rows, schema=METRICS_SCHEMA)


def write_metrics(counted: Iterable[Counted], path: Path) -> bool:
    """Write the table; nothing is written where nothing is counted, and False is returned."""
    table = metrics_table(counted)
    if table.num_rows:
        write_table(table, path)
    return bool(table.num_rows)
