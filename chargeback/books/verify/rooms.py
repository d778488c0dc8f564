"""The rooms of the books, ledger, statements and evidence: what lies between the closed periods."""

from __future__ import annotations

from collections.abc import Iterator

from chargeback.books.names import ROOMS
from chargeback.books.verify.findings import Finding
from chargeback.core.books_folders import Books, period_of_folder


def stray_files(books: Books) -> Iterator[Finding]:
    """What lies between the periods: files that belong to none, and folders of one that is not closed.

    What a close left that was stopped while it published is no stray file (`interrupted_closes`).
    """
    left = {f"{room}/billing_period={one}" for one in interrupted_closes(books) for room in ROOMS}
    for room, name, period in _between(books):
        if f"{room}/{name}" not in left:
            kind = "of a period that is not closed" if period else "of no period"
            yield Finding(period or name, f"{room}/{name}", "folders of closed periods only", kind)


def interrupted_closes(books: Books) -> list[str]:
    """Periods with statements or evidence in place and no ledger, while their close has work left.

    Such a run was stopped between its first rename and its last, or is between them now. Nothing is closed by
    it, and the next run of the close replaces what is there.
    """
    open_periods = {period for _, _, period in _between(books) if period}
    return sorted(
        one
        for one in open_periods
        if not books.ledger(one).exists()
        and books.work(one).is_dir()
        and any(books.work(one).iterdir())
    )


def _between(books: Books) -> Iterator[tuple[str, str, str]]:
    """Room and name of what is no closed period's folder, and the period that a folder is named after."""
    closed = {f"billing_period={period}" for period in books.closed_periods()}
    for room in ROOMS:
        folder = books.root / room
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.name not in closed:
                yield room, path.name, period_of_folder(path)
