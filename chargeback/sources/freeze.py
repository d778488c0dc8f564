"""Freeze: record what AWS delivered, and count it a second way.

In: a report's folder, CUR 2.0, legacy or FOCUS (chargeback/sources/deliveries.py), and a period. Out: a source
record that names every file of the delivery with its size and sha256, its columns, payers and granularity, and
control totals. The newest manifests alone say which files belong (CUR facts 1.10, 1.11, 6.9, 6.10). Files lying
beside them are named in the record and never read.

Control totals come from Arrow and integers, independently of the SQL engine: the number of line items, and the
unblended cost in units of 1e-10. A row's cost is its shortest text, rounded once to ten decimals, halves away
from zero, as every engine has it (CUR fact 2.9, chargeback/sources/cost_units.py). Drawback: the cost column is
read twice.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import itertools
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from chargeback.books.source_record import (
    CUR_2,
    CUR_2_CSV,
    DAILY,
    FOCUS_1_2,
    HOURLY,
    LEGACY_CSV,
    MONTHLY,
    Export,
    SourceFile,
    SourceRecord,
)
from chargeback.core.errors import unreachable
from chargeback.core.money import exact_amount
from chargeback.engine import thread_count
from chargeback.sources import flat_columns, focus
from chargeback.sources.column_types import check_types
from chargeback.sources.cost_units import Count, cost_units
from chargeback.sources.deliveries import CSV_ENDINGS, Delivery, find_deliveries
from chargeback.sources.provider_layout import types_read
from chargeback.sources.provider_rows import ProviderRows, rows_delivered
from chargeback.sources.report import COLUMNS, COST

#: Without these a line item cannot be charged to anyone.
REQUIRED = (
    "line_item_currency_code", "line_item_line_item_type", "line_item_product_code",
    "line_item_unblended_cost", "line_item_usage_account_id",
)  # fmt: skip


#: How the names of data files end.
DATA_FILES = (".parquet", *CSV_ENDINGS)

#: What readers of data files say of a file that is not what it should be.
UNREADABLE = (
    pa.ArrowException, OSError, EOFError, ValueError, BadZipFile, csv.Error, NotImplementedError, RuntimeError,
    OverflowError, MemoryError, zlib.error,
)  # fmt: skip

#: What to do about a cost that is written for people.
NO_NUMBER = (
    "have costs written as plain numbers, such as 1234.56: no currency, no mark between thousands"
)

#: The layouts whose files are CSV.
CSV_LAYOUTS = (CUR_2_CSV, LEGACY_CSV, *focus.CSV_LAYOUTS)

#: What tells exports and their settings apart.
PAYER, ACCOUNT = "bill_payer_account_id", "line_item_usage_account_id"
KIND, START, END, INTERVAL = INTERVALS = (
    "line_item_line_item_type", "line_item_usage_start_date", "line_item_usage_end_date",
    "identity_time_interval",
)  # fmt: skip

#: So many rows of each file are looked at for the interval of usage.
LOOKED_AT = 20_000
#: And so many where times are texts.
TEXTS_LOOKED_AT = 500

#: Line items counted at once: few enough that their numbers stay in the processor's cache.
COUNTED_AT_ONCE = 32_768


@dataclass(frozen=True)
class Counted:
    """What a data file holds: its columns by CUR 2.0's names, rows, and unblended cost in 1e-10 units.

    Args:
        payers: the ids of the payer accounts that its rows name.
        hours: the shortest interval of a row of usage; None where no row says.
    """

    names: frozenset[str]
    line_items: int
    units: int
    payers: frozenset[str] = frozenset()
    hours: Decimal | None = None


def freeze_sources(report: Path, period: str) -> SourceRecord:
    """The source record of a period's newest delivery. Reads everything once, writes nothing.

    Raises:
        Refusal: (exit 6) a manifest or a file is absent, incomplete, doubled or unreadable, the report lacks a
            column without which nothing can be charged, or two exports hold the same account.
    """
    deliveries = find_deliveries(report, period)
    named = {path for one in deliveries for path in one.paths}
    parts = [freeze_delivery(report, period, one, named) for one in deliveries]
    if len(parts) == 1:
        return parts[0]
    require_apart(report, parts)
    return together(parts)


def freeze_delivery(
    report: Path, period: str, delivery: Delivery, named: Collection[str]
) -> SourceRecord:
    """The record of what one export delivered.

    Args:
        named: the files that any export names.
    """
    paths = delivery.paths
    files: list[SourceFile] = []
    names: set[str] = set()  # a column is absent when no file of the delivery has it
    payers: set[str] = set()
    intervals: list[Decimal] = []
    units = 0
    # Arrow and sha256 let go of the interpreter, so that threads read several files at the same time.
    with ThreadPoolExecutor(thread_count()) as readers:
        reader = functools.partial(read_file, report, delivery.layout)
        for file, counted in readers.map(reader, paths):
            files.append(file)
            names |= counted.names
            payers |= counted.payers
            units += counted.units
            intervals += [counted.hours] if counted.hours is not None else []
    folders = {(report / path).parent for path in paths}
    unlisted = sorted(
        one.relative_to(report).as_posix()
        for folder in folders
        for one in folder.glob("*")
        if one.name.endswith(DATA_FILES) and one.relative_to(report).as_posix() not in named
    )
    relative = delivery.manifest.relative_to(report).as_posix()
    told = ProviderRows((), ())
    if delivery.provider:
        told = rows_delivered(
            report, paths, delivery.provider, period, relative, delivery.announced
        )
    return SourceRecord(
        period, delivery.export_name, delivery.execution_id, delivery.layout,
        digest_file(delivery.manifest, relative, 0), tuple(files), tuple(unlisted),
        tuple(sorted(set(COLUMNS) - names)), sum(one.line_items for one in files),
        str(exact_amount(units)), columns=tuple(sorted(names)), payer_account_ids=tuple(sorted(payers)),
        granularity=granularity_of(min(intervals, default=None)), provider=delivery.provider,
        account_ids=told.account_ids, issuers=told.issuers,
    )  # fmt: skip


def together(parts: Sequence[SourceRecord]) -> SourceRecord:
    """One record of what several exports delivered for a period."""
    absent = set.intersection(*(set(one.absent_columns) for one in parts))
    return SourceRecord(
        parts[0].billing_period, " + ".join(one.export_name for one in parts),
        " + ".join(one.execution_id for one in parts if one.execution_id), parts[0].layout, parts[0].manifest,
        tuple(file for one in parts for file in one.files),
        tuple(sorted({path for one in parts for path in one.unlisted_files})),
        tuple(sorted(absent)), sum(one.line_items for one in parts),
        str(sum((Decimal(one.unblended_cost) for one in parts), Decimal(0))),
        columns=tuple(sorted({name for one in parts for name in one.columns})),
        payer_account_ids=tuple(sorted({payer for one in parts for payer in one.payer_account_ids})),
        granularity=parts[0].granularity if len({one.granularity for one in parts}) == 1 else "",
        exports=tuple(
            Export(
                one.export_name, one.execution_id, one.layout, one.manifest,
                tuple(file.path for file in one.files), one.absent_columns, one.line_items,
                one.unblended_cost, one.columns, one.payer_account_ids, one.granularity, one.provider,
                one.account_ids, one.issuers,
            )
            for one in parts
        ),
    )  # fmt: skip


def require_apart(report: Path, parts: Sequence[SourceRecord]) -> None:
    """Stop when two exports hold line items of the same account under the same payer (exit 6)."""
    holders: dict[tuple[str, str], SourceRecord] = {}
    for part in parts:
        pairs = {
            pair
            for one in part.files
            for pair in payers_and_accounts(report / one.path, part.layout)
        }
        both = sorted(pair for pair in pairs if pair in holders)
        if both:
            payer, account = both[0]
            raise unreachable(
                f"two exports hold line items of the same account for {part.billing_period}",
                "each account of a payer in one export",
                f"account {account} of payer {payer or '(none)'}"
                + (f", and {len(both) - 1} more" if len(both) > 1 else ""),
                [holders[both[0]].manifest.path, part.manifest.path],
                ["reading both would count everything twice: leave one of them out, by naming the folder of "
                 "the other with CUR=, or by listing the exports that belong in sources.toml"],
            )  # fmt: skip
        holders |= dict.fromkeys(pairs, part)


def read_file(report: Path, layout: str, path: str) -> tuple[SourceFile, Counted]:
    """A data file's entry in the record, and what it holds."""
    counted = count_file(report / path, path, layout)
    return digest_file(report / path, path, counted.line_items), counted


