"""The writer of the access log: when an entry's call returns, the entry is on the disk.

In: who did what, from as many threads as serve. Out: lines of a segment (chargeback/books/access_log.py), each
flushed to the disk before its answer is sent. All that wait share one flush, so that many viewers cost no more
than few. A log that cannot be written serves nothing: `record` refuses, and the portal answers 503.

One portal writes the log of books that lie in a folder; a second one is refused by a lock, which ends with its
process. For books in S3 the segment is kept on this disk and put there when it is full, every few minutes, and
when the portal stops; what could not be put is put by the next one that starts here.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chargeback.books.access_log import (
    BEGAN,
    LEFT,
    LINES,
    NOT_HERE,
    ROOM,
    STOPPED,
    AccessEntry,
    access_room,
    beginning,
    broken,
    claim_name,
    left_part,
    read_segment,
    segment_name,
    segments_in,
    tail_note,
)
from chargeback.books.delivery_room import FolderRoom
from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal
from chargeback.core.progress import Progress
from chargeback.core.text import plain
from chargeback.portal.access_lock import hold, unwritable

#: A segment is full with so many bytes: ten or twenty thousand lines.
FULL_BYTES = 4 << 20

#: Seconds after which a segment is put into S3, full or not.
PUT_SECONDS = 300.0

PORTAL = "the portal"

#: Characters of who, what and subject; what a browser asks for can be long.
MOST = 300


@dataclass(frozen=True)
class Said:
    """An entry before it has its place."""

    at: str
    by: str
    action: str
    subject: str
    details: dict[str, Any]


@dataclass
class Batch:
    """Entries that are written together.

    Args:
        is_done: whether it was tried.
        refusal: why they could not be written.
    """

    entries: list[Said] = field(default_factory=list)
    is_done: bool = False
    refusal: Refusal | None = None


class AccessLog:
    """Appends to the access log of a set of books (`Records` of chargeback/portal/person.py).

    Args:
        books_id: of the books (chargeback/books/history.py); blank where their closes kept no history.
        say: is told what an earlier portal has left.
        full: bytes after which a new segment is begun.

    Raises:
        Refusal: (exit 6) another portal writes it, or it cannot be written; (exit 4) the last segment is not
            as it was written.
    """

    def __init__(
        self, books: Books, books_id: str, say: Progress = lambda _: None, full: int = FULL_BYTES
    ) -> None:
        self.room, self.books_id, self.full = access_room(books), books_id, full
        self.local = FolderRoom(books.root / ROOM)
        self.in_s3 = bool(books.shelf)
        self._batch, self._gather, self._disk = Batch(), threading.Lock(), threading.Lock()
        self._ended: Refusal | None = None
        self.number = self._written = self._lines = 0
        self._head, self._descriptor = "", -1
        self._stop = threading.Event()
        try:
            self._held = hold(self.local.folder / "log")
            self._put_left()
            self._begin(*self._claim(*self._last(say)))
        except OSError as error:
            raise unwritable(self.local.folder, error) from None
        if self.in_s3:
            threading.Thread(target=self._keep_putting, daemon=True).start()

    @property
    def head(self) -> str:
        """The sha256 of the last line that is on the disk."""
        return self._head

    def record(
        self, by: str, action: str, subject: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        """Write one entry; when it returns, the entry is on the disk.

        It waits for the disk, so a coroutine calls it in a thread.

        Raises:
            Refusal: (exit 6) it could not be written; nothing is to be served for it.
        """
        said = Said(now(), short(by), short(action), short(subject), kept_details(details or {}))
        with self._gather:
            batch = self._batch
            batch.entries.append(said)
        with self._disk:
            if not batch.is_done:  # else whoever had the disk before has written it
                self._write(batch)
        if batch.refusal:
            raise batch.refusal

    def close(self) -> str:
        """Write that the portal stops, put what is to be put, and let another one write; the head.

        Raises:
            Refusal: (exit 6) it could not be written or put; then it lies on this disk.
        """
        self._stop.set()
        try:
            self.record(PORTAL, STOPPED, f"{self.number:06d}")
            with self._disk:
                self._ended = unwritable(self.local.folder, OSError(errno.EBADF, "it is closed"))
                self._put(self.number)
        finally:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._held.close()
        return self._head

    def _write(self, batch: Batch) -> None:
        """Have a batch on the disk, or say in it why it is not; the disk is this thread's."""
        with self._gather:
            self._batch = Batch()
        place = self.local.path(segment_name(self.number))
        batch.is_done, batch.refusal = True, unwritable(place, OSError(errno.EIO, "it was stopped"))
        try:
            if self._ended:
                raise self._ended
            if self._written >= self.full and not self.in_s3:
                self._begin(self.number + 1, self._head, {})
            self._append(batch)
            batch.refusal = None
        except Refusal as refusal:
            batch.refusal = refusal
        except OSError as error:
            batch.refusal = unwritable(place, error)
            self._set_right(error, batch.refusal)

    def _append(self, batch: Batch) -> None:
        """The lines of a batch, flushed together."""
        lines, head = [], self._head
        for number, one in enumerate(batch.entries, start=self._lines + 1):
            entry = AccessEntry(number, one.at, one.by, one.action, one.subject, head, one.details)
            line = entry.line()
            head = hashlib.sha256(line).hexdigest()
            lines.append(line + b"\n")
        content = b"".join(lines)
        found = os.fstat(self._descriptor)
        if found.st_nlink == 0 or found.st_size != self._written:
            raise OSError(errno.ESTALE, "somebody else has changed or removed the segment")
        write_all(self._descriptor, content)
        try:
            sync_data(self._descriptor)
        except OSError as error:
            # What the system could not flush once it may forget, and say later that all is well.
            self._ended = unwritable(self.local.path(segment_name(self.number)), error)
            raise
        self._head, self._lines = head, self._lines + len(lines)
        self._written += len(content)

    def _set_right(self, error: OSError, refusal: Refusal) -> None:
        """Take back part of what could not be written; where that is not possible nothing more is written."""
        try:
            if error.errno == errno.ESTALE:
                raise error
            os.ftruncate(self._descriptor, self._written)
            sync_data(self._descriptor)
        except OSError:
            self._ended = refusal

    def _last(self, say: Progress) -> tuple[int, str, dict[str, Any]]:
        """The number of the next segment, what it is chained to, and what it says of the one before."""
        there = segments_in(self.room)
        for number, endings in segments_in(self.local).items():
            there.setdefault(number, set()).update(endings)
        if not there:
            return 1, beginning(self.books_id), {}
        last = max(there)
        if LINES in there[last]:
            name = segment_name(last)
            content = self.local.read(name) or self.room.read(name) or b""
            found = read_segment(self.room.place, last, content)
            if not found.tail:
                return last + 1, found.head, {}
            say(f"access log: {tail_note(last, found.tail)}")
            return last + 1, found.head, {LEFT: left_part(found.tail)}
        claim = self.room.read(claim_name(last)) or b""
        say(
            f"access log: segment {last:06d} is not here: another portal writes it, or its machine is lost"
        )
        return last + 1, hashlib.sha256(claim).hexdigest(), {NOT_HERE: f"{last:06d}"}

    def _begin(self, number: int, head: str, details: dict[str, Any]) -> None:
        """Begin a segment: its first line is there before it has a name."""
        said = {"process": os.getpid(), "machine": socket.gethostname(), **details}
        line = AccessEntry(1, now(), PORTAL, BEGAN, f"{number:06d}", head, said).line()
        if not self.local.put(segment_name(number), line + b"\n"):
            raise broken(
                f"{self.local.place}/{segment_name(number)}", "no such segment", "one that is there"
            )
        path = self.local.path(segment_name(number))
        opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = opened
        self.number, self._written = number, len(line) + 1
        self._lines, self._head = 1, hashlib.sha256(line).hexdigest()

    def _claim(
        self, number: int, head: str, details: dict[str, Any]
    ) -> tuple[int, str, dict[str, Any]]:
        """Say in S3 that a segment is begun; where another portal was first, the next one after its own."""
        while self.in_s3:
            said = {"at": now(), "by": f"{socket.gethostname()} {os.getpid()}"}
            claim = json.dumps(said, sort_keys=True).encode() + b"\n"
            if self.room.put(claim_name(number), claim):
                break
            other = self.room.read(claim_name(number)) or b""
            head, details = hashlib.sha256(other).hexdigest(), {NOT_HERE: f"{number:06d}"}
            number += 1
        return number, head, details

    def _keep_putting(self) -> None:
        """Put segments into S3 while the portal runs; what does not work now is put later."""
        while not self._stop.wait(PUT_SECONDS):
            with contextlib.suppress(Refusal, OSError):
                self.put_now()

    def put_now(self) -> None:
        """Put the segment into S3 and go on in a new one, if anything was written in it."""
        done = self.number
        if self._lines == 1 or self._ended:
            return
        claimed, other, details = self._claim(
            done + 1, "", {}
        )  # S3 may be slow: nobody waits for it
        with self._disk:
            self._begin(claimed, other or self._head, details)
        self._put(done)

    def _put_left(self) -> None:
        """Put what an earlier portal has left on this disk."""
        for number, endings in segments_in(self.local).items():
            if LINES in endings:
                self._put(number)

    def _put(self, number: int) -> None:
        """Put a segment into S3, where it belongs there; then it is not needed here."""
        content = self.local.read(segment_name(number)) if self.in_s3 else None
        if content is None:
            return
        if not self.room.put(segment_name(number), content):
            raise broken(
                f"{self.room.place}{segment_name(number)}",
                "the segment of this machine",
                "another one",
            )
        self.local.path(segment_name(number)).unlink()


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of some bytes."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


#: Flushes a file's bytes and size, not its times, where the system can tell them apart.
sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


def kept_details(details: Mapping[str, Any]) -> dict[str, Any]:
    """Details as they are kept: texts are short.

    Raises:
        TypeError: something in them is no plain data.
    """
    kept = {one: short(it) if isinstance(it, str) else it for one, it in details.items()}
    json.dumps(kept, ensure_ascii=False).encode()
    return kept


def short(text: str) -> str:
    """A text on one line, none of them endless."""
    shown = plain(text)
    return shown if len(shown) <= MOST else f"{shown[:MOST]}…"


def now() -> str:
    """The time in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
