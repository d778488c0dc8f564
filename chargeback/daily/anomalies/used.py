"""Used: the sums per day that the search looks back on, month by month, from the reports.

In: the open month's daily costs, the report and params. Out: sums for the months that the search needs. A
month is read once for each delivery and each change of SQL, of code or of what decides owners, and then kept as
a small table under BOOKS/daily/used (kept.py). That folder can be deleted, and is made again from the report.
If the report no longer has a month, what was kept of it is used. If it never had the month, the history is
shorter.

What always holds: the sums of a month are those of its newest delivery under today's params, so a history does
not depend on the days on which the daily flow was run.
"""

from __future__ import annotations

import contextlib
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.attribution.stage import PARAMS as ATTRIBUTION_PARAMS
from chargeback.books.schema import EXACT
from chargeback.books.tables import write_table
from chargeback.core.books_folders import Books
from chargeback.core.code_digest import code_digest
from chargeback.core.errors import Refusal
from chargeback.core.kernels import most_at_once
from chargeback.core.period import month_before
from chargeback.daily.anomalies.kept import digest_of, file_name, find_kept
from chargeback.daily.anomalies.kept import keep as keep_content
from chargeback.daily.anomalies.series import Cell, run_rate
from chargeback.daily.costs import DailyCosts, daily_costs
from chargeback.engine import sql_digest
from chargeback.params import Params
from chargeback.sources.deliveries import find_deliveries, has_period
from chargeback.sources.stage import PARAMS as SOURCES_PARAMS

MONTHS_BACK = 5  # fourteen weeks before the first of the days that are judged
MONTHS_KEPT = 13
ENDING = "parquet"

SCHEMA = pa.schema(
    [
        ("usage_date", pa.date32()),
        ("business_unit_id", pa.string()),
        ("owner_id", pa.string()),
        ("product_code", pa.string()),
        ("used_cost", EXACT),
    ]
)
Used = dict[date, dict[Cell, Decimal]]


def used_history(
    costs: DailyCosts, report: Path, params: Params, books: Books, keep: bool = True
) -> tuple[Used, list[str]]:
    """What was used per day, of the open month and the months before it.

    Args:
        params: of the open month; they decide who owned what in all of them.
        keep: whether months that are read may be kept.

    Returns:
        The sums, and a line for each month that could not be read.
    """
    sums: Used = {}
    notes: list[str] = []
    periods = months_before(costs.period, MONTHS_BACK)

    def used(period: str) -> Used | Refusal:
        try:
            return month_used(replace(params, period=period), costs.period, report, books, keep)
        except Refusal as refusal:
            return refusal

    # DuckDB and Arrow let go of the interpreter, so that threads read several months at the same time.
    with ThreadPoolExecutor(most_at_once()) as readers:
        for period, found in zip(periods, readers.map(used, periods), strict=True):
            if isinstance(found, Refusal):
                notes.append(f"no daily costs of {period}: {found.what}")
            else:
                sums |= found
    if keep:
        forget(books, costs.period)
    return sums | run_rate(costs.table), notes


def months_before(period: str, count: int) -> list[str]:
    """The months before one, the latest first."""
    found: list[str] = []
    for _ in range(count):
        period = month_before(period)
        found.append(period)
    return found


def month_used(
    params: Params, seen_from: str, report: Path, books: Books, keep: bool = True
) -> Used:
    """A month's sums: kept, or read from its report and kept.

    Args:
        params: with the month to read as their period, and the rules of another.
        seen_from: the month whose rules they hold.

    Raises:
        Refusal: neither is there, or the report of the month is refused.
    """
    period = params.period
    folder = books.daily_used
    what = f"billing_period={period}"
    if not has_period(report, period):
        kept = last_kept(folder, what)
        if kept is not None:
            return from_table(kept)
    name = f"{what}-{key(report, params, seen_from)}"
    content = find_kept(folder, name, ENDING)
    if content is not None:
        return from_table(pq.read_table(pa.BufferReader(content)))
    sums = run_rate(daily_costs(report, params).table)
    if keep:
        keep_content(folder, name, content_of(sums), ENDING, what)
    return sums


def last_kept(folder: Path, what: str) -> pa.Table | None:
    """What was kept of a month that the report has no more, also by versions before; None if nothing is."""
    for path in sorted(folder.glob(f"{what}-*.{ENDING}"), reverse=True):
        with contextlib.suppress(pa.ArrowException, OSError):
            content = path.read_bytes()
            name, _, _ = path.stem.rpartition("-")
            if name != what and path.name != file_name(name, content, ENDING):
                continue  # damaged
            return pq.read_table(pa.BufferReader(content))
    return None


def key(report: Path, params: Params, seen_from: str) -> str:
    """What a month's sums depend on: its delivery, the params that decide owners, all SQL and all code.

    Of a delivery its manifests, byte for byte, and the size of each file, of other providers' also when it was
    written: files are read in whole only where something of this is new.
    """
    parts: list[str | bytes] = [seen_from, params.period, sql_digest(), code_digest()]
    for one in find_deliveries(report, params.period):
        parts.append(one.manifest.read_bytes())
        for path in one.paths:
            state = (report / path).stat()
            # A provider's files may be written again without a manifest that would say so.
            written_at = f" {state.st_mtime_ns}" if one.provider else ""
            parts.append(f"{path} {state.st_size}{written_at}")
    names = (*SOURCES_PARAMS, *ATTRIBUTION_PARAMS)
    return digest_of([*parts, *(f"{name} {params.digests.get(name, '')}" for name in names)])


def content_of(sums: Used) -> bytes:
    """Sums as they are kept."""
    written = io.BytesIO()
    write_table(to_table(sums), written)
    return written.getvalue()


def forget(books: Books, period: str) -> None:
    """Remove what was kept of months longer ago than thirteen."""
    for _ in range(MONTHS_KEPT):
        period = month_before(period)
    for path in books.daily_used.glob("billing_period=*.parquet"):
        if path.name.removeprefix("billing_period=")[: len(period)] < period:
            path.unlink(missing_ok=True)


def to_table(sums: Used) -> pa.Table:
    """Sums as a table, by day and cell; a day without a cost is a row without a cell."""
    rows: list[tuple[date, str, str, str, Decimal]] = []
    for day, cells in sorted(sums.items()):
        rows += [
            (day, cell.business_unit_id, cell.owner_id, cell.product_code, cost)
            for cell, cost in sorted(cells.items())
        ] or [(day, "", "", "", Decimal(0))]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(SCHEMA)
    arrays = [pa.array(one, field.type) for one, field in zip(columns, SCHEMA, strict=True)]
    return pa.table(arrays, schema=SCHEMA)


def from_table(table: pa.Table) -> Used:
    """The inverse of `to_table`."""
    sums: Used = {}
    columns = [table[name].to_pylist() for name in SCHEMA.names]
    for day, unit, owner, product, cost in zip(*columns, strict=True):
        cells = sums.setdefault(day, {})
        if owner:
            cells[Cell(unit, owner, product)] = cost
    return sums
