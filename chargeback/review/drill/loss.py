"""Loss: what is deleted in a drill, and what the rest makes again.

Everything happens in one scratch folder. What always holds: nothing is removed that does not lie in it, links
resolved; the report is read where it lies, as by every verb, and never written.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chargeback.books import access_log, delivery_room
from chargeback.core.books_folders import Books
from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.core.files import copy_folder
from chargeback.params import FILES

#: What a drill takes of a set of books, as far as it is there; never its keys, its work or what is made again.
TAKEN = ("ledger", "statements", "evidence", delivery_room.ROOM, access_log.ROOM)


@dataclass(frozen=True)
class Loss:
    """Something that may happen to books.

    Args:
        rooms: the folders of the books that are deleted; all of them where none is named.
    """

    name: str
    rooms: tuple[str, ...] = ()

    @property
    def keeps_evidence(self) -> bool:
        """Whether the evidence is still there, with the params of each close."""
        return bool(self.rooms)


LEDGER_LOST = Loss("ledger and statements", ("ledger", "statements"))
ALL_LOST = Loss("everything but report and params")
LOSSES = (LEDGER_LOST, ALL_LOST)


@dataclass(frozen=True)
class Left:
    """What is there after a loss.

    Args:
        params: for each period, what it is closed again with.
        evidence: for each period, its evidence as it was; nothing where that is lost.
    """

    books: Books
    params: dict[str, Path]
    evidence: dict[str, Path]


def take_books(books: Books, target: Path) -> Books:
    """A copy of a set of books in the scratch folder."""
    target.mkdir()
    for room in TAKEN:
        if (books.root / room).is_dir():
            copy_folder(books.root / room, target / room)
    return Books(target)


def take_params(params: Path, target: Path) -> Path:
    """A copy of a params folder in the scratch folder."""
    target.mkdir()
    for name in FILES:
        if (params / name).is_file():
            shutil.copyfile(params / name, target / name)
    return target


def lose(loss: Loss, books: Books, params: Path, scratch: Path, periods: Sequence[str]) -> Left:
    """Let a loss happen to books in the scratch folder.

    What is left is put beside, and the periods are closed into books of their own: a log of deliveries is of
    the books that it names, and no close goes on with the log of others. That is what a person does too.

    Raises:
        Refusal: (exit 6) these books do not lie in the scratch folder; nothing was removed.
    """
    require_inside(books.root, scratch)
    for room in loss.rooms or sorted(one.name for one in books.root.iterdir()):
        remove(books.root / room, scratch)
    if not loss.keeps_evidence:
        return Left(books, dict.fromkeys(periods, params), {})
    beside = Books(scratch / "left")
    books.root.rename(beside.root)
    books.root.mkdir()
    evidence = {one: beside.evidence(one) for one in periods}
    return Left(books, {one: folder / "params" for one, folder in evidence.items()}, evidence)


def remove(folder: Path, scratch: Path) -> None:
    """Remove a folder of the scratch folder (exit 6 for any other)."""
    require_inside(folder, scratch)
    if folder.is_dir():
        shutil.rmtree(folder)


def require_inside(folder: Path, scratch: Path) -> None:
    """Stop before anything is removed that lies elsewhere, whatever links say (exit 6)."""
    inside, found = scratch.resolve(), folder.resolve()
    if folder.is_symlink() or inside not in found.parents:
        raise Refusal(
            UNREACHABLE, "a drill deletes in its own scratch folder alone", str(inside), str(found),
            todo=["nothing was deleted; this is a defect of the program: report this block"],
        )  # fmt: skip


def counted(copy: Books, books: Books) -> dict[str, int]:
    """What there is in books that no report gives again, by what it is called.

    Args:
        books: those that were copied, whose logs are in S3 where they are.
    """
    periods = copy.closed_periods()
    pdfs = [one for period in periods for one in copy.statements(period).rglob("*.pdf")]
    return {
        "signatures of manifests": len(periods),
        "signatures of statements": len(pdfs),
        "files of the delivery log": len(delivery_room.delivery_room(books).names("log/")),
        "files of the access log": len(access_log.access_room(books).names("log/")),
    }
