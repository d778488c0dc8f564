"""The history of a set of books: an append-only log of its closes, which every manifest carries on.

    books      the id of these books, drawn at random by their first close; signed in every manifest
    history    signed in every manifest: `closes`, each earlier close of these books in the order of closing,
               with its number, billing period and the sha256 of its manifest; and the `head` over them

A head is one sha256 that stands for the books and all closes up to one, in their order:

    of no close      sha256 of the line "chargeback books <books>"
    after a close    sha256 of the line "<head before> <billing period> <sha256 of its manifest>"

A line is in ASCII and ends with a line feed; digests are written as 64 hexadecimal digits in lower case. So the
head after a close is known once its manifest is signed: the close and verify print it, and later manifests
hold it. What always holds: a close that is in a log cannot be taken out, replaced or moved without every later
manifest, and every head that somebody kept, being another.

Closes of a version that kept no log are taken in by the first close that does, in the order in which they
were signed; where a clock was wrong, their links say more (`order_of_signing`). Closes that did not know of
each other, as those of different periods by two machines on books in S3, are both taken in by the next one.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chargeback.books.delivery_log import DeliveryLog
from chargeback.books.manifest import MANIFEST, MANIFEST_SIGNATURE, parse_manifest
from chargeback.core.books_folders import Books
from chargeback.core.files import bytes_of, sha256_of
from chargeback.core.period import PERIOD
from chargeback.signing.cms import BrokenSignature, check_detached

#: Hexadecimal digits of a head that are printed: 128 bits, which nobody can meet on purpose.
SHOWN_DIGITS = 32

_ID, _SHA256 = re.compile(r"[0-9a-f]{16}"), re.compile(r"[0-9a-f]{64}")
_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Close:
    """A close as a log has it."""

    billing_period: str
    manifest_sha256: str


@dataclass(frozen=True)
class Log:
    """What one manifest says of the closes before it."""

    books_id: str
    closes: tuple[Close, ...]


@dataclass(frozen=True)
class History:
    """The closes of a set of books in their order, as their manifests tell it together.

    Args:
        books_id: empty where no manifest has a log yet.
        closes: every close in order, those that no log names yet at the end.
        logs: what each manifest that has a log says, by its period.
        foreign: the same, of manifests that are of other books.
        unreadable: why the log of a manifest cannot be read, by its period.
        signed_at: by period; None where it is not known.
    """

    books_id: str = ""
    closes: tuple[Close, ...] = ()
    logs: Mapping[str, Log] = field(default_factory=dict)
    foreign: Mapping[str, Log] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    signed_at: Mapping[str, datetime | None] = field(default_factory=dict)

    @property
    def head(self) -> str:
        """The head after the last close."""
        return head_after(self.books_id, self.closes)

    @property
    def line(self) -> str:
        """The books, how many closes they have, and the head to keep; where they have one."""
        if not self.logs:
            return "no history of closes yet: the next close begins it"
        count = len(self.closes)
        return (
            f"books {self.books_id}, {count} close{'s' if count != 1 else ''}, "
            f"head {self.head[:SHOWN_DIGITS]}"
        )

    @property
    def logged_from(self) -> int:
        """The number of the first close whose manifest has a log; 0 where none has."""
        return min((self.place_of(one) for one in self.logs), default=0)

    def place_of(self, period: str) -> int:
        """The number of a period's close."""
        return [one.billing_period for one in self.closes].index(period) + 1

    def heads(self) -> dict[str, Close]:
        """Every head that a close of these books may have printed, with the close after which it was it."""
        found = {}
        head = head_after(self.books_id, ())
        for close in self.closes:
            head = next_head(head, close)
            found[head] = close
        known = {one.billing_period: one for one in self.closes}
        for period, log in self.logs.items():
            own = known[period]
            found.setdefault(next_head(head_after(log.books_id, log.closes), own), own)
        return found

    def closed_before(self, period: str) -> tuple[str, ...]:
        """The periods that were closed when one was, itself included."""
        log = self.logs.get(period)
        if log:
            return tuple(sorted({*(one.billing_period for one in log.closes), period}))
        places = [one.billing_period for one in self.closes]
        return tuple(sorted(places[: places.index(period) + 1])) if period in places else (period,)


def head_after(books_id: str, closes: tuple[Close, ...]) -> str:
    """The head after closes of a set of books.

    >>> head_after("0123456789abcdef", ())[:16]
    'a9f61a8250cd1b1c'
    """
    head = _sha256_of_line(f"chargeback books {books_id}")
    for close in closes:
        head = next_head(head, close)
    return head


def next_head(head: str, close: Close) -> str:
    """The head after one more close."""
    return _sha256_of_line(f"{head} {close.billing_period} {close.manifest_sha256}")


def _sha256_of_line(text: str) -> str:
    return hashlib.sha256(f"{text}\n".encode("ascii", "backslashreplace")).hexdigest()


def history_part(history: History, delivered: DeliveryLog | None = None) -> dict[str, Any]:
    """What the manifest of the next close says of the books, of their closes and of the delivery log so far."""
    books_id = history.books_id or secrets.token_hex(8)
    return {
        "books": books_id,
        "history": {
            "closes": [
                {
                    "number": number,
                    "billing_period": one.billing_period,
                    "manifest_sha256": one.manifest_sha256,
                }
                for number, one in enumerate(history.closes, start=1)
            ],
            "head": head_after(books_id, history.closes),
            **delivery_part(delivered),
        },
    }


def delivery_part(delivered: DeliveryLog | None) -> dict[str, Any]:
    """How far the delivery log is, where there is one: neither its end nor any entry can be taken away then."""
    if not delivered or not delivered.entries:
        return {}
    return {"delivery": {"entries": len(delivered.entries), "head": delivered.head}}


