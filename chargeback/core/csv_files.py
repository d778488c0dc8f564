"""CSV files that people open in spreadsheets: written in one place, so that no text is taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from chargeback.core.text import plain, spreadsheet_text


def plain_text(value: object) -> str:
    """A value as text: a Decimal with the places that it has and never an exponent, all else as Python has it.

    >>> plain_text(Decimal("0E-10")), plain_text(Decimal("1E+3"))
    ('0.0000000000', '1000')
    """
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def safe_cell(cell: object) -> object:
    """A cell as it is written: texts on one line and never a formula, Decimals with the places that they have.

    >>> safe_cell("=1+1"), safe_cell(Decimal("0E-10"))
    ("'=1+1", '0.0000000000')
    """
    if isinstance(cell, Decimal):
        return plain_text(cell)
    return spreadsheet_text(plain(cell)) if isinstance(cell, str) else cell


def csv_line(cells: Sequence[str]) -> str:
    """A row of a register as it is to be written, to be shown to somebody who enters it.

    >>> csv_line(["1", "Amazon Web Services, Inc.", ""])
    '1,"Amazon Web Services, Inc.",'
    """
    stream = io.StringIO()
    csv.writer(stream, lineterminator="").writerow(map(plain, cells))
    return stream.getvalue()


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A CSV file with a header row; None is an empty cell."""
    with open_csv(path, columns) as write:
        for row in rows:
            write(row)


@contextmanager
def open_csv(path: Path, columns: Sequence[str]) -> Iterator[Callable[[Sequence[object]], None]]:
    """The same for who has its rows one after the other: what writes a row, while the file is open."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        yield begin_csv(stream, columns)


def begin_csv(stream: TextIO, columns: Sequence[str]) -> Callable[[Sequence[object]], None]:
    """Write the header row to a stream of text, and give what writes a row to it."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    return lambda row: writer.writerow([safe_cell(cell) for cell in row])
