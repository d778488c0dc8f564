"""The legacy Cost and Usage Report, and CSV: flat columns, read as those of CUR 2.0.

In Parquet its columns have CUR 2.0's names, but each tag is a column of its own (resource_tags_user_team). In
CSV they are called lineItem/UnblendedCost and resourceTags/user:Team. Both are named here by the rule that AWS
states for Parquet (CUR fact 1.5), so everything after the sources reads one kind of report. Two tag columns
that become the same key are read as one: the first value in the file's order that is not blank. So are cost
categories. CSV of CUR 2.0 has its maps as JSON. Cells of CSV are texts; a blank one is null.

What always holds: the files of a delivery have the same columns, because rows of CSV are read by position.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import io
import os
import re
import shutil
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv
from sqlglot import exp

from chargeback.books.source_record import CUR_2_CSV, LEGACY_CSV
from chargeback.core.paths import BUILD
from chargeback.engine import json_map
from chargeback.engine.databases import pattern_of

#: The columns that are maps in CUR 2.0: a column for each key in the legacy report, JSON in CSV.
MAPS = ("resource_tags", "cost_category", "tags")

#: The map of what AWS knows of a product, and the one key of it that is read.
PRODUCT, PRODUCT_NAME = "product", "product_name"

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
    maps = {one for one in MAPS[:2] if any(name.startswith(f"{one}_") for name in names)}
    return names | maps | ({PRODUCT} if f"{PRODUCT}_{PRODUCT_NAME}" in names else set())


def csv_headers(path: Path) -> list[str]:
    """The header row of a CSV file, packed or not.

    Raises:
        ValueError: the file has none.
    """
    with csv_text(path) as text:
        try:
            headers = next(csv.reader(text))
        except StopIteration:
            raise ValueError("the file is empty") from None
    if len(set(headers)) < len(headers):
        raise ValueError("two columns have the same name")
    return headers


def csv_batches(path: Path, column: str, kind: pa.DataType | None = None) -> pa.RecordBatchReader:
    """One column of a CSV file in batches, as doubles or of another type; blank is null."""
    return pyarrow.csv.open_csv(
        pa.PythonFile(opened(unzipped(path)), "r"),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=[column], column_types={column: kind or pa.float64()}, null_values=[""],
            strings_can_be_null=True,
        ),
    )  # fmt: skip


def csv_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file as texts, one at a time."""
    with csv_text(path) as text:
        yield from csv.DictReader(text)


@contextlib.contextmanager
def csv_text(path: Path) -> Iterator[io.TextIOWrapper]:
    """A CSV file, packed or not, opened as text."""
    with io.TextIOWrapper(opened(unzipped(path)), encoding="utf-8-sig", newline="") as text:
        yield text


#: How much larger a packed file may become, and how large any may: a report packs about ten to one, and a file
#: that was made to fill the machine a thousand to one.
MOST_UNPACKED, ALWAYS_UNPACKED_BYTES = 200, 16_000_000


class Bounded(io.RawIOBase):
    """What a packed file unpacks to, a ValueError where that is more than a report can be."""

    def __init__(self, unpacked: IO[bytes] | pa.NativeFile, packed_bytes: int) -> None:
        self.unpacked = unpacked
        self.most = max(MOST_UNPACKED * packed_bytes, ALWAYS_UNPACKED_BYTES)
        self.read_so_far = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self.unpacked.read(len(buffer))
        self.read_so_far += len(content)
        if self.read_so_far > self.most:
            raise ValueError(f"it unpacks to more than {self.most:,} bytes, which no report does")
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self.unpacked.close()
        super().close()


def opened(path: Path) -> io.BufferedReader:
    """A file of CSV, packed by GZIP or not, as its own bytes."""
    if path.suffix != ".gz":
        return path.open("rb")
    unpacked = pa.input_stream(str(path), compression="gzip")
    return io.BufferedReader(Bounded(unpacked, path.stat().st_size), 1 << 20)


def unzipped(path: Path) -> Path:
    """A file that DuckDB and Arrow can open: the one CSV of a ZIP is packed anew below build/.

    Raises:
        ValueError, BadZipFile: it holds no CSV, or several, or is cut short.
    """
    if path.suffix != ".zip":
        return path
    state = path.stat()
    mark = f"{path.resolve()} {state.st_size} {state.st_mtime_ns}"
    folder = BUILD / "unzipped" / hashlib.sha256(mark.encode()).hexdigest()[:16]
    target = folder / f"{path.stem}.csv.gz"
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path) as archive:
        members = [one for one in archive.namelist() if one.endswith(".csv")]
        if len(members) != 1:
            raise ValueError(f"a ZIP file with {len(members)} CSV files instead of one")
        beside = folder / f".{os.getpid()}.part"
        try:
            with (
                Bounded(archive.open(members[0]), state.st_size) as stream,
                gzip.open(beside, "wb", compresslevel=1) as packed,
            ):
                shutil.copyfileobj(io.BufferedReader(stream), packed, 1 << 20)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    beside.replace(target)
    return target