def digest_file(path: Path, name: str, line_items: int) -> SourceFile:
    """Size and sha256 of a file as it is now."""
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return SourceFile(name, path.stat().st_size, sha256, line_items)


def count_file(path: Path, name: str, layout: str = CUR_2, count: Count = cost_units) -> Counted:
    """What a data file holds, by Arrow.

    Args:
        count: how costs become units; an audit counts as the period's close did.

    Raises:
        Refusal: (exit 6) it cannot be read, or lacks a column without which nothing can be charged.
    """
    try:
        return (count_csv if layout in CSV_LAYOUTS else count_parquet)(path, name, layout, count)
    except UNREADABLE as error:
        form = "CSV" if layout in CSV_LAYOUTS else "Parquet"
        raise unreachable(
            f"a data file cannot be read as {form}", "a whole file, as AWS delivered it",
            (str(error).splitlines() or [type(error).__name__])[0], [name, f"{path.stat().st_size} bytes"],
            [NO_NUMBER if "conversion error to double" in str(error) else
             "the copy is probably cut short: fetch the file again and compare its size"],
        ) from None  # fmt: skip


def count_parquet(path: Path, name: str, layout: str, count: Count) -> Counted:
    """What a Parquet file holds."""
    file = pq.ParquetFile(path)
    headers = file.schema_arrow.names
    if focus.is_focus(layout):
        return count_focus(file, name, count)
    check_types(file.schema_arrow, name)
    names = set(headers) if layout == CUR_2 else flat_columns.names_in(headers)
    require_columns(names, name)
    rows, units = count_batches(file.iter_batches(COUNTED_AT_ONCE, columns=[COST]), count)
    if rows != file.metadata.num_rows:
        raise ValueError(f"{file.metadata.num_rows} rows announced, {rows} read")
    payers = texts_in(file, PAYER) if PAYER in headers else set()
    wanted = [one for one in INTERVALS if one in headers]
    hours = None
    for batch in file.iter_batches(LOOKED_AT, columns=wanted) if KIND in wanted else ():
        hours = hours_of(batch)
        break
    return Counted(frozenset(names), rows, units, frozenset(payers), hours)


