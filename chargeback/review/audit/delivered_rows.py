"""The rows that AWS delivered, one at a time, as Python values: for the recount, which reads nothing else.

In: the report's folder and a source record. Out: a dict for each row, with CUR 2.0's column names, and amounts
as exact Decimals with ten places; a blank text is None. No SQL, and nothing of the path that is being checked:
the column names of a legacy report are worked out here a second time (CUR fact 1.5), so a wrong one would
show.

A double is its shortest text, rounded once to ten places, as many as AWS writes (CUR fact 2.9), a half away
from zero. Books whose SQL cast whole and fraction apart are counted so too (`ten_places_in_parts`): it differs
in the tenth place where a cost with cents is larger than some 500,000.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import math
import zipfile
from collections.abc import Callable, Iterable, Iterator
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.review.audit.focus_rows import COLUMNS, FOCUS, FOCUS_CSV, focus_cells

#: The layouts as source records name them, and the columns of tags; written down here once more on purpose.
CUR_2, CUR_2_CSV, LEGACY_CSV = "CUR 2.0", "CUR 2.0, CSV", "legacy CUR, CSV"
TAGS, CATEGORIES, ALL_TAGS = MAPS = ("resource_tags", "cost_category", "tags")

Row = dict[str, Any]

ROWS_AT_ONCE = 16_384
NOTHING, TEN_PLACES = Decimal(0), Decimal("1e-10")
#: Digits enough for any amount that a cast of SQL takes, and its ten places.
WIDE = Context(prec=60)


def ten_places(value: Any) -> Decimal:
    """A cell as an exact amount; a blank one is nothing."""
    if not value:
        return NOTHING
    return Decimal(repr(float(value))).quantize(TEN_PLACES, ROUND_HALF_UP, WIDE)


def ten_places_in_parts(value: Any) -> Decimal:
    """A cell as an exact amount, as books had it whose SQL cast whole and fraction apart."""
    if not value:
        return NOTHING
    number = float(value)
    whole = math.trunc(number)
    scaled = (number - whole) * 1e10
    units = math.trunc(scaled)
    if abs(scaled - units) >= 0.5:
        units += 1 if scaled > 0 else -1
    return Decimal(whole) + Decimal(units).scaleb(-10)


def exact_as(evidence: Path) -> Callable[[Any], Decimal]:
    """How the SQL in a period's evidence made amounts of cells."""
    text = (evidence / "sql/sources/line_items.sql").read_text("utf-8")
    return ten_places if "as double) as decimal" in text else ten_places_in_parts


def delivered_rows(
    report: Path,
    layout: str,
    paths: Iterable[str],
    texts: tuple[str, ...],
    amounts: tuple[str, ...],
    exact: Callable[[Any], Decimal] = ten_places,
) -> Iterator[Row]:
    """Every row of a delivery, file by file.

    Args:
        texts, amounts: the columns that are wanted, by CUR 2.0's names; one that is absent is blank.
        exact: how a cell becomes an amount.
    """
    for path in paths:
        if layout in FOCUS:
            for row in file_rows(report / path, layout, set(COLUMNS)):
                yield focus_cells(row, layout, exact)
            continue
        for row in file_rows(report / path, layout, {*texts, *amounts, *MAPS}):
            cells: Row = {name: row.get(name) for name in texts}
            cells |= {name: exact(row.get(name)) for name in amounts}
            cells |= {name: dict(row.get(name) or ()) for name in MAPS}
            yield cells


def file_rows(path: Path, layout: str, wanted: set[str]) -> Iterator[Row]:
    """The rows of one file, with the wanted columns of those that it has."""
    if layout in (CUR_2_CSV, LEGACY_CSV, *FOCUS_CSV):
        with csv_lines(path) as stream:
            for cells in csv.DictReader(stream):
                row = {header: cell or None for header, cell in cells.items()}
                is_flat = layout == LEGACY_CSV
                yield legacy_row(row) if is_flat else json_row(row) if layout == CUR_2_CSV else row
        return
    file = pq.ParquetFile(path)
    own_tags = layout not in (CUR_2, *FOCUS)
    names = [
        name
        for name in file.schema_arrow.names
        if name in wanted or (own_tags and name.startswith((f"{TAGS}_", f"{CATEGORIES}_")))
    ]
    for batch in file.iter_batches(ROWS_AT_ONCE, columns=names):
        for row in plain_rows(batch):
            yield legacy_row(row) if own_tags else row


@contextlib.contextmanager
def csv_lines(path: Path) -> Iterator[io.TextIOWrapper]:
    """A CSV file as text: packed by GZIP, the one of a ZIP, or as it is."""
    with contextlib.ExitStack() as opened:
        raw: Any = opened.enter_context(path.open("rb"))
        if path.suffix == ".gz":
            raw = opened.enter_context(gzip.GzipFile(fileobj=raw))
        elif path.suffix == ".zip":
            archive = opened.enter_context(zipfile.ZipFile(raw))
            [name] = [one for one in archive.namelist() if one.endswith(".csv")]
            raw = opened.enter_context(archive.open(name))
        yield opened.enter_context(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""))


def json_row(row: Row) -> Row:
    """A row of CUR 2.0 in CSV, whose maps are JSON."""
    return {**row, **{name: json.loads(row.get(name) or "{}") for name in MAPS}}


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
    for column in (TAGS, CATEGORIES):
        prefix = f"{column}_"
        found[column] = {
            name.removeprefix(prefix): value
            for name, value in found.items()
            if name.startswith(prefix)
        }
    return found
