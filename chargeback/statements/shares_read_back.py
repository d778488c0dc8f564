"""The parts of pools in finished statements, recomputed from what stands beside them.

Comes in: a folder with `<business_unit_id>/statement.csv`. Goes out: `statement_shares`, one row per line
that has a pool's total, and whether the line's exact amount follows from it: by the weights, and by the
share. Nothing is taken from what the statements were made of. Cells are texts, as they are in the file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from chargeback.statements.readback import recomputes_line, statement_file

_CELLS = ("entry_id", "line", "pool_total", "total_weight", "weight", "share", "exact_amount")

SHARES_READ = pa.schema(
    [("business_unit_id", pa.string())]
    + [(name, pa.string()) for name in _CELLS]
    + [("is_recomputed", pa.bool_())]
)


def read_shares(folder: Path, units: Iterable[str]) -> pa.Table:
    """The lines of parts of pools of all units.

    Raises:
        Refusal: a file is absent.
    """
    rows = []
    for unit_id in sorted(units):
        with statement_file(folder, unit_id, "csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("pool_total"):
                    cells = {name: row.get(name) for name in _CELLS}
                    is_recomputed = recomputes_line(row)
                    rows.append(
                        {"business_unit_id": unit_id, **cells, "is_recomputed": is_recomputed}
                    )
    return pa.Table.from_pylist(rows, schema=SHARES_READ)
