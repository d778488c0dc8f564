"""Findings: what is not as it was closed, and what was looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from chargeback.books.manifest import recorded_files
from chargeback.core.books_folders import Books
from chargeback.core.money import shown
from chargeback.signing.cms import CheckedSignature

HOLDS = "a signature that holds"

#: What stands in the place of a file or folder of the books, and may lead anywhere.
LINK = "a link"

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was closed.

    Args:
        path: the file, from the books' folder on.
        recorded: what the manifest says, or what must be; empty for a file that it does not name.
        found: what is there; empty for a file that is missing.
    """

    period: str
    path: str
    recorded: str
    found: str

    @property
    def line(self) -> str:
        """For a reader."""
        if not self.recorded:
            return f"{self.path} is not in the manifest"
        if not self.found:
            return f"{self.path} is missing"
        if self.found == LINK:
            return f"{self.path} is a link to somewhere else, instead of being here"
        if _SHA256.fullmatch(self.recorded):
            return f"{self.path} is not what was closed"
        return f"{self.path}: {self.found}, instead of {self.recorded}"


@dataclass(frozen=True)
class Origin:
    """Where the books were fetched from to be verified, when they are not just a folder.

    Args:
        findings: what is not as it was closed there, beside the files that were fetched.
        names: what files are called there, by their paths in the books' folder.
        todo: what can be done about a difference there, beside what can be done anywhere.
    """

    findings: tuple[Finding, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    todo: tuple[str, ...] = ()

    def named(self, finding: Finding) -> Finding:
        """A finding by the name that its file has there."""
        return replace(finding, path=self.names.get(finding.path, finding.path))


#: Of books that lie where they are verified.
NOWHERE_ELSE = Origin()


@dataclass
class VerifiedPeriod:
    """What was looked at in a period, and what was found."""

    books: Books
    period: str
    manifest: dict[str, Any] = field(default_factory=dict)
    signature: CheckedSignature | None = None
    pdf_signatures: list[CheckedSignature] = field(default_factory=list)  # those that hold
    findings: list[Finding] = field(default_factory=list)
    by_hand: list[Path] = field(default_factory=list)  # what rendering by hand left in the evidence
    trusted: bool = True  # signed with a certificate that was named, or none was

    def add(self, path: Path, recorded: str, found: str) -> None:
        """Note a difference."""
        if recorded != found:
            name = path.relative_to(self.books.root).as_posix()
            self.findings.append(Finding(self.period, name, recorded, found))

    @property
    def line(self) -> str:
        """The period in one line."""
        if not self.manifest:
            return (
                f"{self.period}  cannot be compared: its manifest or signature is not what it was"
            )
        postings, statements = self.manifest["postings"], self.manifest["unsigned_pdfs"]
        total = f"{shown(Decimal(postings['charged']))} {self.manifest['currency']}"
        files = len(recorded_files(self.manifest)) + 2  # and the manifest with its signature
        count = len(self.findings)
        verdict = counted(count, "difference") if count else "as closed"
        verdict += "" if self.trusted else ", signed with another certificate"
        return f"{self.period}  {files:>4} files  {len(statements):>3} statements  {total:>20}  {verdict}"


def distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Each difference once, as it was found first: a link and the history may miss the same manifest."""
    found: dict[tuple[str, str, str], Finding] = {}
    for one in findings:
        found.setdefault((one.path, one.recorded, one.found), one)
    return list(found.values())


def counted(number: int, what: str) -> str:
    """A number of things, as people say it.

    >>> [counted(1, "difference"), counted(2, "file")]
    ['1 difference', '2 files']
    """
    return f"{number} {what}{'s' if number != 1 else ''}"


def minute(moment: datetime) -> str:
    """A time as people compare it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
