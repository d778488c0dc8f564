"""The access log of the portal: who signed in, opened, was refused and answered, each line chained to the one
before it.

    portal/log/000001.jsonl      a segment: what a portal wrote, from its start or from when the last was full
    portal/log/000001.begun      in S3: that a segment was begun, which is put there when it is full

A line is JSON: its number in the segment, the time in UTC, who, what, the subject that it was done to, whatever
else there is to say, and the sha256 of the line before; the first line of a segment has that of the last line
of the segment before, and the very first that of the line "chargeback access <id of the books>". So no line can
be changed, taken out of the middle or put in later. A portal that was killed leaves part of a line, which
counts for nothing: the next segment says so, with the sha256 of that part.

Known drawbacks: what is cut off at the end is found only by whoever has kept a head, which the portal prints
when it stops, and verify whenever it looks. For books in S3 the lines of a machine that is lost before it has
put its segment are gone; that there was one is known.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chargeback.books.delivery_room import BucketRoom, FolderRoom, Room
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.json_text import read_json

ROOM, FOLDER = "portal", "log/"
LINES, CLAIM = ".jsonl", ".begun"

#: What the first line of a segment says was done, and the last of one that ended well; the others are people's.
BEGAN, STOPPED = "began", "stopped"

#: In the details of a first line: part of a line that the segment before ends in; that this one was not there.
LEFT, NOT_HERE = "left", "not_here"

_NAME = re.compile(r"log/([0-9]{6,})(\.jsonl|\.begun)")


@dataclass(frozen=True)
class AccessEntry:
    """One thing that somebody did, or tried to.

    Args:
        number: of the line in its segment, from 1.
        at: when, in UTC, to the millisecond.
        by: who: the provider's id and name of a person, "nobody" before sign-in, or the portal.
        subject: what was opened or answered, such as "statement/2026-05/claims/pdf".
    """

    number: int
    at: str
    by: str
    action: str
    subject: str
    previous_sha256: str
    details: dict[str, Any] = field(default_factory=dict)

    def line(self) -> bytes:
        """The bytes of the line: JSON with sorted keys, without its end."""
        return json.dumps(
            vars(self), sort_keys=True, ensure_ascii=False, separators=(",", ":")
        ).encode()


@dataclass(frozen=True)
class WholeLog:
    """What there is to say of a log that is whole.

    Args:
        entries: how many lines, those of the portal itself left out.
        head: the sha256 of the last line, or of the line that begins the log.
        notes: what a reader should know, though all that is there is as it was written.
    """

    segments: int
    entries: int
    head: str
    last_at: str = ""
    notes: tuple[str, ...] = ()


def access_room(books: Books) -> Room:
    """Where the segments of books in a folder or in S3 lie."""
    if books.shelf:
        from chargeback.books.shelf import S3Shelf

        assert isinstance(books.shelf, S3Shelf)
        return BucketRoom(books.shelf.bucket, ROOM)
    return FolderRoom(books.root / ROOM)


def beginning(books_id: str) -> str:
    """What the first line is chained to."""
    return hashlib.sha256(f"chargeback access {books_id}\n".encode()).hexdigest()


def segment_name(number: int) -> str:
    """The file of a segment, in the portal's room."""
    return f"{FOLDER}{number:06d}{LINES}"


def claim_name(number: int) -> str:
    """The file that says that a segment was begun."""
    return f"{FOLDER}{number:06d}{CLAIM}"


def segments_in(room: Room) -> dict[int, set[str]]:
    """The numbers of the segments that there are, or were begun, each with the endings of its files."""
    found: dict[int, set[str]] = {}
    for one in map(_NAME.fullmatch, room.names(FOLDER)):
        if one:
            found.setdefault(int(one[1]), set()).add(one[2])
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class Segment:
    """A segment as it was read.

    Args:
        head: the sha256 of its last whole line.
        tail: what lies behind its last whole line.
    """

    first: AccessEntry
    lines: int
    head: str
    last_at: str
    tail: bytes


def read_segment(
    place: str, number: int, content: bytes, each: Callable[[AccessEntry], object] | None = None
) -> Segment:
    """A segment, its chain looked at line by line.

    Args:
        place: of the room, for people.
        each: is given every line.

    Raises:
        Refusal: (exit 4) a line is not what the one after it says, or cannot be read.
    """
    *lines, tail = content.split(b"\n")
    first, head, last_at = None, "", ""
    for at, line in enumerate(lines, start=1):
        entry = parse_line(line)
        where = f"{place}/{segment_name(number)} line {at}"
        if entry is None:
            raise broken(where, "a line as the portal writes it", "something else")
        if entry.number != at or (first is None) != (entry.action == BEGAN):
            raise broken(where, f"line {at} of segment {number}", f"line {entry.number}")
        if first and entry.previous_sha256 != head:
            raise broken(where, f"a line after {head}", f"one after {entry.previous_sha256}")
        first = first or entry
        head, last_at = hashlib.sha256(line).hexdigest(), entry.at
        if each:
            each(entry)
    if first is None or first.subject != f"{number:06d}":
        raise broken(f"{place}/{segment_name(number)}", f"segment {number}", "another, or none")
    return Segment(first, len(lines), head, last_at, tail)


