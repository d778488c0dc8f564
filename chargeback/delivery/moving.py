"""Moving: whole folders into their places in the books, and nothing of a closed period out of its place.

    statements, evidence -> ledger

The ledger folder comes last, and its rename fails where there is one already. The lock of the books keeps two
runs from meeting here. Where it does not, as on a file system that only pretends to lock, the one that comes
second puts back what it had moved away: statements and evidence stay those of the run that closed the period.

Known drawback: of two runs without a lock, the second must live to put things back. If it is killed in between,
verify names the files.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from chargeback.core.books_folders import Books
from chargeback.core.errors import WOULD_CHANGE_CLOSED, Refusal
from chargeback.core.files import sync

#: In the work folder: what lay in the place of statements and evidence, of a run that was stopped.
ASIDE = "aside"


def check_open(books: Books, period: str) -> None:
    """Stop when there is a ledger folder of the period already (exit 5)."""
    if os.path.lexists(books.ledger(period)):
        raise closed_already(books, period)


def move_into_place(books: Books, period: str, rooms: dict[str, Path], aside: Path) -> None:
    """Move the finished rooms of a period into the books, the ledger last.

    Args:
        rooms: the folders of statements, evidence and ledger, on the file system of the books.
        aside: a folder for what is in their places; it is made anew.

    Raises:
        Refusal: (exit 5) another run has closed the period; what that run published is there as it left it.
    """
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    targets = {
        "statements": books.statements(period), "evidence": books.evidence(period),
        "ledger": books.ledger(period),
    }  # fmt: skip
    for target in targets.values():
        target.parent.mkdir(parents=True, exist_ok=True)
    sync(books.root)  # the rooms themselves, when this is the first period
    own = {name: identity(room) for name, room in rooms.items()}
    try:
        for name, target in targets.items():
            check_open(books, period)
            if name != "ledger" and os.path.lexists(target):
                target.rename(aside / name)
            rooms[name].rename(target)  # fails where there is a ledger with something in it
            sync(target.parent)
    except (OSError, Refusal) as error:
        if not os.path.lexists(targets["ledger"]) or not rooms["ledger"].exists():
            raise  # nobody has closed it, or this run has: its folder is where it belongs
        for name in ("statements", "evidence"):
            put_back(targets[name], rooms[name], aside / name, own[name])
        raise closed_already(books, period) from error


def identity(folder: Path) -> tuple[int, int]:
    """What tells a folder from another one, wherever it is moved to; inodes of removed ones are used again."""
    found = folder.stat()
    return found.st_ino, found.st_mtime_ns


def put_back(target: Path, room: Path, aside: Path, own: tuple[int, int]) -> None:
    """Put back what this run had moved aside, unless the other run has put its own in the place since.

    Args:
        own: the identity of the folder that this run has moved into the place or was about to.
    """
    if not aside.exists():
        return
    if target.exists() and identity(target) == own:
        target.rename(room)
    if not os.path.lexists(target):
        aside.rename(target)


def closed_already(books: Books, period: str) -> Refusal:
    """That publishing would replace a closed period."""
    return Refusal(
        WOULD_CHANGE_CLOSED, f"{period} was closed by another run meanwhile",
        "no ledger of the period, which its close puts there last", "one", "", [str(books.ledger(period))],
        [f"compare it with what this run makes: make monthly-close PERIOD={period}",
         "nothing of this run was published, and the closed period is as it was",
         "see that one run works on these books at a time"],
    )  # fmt: skip
