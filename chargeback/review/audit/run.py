"""The verb `audit`: carry out every check on a closed period, print the page, and file it.

First the gate (chargeback/review/audit/gate.py): files that are not what was closed end the audit there. The
work is done in temporary folders, on a private copy of the files that were checked. In the books nothing is
written but a page in `audits/`, and not even that when another folder is named.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256

from chargeback.books.checked import Changed, Gone, checked_manifest
from chargeback.books.manifest import MANIFEST, POSTINGS
from chargeback.books.verify import VerifiedPeriod, verified_period
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params, unreachable
from chargeback.core.files import sha256_of
from chargeback.core.period import check_period
from chargeback.core.private import temporary_folder
from chargeback.core.progress import Progress
from chargeback.delivery.publish import versions
from chargeback.review.audit import checks, corrected
from chargeback.review.audit.derive_again import derive_again
from chargeback.review.audit.findings import FAILED, Check, Notes, differences_in
from chargeback.review.audit.gate import Trust, private_books, require_trusted
from chargeback.review.audit.loss_ratio_recount import check_loss_ratio
from chargeback.review.audit.outcome import Audit

MOST_SAID = 20

NOBODY = Trust()
NOT_AS_CLOSED = "files are not what was closed, so nothing of the evidence was read or run"

NEEDS_SOURCES = (
    "rollup, derived again", "postings, derived again", "tables in evidence, derived again",
    "statements, rendered again", "controls, run again", "recount by a second path",
)  # fmt: skip


def run_audit(
    period: str,
    books: Books,
    find_report: Callable[[], Path],
    to: Path | None,
    progress: Progress,
    trust: Trust = NOBODY,
) -> Audit:
    """Audit a period, print its page and file it.

    Args:
        find_report: finds the report's folder, once it is known that the period is closed.
        to: the folder to write the page to; by default `audits` of the books.
        trust: whose SQL is run, where it is not that of this installation.

    Raises:
        Refusal: (exit 4) something is not what it must be; (exit 2) the period is not closed, or has SQL of
            somebody who was not named; (exit 6) the report's folder is absent, or the page cannot be written.
    """
    from chargeback.review.audit.page import text_page, write_page

    check_closed(books, period)
    report = find_report()
    audit = audit_period(period, books, report, trust=trust)
    for line in text_page(audit).split("\n"):
        progress(line)
    folder = to or books.audits
    try:
        written = write_page(audit, folder)
    except OSError as error:
        raise unreachable(
            "the page of the audit cannot be written", "a folder that this user may write",
            f"{type(error).__name__}: {error.strerror or error}", [str(folder)],
            ["name another folder with TO=; what was found is printed above"],
        ) from None  # fmt: skip
    progress(f"filed as {written}")
    require_passed(audit, written)
    return audit


def check_closed(books: Books, period: str) -> None:
    """Stop when a period is not closed (exit 2)."""
    closed = books.closed_periods()
    if check_period(period) not in closed:
        raise bad_params(
            f"{period} is not closed, so there is nothing to audit",
            "one of: " + (", ".join(closed) or "none"), period, [str(books.root)],
            ["name the books with BOOKS="],
        )  # fmt: skip


def require_passed(audit: Audit, written: Path) -> None:
    """Stop when a check failed (exit 4)."""
    if audit.passed:
        return
    differences = [one.line for check in audit.checks for one in check.differences]
    failed = [one.name for one in audit.checks if one.verdict == FAILED]
    undone = [one.name for one in audit.checks if one.undone]
    more = len(differences) - MOST_SAID
    raise Refusal(
        CONTROL_FAILED, f"the audit of {audit.period} does not pass", "no difference in any check",
        f"{len(differences)} difference{'s' if len(differences) != 1 else ''} in: {', '.join(failed)}"
        + (f"; not done: {', '.join(undone)}" if undone else ""),
        "", [*differences[:MOST_SAID], *([f"and {more} more, on the page"] if more > 0 else [])],
        ["docs/runbook.md says what it means when a check fails", f"the whole page: {written}"],
    )  # fmt: skip


def audit_period(
    period: str, books: Books, report: Path, render: bool = True, trust: Trust = NOBODY
) -> Audit:
    """Carry out every check, as far as the gate lets it.

    Args:
        render: whether statements are rendered again, which takes longest.
        trust: whose SQL is run, where it is not that of this installation.

    Raises:
        Refusal: (exit 2) there is SQL of somebody who was not named; (exit 4) another certificate signed than
            the one that was named.
    """
    found = verified_period(books, period)
    done = [checks.check_files(found), checks.check_chain(books, period)]
    if differences_in(done):
        done += all_undone(render, NOT_AS_CLOSED)
    else:
        done += check_behind_gate(period, books, report, render, trust)
    return Audit(
        period, books, report, datetime.now(UTC).replace(microsecond=0), tuple(done), found.manifest,
        tuple(named_digests(books, period, found.manifest, found)), signer_text(found),
        tuple(version_remarks(found.manifest)),
    )  # fmt: skip


def check_behind_gate(
    period: str, books: Books, report: Path, render: bool, trust: Trust
) -> list[Check]:
    """The checks on a private copy of the books; none of them where a file of it is not what was closed."""
    try:
        with private_books(books, period) as copy:
            manifest = checked_manifest(copy, period)
            require_trusted(copy, period, manifest, trust)
            return check_contents(period, copy, report, manifest, render)
    except (Gone, Changed) as refusal:
        notes = Notes()
        name = Path(refusal.where[0]).relative_to(books.root).as_posix()
        notes.expect(name, "", refusal.expected, refusal.found)
        stopped = notes.check("files that the audit reads", "stopped")
        return [stopped, *all_undone(render, NOT_AS_CLOSED)]


def all_undone(render: bool, reason: str) -> list[Check]:
    """The checks that need the evidence, none of them done."""
    return [undone("source files", reason), *(undone(one, reason) for one in needing(render))]


def needing(render: bool) -> list[str]:
    """The names of the checks that need the source files."""
    return [one for one in NEEDS_SOURCES if render or not one.startswith("statements")]


def check_contents(
    period: str, books: Books, report: Path, manifest: dict[str, Any], render: bool
) -> list[Check]:
    """The checks that compare a period with what follows from the report."""
    kept = corrected.kept_corrections(books, period)
    records = [manifest["sources"], *(one["sources"] for one in kept if one["redelivered"])]
    sources = checks.check_sources(report, records)
    done = [sources, checks.check_manifest(books, period, manifest)]
    if sources.differences:
        reason = "the source files are not those of the close"
        return done + [undone(one, reason) for one in needing(render)]
    with temporary_folder("audit") as work:
        derived = derive_again(period, report, books, work, render)
        stopped = derived["refusal"]
        if stopped:
            reason = f"deriving again stopped: {stopped['what']}"
            tables = NEEDS_SOURCES[:4] if render else NEEDS_SOURCES[:3]
            done += [undone(one, reason) for one in tables]
        else:
            done += checks.check_tables(books, period, work)
            if render:
                done.append(checks.check_statements(derived["statements"]))
        done.append(checks.check_controls(manifest, derived, render))
    done.append(checks.check_recount(books, period, report, manifest["sources"]))
    split = check_loss_ratio(books.ledger(period), books.evidence(period), period)
    done += [split] if split else []
    done += [corrected.check_corrected(books, period, report, one) for one in kept]
    return done


def undone(name: str, reason: str) -> Check:
    """A check that could not be done."""
    return Check(name, "", undone=reason)


def named_digests(
    books: Books, period: str, manifest: dict[str, Any], found: VerifiedPeriod
) -> list[tuple[str, str]]:
    """What identifies the period that was audited."""
    folder = books.ledger(period)
    rows = [("Manifest", sha256_of(folder / MANIFEST)), ("Postings", sha256_of(folder / POSTINGS))]
    if manifest:
        rows += [
            (label, manifest[name])
            for label, name in (
                ("Source record", "sources_digest"), ("Params", "params_digest"),
                ("Rules", "rules_digest"), ("SQL", "sql_digest"),
            )
            if name in manifest
        ]  # fmt: skip
    if found.signature:
        rows.append(
            ("Signing certificate", found.signature.certificate.fingerprint(SHA256()).hex())
        )
    return [row for row in rows if row[1]]


def signer_text(found: VerifiedPeriod) -> str:
    """Who signed the manifest, and when."""
    if not found.signature:
        return "nobody whose signature holds"
    at = found.signature.signed_at
    name = found.signature.certificate.subject.rfc4514_string()
    return f"{name}, {at:%Y-%m-%d %H:%M} UTC" if at else name


def version_remarks(manifest: dict[str, Any]) -> list[str]:
    """Software that is not the one of the close; no difference while the bytes are the same."""
    if not manifest:
        return []
    then, now = manifest["run"].get("versions", {}), versions()
    pairs = [(name, then.get(name), now[name]) for name in ("chargeback", "python")]
    pairs += [
        (name, then.get("libraries", {}).get(name), version)
        for name, version in now["libraries"].items()
    ]
    changed = [f"{name} {was} at the close, {is_} now" for name, was, is_ in pairs if was != is_]
    return [f"other versions than at the close: {', '.join(changed)}"] if changed else []