def parse_line(line: bytes) -> AccessEntry | None:
    """A line; None where it is none that a portal writes, byte for byte."""
    try:
        entry = AccessEntry(**read_json(line))
        texts = (entry.at, entry.by, entry.action, entry.subject, entry.previous_sha256)
        whole = (
            type(entry.number) is int
            and all(isinstance(one, str) for one in texts)
            and isinstance(entry.details, dict)
            and entry.line() == line
        )
    except (ValueError, TypeError, AttributeError):
        return None
    return entry if whole else None


def read_access_log(
    room: Room, books_id: str, each: Callable[[AccessEntry], object] | None = None
) -> WholeLog:
    """The whole log, segment by segment; it may be longer than memory.

    Args:
        books_id: of the books; blank where their closes kept no history.

    Raises:
        Refusal: (exit 4) a segment is missing, or a line is not what the next one says.
    """
    there = segments_in(room)
    heads, tail = {beginning(books_id), beginning("")}, b""
    entries, segments, last_at, head = 0, 0, "", beginning(books_id)
    notes: list[str] = []
    for number in range(1, max(there, default=0) + 1):
        content = room.read(segment_name(number)) if LINES in there.get(number, ()) else None
        claim = room.read(claim_name(number)) if CLAIM in there.get(number, ()) else None
        where = f"{room.place}/{segment_name(number)}"
        if content is None:
            if claim is None:
                raise broken(where, "this segment", "none, and later ones")
            heads, tail = {hashlib.sha256(claim).hexdigest()}, b""
            notes.append(f"segment {number:06d} was begun and is not here: {claimed(claim)}")
            head = next(iter(heads))
            continue
        one = read_segment(room.place, number, content, each)
        check_follows(where, one.first, heads, tail)
        heads, tail, head = {one.head}, one.tail, one.head
        if claim is not None:
            heads.add(hashlib.sha256(claim).hexdigest())
        if NOT_HERE in one.first.details:
            notes.append(f"segment {number:06d} was begun before the one before it was kept")
        segments, entries, last_at = segments + 1, entries + one.lines - 1, one.last_at
        if one.tail:
            notes.append(tail_note(number, one.tail))
    return WholeLog(segments, entries, head, last_at, tuple(notes))


def check_follows(where: str, first: AccessEntry, heads: set[str], tail: bytes) -> None:
    """Stop where a segment does not follow the one before it as that one ends (exit 4)."""
    if first.previous_sha256 not in heads:
        raise broken(
            f"{where} line 1", f"a segment after {' or '.join(sorted(heads))}",
            f"one after {first.previous_sha256}",
        )  # fmt: skip
    said = first.details.get(LEFT, left_part(b""))
    if said != left_part(tail) and NOT_HERE not in first.details:
        raise broken(
            f"{where} line 1", f"a segment before it that ends in {said}", str(left_part(tail))
        )


def left_part(tail: bytes) -> dict[str, Any]:
    """What a first line says of the part of a line that the segment before it ends in."""
    return {"bytes": len(tail), "sha256": hashlib.sha256(tail).hexdigest()}


def tail_note(number: int, tail: bytes) -> str:
    """That a segment ends in part of a line."""
    return (
        f"segment {number:06d} ends in {len(tail)} bytes of a line: of a portal that was killed, or that is "
        "writing now; nothing had been served for it"
    )


def claimed(claim: bytes) -> str:
    """Who began a segment, for people."""
    try:
        said = read_json(claim)
        return f"by {said['by']} on {said['at']}"
    except (ValueError, KeyError, TypeError):
        return "by somebody"


def latest_entries(books: Books, most: int, before: str = "") -> Iterator[tuple[str, AccessEntry]]:
    """The newest entries with the id of each, such as "000003:17"; the newest first.

    Lines that cannot be read are left out: whether the log is whole is verify's question.

    Args:
        books: whose log; of those in S3, what lies on this disk still is read too.
        before: an id; only entries before it are given.
    """
    rooms = [FolderRoom(books.root / ROOM), *([access_room(books)] if books.shelf else [])]
    there = {
        number: room
        for room in reversed(rooms)
        for number, endings in segments_in(room).items()
        if LINES in endings
    }
    found = _ID.fullmatch(before)
    last, line = (int(found[1]), int(found[2])) if found else (max(there, default=0), 0)
    for number in sorted((one for one in there if one <= last), reverse=True):
        *lines, _ = (there[number].read(segment_name(number)) or b"").split(b"\n")
        if found and number == last:
            lines = lines[: line - 1]
        for place in range(len(lines), 0, -1):
            entry = parse_line(lines[place - 1])
            if entry:
                if most <= 0:
                    return
                most -= 1
                yield f"{number:06d}:{place}", entry


_ID = re.compile(r"([0-9]{6,12}):([1-9][0-9]{0,11})")


def broken(where: str, expected: str, found: str) -> Refusal:
    """That the access log is not as it was written (exit 4)."""
    return Refusal(
        CONTROL_FAILED, "the access log is not as it was written", expected, found, "", [where],
        ["find out who changed it, and restore it from your backup",
         "a portal goes on only from a segment that is whole: with the folder moved away it begins a new log"],
    )  # fmt: skip