def report_select(
    layout: str,
    files: Sequence[Path],
    headers: Sequence[str],
    columns: Mapping[str, str],
    period: str,
    tag_keys: Sequence[str] | None,
    placed: bool = False,
) -> str:
    """The delivery as the table `report` of CUR 2.0, in DuckDB's SQL.

    Args:
        headers: the columns of the delivery, as they are written in it.
        columns: what is wanted, with types; what the delivery lacks is null.
        tag_keys: the keys that maps need to have, as policies name them; None for all.
        placed: with source_file and source_row, which is null for CSV.
    """
    is_csv = layout in (LEGACY_CSV, CUR_2_CSV)
    # Columns of CSV are read by place: headers of tags that differ by case only are one name to DuckDB.
    names = {
        header: f"column_{number}" if is_csv else header for number, header in enumerate(headers)
    }
    raw: dict[str, list[str]] = {}
    for header in headers:
        raw.setdefault(cur_2_name(header), []).append(names[header])
    chosen = []
    for name, kind in columns.items():
        if name not in (*MAPS, PRODUCT):
            value = cell(raw.get(name, []))
        elif layout == CUR_2_CSV:
            value = map_in(raw.get(name, []), name, delivered_name(files))
        elif name == PRODUCT:
            value = map_of(name, raw, [PRODUCT_NAME])
        else:
            value = map_of(name, raw, tag_keys)
        chosen.append(f"cast({value} as {kind}) as {name}")
    listed = ", ".join(file_text(unzipped(file)) for file in files)
    row = "cast(null as bigint)" if is_csv else "file_row_number + 1"
    if placed:
        chosen += [f"{delivered_name(files)} as source_file", f"{row} as source_row"]
    if is_csv:
        types = ", ".join(f"{text(name)}: 'varchar'" for name in names.values())
        source = (
            f"read_csv([{listed}], auto_detect = false, header = true, delim = ',', quote = '\"', "
            f"escape = '\"', columns = {{{types}}}, filename = true)"
        )
    else:
        more = ", filename = true, file_row_number = true" if placed else ""
        source = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false{more})"
    return f"select {text(period)} as billing_period, {', '.join(chosen)} from {source}"


def delivered_name(files: Sequence[Path]) -> str:
    """The name of the delivered file that a row is read from, which for a ZIP is another one."""
    changed = [(unzipped(one), one) for one in files if unzipped(one) != one]
    if not changed:
        return "filename"
    whens = " ".join(f"when {text(str(now))} then {text(str(one))}" for now, one in changed)
    return f"case filename {whens} else filename end"


def cell(names: Sequence[str]) -> str:
    """The value of a column that may have several names in the delivery, or none."""
    if not names:
        return "null"
    if len(names) == 1:
        return name_of(names[0])
    return f"coalesce({', '.join(f'nullif({name_of(one)}, {text(str())})' for one in names)})"


def map_in(names: Sequence[str], header: str, file: str) -> str:
    """A map as CSV has it: JSON, blank where there is none."""
    return json_map(cell(names), file, text(header)) if names else "null"


def map_of(name: str, raw: Mapping[str, Sequence[str]], keys: Sequence[str] | None) -> str:
    """Columns of keys as one map. A key that is activated is on every line item, blank or not."""
    prefix = f"{name}_"
    there = {
        one.removeprefix(prefix): names for one, names in raw.items() if one.startswith(prefix)
    }
    wanted = [
        one for one in there if keys is None or one in keys or f"{name}:{one}" in keys
    ]  # fmt: skip
    if not wanted:
        return "null"
    values = (f"coalesce({cell(there[key])}, '')" for key in wanted)
    return f"map([{', '.join(map(text, wanted))}], [{', '.join(values)}])"


def all_tags(there: Collection[str]) -> str:
    """The maps that a delivery has as one: keys of others than resource_tags begin with the map's name."""
    maps = [
        f"coalesce({name}, map {{}})" if name == MAPS[0] else named_map(name)
        for name in MAPS
        if name in there
    ]
    return f"map_concat({', '.join(maps)})" if len(maps) > 1 else maps[0] if maps else "null"


def named_map(name: str) -> str:
    """A map whose keys say which it is: "cost_category:team"."""
    key, value = (
        f"list_transform(map_keys({name}), lambda one: {text(name + ':')} || one)",
        f"map_values({name})",
    )
    return f"coalesce(map({key}, {value}), map {{}})"


def text(value: str) -> str:
    """A text literal."""
    return exp.Literal.string(value).sql(dialect="duckdb")


def file_text(path: Path) -> str:
    """The literal that names one file to DuckDB, none of it a pattern."""
    return text(pattern_of(path))


def name_of(header: str) -> str:
    """A quoted column name."""
    return exp.to_identifier(header, quoted=True).sql(dialect="duckdb")
