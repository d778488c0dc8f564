"""A pack in a folder for people, such as a share: copied whole, and nothing is replaced.

    TO/2026-05/index.html, claims/2026-05 Claims Operations statement.pdf, …

What always holds: the folder of a period appears at once with all its files, as the delivery log has them.
Where there is one already it stays as it is: either all files are in it, or the copy is refused.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from pathlib import Path

from chargeback.books.delivery_log import Entry
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params
from chargeback.core.files import on_disk
from chargeback.delivery.released import ClosedForDelivery


def copy_pack(period: ClosedForDelivery, entry: Entry, prefix: str, to: Path) -> tuple[Path, bool]:
    """Copy what was handed out into a folder; the folder of the period, and whether it is new.

    Args:
        entry: of the handing out.
        prefix: what the names of its files begin with.

    Raises:
        Refusal: (exit 2) there is something else; (exit 4) what was handed out is not there any more.
    """
    place = to / period.period
    if place.exists() or place.is_symlink():
        require_same(entry, prefix, place)
        return place, False
    to.mkdir(parents=True, exist_ok=True)
    begun = to / f".{period.period}.{secrets.token_hex(6)}.begun"
    try:
        for name, sha256 in entry.files.items():
            path = begun / on_disk(name.removeprefix(prefix))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(handed_out(period, name, sha256))
        os.rename(begun, place)
    except OSError:
        if not place.exists():
            raise
        require_same(entry, prefix, place)  # another run was first
        return place, False
    finally:
        shutil.rmtree(begun, ignore_errors=True)
    return place, True


def handed_out(period: ClosedForDelivery, name: str, sha256: str | None) -> bytes:
    """A file of the delivery room, as the log has it (exit 4 where it is another)."""
    content = period.room.read(name)
    if content is None or hashlib.sha256(content).hexdigest() != sha256:
        raise Refusal(
            CONTROL_FAILED, "a file of the delivery room is not what was handed out",
            "the file with the sha256 of the delivery log",
            "another one" if content is not None else "nothing", "",
            [f"{period.room.place}/{name}"], ["restore it from your backup"],
        )  # fmt: skip
    return content


def require_same(entry: Entry, prefix: str, place: Path) -> None:
    """Stop where a folder lacks a file that was handed out, or has another (exit 2)."""
    other = [
        name.removeprefix(prefix)
        for name, sha256 in entry.files.items()
        if sha256_in(place / on_disk(name.removeprefix(prefix))) != sha256
    ]
    if other:
        raise bad_params(
            "the folder has something else in the place of the pack", "no such folder, or the same files",
            f"{len(other)} of {len(entry.files)} are missing or others", [str(place), *other[:5]],
            ["nothing in it was touched: move it away, or name another folder with TO="],
        )  # fmt: skip


def sha256_in(path: Path) -> str:
    """Of a file; blank where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