def count_focus(file: pq.ParquetFile, name: str, count: Count) -> Counted:
    """What a Parquet file in FOCUS holds."""
    headers = file.schema_arrow.names
    check_types(file.schema_arrow, name, types_read(file.schema_arrow))
    names = focus.names_in(headers)
    require_columns(names, name, focus.called)
    known = known_headers(headers, FOCUS_1_2)
    rows, units = count_batches(file.iter_batches(COUNTED_AT_ONCE, columns=[known[COST]]), count)
    if rows != file.metadata.num_rows:
        raise ValueError(f"{file.metadata.num_rows} rows announced, {rows} read")
    payers = texts_in(file, known[PAYER]) if PAYER in known else set()
    wanted = {one: known[one] for one in INTERVALS if one in known}
    hours = None
    for batch in file.iter_batches(LOOKED_AT, columns=list(wanted.values())):
        own = {header: one for one, header in wanted.items()}
        hours = hours_of(batch.rename_columns([own[one] for one in batch.schema.names]))
        break
    return Counted(frozenset(names), rows, units, frozenset(payers), hours)


def known_headers(headers: Sequence[str], layout: str) -> dict[str, str]:
    """The columns of CUR 2.0 that a file has, with the header that each stands under."""
    if not focus.is_focus(layout):
        return {flat_columns.cur_2_name(one): one for one in headers}
    found = {name: focus.header_of(name, headers) for name in focus.MADE_OF}
    return {name: header for name, header in found.items() if header}


def count_csv(path: Path, name: str, layout: str, count: Count) -> Counted:
    """What a CSV file holds, packed or not."""
    headers = flat_columns.csv_headers(path)
    own = focus.is_focus(layout)
    names = focus.names_in(headers) if own else flat_columns.names_in(headers)
    require_columns(names, name, focus.called if own else str)
    known = known_headers(headers, layout)
    rows, units = count_batches(flat_columns.csv_batches(path, known[COST]), count)
    payers: set[str] = set()
    if PAYER in known:
        for batch in flat_columns.csv_batches(path, known[PAYER], pa.string()):
            payers |= set(pc.unique(batch.column(0)).to_pylist()) - {None, ""}
    first = itertools.islice(flat_columns.csv_rows(path), TEXTS_LOOKED_AT)
    hours = shortest_hours(
        {cur_2: row.get(header) for cur_2, header in known.items() if cur_2 in INTERVALS}
        for row in first
    )
    return Counted(frozenset(names), rows, units, frozenset(payers), hours)


