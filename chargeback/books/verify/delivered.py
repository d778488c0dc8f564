"""What was delivered: the log with what it names, its approvals, and what later manifests say of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from chargeback.books.delivery_log import (
    APPROVED,
    CLOSED,
    FOLDER,
    READS_AT_ONCE,
    DeliveryLog,
    Entry,
    named_files,
    read_log,
)
from chargeback.books.delivery_room import ROOM, Room, delivery_room
from chargeback.books.history import SHOWN_DIGITS, History
from chargeback.books.manifest import MANIFEST
from chargeback.books.verify.findings import HOLDS, Finding, VerifiedPeriod, counted
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.json_text import read_json
from chargeback.signing.cms import BrokenSignature, check_detached

#: What runs leave there that the log does not name: who set out to do what.
CLAIMS = "claims/"


def delivered(
    books: Books, history: History, found: Sequence[VerifiedPeriod]
) -> tuple[list[Finding], list[str]]:
    """What is not as it was delivered, and what to say of it.

    Args:
        found: the closed periods as they were looked at.
    """
    room = delivery_room(books)
    try:
        log = read_log(room, history.books_id)
    except Refusal as refusal:
        if refusal.exit_code != CONTROL_FAILED:
            raise
        where = refusal.where[0].removeprefix(room.place).strip("/")
        return [Finding("", f"{ROOM}/{where}", refusal.expected, refusal.found)], []
    findings = [
        *_changed_files(room, log),
        *_cut_off(log, found),
        *(one for period in found for one in _unapproved(room, log, period)),
    ]
    return findings, [] if findings else list(_lines(room, log))


def _changed_files(room: Room, log: DeliveryLog) -> Iterator[Finding]:
    """The files that the log names and that are not there as they were put there."""
    named = named_files(log.entries)
    periods = {name: one.billing_period for one in log.entries for name in one.files}
    with ThreadPoolExecutor(READS_AT_ONCE) as readers:
        for (name, sha256), content in zip(
            named.items(), readers.map(room.read, named), strict=True
        ):
            there = hashlib.sha256(content).hexdigest() if content is not None else ""
            if there != sha256:
                yield Finding(periods[name], f"{ROOM}/{name}", sha256, there)


def _cut_off(log: DeliveryLog, found: Sequence[VerifiedPeriod]) -> Iterator[Finding]:
    """Where a manifest knew entries that are not there, or others."""
    for one in found:
        history = one.manifest.get("history")
        part = history.get("delivery") if isinstance(history, dict) else None
        if part is None:
            continue
        known = part if isinstance(part, dict) else {}
        count, head = known.get("entries"), known.get("head", "")
        there = (
            log.entries[count - 1].sha256
            if isinstance(count, int) and 0 < count <= len(log.entries)
            else f"a log of {len(log.entries)} entries"
        )
        if there != head:
            yield Finding(
                one.period, f"{ROOM}/{FOLDER.strip('/')}",
                f"{count} entries with the head {head}, as the {MANIFEST} of {one.period} says", there,
            )  # fmt: skip


def _unapproved(room: Room, log: DeliveryLog, period: VerifiedPeriod) -> Iterator[Finding]:
    """What was done with a period that was not approved, or whose approval does not hold."""
    closed, approved = log.find(CLOSED, period.period), log.find(APPROVED, period.period)
    if approved:
        yield from _broken_approval(room, approved, period)
    if not closed or not closed.details.get("prepared"):
        return
    for one in log.of(period.period):
        if one.action not in (CLOSED, APPROVED) and (not approved or one.number < approved.number):
            yield Finding(
                period.period, f"{ROOM}/{FOLDER}{one.number:06d}.json", "an approval before it",
                f"{one.action} before anybody had approved the period",
            )  # fmt: skip


def _broken_approval(room: Room, entry: Entry, period: VerifiedPeriod) -> Iterator[Finding]:
    """Why an approval does not hold: its signature, its certificate, the period, or who closed it."""
    names = sorted(entry.files)
    path = f"{ROOM}/{names[0]}" if names else f"{ROOM}/{FOLDER}{entry.number:06d}.json"
    contents = [room.read(name) for name in names]
    if len(names) != 2 or not all(contents):
        yield Finding(period.period, path, "an approval and its signature", "")
        return
    content, signature = (one or b"" for one in contents)
    try:
        checked = check_detached(signature)
        said = read_json(content)
        own = hashlib.sha256(checked.certificates[0]).hexdigest()
        is_of = checked.content_sha256 == hashlib.sha256(content).hexdigest()
        holds = is_of and own == said["certificate_sha256"] == entry.details["certificate_sha256"]
    except (BrokenSignature, ValueError, LookupError, TypeError):
        holds = False
    if not holds:
        yield Finding(period.period, path, HOLDS, "one that does not")
        return
    manifest = hashlib.sha256((period.books.ledger(period.period) / MANIFEST).read_bytes())
    if said["manifest_sha256"] != manifest.hexdigest():
        yield Finding(period.period, path, "an approval of this period as it was closed", "another")
    if period.signature and checked.certificates[0] == period.signature.certificates[0]:
        yield Finding(
            period.period, path, "a signature of a second person", "that of the key that closed it"
        )


def _lines(room: Room, log: DeliveryLog) -> Iterator[str]:
    """The log in a line, who approved what, and what lies in the room that no entry names."""
    if log.entries:
        yield (
            f"delivery log, {len(log.entries)} entries, head {log.head[:SHOWN_DIGITS]}: whole, and every "
            "file that it names as it was put there"
        )
    waiting = [
        one.billing_period
        for one in log.entries
        if one.action == CLOSED
        and one.details.get("prepared")
        and not log.find(APPROVED, one.billing_period)
    ]
    for one in log.entries:
        if one.action == APPROVED:
            yield f"{one.billing_period} was approved on {one.at[:10]} by {one.by}"
    if waiting:
        yield f"NOTE  prepared, and not approved by anybody yet: {', '.join(waiting)}"
    named = named_files(log.entries)
    left = [
        name
        for name in room.names()
        if name not in named and not name.startswith(FOLDER) and f"/{CLAIMS}" not in name
    ]
    if left:
        yield (
            f"NOTE  {counted(len(left), 'file')} in the delivery room that no entry names, such as {left[0]}: "
            "of a run that was stopped; they count for nothing"
        )
