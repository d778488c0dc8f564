"""Freeze: record what AWS delivered, and count it a second way.

In: a report's folder, CUR 2.0 or legacy (chargeback/sources/deliveries.py), and a period. Out: a source record
that names every file of the delivery with its size and sha256, and control totals. The newest manifest alone
says which files belong (CUR facts 1.10, 1.11, 6.9, 6.10). Files lying beside them are named in the record and
never read.

Control totals come from Arrow and integers, independently of the SQL engine: the number of line items, and the
unblended cost in units of 1e-10. A row's cost is split into whole and fraction before scaling, so that the
double is rounded exactly once (CUR fact 2.9). Drawback: the cost column is read twice.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.books.source_record import CUR_2, LEGACY_CSV, SourceFile, SourceRecord
from chargeback.core.errors import unreachable
from chargeback.core.money import exact_amount
from chargeback.engine import thread_count
from chargeback.sources import legacy_cur
from chargeback.sources.deliveries import find_delivery
from chargeback.sources.report import COLUMNS, COST

#: Without these a line item cannot be charged to anyone.
REQUIRED = (
    "line_item_currency_code", "line_item_line_item_type", "line_item_product_code",
    "line_item_unblended_cost", "line_item_usage_account_id",
)  # fmt: skip


#: How the names of data files end.
DATA_FILES = (".parquet", ".csv", ".csv.gz")

#: Line items counted at once: few enough that their numbers stay in the processor's cache.
COUNTED_AT_ONCE = 32_768


def freeze_sources(report: Path, period: str) -> SourceRecord:
    """The source record of a period's newest delivery. Reads everything once, writes nothing.

    Raises:
        Refusal: (exit 6) the manifest or a file is absent, incomplete, doubled or unreadable, or the report
            lacks a column without which nothing can be charged.
    """
    delivery = find_delivery(report, period)
    paths = delivery.paths
    files: list[SourceFile] = []
    absent = set(COLUMNS)  # absent means that no file of the delivery has it
    units = 0
    # Arrow and sha256 let go of the interpreter, so that threads read several files at the same time.
    with ThreadPoolExecutor(thread_count()) as readers:
        reader = functools.partial(read_file, report, delivery.layout)
        for file, names, cost in readers.map(reader, paths):
            files.append(file)
            absent -= names
            units += cost
    listed = set(paths)
    folders = {(report / path).parent for path in paths}
    unlisted = sorted(
        one.relative_to(report).as_posix()
        for folder in folders
        for one in folder.glob("*")
        if one.name.endswith(DATA_FILES) and one.relative_to(report).as_posix() not in listed
    )
    relative = delivery.manifest.relative_to(report).as_posix()
    return SourceRecord(
        period, delivery.export_name, delivery.execution_id, delivery.layout,
        digest_file(delivery.manifest, relative, 0), tuple(files), tuple(unlisted),
        tuple(sorted(absent)), sum(one.line_items for one in files), str(exact_amount(units)),
    )  # fmt: skip


def read_file(report: Path, layout: str, path: str) -> tuple[SourceFile, set[str], int]:
    """A data file's entry in the record, its columns by CUR 2.0's names and its cost in 1e-10 units."""
    names, rows, units = count_file(report / path, path, layout)
    return digest_file(report / path, path, rows), names, units


def digest_file(path: Path, name: str, line_items: int) -> SourceFile:
    """Size and sha256 of a file as it is now."""
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return SourceFile(name, path.stat().st_size, sha256, line_items)


def count_file(path: Path, name: str, layout: str = CUR_2) -> tuple[set[str], int, int]:
    """Columns by CUR 2.0's names, rows and unblended cost (in 1e-10 units) of a file, by Arrow."""
    try:
        if layout == LEGACY_CSV:
            headers = legacy_cur.csv_headers(path)
        else:
            file = pq.ParquetFile(path)
            headers = file.schema_arrow.names
        names = set(headers) if layout == CUR_2 else legacy_cur.names_in(headers)
        require_columns(names, name)
        if layout == LEGACY_CSV:
            [cost] = [one for one in headers if legacy_cur.cur_2_name(one) == COST]
            return names, *count_batches(legacy_cur.csv_batches(path, cost))
        rows, units = count_batches(file.iter_batches(COUNTED_AT_ONCE, columns=[COST]))
        if rows != file.metadata.num_rows:
            raise ValueError(f"{file.metadata.num_rows} rows announced, {rows} read")
    except (pa.ArrowException, OSError, EOFError, UnicodeError, ValueError) as error:
        form = "CSV" if layout == LEGACY_CSV else "Parquet"
        raise unreachable(
            f"a data file cannot be read as {form}", "a whole file, as AWS delivered it",
            str(error).splitlines()[0], [name, f"{path.stat().st_size} bytes"],
            ["the copy is probably cut short: fetch the file again and compare its size"],
        ) from None  # fmt: skip
    return names, rows, units


def require_columns(names: Collection[str], file: str) -> None:
    """Stop when a data file lacks a column without which nothing can be charged (exit 6)."""
    lacking = [column for column in REQUIRED if column not in names]
    if lacking:
        raise unreachable(
            f"the report has no column {lacking[0]}",
            "the columns " + ", ".join(REQUIRED), f"{len(names)} columns without it", [file],
            ["select the column in the export's query, and have AWS deliver the period again"],
        )  # fmt: skip


def count_batches(batches: Iterable[pa.RecordBatch]) -> tuple[int, int]:
    """Rows, and the exact sum of the one column in 1e-10 units."""
    rows, units = 0, 0
    for batch in batches:
        costs = batch.column(0).cast(pa.float64()).fill_null(0).to_numpy(zero_copy_only=False)
        rows += len(costs)
        units += cost_units(costs)
    return rows, units


def cost_units(costs: np.ndarray) -> int:
    """The exact sum of costs in 1e-10 units, each rounded once; order does not matter."""
    if not np.isfinite(costs).all():
        raise ValueError("a cost is not a finite number")
    whole = np.trunc(costs)
    fraction = np.rint((costs - whole) * 1e10).astype(np.int64)
    return int(whole.astype(np.int64).sum()) * 10**10 + int(fraction.sum())