def log_of(manifest: Mapping[str, Any]) -> Log | None:
    """What a manifest says of the closes before it; None of a version that kept no log.

    Raises:
        ValueError: what it says is no log; says why.
    """
    if "history" not in manifest and "books" not in manifest:
        return None
    books_id, part = manifest.get("books"), manifest.get("history")
    if not isinstance(books_id, str) or not _ID.fullmatch(books_id):
        raise ValueError("no id of books")
    try:
        rows = [
            (one["number"], one["billing_period"], one["manifest_sha256"])
            for one in part["closes"]  # type: ignore[index]
        ]
        head = part["head"]  # type: ignore[index]
    except (TypeError, KeyError):
        raise ValueError("no list of closes") from None
    closes = tuple(Close(str(period), str(sha256)) for _, period, sha256 in rows)
    if [number for number, _, _ in rows] != list(range(1, len(rows) + 1)):
        raise ValueError("closes that are not numbered from 1 on")
    if any(not _SHA256.fullmatch(one.manifest_sha256) for one in closes):
        raise ValueError("a close without the sha256 of its manifest")
    if any(not PERIOD.fullmatch(one.billing_period) for one in closes):
        raise ValueError("a close of no billing period")
    periods = [one.billing_period for one in closes]
    if len({*periods, manifest.get("billing_period")}) != len(periods) + 1:
        raise ValueError("a period that is closed twice")
    if head != head_after(books_id, closes):
        raise ValueError("a head that is not of its closes")
    return Log(books_id, closes)


def read_history(books: Books) -> History:
    """The history as the closed periods of these books tell it; whether they agree is a question for verify.

    The longest log counts, with the close that wrote it; then come closes that it does not name.
    """
    manifests: dict[str, dict[str, Any]] = {}
    signed_at: dict[str, datetime | None] = {}
    for period in books.closed_periods():
        folder = books.ledger(period)
        try:
            manifests[period] = parse_manifest(bytes_of(folder / MANIFEST))
        except (OSError, ValueError):
            manifests[period] = {}
        try:
            signed_at[period] = check_detached(bytes_of(folder / MANIFEST_SIGNATURE)).signed_at
        except (OSError, BrokenSignature):
            signed_at[period] = None
    digests = {period: sha256_of(books.ledger(period) / MANIFEST) for period in manifests}
    return history_of(manifests, digests, signed_at)


def history_of(
    manifests: Mapping[str, Mapping[str, Any]],
    digests: Mapping[str, str],
    signed_at: Mapping[str, datetime | None],
) -> History:
    """The history that manifests tell together.

    Args:
        manifests, digests, signed_at: of each closed period; an empty manifest is one that cannot be read.
    """
    logs: dict[str, Log] = {}
    unreadable: dict[str, str] = {}
    for period, manifest in manifests.items():
        try:
            log = log_of(manifest)
        except ValueError as error:
            unreadable[period] = str(error)
            continue
        if log:
            logs[period] = log
    books_id = _books_of(logs)
    foreign = {one: log for one, log in logs.items() if log.books_id != books_id}
    logs = {one: log for one, log in logs.items() if log.books_id == books_id}
    closes: list[Close] = []
    if logs:
        newest = min(logs, key=lambda one: (-len(logs[one].closes), signed_at[one] or _LATEST, one))
        closes = [*logs[newest].closes, Close(newest, digests[newest])]
    named = {one.billing_period for one in closes}
    rest = [one for one in manifests if one not in named]
    late = sorted(
        (one for one in rest if one in logs),
        key=lambda one: (len(logs[one].closes), signed_at[one] or _LATEST, one),
    )
    without = {one: manifests[one] for one in rest if one not in logs and one not in foreign}
    closes += [Close(one, digests[one]) for one in (*late, *order_of_signing(without, signed_at))]
    return History(books_id, tuple(closes), logs, foreign, unreadable, dict(signed_at))


def _books_of(logs: Mapping[str, Log]) -> str:
    """The books that most manifests are of; of two, those with the longest log; empty without a log."""
    count = Counter(log.books_id for log in logs.values())
    longest = {log.books_id: len(log.closes) for log in sorted(logs.values(), key=_length)}
    return max(count, key=lambda one: (count[one], longest[one], one), default="")


def _length(log: Log) -> int:
    return len(log.closes)


def order_of_signing(
    manifests: Mapping[str, Mapping[str, Any]], signed_at: Mapping[str, datetime | None]
) -> list[str]:
    """Periods without a log in the order of their closes, as far as it can be told.

    The time of signing is what a clock said. The link of a manifest to the latest earlier period says more:
    that one was closed before, and every period between the two after. So each time the period that was
    signed first is taken, of those that no link holds back.
    """
    before = {period: _closed_earlier(period, manifests) for period in manifests}
    found: list[str] = []
    while len(found) < len(manifests):
        rest = [one for one in manifests if one not in found]
        free = [one for one in rest if not before[one] & set(rest)] or rest
        found.append(min(free, key=lambda one: (signed_at.get(one) or _LATEST, one)))
    return found


def _closed_earlier(period: str, manifests: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The periods of which links say that they were closed before a period."""
    links = {one: _linked(manifest) for one, manifest in manifests.items() if manifest}
    later = {one for one, link in links.items() if link < period < one}
    return (later | {links.get(period, "")}) - {"", period}


def _linked(manifest: Mapping[str, Any]) -> str:
    """The period that a manifest links to; empty where it links to none."""
    previous = manifest.get("previous")
    return str(previous.get("billing_period", "")) if isinstance(previous, dict) else ""
