"""What an audit looked at and found, for its page and for the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from chargeback.core.books_folders import Books
from chargeback.review.audit.findings import PASSED, Check, Difference


@dataclass(frozen=True)
class Audit:
    """What an audit looked at and found.

    Args:
        digests: label and digest, for the foot of the page.
        manifest: of the period, as far as it could be read.
    """

    period: str
    books: Books
    report: Path
    made_at: datetime
    checks: tuple[Check, ...]
    manifest: dict[str, Any]
    digests: tuple[tuple[str, str], ...]
    signed_by: str
    remarks: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether every check was done and found no difference."""
        return all(one.verdict == PASSED for one in self.checks)


def all_remarks(audit: Audit) -> list[str]:
    """Remarks of the checks and of the audit as a whole."""
    return [*(one for check in audit.checks for one in check.remarks), *audit.remarks]


def all_differences(audit: Audit) -> list[tuple[Check, Difference]]:
    """Every difference with its check."""
    return [(check, one) for check in audit.checks for one in check.differences]


def charged_rows(audit: Audit) -> list[tuple[str, str]]:
    """What each invoice asks for, as the manifest has it."""
    invoices: dict[str, dict[str, str]] = audit.manifest.get("invoices", {})
    return [(one, tie["total"]) for one, tie in sorted(invoices.items())]


def posted_rows(audit: Audit) -> int:
    """How many postings the period has; 0 where its manifest does not hold."""
    return int(audit.manifest["postings"]["rows"]) if audit.manifest else 0
