"""The verb `audit`: carry out every check on a closed period, print the page, and file it.

The work is done in a temporary folder. In the books nothing is written but a page in `audits/`, and not even
that when another folder is named.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256

from chargeback.books.manifest import MANIFEST, POSTINGS, read_manifest
from chargeback.books.verify import VerifiedPeriod, verified_period
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params, unreachable
from chargeback.core.files import sha256_of
from chargeback.core.period import check_period
from chargeback.core.progress import Progress
from chargeback.delivery.publish import versions
from chargeback.review.audit import checks, corrected
from chargeback.review.audit.derive_again import derive_again
from chargeback.review.audit.findings import FAILED, Check
from chargeback.review.audit.outcome import (
    Audit,
)

MOST_SAID = 20

NEEDS_SOURCES = (
    "rollup, derived again", "postings, derived again", "tables in evidence, derived again",
    "statements, rendered again", "controls, run again", "recount by a second path",
)  # fmt: skip


def run_audit(
    period: str, books: Books, find_report: Callable[[], Path], to: Path | None, progress: Progress
) -> Audit:
    """Audit a period, print its page and file it.

    Args:
        find_report: finds the report's folder, once it is known that the period is closed.
        to: the folder to write the page to; by default `audits` of the books.

    Raises:
        Refusal: (exit 4) something is not what it must be; (exit 2) the period is not closed; (exit 6) the
            report's folder is absent, or the page cannot be written.
    """
    from chargeback.review.audit.page import text_page, write_page

    check_closed(books, period)
    report = find_report()
    audit = audit_period(period, books, report)
    progress(text_page(audit))
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


def audit_period(period: str, books: Books, report: Path, render: bool = True) -> Audit:
    """Carry out every check.

    Args:
        render: whether statements are rendered again, which takes longest.
    """
    found = verified_period(books, period)
    done = [checks.check_files(found), checks.check_chain(books, period)]
    manifest = found.manifest or readable_manifest(books, period)
    if manifest:
        done += check_contents(period, books, report, manifest, render)
    else:
        done += [
            undone(name, "the manifest cannot be read") for name in ("source files", *NEEDS_SOURCES)
        ]
    return Audit(
        period, books, report, datetime.now(UTC).replace(microsecond=0), tuple(done), manifest,
        tuple(named_digests(books, period, manifest, found)), signer_text(found),
        tuple(version_remarks(manifest)),
    )  # fmt: skip


def check_contents(
    period: str, books: Books, report: Path, manifest: dict[str, Any], render: bool
) -> list[Check]:
    """The checks that compare a period with what follows from the report."""
    kept = corrected.kept_corrections(books, period)
    records = [manifest["sources"], *(one["sources"] for one in kept if one["redelivered"])]
    sources = checks.check_sources(report, records)
    done = [sources, checks.check_manifest(books, period, manifest)]
    if sources.differences:
        names = [one for one in NEEDS_SOURCES if render or not one.startswith("statements")]
        return done + [undone(one, "the source files are not those of the close") for one in names]
    with tempfile.TemporaryDirectory(prefix="chargeback-audit-") as temporary:
        work = Path(temporary)
        derived = derive_again(period, report, books, work, render)
        stopped = derived["refusal"]
        if stopped:
            reason = f"deriving again stopped: {stopped['what']}"
            tables = NEEDS_SOURCES[:4] if render else NEEDS_SOURCES[:3]
            done += [undone(one, reason) for one in tables]
        else:
            done += checks.check_tables(books, period, work)
            if render:
                done.append(checks.check_statements(books, period, manifest, work))
        done.append(checks.check_controls(manifest, derived, render))
    done.append(checks.check_recount(books, period, report, manifest["sources"]))
    done += [corrected.check_corrected(books, period, report, one) for one in kept]
    return done


def undone(name: str, reason: str) -> Check:
    """A check that could not be done."""
    return Check(name, "", undone=reason)


def readable_manifest(books: Books, period: str) -> dict[str, Any]:
    """A manifest whose signature does not hold, as far as it has what the checks need; else empty."""
    wanted = (
        "sources", "params", "controls", "derived", "run", "unsigned_pdfs", "signer", "invoices", "postings",
        "params_digest", "rules_digest", "sql_digest", "ratification", "currency",
    )  # fmt: skip
    try:
        manifest = read_manifest(books, period)
        return manifest if all(one in manifest for one in wanted) else {}
    except (OSError, ValueError, TypeError):
        return {}


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
