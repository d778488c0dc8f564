"""The delivery log: who did what with a closed period and when, each entry chained to the one before it.

    delivery/log/000001.json, 000002.json, …     an entry each, written once

An entry has its number, the time in UTC, who, what was done, the billing period and the subject that it was
done to, the files that it put into the delivery room with their sha256, whatever else there is to say, and the
sha256 of the entry before it; the first has that of the line "chargeback delivery <id of the books>". So no
entry can be changed, taken out of the middle or put in later, and the manifest of the next close holds the
head, so that the end cannot be cut off either.

What always holds: of one action on one subject of a period there is one entry. Whoever finds it there has
nothing to do; of two runs at once one writes it.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chargeback.books.delivery_room import Room
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.json_text import read_json
from chargeback.core.text import plain

FOLDER = "log/"
READS_AT_ONCE = 8

#: What entries say was done, in the order in which it is.
CLOSED, APPROVED, HANDED_OUT, MAILED = "closed", "approved", "handed out", "mailed"
EXPORTED, BOOKED, REFRESHED = "exported", "booked", "refreshed"
ACKNOWLEDGED, DISPUTED, ANSWERED, DECIDED = "acknowledged", "disputed", "answered", "decided"
ACTIONS = (
    CLOSED, APPROVED, HANDED_OUT, MAILED, EXPORTED, BOOKED, REFRESHED,
    ACKNOWLEDGED, DISPUTED, ANSWERED, DECIDED,
)  # fmt: skip

_NAME = re.compile(r"log/([0-9]{6})\.json")


@dataclass(frozen=True)
class Entry:
    """One thing that was done.

    Args:
        at: when, in UTC, to the second, as 2026-06-03T09:30:00Z.
        by: who, as they are known where it was done.
        subject: what it was done to, such as a business unit; blank for the period as a whole.
        files: what was put into the delivery room by it, with the sha256 of each.
        details: what else there is to say; plain data, never a secret.
    """

    number: int
    at: str
    by: str
    action: str
    billing_period: str
    subject: str
    previous_sha256: str
    files: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def content(self) -> bytes:
        """The bytes of the entry: JSON with sorted keys."""
        return (
            json.dumps(vars(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        ).encode()

    @property
    def sha256(self) -> str:
        """Of its bytes, which the next entry has."""
        return hashlib.sha256(self.content()).hexdigest()

    @property
    def key(self) -> tuple[str, str, str]:
        """What there is one entry of."""
        return self.action, self.billing_period, self.subject


@dataclass(frozen=True)
class DeliveryLog:
    """The entries of a set of books in their order."""

    books_id: str
    entries: tuple[Entry, ...] = ()

    @property
    def head(self) -> str:
        """The sha256 of the last entry, or of the line that begins the log."""
        return self.entries[-1].sha256 if self.entries else beginning(self.books_id)

    def find(self, action: str, period: str, subject: str = "") -> Entry | None:
        """The entry of an action on a subject; None where it was not done."""
        wanted = (action, period, subject)
        return next((one for one in self.entries if one.key == wanted), None)

    def find_any(self, action: str, period: str) -> Entry | None:
        """The first entry of an action on whatever subject of a period."""
        return next(iter(self.of(period, action)), None)

    def of(self, period: str, action: str = "") -> list[Entry]:
        """The entries about a period, of one action or all."""
        return [
            one
            for one in self.entries
            if one.billing_period == period and action in ("", one.action)
        ]


def beginning(books_id: str) -> str:
    """What the first entry is chained to."""
    return hashlib.sha256(f"chargeback delivery {books_id}\n".encode()).hexdigest()


def entry_name(number: int) -> str:
    """The file of an entry, in the delivery room."""
    return f"{FOLDER}{number:06d}.json"


def actor(named: str = "") -> str:
    """Who acts: who was named with BY=, else whoever is logged in."""
    if named.strip():
        return plain(named.strip())
    try:
        return plain(getpass.getuser())
    except (OSError, KeyError):  # a user id without a name, as in a container
        return f"user {os.getuid()}"


def read_log(room: Room, books_id: str) -> DeliveryLog:
    """The log of a set of books, its chain looked at entry by entry.

    Args:
        books_id: of the books (chargeback/books/history.py); blank where their closes kept no history.

    Raises:
        Refusal: (exit 4) an entry is missing, is not what the next one says, or cannot be read.
    """
    names = [one for one in room.names(FOLDER) if _NAME.fullmatch(one)]
    with ThreadPoolExecutor(READS_AT_ONCE) as readers:
        contents = list(readers.map(room.read, names))
    entries: list[Entry] = []
    # The first entry may be older than the id: versions that kept no history gave none.
    expected = {beginning(books_id), beginning("")}
    for number, (name, content) in enumerate(zip(names, contents, strict=True), start=1):
        if name != entry_name(number):
            raise broken(room, entry_name(number), "this entry", "none, and later ones")
        entry = read_entry(room, name, content or b"")
        if entry.number != number or entry.previous_sha256 not in expected:
            raise broken(
                room, name, f"entry {number} after {' or '.join(sorted(expected))}",
                f"entry {entry.number} after {entry.previous_sha256}",
            )  # fmt: skip
        expected = {entry.sha256}
        entries.append(entry)
    return DeliveryLog(books_id, tuple(entries))


def read_entry(room: Room, name: str, content: bytes) -> Entry:
    """An entry of these bytes and no others (exit 4)."""
    try:
        found = read_json(content)
        entry = Entry(**found)
        texts = (entry.at, entry.by, entry.action, entry.billing_period, entry.subject)
        whole = (
            all(isinstance(one, str) for one in (*texts, entry.previous_sha256))
            and all(isinstance(one, str) for pair in entry.files.items() for one in pair)
            and isinstance(entry.details, dict)
            and entry.content() == content
        )
    except (ValueError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise broken(room, name, "an entry as it is written", "something else")
    return entry


def record(
    room: Room,
    books_id: str,
    action: str,
    period: str,
    subject: str = "",
    by: str = "",
    files: Mapping[str, str] | None = None,
    details: Mapping[str, Any] | None = None,
    once: bool = False,
) -> tuple[Entry, bool]:
    """Write that something was done, unless that is written already; the entry, and whether it is new.

    Whatever the entry names must be there before it is written: the entry is what makes it count.

    Args:
        once: there is one entry of this action on the period, whatever its subject.

    Raises:
        Refusal: (exit 4) the log is not whole; (exit 6) it cannot be written.
    """
    while True:
        log = read_log(room, books_id)
        known = log.find_any(action, period) if once else log.find(action, period, subject)
        if known:
            return known, False
        entry = Entry(
            len(log.entries) + 1, now(), actor(by), action, period, subject, log.head,
            dict(files or {}), dict(details or {}),
        )  # fmt: skip
        if room.put(entry_name(entry.number), entry.content()):
            return entry, True


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def put_files(room: Room, contents: Mapping[str, bytes]) -> dict[str, str]:
    """Put files into the room and return the sha256 of each by its name.

    Raises:
        Refusal: (exit 4) another one is there under one of the names.
    """
    for name, content in contents.items():
        if not room.put(name, content):
            raise Refusal(
                CONTROL_FAILED, "the delivery room has another file of this name",
                "a file that is written once, and the same ever after", "another one", "",
                [f"{room.place}/{name}"],
                ["no entry of the log names it: see who put it there, move it away, and run it again"],
            )  # fmt: skip
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def named_files(entries: Iterable[Entry]) -> dict[str, str]:
    """The sha256 of every file that entries put into the room, by name."""
    return {name: sha256 for one in entries for name, sha256 in one.files.items()}


def broken(room: Room, name: str, expected: str, found: str) -> Refusal:
    """That the log is not as it was written (exit 4)."""
    return Refusal(
        CONTROL_FAILED, "the delivery log is not as it was written", expected, found, "",
        [f"{room.place}/{name}"],
        ["nothing is handed out or booked by a log that was changed: restore it from your backup",
         "make verify names everything that is not as it was"],
    )  # fmt: skip
