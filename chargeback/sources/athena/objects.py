"""Objects: exactly those of a period's newest delivery in S3, known without downloading them.

The manifest is read whole. Of each data file only the end is read, the Parquet footer, which says how many
line items it holds and which columns. Each answer carries the object's ETag and version id, which go into the
source record. Later `changed_files` lists the folder again: an object that was written in the meantime has
another ETag, and a delivery that came in the meantime another manifest. Nothing is ever written there.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserError

from chargeback.aws.calls import FAILURES, Clients, call_refusal, calling, error_code
from chargeback.books.source_record import SourceFile, SourceRecord
from chargeback.core.errors import unreachable
from chargeback.sources.athena.catalog import ReportTable
from chargeback.sources.deliveries import (
    changed_refusal,
    check_files,
    cur_2_paths,
    newest_manifests,
    no_manifest,
    parse_export_manifest,
)
from chargeback.sources.freeze import require_columns
from chargeback.sources.report import COLUMNS

FORM = "Parquet"

#: Bytes of a file's end that are fetched at once; the footer of a report's file is smaller.
TAIL = 256 * 1024
READERS = 8
#: How often an object is fetched again when its bytes stop coming; requests are repeated by botocore.
READINGS = 3

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class DeliveredObjects:
    """A delivery's objects; `columns` are those of its files, `unlisted` the files beside them."""

    export_name: str
    execution_id: str
    manifest: SourceFile
    files: tuple[SourceFile, ...]
    unlisted: tuple[str, ...]
    absent_columns: tuple[str, ...]


@dataclass(frozen=True)
class Listed:
    """An object as a listing has it."""

    etag: str
    size: int


def list_objects(clients: Clients, table: ReportTable, folder: str) -> dict[str, Listed]:
    """The objects of a folder of the export, by their path in it."""
    s3, found = clients.client("s3"), {}
    start = table.prefix + folder
    with calling("s3:ListBucket", f"s3://{table.bucket}/{start}"):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=table.bucket, Prefix=start)
        for page in pages:
            for one in page.get("Contents", []):
                path = str(one["Key"]).removeprefix(table.prefix)
                found[path] = Listed(str(one["ETag"]), int(one["Size"]))
    return found


def period_objects(clients: Clients, table: ReportTable, period: str) -> dict[str, Listed]:
    """Everything that lies in a period's folders: data files and manifests."""
    name = f"BILLING_PERIOD={period}/"
    return list_objects(clients, table, f"metadata/{name}") | list_objects(
        clients, table, f"data/{name}"
    )


def read_delivery(clients: Clients, table: ReportTable, period: str) -> DeliveredObjects:
    """A period's newest delivery.

    Raises:
        Refusal: (exit 6) the manifest or a file is absent, doubled or unreadable, or lacks a column without
            which nothing can be charged.
    """
    listed = period_objects(clients, table, period)
    path, content, manifest = read_export_manifest(clients, table, period, listed)
    paths = cur_2_paths(content, period, table.location + path)
    check_files(paths, [one for one in paths if one not in listed], table.location + path)
    absent, files = set(COLUMNS), []
    with ThreadPoolExecutor(READERS) as readers:
        for file, columns in readers.map(lambda one: read_footer(clients, table, one), paths):
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
    clients: Clients, table: ReportTable, period: str, listed: dict[str, Listed]
) -> tuple[str, dict[str, Any], SourceFile]:
    """The newest manifest among a period's objects: its path, its content and its entry in the record."""
    folder = f"metadata/BILLING_PERIOD={period}/"
    names = manifest_names(listed, period)
    newest = newest_manifests(names)
    if not newest:
        raise no_manifest(folder.rstrip("/"), period, [], table.location + folder)
    if len(newest) > 1:
        raise unreachable(
            f"there are two exports in one folder for {period}", "one manifest under an Athena table",
            ", ".join(newest), [table.location + folder],
            ["keep each export in a folder and a table of its own; several exports are closed together from "
             "folders or s3:// (CUR= the folder above them)"],
        )  # fmt: skip
    path = folder + newest[0]
    body, answer = fetch(clients, table, path)
    content = parse_export_manifest(lambda: body, "dataFiles", table.location + path)
    return path, content, source_file(path, len(body), answer)


def is_recorded(clients: Clients, table: ReportTable, record: SourceRecord) -> bool:
    """Whether the newest delivery of a record's period has the ETags that were recorded.

    A record of files in a folder has none, and is then not known to be the same.
    """
    period = record.billing_period
    listed = period_objects(clients, table, period)
    path, content, _ = read_export_manifest(clients, table, period, listed)
    now = sorted(
        listed[one].etag if one in listed else ""
        for one in cur_2_paths(content, period, table.location + path)
    )
    return now == sorted(one.etag for one in record.files)


def changed_files(
    clients: Clients, table: ReportTable, period: str, files: tuple[SourceFile, ...]
) -> list[str]:
    """The objects that are not what they were when they were recorded, by path."""
    now = period_objects(clients, table, period)
    return [one.path for one in files if one.path not in now or now[one.path].etag != one.etag]


def source_file(path: str, size: int, answer: dict[str, Any], line_items: int = 0) -> SourceFile:
    """An object's entry in the source record."""
    version = str(answer.get("VersionId") or "")
    return SourceFile(path, size, "", line_items, str(answer["ETag"]), version)


def fetch(
    clients: Clients, table: ReportTable, path: str, **options: str
) -> tuple[bytes, dict[str, Any]]:
    """An object's bytes, or a range of them, and what S3 says about it."""
    s3, on = clients.client("s3"), table.location + path

    def get() -> tuple[bytes, dict[str, Any]]:
        answer = s3.get_object(Bucket=table.bucket, Key=table.prefix + path, **options)
        return answer["Body"].read(), answer

    try:
        return read_again(get)
    except FAILURES as error:
        if error_code(error) == "PreconditionFailed":
            raise changed_refusal([path], table.location) from None
        if error_code(error) == "InvalidRange":  # it has no bytes at all
            raise unreadable(on, 0, "the object is empty") from None
        raise call_refusal(error, "s3:GetObject", on) from None


def read_again(get: Callable[[], Answer]) -> Answer:
    """Do a reading again when its bytes stopped coming, which botocore does not repeat by itself."""
    for _ in range(READINGS - 1):
        try:
            return get()
        except (BotoCoreError, ResponseParserError):
            continue
    return get()


def read_footer(clients: Clients, table: ReportTable, path: str) -> tuple[SourceFile, set[str]]:
    """A data file's entry in the record and its column names, from its last bytes."""
    tail, answer = fetch(clients, table, path, Range=f"bytes=-{TAIL}")
    size = int(str(answer.get("ContentRange", f"/{len(tail)}")).rpartition("/")[2])
    needed = int.from_bytes(tail[-8:-4], "little") + 8
    if len(tail) < needed <= size:
        tail, answer = fetch(
            clients, table, path, Range=f"bytes=-{needed}", IfMatch=str(answer["ETag"])
        )
    try:
        footer = pq.read_metadata(pa.PythonFile(FileEnd(tail, size), mode="r"))
        columns = set(footer.schema.to_arrow_schema().names)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise unreadable(table.location + path, size, str(error).splitlines()[0]) from None
    require_columns(columns, table.location + path)
    return source_file(path, size, answer, footer.num_rows), columns


def unreadable(address: str, size: int, why: str) -> Exception:
    """A data file without a footer (exit 6)."""
    return unreachable(
        f"a data file cannot be read as {FORM}", "a whole file, as AWS delivered it", why,
        [address, f"{size} bytes"], ["have AWS deliver the period again"],
    )  # fmt: skip


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
