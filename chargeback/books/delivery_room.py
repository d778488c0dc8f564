"""The delivery room: where books keep what was handed out, booked and answered, each file written once.

    BOOKS/delivery/log/000001.json                 the log (chargeback/books/delivery_log.py)
    BOOKS/delivery/billing_period=2026-05/…        what the log names

Files appear whole or not at all and are never replaced, in a folder as in S3. So of two runs at once one puts
a file first, and the other learns that it did not. Nothing here is part of a closed period, and no close reads
it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from chargeback.books.names import is_confined
from chargeback.core.books_folders import Books
from chargeback.core.errors import unreachable
from chargeback.core.files import bytes_of, from_disk, on_disk, sync

if TYPE_CHECKING:
    from chargeback.aws.bucket import Bucket

ROOM = "delivery"


class Room(Protocol):
    """Files by name, such as "log/000001.json"."""

    @property
    def place(self) -> str:
        """Where it is, for people."""

    def names(self, under: str = "") -> list[str]:
        """The names of files that begin with a text; sorted."""

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where there is none."""

    def put(self, name: str, content: bytes) -> bool:
        """Put a file for good; False when another one is there, True also when it was there before.

        Raises:
            Refusal: (exit 6) it could not be put.
        """


def delivery_room(books: Books) -> Room:
    """The room of books in a folder or in S3."""
    if books.shelf:
        from chargeback.books.shelf import S3Shelf

        assert isinstance(books.shelf, S3Shelf)
        return BucketRoom(books.shelf.bucket)
    return FolderRoom(books.root / ROOM)


def period_name(period: str, name: str) -> str:
    """The name of a file about a period."""
    return f"billing_period={period}/{name}"


class FolderRoom:
    """A room that is a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def place(self) -> str:
        """The folder."""
        return str(self.folder)

    def names(self, under: str = "") -> list[str]:
        """As the protocol says; what a killed run has begun is not among them."""
        found = (
            from_disk(path.relative_to(self.folder).as_posix())
            for path in self.folder.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        )
        return sorted(name for name in found if name.startswith(under))

    def read(self, name: str) -> bytes | None:
        """As the protocol says."""
        try:
            return bytes_of(self.path(name))
        except FileNotFoundError:
            return None

    def put(self, name: str, content: bytes) -> bool:
        """As the protocol says: a link of a file that is whole and on the disk, which fails where one is."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = path.with_name(f".{secrets.token_hex(6)}.begun")
        try:
            with begun.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.link(begun, path)
        except FileExistsError:
            return self.read(name) == content
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
                raise
            raise unreachable(
                "the file system of the books cannot write a file exactly once", "hard links",
                f"{type(error).__name__}: {error.strerror}", [str(path)],
                ["keep the books on a local disk or on NFS, or in S3: BOOKS=s3://bucket/prefix"],
            ) from None  # fmt: skip
        finally:
            with contextlib.suppress(OSError):
                begun.unlink()
        sync(path.parent)
        return True

    def path(self, name: str) -> Path:
        """The file of a name."""
        if not is_confined(name):
            raise ValueError(f"{name!r} leads out of the room")
        return self.folder / on_disk(name)


class BucketRoom:
    """A room in the bucket of the books, under a prefix of its own."""

    def __init__(self, bucket: Bucket, prefix: str = ROOM) -> None:
        self.bucket, self.prefix = bucket, prefix

    @property
    def place(self) -> str:
        """The prefix."""
        return f"{self.bucket.place}{self.prefix}/"

    def names(self, under: str = "") -> list[str]:
        """As the protocol says."""
        found = self.bucket.keys(f"{self.prefix}/{under}")
        return [one.removeprefix(f"{self.prefix}/") for one in found]

    def read(self, name: str) -> bytes | None:
        """As the protocol says."""
        key = f"{self.prefix}/{name}"
        return self.bucket.get(key) if key in self.bucket.keys(key) else None

    def put(self, name: str, content: bytes) -> bool:
        """As the protocol says."""
        return self.bucket.put_bytes(f"{self.prefix}/{name}", content)
