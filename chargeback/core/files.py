"""Files: their digests, and whole folders put in place so that a crash leaves all of a folder or none."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path


def sha256_of(path: Path) -> str:
    """sha256 of a file, or an empty text when it is not there."""
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def bytes_of(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        OSError: it is not there, or is no file, such as a pipe, which would be waited for.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file")
    return path.read_bytes()


def on_disk(name: str) -> str:
    """A name as the file system takes it, which keeps names in UTF-8 whatever characters the locale has."""
    return os.fsdecode(name.encode())


def from_disk(name: str) -> str:
    """The inverse of `on_disk`; bytes that are no UTF-8 stay as they are."""
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def replace_folder(made: Path, target: Path) -> None:
    """Put a finished folder in the place of what an unfinished run may have left there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    made.rename(target)
    sync(target.parent)


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder into another, which may be there; names and bytes, with the rights of any new file.

    Those of the source are not taken: those of a checkout that may only be read could not be cleared again.
    """
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        if path.is_dir():
            copy_folder(path, target / path.name)
        else:
            shutil.copyfile(path, target / path.name)


def replace_folder_copy(made: Path, target: Path) -> None:
    """As `replace_folder`, from another file system."""
    beside = target.parent / f".{target.name}.new"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(beside, ignore_errors=True)
    copy_folder(made, beside)
    sync_tree(beside)
    replace_folder(beside, target)


def sync_tree(folder: Path) -> None:
    """Have a folder on the disk with all that is below it: the files first, then what names them."""
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def sync(path: Path) -> None:
    """Have a file's bytes, or a folder's entries, on the disk; a rename is only there with its folder's."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
