"""The rows that AWS delivered, one at a time, as Python values: for the recount, which reads nothing else.

In: the report's folder and a source record. Out: a dict for each row, with CUR 2.0's column names, and amounts
as exact Decimals with ten places; a blank text is None. No SQL, and nothing of the path that is being checked:
the column names of a legacy report are worked out here a second time (CUR fact 1.5), so a wrong one would
show.

A double is turned into the decimal number that it exactly is, and that is rounded once to ten places, as many
as AWS writes (CUR fact 2.9).
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

#: The layouts as source records name them, and the column of tags; written down here once more on purpose.
CUR_2, LEGACY_CSV = "CUR 2.0", "legacy CUR, CSV"
TAGS = "resource_tags"

Row = dict[str, Any]

ROWS_AT_ONCE = 16_384
TEN_PLACES, NOTHING = Decimal("0.0000000001"), Decimal(0)
EXACTLY = Context(prec=80, rounding=ROUND_HALF_UP)


def ten_places(value: Any) -> Decimal:
    """A cell as an exact amount; a blank one is nothing."""
    return Decimal(value).quantize(TEN_PLACES, context=EXACTLY) if value else NOTHING


def delivered_rows(
    report: Path,
    layout: str,
    paths: Iterable[str],
    texts: tuple[str, ...],
    amounts: tuple[str, ...],
) -> Iterator[Row]:
    """Every row of a delivery, file by file.

    Args:
        texts, amounts: the columns that are wanted, by CUR 2.0's names; one that is absent is blank.
    """
    for path in paths:
        for row in file_rows(report / path, layout, {*texts, *amounts, TAGS}):
            cells: Row = {name: row.get(name) for name in texts}
            cells |= {name: ten_places(row.get(name)) for name in amounts}
            cells[TAGS] = dict(row.get(TAGS) or ())
            yield cells


def file_rows(path: Path, layout: str, wanted: set[str]) -> Iterator[Row]:
    """The rows of one file, with the wanted columns of those that it has."""
    if layout == LEGACY_CSV:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as stream:
            for cells in csv.DictReader(stream):
                yield legacy_row({header: cell or None for header, cell in cells.items()})
        return
    file = pq.ParquetFile(path)
    own_tags = layout != CUR_2
    names = [
        name
        for name in file.schema_arrow.names
        if name in wanted or (own_tags and name.startswith(f"{TAGS}_"))
    ]
    for batch in file.iter_batches(ROWS_AT_ONCE, columns=names):
        for row in plain_rows(batch):
            yield legacy_row(row) if own_tags else row


def plain_rows(batch: pa.RecordBatch) -> Iterator[Row]:
    """A batch's rows as dicts of Python values."""
    columns = [column.to_pylist() for column in batch.columns]
    for cells in zip(*columns, strict=True):
        yield dict(zip(batch.schema.names, cells, strict=True))


def plain_name(header: str) -> str:
    """A legacy column by the name it has in CUR 2.0, letter by letter.

    A capital begins a word, what is no letter or digit ends one, words are joined by one underscore.

    >>> plain_name("lineItem/UsageAccountId")
    'line_item_usage_account_id'
    >>> plain_name("reservation/ReservationARN")
    'reservation_reservation_a_r_n'
    """
    words = [""]
    for letter in header:
        if "A" <= letter <= "Z":
            words.append(letter.lower())
        elif "a" <= letter <= "z" or "0" <= letter <= "9":
            words[-1] += letter
        else:
            words.append("")
    return "_".join(word for word in words if word)


def legacy_row(row: Row) -> Row:
    """A row of a legacy report, whose tags are columns; of two columns of one name the first filled one."""
    found: Row = {}
    for header, value in row.items():
        name = plain_name(header)
        if found.get(name) in (None, ""):
            found[name] = value
    prefix = f"{TAGS}_"
    found[TAGS] = {
        name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)
    }
    return found
