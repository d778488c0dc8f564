"""The report of verify: a line for each closed period, who signed, the history, and what is not as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography import x509

from chargeback.books.evidence import PROJECT
from chargeback.books.history import History, read_history
from chargeback.books.manifest import recorded_files
from chargeback.books.verify.accessed import accessed
from chargeback.books.verify.certificates import (
    certificate_text,
    is_trusted,
    issuers_text,
    named_certificates,
    signed_by_others,
    signed_lines,
    stamp_lines,
)
from chargeback.books.verify.closes import (
    head_line,
    history_findings,
    history_notes,
    kept_head,
    place_notes,
    unknown_head,
)
from chargeback.books.verify.contents import verified_period
from chargeback.books.verify.delivered import delivered
from chargeback.books.verify.findings import (
    NOWHERE_ELSE,
    Finding,
    Origin,
    VerifiedPeriod,
    counted,
    distinct,
)
from chargeback.books.verify.rooms import interrupted_closes, stray_files
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params


def verify_books(
    books: Books,
    say: Callable[[str], None],
    certificate: Path | None = None,
    head: str = "",
    origin: Origin = NOWHERE_ELSE,
) -> list[VerifiedPeriod]:
    """Verify every closed period and their history, print a line for each, then who signed, and what to know.

    Args:
        certificate: a PEM file; every period must be signed with one of its certificates, or with one that
            was issued below one of them.
        head: of the history, as an earlier close or verify printed it; it must be in the history of these
            books.
        origin: of books that were fetched.

    Raises:
        Refusal: (exit 4) something is not as it was closed, every file named; another certificate signed it; or
            the head is of another history; (exit 2) there is nothing to verify, or what was named cannot be
            read.
    """
    head = kept_head(head) if head else ""
    trusted = named_certificates(certificate) if certificate else []
    interrupted = interrupted_closes(books)
    periods = books.closed_periods()
    if not periods and not interrupted:
        raise bad_params(
            "there is no closed period in these books", "a books folder with a ledger",
            "none" if books.root.is_dir() else "no such folder", [str(books.root)],
            ["name the folder with BOOKS="],
        )  # fmt: skip
    found = []
    for period in periods:
        one = verified_period(books, period)
        if certificate and one.signature:
            one.trusted = is_trusted(one.signature, trusted)
        say(one.line)
        found.append(one)
    history = read_history(books)
    findings = [*stray_files(books), *(finding for one in found for finding in one.findings)]
    findings += history_findings(books, history)
    not_as_delivered, delivery_lines = delivered(books, history, found)
    not_as_accessed, access_lines = accessed(books, history)
    findings += [*not_as_delivered, *not_as_accessed]
    findings = distinct([*map(origin.named, findings), *origin.findings])
    for line in (*signed_lines(found), *stamp_lines(found)):
        say(line)
    others = list(signed_by_others(found))
    if findings:
        raise _not_as_closed(periods, findings, others, history, head, origin)
    said = (
        *history_lines(books, history, found),
        *delivery_lines,
        *access_lines,
        *map(_interrupted, interrupted),
        *by_hand_notes(found),
    )
    for line in said:
        say(line)
    if head:
        kept = head_line(history, head)
        if not kept:
            raise unknown_head(books, history, head)
        say(kept)
    if others:
        raise _signed_otherwise(certificate, trusted, found, others)
    if found:
        files = sum(len(recorded_files(one.manifest)) + 2 for one in found)
        say(
            f"{counted(len(found), 'closed period')}, {files:,} files: unchanged since they were closed, "
            "signatures valid"
        )
    return found


def history_lines(books: Books, history: History, found: list[VerifiedPeriod]) -> Iterator[str]:
    """The books and their head, and what to know of the history and of the place."""
    if found:
        yield history.line
        yield from history_notes(history)
    places = {one.period: str(one.manifest["run"].get("place", "")) for one in found}
    last = places.get(history.closes[-1].billing_period, "") if history.closes else ""
    yield from place_notes(last, books.place)


def by_hand_notes(found: list[VerifiedPeriod]) -> Iterator[str]:
    """What to say of pages that somebody rendered in the evidence."""
    for one in found:
        files = [path for path in one.by_hand if path.is_file()]
        if files:
            folder = one.books.evidence(one.period) / PROJECT
            yield (
                f"NOTE  {counted(len(files), 'file')} in {folder} came of rendering by hand: no statements of "
                f"{one.period}, and nothing reads them; rm -r {folder}/_rendered {folder}/.quarto"
            )


def _interrupted(period: str) -> str:
    """What to say of a close that was stopped while it published."""
    return (
        f"NOTE  the close of {period} was interrupted while it published, and nothing is closed by it: run "
        f"make monthly-close PERIOD={period} again to finish it; hand out none of its statements before"
    )


def _not_as_closed(
    periods: list[str],
    findings: list[Finding],
    others: list[str],
    history: History,
    head: str,
    origin: Origin,
) -> Refusal:
    """That something differs (exit 4), every file named."""
    paths = len({finding.path for finding in findings})
    lines = [*dict.fromkeys(finding.line for finding in findings)]
    lines += [f"signed with another certificate than you named: {one}" for one in others]
    if head:
        known = head_line(history, head) or "the head that you kept is not in the history either"
        lines.append(known)
    return Refusal(
        CONTROL_FAILED, "the books are not as they were closed",
        f"{counted(len(periods), 'closed period')}, each as its signed manifest says",
        f"{counted(len(findings), 'difference')} in {counted(paths, 'file')}",
        "", lines,
        [*origin.todo,
         "restore the files from your backup; make monthly-close renders lost statements again"],
    )  # fmt: skip


def _signed_otherwise(
    certificate: Path | None,
    trusted: list[x509.Certificate],
    found: list[VerifiedPeriod],
    others: list[str],
) -> Refusal:
    """That whole books were signed by somebody whose certificate was not named (exit 4)."""
    issuers = [
        f"the certificate was issued by {one}, whose own certificate is not in the signature: name that one "
        "too, if it is below the one that you named"
        for one in issuers_text(found)
    ]
    return Refusal(
        CONTROL_FAILED, "closed periods are signed with another certificate than the one you named",
        "; or ".join(certificate_text(one) for one in trusted),
        "; ".join(others), "", [f"{certificate} is the file that you named with CERTIFICATE="],
        ["the books are whole: every file is as it was closed, and every signature valid",
         "compare its sha256 with your own record: if it is yours too, renewed or earlier, name a PEM file "
         "with both",
         *issuers,
         "if it is not, somebody else signed these periods: find out who before you rely on them"],
    )  # fmt: skip
