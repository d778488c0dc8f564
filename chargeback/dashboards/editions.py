"""Editions: where dashboards lie, a set of pages that appears whole, each file written once.

    BOOKS/dashboards/000001/business-unit/claims/dashboard.html      pages, and the data that each is made of
    BOOKS/dashboards/000001/index.json                               the sha256 of each; written last

An edition counts once its index is there. The portal serves the newest one, byte for byte as its index says.
The same pages again make no new edition. Old ones are removed from a folder, but for a few that somebody may be
reading. In a bucket they are not locked as the books are, so that a lifecycle rule of yours can remove them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chargeback.books.delivery_room import BucketRoom, FolderRoom, Room
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.json_text import read_json
from chargeback.dashboards.scope import Scope

FOLDER, INDEX = "dashboards", "index.json"
CLAIM = "claimed"
PAGE, DATA = "dashboard.html", "dashboard.json"
KEPT = 3

_NUMBER = re.compile("[0-9]{6,}")
_DIGEST = re.compile("sha256-[A-Za-z0-9+/]{43}=")
_INDEX = re.compile(r"([0-9]{6,})/index\.json")


@dataclass(frozen=True)
class Edition:
    """A set of pages.

    Args:
        files: sha256 by name, without the edition's number.
        said: what else its index says: the last closed month, the open one, when it was made.
    """

    number: int
    files: dict[str, str]
    said: dict[str, Any]

    @property
    def scripts(self) -> tuple[str, ...]:
        """The digests of the scripts that its pages have, as a content policy names them.

        They are kept with the pages, so that those of an earlier version of the program run as well.
        """
        return tuple(one for one in self.said.get("scripts", ()) if _DIGEST.fullmatch(str(one)))


def file_of(scope: Scope, name: str) -> str:
    """The name of a page's file in an edition."""
    return f"{scope.kind}/{scope.id}/{name}" if scope.id else f"{scope.kind}/{name}"


def dashboards_room(books: Books) -> Room:
    """Where the editions of books in a folder or in S3 lie."""
    if books.shelf:
        from chargeback.books.shelf import S3Shelf

        assert isinstance(books.shelf, S3Shelf)
        return BucketRoom(books.shelf.bucket.unlocked(), FOLDER)
    return FolderRoom(books.root / FOLDER)


def newest_edition(room: Room) -> Edition | None:
    """The newest edition whose index is there; None before there is one."""
    number = newest_number(room)
    return read_edition(room, number) if number else None


def newest_number(room: Room) -> int:
    """The number of the newest edition whose index is there; 0 before there is one."""
    return max((int(one[1]) for one in map(_INDEX.fullmatch, room.names()) if one), default=0)


def read_edition(room: Room, number: int) -> Edition:
    """An edition as its index says (exit 4 where that cannot be read)."""
    name = f"{number:06d}/{INDEX}"
    try:
        found = read_json(room.read(name) or b"")
        return Edition(number, dict(found["files"]), dict(found["said"]))
    except (ValueError, KeyError, TypeError):
        raise broken(room, name) from None


def read_page(room: Room, edition: Edition, scope: Scope, name: str = PAGE) -> bytes | None:
    """A file of a page; None where the edition has none.

    Raises:
        Refusal: (exit 4) it is not what the index says.
    """
    own = file_of(scope, name)
    if own not in edition.files:
        return None
    content = room.read(f"{edition.number:06d}/{own}")
    if content is None or hashlib.sha256(content).hexdigest() != edition.files[own]:
        raise broken(room, f"{edition.number:06d}/{own}")
    return content


def publish_edition(
    room: Room, contents: Mapping[str, bytes], said: Mapping[str, Any]
) -> tuple[Edition, bool]:
    """Publish pages as the newest edition; it, and whether it is new: the same pages make none.

    Args:
        contents: by name, as `file_of` gives it.
    """
    files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    before = newest_whole(room)
    if before and before.files == files:
        return before, False
    number = claim_number(room, newest_number(room) + 1)
    for name, content in contents.items():
        room.put(f"{number:06d}/{name}", content)
    edition = Edition(number, files, dict(said))
    index = json.dumps({"files": files, "said": dict(said)}, indent=1, sort_keys=True) + "\n"
    room.put(f"{number:06d}/{INDEX}", index.encode())
    remove_old(room, number)
    return edition, True


def newest_whole(room: Room) -> Edition | None:
    """The newest edition; None also where a file of it is not as its index says, so that it is made again."""
    with contextlib.suppress(Refusal):
        found = newest_edition(room)
        for name, sha256 in found.files.items() if found else ():
            content = room.read(f"{found.number:06d}/{name}") if found else None
            if content is None or hashlib.sha256(content).hexdigest() != sha256:
                return None
        return found
    return None


def claim_number(room: Room, number: int) -> int:
    """A number that nobody else has, also of those who were killed or are at work now; the first free one."""
    mine = secrets.token_hex(16).encode()
    while not room.put(f"{number:06d}/{CLAIM}", mine):
        number += 1
    return number


def remove_old(room: Room, newest: int) -> None:
    """Remove editions that nobody reads any more from a folder."""
    if not isinstance(room, FolderRoom):
        return
    for path in room.folder.iterdir():
        if _NUMBER.fullmatch(path.name) and int(path.name) <= newest - KEPT:
            with contextlib.suppress(OSError):
                shutil.rmtree(path)


def broken(room: Room, name: str) -> Refusal:
    """That a page is not as it was made (exit 4)."""
    return Refusal(
        CONTROL_FAILED, "a dashboard is not as it was made", "the bytes that its index names",
        "others, or none", "", [f"{room.place}/{name}"],
        ["make them again: make dashboards"],
    )  # fmt: skip
