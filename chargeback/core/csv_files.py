"""CSV files that spreadsheets open: the one writer, whose texts no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from chargeback.core.text import plain, spreadsheet_text


def safe_cell(cell: object) -> object:
    """A cell as it is written: texts on one line and never a formula, anything else as it is."""
    return spreadsheet_text(plain(cell)) if isinstance(cell, str) else cell


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A CSV file with a header row; Decimals are written with the places that they have."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([safe_cell(cell) for cell in row])
