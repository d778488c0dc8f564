"""Stores: where an export's objects lie, in S3 or in a folder of this machine, behind one interface.

Each answer says what the object was when it was read: its ETag and, where versions are kept, its version id.
A file in a folder has neither; what stands for its ETag is its time and size. Nothing is ever written there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserError

from chargeback.aws.calls import FAILURES, AwsClients, call_refusal, calling, error_code
from chargeback.books.source_record import SourceFile
from chargeback.core.errors import unreachable
from chargeback.sources.deliveries import changed_refusal

FORM = "Parquet"

#: How often an object is fetched again when its bytes stop coming; requests are repeated by botocore.
READINGS = 3

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Listed:
    """An object as a listing has it; its size in bytes."""

    etag: str
    size: int


@dataclass(frozen=True)
class Fetched:
    """Bytes of an object, all of them or its end, and what it was then; its size in bytes."""

    content: bytes
    size: int
    etag: str
    version_id: str = ""

    def file(self, path: str, line_items: int = 0) -> SourceFile:
        """The object's entry in the source record."""
        return SourceFile(path, self.size, "", line_items, self.etag, self.version_id)


class Store(Protocol):
    """The objects of an export, by their paths in it; `location` ends with a slash."""

    location: str

    def listed(self, folder: str) -> dict[str, Listed]:
        """The objects of a folder, those below it too; a folder that is not there has none."""

    def read(self, path: str) -> Fetched:
        """An object, whole."""

    def read_end(self, path: str, size: int, etag: str = "") -> Fetched:
        """The last bytes of an object, which must have the ETag where one is given.

        Raises:
            Refusal: (exit 6) it cannot be read, has no bytes, or is another by now.
        """


class S3Store:
    """Objects in S3.

    Args:
        prefix: of the export, with a slash at its end.
        page: where the permissions are listed.
    """

    def __init__(self, clients: AwsClients, bucket: str, prefix: str, page: str) -> None:
        self.clients, self.bucket, self.prefix, self.page = clients, bucket, prefix, page
        self.location = f"s3://{bucket}/{prefix}"

    def listed(self, folder: str) -> dict[str, Listed]:
        """The objects below a prefix."""
        s3, found = self.clients.client("s3"), {}
        start = self.prefix + folder
        with calling("s3:ListBucket", f"s3://{self.bucket}/{start}", self.page):
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=start)
            for page in pages:
                for one in page.get("Contents", []):
                    path = str(one["Key"]).removeprefix(self.prefix)
                    found[path] = Listed(str(one["ETag"]), int(one["Size"]))
        return found

    def read(self, path: str) -> Fetched:
        """An object, whole."""
        body, answer = self.fetch(path)
        return Fetched(body, len(body), *tags_of(answer))

    def read_end(self, path: str, size: int, etag: str = "") -> Fetched:
        """The last bytes of an object."""
        options = {"IfMatch": etag} if etag else {}
        body, answer = self.fetch(path, Range=f"bytes=-{size}", **options)
        whole = int(str(answer.get("ContentRange", f"/{len(body)}")).rpartition("/")[2])
        return Fetched(body, whole, *tags_of(answer))

    def fetch(self, path: str, **options: str) -> tuple[bytes, dict[str, Any]]:
        """An object's bytes, or a range of them, and what S3 says about it."""
        s3, on = self.clients.client("s3"), self.location + path

        def get() -> tuple[bytes, dict[str, Any]]:
            answer = s3.get_object(Bucket=self.bucket, Key=self.prefix + path, **options)
            return answer["Body"].read(), answer

        try:
            return read_again(get)
        except FAILURES as error:
            if error_code(error) == "PreconditionFailed":
                raise changed_refusal([path], self.location) from None
            if error_code(error) == "InvalidRange":  # it has no bytes at all
                raise unreadable(on, 0, "the object is empty") from None
            raise call_refusal(error, "s3:GetObject", on, self.page) from None


def tags_of(answer: dict[str, Any]) -> tuple[str, str]:
    """An object's ETag and version id, blank where none is kept."""
    return str(answer["ETag"]), str(answer.get("VersionId") or "")


def read_again(get: Callable[[], Answer]) -> Answer:
    """Do a reading again when its bytes stopped coming, which botocore does not repeat by itself."""
    for _ in range(READINGS - 1):
        try:
            return get()
        except (BotoCoreError, ResponseParserError):
            continue
    return get()


class FolderStore:
    """Files in a folder of this machine, such as a mounted share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.location = f"{folder}/"

    def listed(self, folder: str) -> dict[str, Listed]:
        """The files below a folder."""
        above = self.folder / folder
        found = {}
        for one in sorted(above.rglob("*")) if above.is_dir() else []:
            if one.is_file():
                tag, size = file_tag(one.stat())
                found[one.relative_to(self.folder).as_posix()] = Listed(tag, size)
        return found

    def read(self, path: str) -> Fetched:
        """A file, whole."""
        return self.read_end(path, 0)

    def read_end(self, path: str, size: int, etag: str = "") -> Fetched:
        """The last bytes of a file; all of them for a size of 0."""
        file = self.folder / path
        try:
            with file.open("rb") as opened:
                tag, whole = file_tag(os.fstat(opened.fileno()))
                opened.seek(max(0, whole - size) if size else 0)
                content = opened.read()
        except OSError as error:
            raise unreadable(str(file), 0, error.strerror or str(error)) from None
        if etag and tag != etag:
            raise changed_refusal([path], self.location)
        if not content:
            raise unreadable(str(file), 0, "the file is empty")
        return Fetched(content, whole, tag)


def file_tag(state: os.stat_result) -> tuple[str, int]:
    """What tells a file from one that was written later, and its size in bytes."""
    return f"{state.st_mtime_ns}-{state.st_size}", state.st_size


def unreadable(address: str, size: int, why: str) -> Exception:
    """A data file without a footer (exit 6)."""
    return unreachable(
        f"a data file cannot be read as {FORM}", "a whole file, as AWS delivered it", why,
        [address, f"{size} bytes"], ["have AWS deliver the period again"],
    )  # fmt: skip
