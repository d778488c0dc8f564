"""The legacy Cost and Usage Report: its flat columns, read as those of CUR 2.0.

In Parquet its columns have CUR 2.0's names, but each tag is a column of its own (resource_tags_user_team). In
CSV they are called lineItem/UnblendedCost and resourceTags/user:Team. Both are named here by the rule that AWS
states for Parquet (CUR fact 1.5), so everything after the sources reads one kind of report. Two tag columns
that become the same key are read as one: the first value in the file's order that is not blank. Cells of CSV
are texts; a blank one is null.

What always holds: the files of a delivery have the same columns, because rows of CSV are read by position.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
from sqlglot import exp

from chargeback.books.source_record import LEGACY_CSV

TAGS = "resource_tags"

_CAPITAL, _OTHER, _REPEATED = re.compile(r"([A-Z])"), re.compile(r"[^a-z0-9]"), re.compile(r"_+")


def cur_2_name(header: str) -> str:
    """A legacy column by the name it has in CUR 2.0 and in legacy Parquet (CUR fact 1.5).

    >>> cur_2_name("reservation/ReservationARN")
    'reservation_reservation_a_r_n'
    >>> cur_2_name("resourceTags/user:Cost-Center")
    'resource_tags_user_cost_center'
    """
    lower = _OTHER.sub("_", _CAPITAL.sub(r"_\1", header).lower())
    return _REPEATED.sub("_", lower).strip("_")


def names_in(headers: Iterable[str]) -> set[str]:
    """The columns of CUR 2.0 that a legacy file has."""
    names = {cur_2_name(header) for header in headers}
    return names | {TAGS} if any(name.startswith(f"{TAGS}_") for name in names) else names


def csv_headers(path: Path) -> list[str]:
    """The header row of a CSV file, packed or not.

    Raises:
        ValueError: the file has none.
    """
    with path.open("rb") as raw:
        packed = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
        with io.TextIOWrapper(packed, encoding="utf-8-sig", newline="") as text:
            try:
                headers = next(csv.reader(text))
            except StopIteration:
                raise ValueError("the file is empty") from None
    if len(set(headers)) < len(headers):
        raise ValueError("two columns have the same name")
    return headers


def csv_batches(path: Path, column: str) -> pa.RecordBatchReader:
    """One column of a CSV file in batches, as doubles; blank is null."""
    return pyarrow.csv.open_csv(
        pa.input_stream(str(path), compression="gzip" if path.suffix == ".gz" else None),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=[column], column_types={column: pa.float64()}, null_values=[""]
        ),
    )


def report_select(
    layout: str,
    files: Sequence[str],
    headers: Sequence[str],
    columns: Mapping[str, str],
    period: str,
    tag_keys: Sequence[str] | None,
    placed: bool = False,
) -> str:
    """The delivery as the table `report` of CUR 2.0, in DuckDB's SQL.

    Args:
        files: paths that DuckDB can open.
        headers: the columns of the delivery, as they are written in it.
        columns: what is wanted, with types; what the delivery lacks is null.
        tag_keys: the keys that resource_tags needs to have; None for all.
        placed: with source_file and source_row, which is null for CSV.
    """
    raw: dict[str, list[str]] = {}
    for header in headers:
        raw.setdefault(cur_2_name(header), []).append(header)
    chosen = [
        f"cast({tags_of(raw, tag_keys) if name == TAGS else cell(raw.get(name, []))} as {kind}) as {name}"
        for name, kind in columns.items()
    ]
    listed = ", ".join(text(file) for file in files)
    more = ", filename = true" if placed else ""
    row = "file_row_number + 1" if layout != LEGACY_CSV else "cast(null as bigint)"
    if placed:
        chosen += ["filename as source_file", f"{row} as source_row"]
    if layout == LEGACY_CSV:
        types = ", ".join(f"{text(header)}: 'varchar'" for header in headers)
        source = (
            f"read_csv([{listed}], auto_detect = false, header = true, delim = ',', quote = '\"', "
            f"escape = '\"', columns = {{{types}}}{more})"
        )
    else:
        more += ", file_row_number = true" if placed else ""
        source = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false{more})"
    return f"select {text(period)} as billing_period, {', '.join(chosen)} from {source}"


def cell(headers: Sequence[str]) -> str:
    """The value of a column that may have several names in the delivery, or none."""
    if not headers:
        return "null"
    if len(headers) == 1:
        return name_of(headers[0])
    return f"coalesce({', '.join(f'nullif({name_of(one)}, {text(str())})' for one in headers)})"


def tags_of(raw: Mapping[str, Sequence[str]], keys: Sequence[str] | None) -> str:
    """The tag columns as one map. A tag that is activated has its key on every line item, blank or not."""
    prefix = f"{TAGS}_"
    there = {
        name.removeprefix(prefix): names for name, names in raw.items() if name.startswith(prefix)
    }
    wanted = [key for key in there if keys is None or key in keys]
    if not wanted:
        return "null"
    values = (f"coalesce({cell(there[key])}, '')" for key in wanted)
    return f"map([{', '.join(map(text, wanted))}], [{', '.join(values)}])"


def text(value: str) -> str:
    """A text literal."""
    return exp.Literal.string(value).sql(dialect="duckdb")


def name_of(header: str) -> str:
    """A quoted column name."""
    return exp.to_identifier(header, quoted=True).sql(dialect="duckdb")
