"""Objects: exactly those of a period's newest delivery, known without downloading them.

The manifest is read whole. Of each data file only the end is read, the Parquet footer, which says how many
line items it holds and which columns. Each answer carries the object's ETag and version id, which go into the
source record. Later `changed_files` lists the folder again: an object that was written in the meantime has
another ETag, and a delivery that came in the meantime another manifest. Nothing is ever written there.
"""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.books.source_record import SourceFile, SourceRecord
from chargeback.core.errors import unreachable
from chargeback.sources.deliveries import (
    check_files,
    cur_2_paths,
    newest_manifests,
    no_manifest,
    parse_export_manifest,
)
from chargeback.sources.focus import require_no_focus
from chargeback.sources.freeze import require_columns
from chargeback.sources.lake.stores import Listed, Store, unreadable
from chargeback.sources.report import COLUMNS

#: Bytes of a file's end that are fetched at once; the footer of a report's file is smaller.
TAIL = 256 * 1024
READERS = 8


@dataclass(frozen=True)
class DeliveredObjects:
    """A delivery's objects; `columns` are those of its files, `unlisted` the files beside them."""

    export_name: str
    execution_id: str
    manifest: SourceFile
    files: tuple[SourceFile, ...]
    unlisted: tuple[str, ...]
    absent_columns: tuple[str, ...]


def period_objects(store: Store, period: str) -> dict[str, Listed]:
    """Everything that lies in a period's folders: data files and manifests."""
    name = f"BILLING_PERIOD={period}/"
    return store.listed(f"metadata/{name}") | store.listed(f"data/{name}")


def read_delivery(store: Store, period: str) -> DeliveredObjects:
    """A period's newest delivery.

    Raises:
        Refusal: (exit 6) the manifest or a file is absent, doubled or unreadable, or lacks a column without
            which nothing can be charged.
    """
    listed = period_objects(store, period)
    path, content, manifest = read_export_manifest(store, period, listed)
    paths = cur_2_paths(content, period, store.location + path)
    check_files(paths, [one for one in paths if one not in listed], store.location + path)
    absent, files = set(COLUMNS), []
    with ThreadPoolExecutor(READERS) as readers:
        for file, columns in readers.map(lambda one: read_footer(store, one), paths):
            files.append(file)
            absent -= columns
    data = f"data/BILLING_PERIOD={period}/"
    unlisted = {one for one in listed if one.startswith(data) and one.endswith(".parquet")}
    return DeliveredObjects(
        str(content.get("exportName", "")), str(content.get("executionId", "")),
        manifest, tuple(files), tuple(sorted(unlisted - set(paths))),
        tuple(sorted(absent)),
    )  # fmt: skip


def manifest_names(listed: dict[str, Listed], period: str) -> list[str]:
    """The manifests among a period's objects, by their names in the period's metadata folder."""
    folder = f"metadata/BILLING_PERIOD={period}/"
    return [
        path.removeprefix(folder)
        for path in listed
        if path.startswith(folder) and path.endswith("-Manifest.json")
    ]


def read_export_manifest(
    store: Store, period: str, listed: dict[str, Listed]
) -> tuple[str, dict[str, Any], SourceFile]:
    """The newest manifest among a period's objects: its path, its content and its entry in the record."""
    folder = f"metadata/BILLING_PERIOD={period}/"
    names = manifest_names(listed, period)
    newest = newest_manifests(names)
    if not newest:
        raise no_manifest(folder.rstrip("/"), period, [], store.location + folder)
    if len(newest) > 1:
        raise unreachable(
            f"there are two exports in one folder for {period}", "one manifest under a table",
            ", ".join(newest), [store.location + folder],
            ["keep each export in a folder and a table of its own; several exports are closed together from "
             "folders or s3:// (CUR= the folder above them)"],
        )  # fmt: skip
    path = folder + newest[0]
    found = store.read(path)
    content = parse_export_manifest(lambda: found.content, "dataFiles", store.location + path)
    return path, content, found.file(path)


def is_recorded(store: Store, record: SourceRecord) -> bool:
    """Whether the newest delivery of a record's period has the ETags that were recorded.

    A record of files in a folder has none, and is then not known to be the same.
    """
    period = record.billing_period
    listed = period_objects(store, period)
    path, content, _ = read_export_manifest(store, period, listed)
    now = sorted(
        listed[one].etag if one in listed else ""
        for one in cur_2_paths(content, period, store.location + path)
    )
    return now == sorted(one.etag for one in record.files)


def changed_files(store: Store, period: str, files: tuple[SourceFile, ...]) -> list[str]:
    """The objects that are not what they were when they were recorded, by path."""
    now = period_objects(store, period)
    return [one.path for one in files if one.path not in now or now[one.path].etag != one.etag]


def read_footer(store: Store, path: str) -> tuple[SourceFile, set[str]]:
    """A data file's entry in the record and its column names, from its last bytes."""
    found = store.read_end(path, TAIL)
    needed = int.from_bytes(found.content[-8:-4], "little") + 8
    if len(found.content) < needed <= found.size:
        found = store.read_end(path, needed, found.etag)
    end = FileEnd(found.content, found.size)
    try:
        footer = pq.read_metadata(pa.PythonFile(end, mode="r"))
        columns = set(footer.schema.to_arrow_schema().names)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise unreadable(store.location + path, found.size, str(error).splitlines()[0]) from None
    require_no_focus(columns, store.location + path)
    require_columns(columns, store.location + path)
    return found.file(path, footer.num_rows), columns


class FileEnd(io.RawIOBase):
    """A file of which only the end is here; reading before it is an error."""

    def __init__(self, tail: bytes, size: int) -> None:
        self.tail, self.size, self.at = tail, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        return self.at

    def read(self, size: int = -1) -> bytes:
        start = self.at - (self.size - len(self.tail))
        if start < 0:
            raise OSError("the footer is longer than the file's end that was fetched")
        found = self.tail[start:] if size < 0 else self.tail[start : start + size]
        self.at += len(found)
        return found
