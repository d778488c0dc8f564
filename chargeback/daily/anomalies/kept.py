"""Kept: files that a daily run leaves for the next one, which makes them anew where they do not fit any more.

A file is called after what decided its content and after the content itself:

    <what it is>-<digest of all that decided it>-<digest of its content>.<ending>

What always holds: what is read is what was written for the same inputs. A file of other inputs is not found,
and one that was damaged or cut short has another digest than its name says, and counts as not there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

#: Letters of a digest in a name.
DIGEST_LETTERS = 16


def digest_of(parts: Iterable[str | bytes]) -> str:
    """A digest of parts in their order, for the name of a file."""
    hashed = hashlib.sha256()
    for one in parts:
        content = one.encode() if isinstance(one, str) else one
        hashed.update(f"{len(content)}:".encode() + content)
    return hashed.hexdigest()[:DIGEST_LETTERS]


def find_kept(folder: Path, name: str, ending: str) -> bytes | None:
    """What was kept under a name, whole; None where nothing is, or nothing that is whole.

    Args:
        name: what it is, and the digest of what decided it.
        ending: of the file, without the dot.
    """
    for path in sorted(folder.glob(f"{name}-*.{ending}")):
        content = path.read_bytes()
        if path.name == file_name(name, content, ending):
            return content
    return None


def keep(folder: Path, name: str, content: bytes, ending: str, what: str) -> None:
    """Keep a content under a name, in the place of all that was kept before.

    Args:
        what: how the names of the files begin that it replaces.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(name, content, ending)
    begun = path.with_name(f".{path.name}.{os.getpid()}")
    begun.write_bytes(content)
    begun.replace(path)
    for one in folder.glob(f"{what}-*.{ending}"):
        if one != path:
            one.unlink(missing_ok=True)


def file_name(name: str, content: bytes, ending: str) -> str:
    """What a content is kept as."""
    return f"{name}-{hashlib.sha256(content).hexdigest()[:DIGEST_LETTERS]}.{ending}"
