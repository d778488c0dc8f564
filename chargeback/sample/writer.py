"""Writer: a period's rows as Data Exports delivers them, and nothing half-written.

`<folder>/data/BILLING_PERIOD=2026-05/<export>-00001.snappy.parquet` and so on, then the manifest
under `<folder>/metadata/` (CUR fact 1.10). A period is written beside its place and moved in,
manifest last; a reader that goes by the manifest sees the whole period or none. `<folder>/.sample/`
holds a stamp for each period that says what wrote it, so that a second call with the same arguments
does nothing.

The bytes depend on the arguments and on the Parquet library alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.sample import focus_columns
from chargeback.sample.columns import CODED_SCHEMA, MAPS, SCHEMA, TEXTS, type_name
from chargeback.sample.estate import Estate
from chargeback.sample.focus_rows import focus_table, manifest_columns
from chargeback.sample.months import month_of
from chargeback.sample.rows import Rows, SeriesColumns, concatenate
from chargeback.sample.space import require_space

#: The forms that a report is written in, with the name of its export.
CUR_2 = "cur-2.0"
EXPORTS = {CUR_2: "insurer-cur2", "focus-1.0": "insurer-focus10", "focus-1.2": "insurer-focus12"}
EXPORT = EXPORTS[CUR_2]
BUCKET = "s3://insurer-billing/exports"
STAMPS = ".sample"

ROW_GROUP_ROWS = 131_072
FILE_ROWS = 2_500_000
FEWEST_FILES = 4

#: A refresh that needed fewer chunks left this period an empty one, named in the manifest (CUR fact
#: 1.11).
EMPTY_CHUNK_PERIODS = ("2026-02", "2026-05")

DICTIONARY_COLUMNS = sorted(TEXTS) + [
    f"{name}.key_value.{part}"
    for name in MAPS
    for part in ("key", "value")
    if (name, part) != ("discount", "value")
]  # fmt: skip


def file_name(number: int, export: str = EXPORT) -> str:
    """The name of a chunk, counted from 1."""
    return f"{export}-{number:05d}.snappy.parquet"


def write_period(folder: Path, period: str, line_items: int, seed: int, form: str = CUR_2) -> bool:
    """Write a period unless the same one is there already; whether anything was written.

    Args:
        form: one of EXPORTS.

    Raises:
        Refusal: (exit 2) too few line items for the estate's series, or no room for them on the disk.
    """
    stamp = json.dumps(
        {"form": form, "line_items": line_items, "period": period, "seed": seed,
         "sources": sources_digest()},
        indent=1, sort_keys=True,
    )  # fmt: skip
    stamps = folder / STAMPS
    stamps.mkdir(parents=True, exist_ok=True)
    name = f"BILLING_PERIOD={period}"
    manifest = folder / "metadata" / name / f"{EXPORTS[form]}-Manifest.json"
    stamp_path = stamps / f"{name}.json"
    with only_writer(stamps / f"{name}.lock"):
        if manifest.is_file() and stamp_path.is_file() and stamp_path.read_text("utf-8") == stamp:
            return False
        fresh = stamps / f"{name}.writing"
        shutil.rmtree(fresh, ignore_errors=True)
        require_space(folder, line_items)
        (fresh / "data").mkdir(parents=True)
        write_delivery(fresh, period, line_items, seed, form)
        stamp_path.unlink(missing_ok=True)
        for one in EXPORTS.values():
            manifest.with_name(f"{one}-Manifest.json").unlink(missing_ok=True)
        place = folder / "data" / name
        place.parent.mkdir(exist_ok=True)
        manifest.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        (fresh / "data").rename(place)
        (fresh / manifest.name).rename(manifest)
        stamp_path.write_text(stamp)
        shutil.rmtree(fresh)
    return True


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Hold a lock file, so that two writers of one period wait for each other."""
    with path.open("w", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def sources_digest() -> str:
    """What the generator is: a digest of its own source files."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def write_delivery(fresh: Path, period: str, line_items: int, seed: int, form: str = CUR_2) -> None:
    """Write a period's chunks to `fresh/data` and its manifest beside them."""
    estate = Estate(month_of(period, line_items), line_items, seed)
    export = EXPORTS[form]
    with Chunks(fresh / "data", line_items, form) as chunks:
        for table in tables(estate):
            chunks.write(table if form == CUR_2 else focus_table(table, form))
        if period in EMPTY_CHUNK_PERIODS:
            chunks.write_empty()
    digest = hashlib.sha256(f"{export}/{period}/{line_items}/{seed}".encode()).hexdigest()
    manifest = {
        "executionId": "-".join(
            (digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32])
        ),
        "exportName": export,
        "billingPeriod": period,
        "columns": [{"name": one.name, "type": type_name(one.type)} for one in SCHEMA]
        if form == CUR_2
        else manifest_columns(form),
        "dataFiles": [
            f"{BUCKET}/{export}/data/BILLING_PERIOD={period}/{file_name(number, export)}"
            for number in range(1, chunks.files + 1)
        ],
    }
    (fresh / f"{export}-Manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def tables(estate: Estate) -> Iterator[pa.Table]:
    """The estate's rows as tables of one row group each; only the last is smaller."""
    columns: SeriesColumns | None = None
    waiting: list[Rows] = []
    for block in estate.blocks():
        columns = columns or SeriesColumns(estate.series, estate.month)
        waiting.append(block)
        if sum(map(len, waiting)) < ROW_GROUP_ROWS:
            continue
        rows = concatenate(waiting)
        start = 0
        while len(rows) - start >= ROW_GROUP_ROWS:
            yield columns.table(rows, start, start + ROW_GROUP_ROWS)
            start += ROW_GROUP_ROWS
        waiting = [rows.after(start)] if start < len(rows) else []
    if columns and waiting:
        last = concatenate(waiting)
        yield columns.table(last, 0, len(last))


class Chunks:
    """The data files of a delivery, filled one after another to about the same size."""

    def __init__(self, folder: Path, line_items: int, form: str = CUR_2) -> None:
        self.folder = folder
        self.form = form
        self.files = 0
        self.rows_per_file = -(-line_items // max(FEWEST_FILES, -(-line_items // FILE_ROWS)))
        self.rows_left = 0
        self.writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Chunks:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, table: pa.Table) -> None:
        """Append rows, going on to the next file when one is full."""
        start = 0
        while start < len(table):
            if self.rows_left == 0:
                self.open_next()
            count = min(self.rows_left, len(table) - start)
            assert self.writer is not None
            self.writer.write_table(table.slice(start, count), row_group_size=ROW_GROUP_ROWS)
            self.rows_left -= count
            start += count

    def write_empty(self) -> None:
        """Add a chunk without rows."""
        self.open_next()
        self.close()

    def open_next(self) -> None:
        """Close the file that is open and open the next one."""
        self.close()
        self.files += 1
        self.rows_left = self.rows_per_file
        self.writer = pq.ParquetWriter(
            self.folder / file_name(self.files, EXPORTS[self.form]),
            CODED_SCHEMA if self.form == CUR_2 else focus_columns.SCHEMAS[self.form],
            compression="snappy",
            use_dictionary=DICTIONARY_COLUMNS if self.form == CUR_2 else True,
            store_schema=False,
        )

    def close(self) -> None:
        """Close the file that is open, if any."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None
            self.rows_left = 0
