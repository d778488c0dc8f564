"""The folders of a set of books.

Everything that a close writes lies under one `Books` root. A period's ledger folder is the commit point: one
rename makes it appear, after the period's statements and evidence are in place. Readers trust nothing without
it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from chargeback.core.paths import BOOKS, BOOKS_VARIABLE, ROOT, require_no_extract
from chargeback.core.period import PERIOD

#: What stands in a draft in the place of "closed".
PROVISIONAL = "PROVISIONAL"


class Shelf(Protocol):
    """Where closed periods are put for good, when books are not just a folder."""

    @property
    def address(self) -> str:
        """The place, as BOOKS= names it."""

    def put_period(self, books: Books, period: str, progress: Callable[[str], None]) -> None:
        """Publish a period that was just closed in the folder."""

    def complete(self, books: Books) -> None:
        """Put what a run that was killed right after it had published a period has left out."""


@dataclass(frozen=True)
class Books:
    """The folders of one set of books; with a shelf, they are a local copy of what is there."""

    root: Path
    shelf: Shelf | None = field(default=None, compare=False)

    @property
    def place(self) -> str:
        """Where these books are, as BOOKS= names it."""
        return self.shelf.address if self.shelf else str(self.root)

    def ledger(self, period: str) -> Path:
        """Postings and manifest of a closed period."""
        return self.root / "ledger" / f"billing_period={period}"

    def statements(self, period: str) -> Path:
        """One folder per business unit, of a closed period."""
        return self.root / "statements" / f"billing_period={period}"

    def evidence(self, period: str) -> Path:
        """What it takes to do a closed period again: sources, tables, controls, executed notebooks."""
        return self.root / "evidence" / f"billing_period={period}"

    def draft(self, period: str) -> Path:
        """PROVISIONAL statements and what they were made from; replaced by every draft."""
        return self.root / "drafts" / f"billing_period={period}"

    def work(self, period: str) -> Path:
        """A close in progress; kept when it stops, so that the next run resumes from there."""
        return self.root / "work" / f"billing_period={period}"

    def what_if(self, name: str) -> Path:
        """Closed periods replayed under proposed rules: a page, figures and a notebook; posts nothing."""
        return self.root / "what-if" / name

    def daily(self, day: str) -> Path:
        """What the daily flow showed on a day: its page and its notebook; replaced by a run of the same day."""
        return self.root / "daily" / day

    @property
    def daily_state(self) -> Path:
        """What the daily flow remembers, unless sources.toml names another store."""
        return self.root / "daily" / "state.sqlite"

    @property
    def daily_outbox(self) -> Path:
        """Messages of the daily flow as files."""
        return self.root / "daily" / "outbox"

    @property
    def daily_used(self) -> Path:
        """What was used per day in earlier months; made again from the report when it is not there."""
        return self.root / "daily" / "used"

    @property
    def journal(self) -> Path:
        """The closed periods as plain-text journals; replaced by every export."""
        return self.root / "journal"

    def focus(self, period: str) -> Path:
        """A closed period as FOCUS files; replaced by every export."""
        return self.root / "focus" / f"billing_period={period}"

    def year(self, name: str) -> Path:
        """A calendar year, or several, as a page and CSV files; replaced by every run."""
        return self.root / "year" / name

    @property
    def metrics(self) -> Path:
        """What the last close and the last daily run measured about themselves."""
        return self.root / "metrics"

    @property
    def lab(self) -> Path:
        """The analyst's own copies of the notebooks, and what they work on; nothing else reads it."""
        return self.root / "lab"

    @property
    def audits(self) -> Path:
        """Pages of audits, one file each; nothing reads them again."""
        return self.root / "audits"

    def closed_periods(self) -> list[str]:
        """Closed periods in order: those whose ledger folder exists."""
        return periods_in(self.root / "ledger")

    def drafted_periods(self) -> list[str]:
        """Periods in order that have a draft and are not closed."""
        closed = self.closed_periods()
        return [one for one in periods_in(self.root / "drafts") if one not in closed]


def periods_in(folder: Path) -> list[str]:
    """The periods that a folder has a folder of, in order."""
    found = map(period_of_folder, folder.iterdir() if folder.is_dir() else ())
    return sorted(one for one in found if one)


def period_of_folder(path: Path) -> str:
    """The period that a folder is named after; empty for a file, and for a folder of another name."""
    name = path.name.removeprefix("billing_period=")
    named = name != path.name and PERIOD.fullmatch(name) is not None
    return name if named and path.is_dir() else ""


def named_books(text: str = "") -> Books:
    """The books that a notebook names; blank are those of the lab, else the repository's."""
    require_no_extract("books")
    return Books(ROOT / (text or os.environ.get(BOOKS_VARIABLE, "") or BOOKS))