def texts_in(file: pq.ParquetFile, name: str) -> set[str]:
    """The distinct texts of a column; a row group whose least is its greatest is not read."""
    found: set[str] = set()
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        [column] = [
            one for one in map(group.column, range(group.num_columns)) if one.path_in_schema == name
        ]
        bounds = column.statistics
        if bounds is not None and bounds.has_min_max and bounds.min == bounds.max:
            found.add(str(bounds.min))
        else:
            found |= set(map(str, pc.unique(file.read_row_group(number, [name])[name]).to_pylist()))
    return found - {"", "None"}


def payers_and_accounts(path: Path, layout: str) -> set[tuple[str, str]]:
    """Each payer with each account that a data file holds line items of."""
    if layout in CSV_LAYOUTS:
        known = known_headers(flat_columns.csv_headers(path), layout)
        return {
            (row.get(known.get(PAYER, "")) or "", row[known[ACCOUNT]] or "")
            for row in flat_columns.csv_rows(path)
        }
    file = pq.ParquetFile(path)
    names = file.schema_arrow.names
    payer, account = PAYER, ACCOUNT
    if focus.is_focus(layout):
        payer, account = (focus.header_of(one, names) for one in (PAYER, ACCOUNT))
    wanted = list(dict.fromkeys(one for one in (payer, account) if one in names))
    pairs = file.read(wanted).group_by(wanted).aggregate([]).to_pylist()
    return {(one.get(payer) or "", one[account] or "") for one in pairs}


def hours_of(rows: pa.RecordBatch) -> Decimal | None:
    """The shortest interval of rows of usage, in hours; None where no row has one."""
    usage = rows.filter(pc.equal(rows[KIND], "Usage"))
    names = usage.schema.names
    if all(
        name in names and pa.types.is_timestamp(usage.schema.field(name).type)
        for name in (START, END)
    ):
        start, end = (pc.cast(usage[name], pa.timestamp("s"), safe=False) for name in (START, END))
        seconds = pc.cast(pc.subtract(end, start), pa.int64())
        shortest = pc.min(pc.filter(seconds, pc.greater(seconds, 0))).as_py()
        if shortest is not None:
            return Decimal(shortest) / 3600
    return shortest_hours(usage.slice(0, TEXTS_LOOKED_AT).to_pylist())


def shortest_hours(rows: Iterable[Mapping[str, Any]]) -> Decimal | None:
    """The shortest interval of rows of usage, in hours; None where no row has one."""
    found = []
    for row in rows:
        if row.get(KIND) != "Usage":
            continue
        start, end = (moment(row.get(one)) for one in (START, END))
        if start is None or end is None:
            ends = str(row.get(INTERVAL) or "").split("/")
            start, end = map(moment, ends) if len(ends) == 2 else (None, None)
        if start is not None and end is not None and end > start:
            found.append(Decimal(int((end - start).total_seconds())) / 3600)
    return min(found, default=None)


def moment(value: Any) -> datetime | None:
    """A cell as a time in UTC; None where it is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def granularity_of(hours: Decimal | None) -> str:
    """An export's granularity by its shortest interval of usage: an hour, a day or a month.

    >>> granularity_of(Decimal(24))
    'DAILY'
    """
    if hours is None:
        return ""
    return HOURLY if hours <= 1 else DAILY if hours <= 24 else MONTHLY


def require_columns(names: Collection[str], file: str, called: Callable[[str], str] = str) -> None:
    """Stop when a data file lacks a column without which nothing can be charged (exit 6).

    Args:
        called: how the file calls a column of CUR 2.0.
    """
    lacking = [column for column in REQUIRED if column not in names]
    if lacking:
        raise unreachable(
            f"the report has no column {called(lacking[0])}",
            "the columns " + ", ".join(map(called, REQUIRED)), f"{len(names)} columns without it", [file],
            ["select the column in the export's query, and have AWS deliver the period again"],
        )  # fmt: skip


def count_batches(batches: Iterable[pa.RecordBatch], count: Count) -> tuple[int, int]:
    """Rows, and the exact sum of the one column in 1e-10 units."""
    rows, units = 0, 0
    for batch in batches:
        costs = batch.column(0).cast(pa.float64()).fill_null(0).to_numpy(zero_copy_only=False)
        rows += len(costs)
        units += count(costs)
    return rows, units
