"""The closes of a set of books: whether all manifests tell one history, and what to say of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from chargeback.books.history import SHOWN_DIGITS, Close, History
from chargeback.books.manifest import MANIFEST
from chargeback.books.verify.findings import Finding, VerifiedPeriod, minute
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params
from chargeback.core.files import sha256_of

#: Hexadecimal digits of a whole head.
HEAD_DIGITS = 64


def history_findings(books: Books, history: History) -> list[Finding]:
    """Where the manifests do not tell one history, and which closes of it are not there as they were.

    Each manifest's log must be the beginning of the whole one, of the same books; and each close must be
    there with the manifest that the log names.
    """
    found = {one: VerifiedPeriod(books, one) for one in books.closed_periods()}
    for period, reason in history.unreadable.items():
        found[period].add(_manifest(books, period), "a history of closes", reason)
    for period, log in history.foreign.items():
        found[period].add(
            _manifest(books, period),
            history.books_id,
            f"of the books {log.books_id}",
        )
    for period, log in history.logs.items():
        for number, (said, close) in enumerate(zip(log.closes, history.closes, strict=False), 1):
            if said != close:
                found[period].add(
                    _manifest(books, period), _as_told(number, close), _as_told(number, said)
                )
                break
    for close in history.closes:
        period = close.billing_period
        whole = found.setdefault(period, VerifiedPeriod(books, period))
        whole.add(
            _manifest(books, period), close.manifest_sha256, sha256_of(_manifest(books, period))
        )
    return [finding for one in found.values() for finding in one.findings]


def _manifest(books: Books, period: str) -> Path:
    return books.ledger(period) / MANIFEST


def _as_told(number: int, close: Close) -> str:
    return f"close {number} of {close.billing_period} with the manifest {close.manifest_sha256}"


def history_notes(history: History) -> Iterator[str]:
    """What to know of the history beside its line: where it begins, unaware closes, wrong clocks."""
    if history.logged_from > 1:
        first = history.closes[history.logged_from - 1].billing_period
        yield (
            f"NOTE  the history is kept from close {history.logged_from} ({first}) on, which took in those "
            "before it in the order in which they were signed"
        )
    yield from _unaware(history)
    last = max((history.place_of(one) for one in history.logs), default=len(history.closes))
    for close in history.closes[last:]:
        yield (
            f"NOTE  {close.billing_period} was closed by a version that keeps no history, after one that does: "
            "the next close takes it in"
        )
    yield from _clocks(history)


def place_notes(then: str, now: str) -> Iterator[str]:
    """What to know of books that lie elsewhere than at their last close; blank where that place is not kept."""
    if then and then != now:
        yield f"NOTE  these books were last closed at {then}, and lie here at {now}: a copy, or moved"


def _unaware(history: History) -> Iterator[str]:
    """Closes that did not know of one before them, as those of two machines at the same time."""
    for number, close in enumerate(history.closes, start=1):
        log = history.logs.get(close.billing_period)
        if log and len(log.closes) < number - 1:
            before = ", ".join(
                one.billing_period for one in history.closes[len(log.closes) : number - 1]
            )
            yield (
                f"NOTE  {close.billing_period} was closed by a run that did not know that {before} was closed: "
                "two runs on copies of the books, or at the same time"
            )


def _clocks(history: History) -> Iterator[str]:
    """Closes that were signed at an earlier time than the one before them."""
    for before, after in pairwise(one.billing_period for one in history.closes):
        was, now = history.signed_at.get(before), history.signed_at.get(after)
        if was and now and now < was:
            yield (
                f"NOTE  {after} was signed at {minute(now)} and closed after {before}, which was signed at "
                f"{minute(was)}: a clock was wrong at one of them; the history tells their order"
            )


def kept_head(text: str) -> str:
    """A head as somebody kept it, without blanks.

    Raises:
        Refusal: (exit 2) it is none, or so little of one that another history could have it too.
    """
    head = "".join(text.split()).lower()
    if not SHOWN_DIGITS <= len(head) <= HEAD_DIGITS or set(head) - set("0123456789abcdef"):
        raise bad_params(
            "this is not the head of a history of closes",
            f"{SHOWN_DIGITS} to {HEAD_DIGITS} hexadecimal digits, as a close prints them", repr(text),
            ["HEAD= or the option --head"], ["copy it from where you kept it, whole"],
        )  # fmt: skip
    return head


def head_line(history: History, head: str) -> str:
    """Where a kept head stands in the history; empty where it does not."""
    for known, close in history.heads().items():
        if known.startswith(head):
            number = history.closes.index(close) + 1
            return (
                f"the head that you kept is that after close {number} ({close.billing_period}) of "
                f"{len(history.closes)}: what was closed up to it is what was closed then, in that order"
            )
    return ""


def unknown_head(books: Books, history: History, head: str) -> Refusal:
    """That a kept head is of another history than the books have (exit 4)."""
    return Refusal(
        CONTROL_FAILED, "the head that you kept is not in the history of these books",
        f"a history with the head {head}",
        history.line if history.logs else "a version closed these books that kept no history", "",
        [f"close {number}  {one.billing_period}  manifest {one.manifest_sha256}"
         for number, one in enumerate(history.closes, start=1)] or [str(books.root)],
        ["every file is as its signed manifest says, but the closes are not those that you kept the head of: "
         "one of them was removed, replaced or moved, or these are other books, such as a rehearsal",
         "compare the closes with your backups and other heads that you kept, and find out who closed again"],
    )  # fmt: skip
