"""Kept texts: what a SQL file becomes for an engine, made once on a machine and not in each process.

In: all that a text is made from. Out: the text as it was made before, where it is still there. They lie in
`build/sql`, in a folder for each version of this room and of sqlglot, and can be deleted at any time.

What always holds: a text is taken only for exactly what it was made from, whole, and from a folder that belongs
to whoever runs this and that nobody else may write. Where nothing can be kept, each process makes its own.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

import sqlglot

from chargeback.core.paths import BUILD

#: The folder of kept texts.
FOLDER = BUILD / "sql"

#: So many texts are kept at most; then the folder begins anew.
MOST_TEXTS = 2_000

#: So many versions' texts are kept: of checkouts that share a folder for what can be made again.
MOST_VERSIONS = 4


@functools.cache
def version() -> str:
    """What makes the texts: a digest of the files of this room and of sqlglot's version."""
    digest = hashlib.sha256(sqlglot.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def place_of(key: object) -> Path:
    """Where the text of a key lies, or would."""
    return FOLDER / version() / hashlib.sha256(repr(key).encode()).hexdigest()


def find(key: object) -> str | None:
    """The text that was kept for a key; None where there is none, or it is not what was written."""
    place = place_of(key)
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if is_ours(place.parent):
            digest, _, text = place.read_text("utf-8").partition("\n")
            if digest == digest_of(key, text):
                return text
    return None


def keep(key: object, text: str) -> None:
    """Keep the text of a key, where that can be done."""
    place = place_of(key)
    with contextlib.suppress(OSError, UnicodeEncodeError):
        if not place.parent.is_dir():
            begin(place.parent)
        if not is_ours(place.parent):
            return
        if len(os.listdir(place.parent)) >= MOST_TEXTS:
            shutil.rmtree(place.parent, ignore_errors=True)
            begin(place.parent)
        with tempfile.NamedTemporaryFile("wb", dir=place.parent, delete=False) as stream:
            stream.write(f"{digest_of(key, text)}\n{text}".encode())
        os.replace(stream.name, place)


def begin(folder: Path) -> None:
    """Make the folder of a version, and remove those that were written to longest ago."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    versions = sorted(folder.parent.iterdir(), key=lambda one: one.stat().st_mtime)
    for old in versions[:-MOST_VERSIONS]:
        shutil.rmtree(old, ignore_errors=True)


def is_ours(folder: Path) -> bool:
    """Whether a folder belongs to whoever runs this, and nobody else may write it."""
    state = folder.lstat()
    others = state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(state.st_mode) and state.st_uid == os.geteuid() and not others


def digest_of(key: object, text: str) -> str:
    """What says that a text is whole, and of its key."""
    return hashlib.sha256(f"{key!r}\n{text}".encode()).hexdigest()
