"""Who may read what a run writes: whoever runs it, and nobody else unless the books are shared with a group.

The command line takes every right from everybody else, by its umask, before it writes anything. Books whose
folder passes its group on (`chgrp finance books; chmod 2770 books`) are shared with that group, which then
reads and writes all of them but the development key. Default ACLs of a folder come before an umask, as the
kernel has it.

What always holds: kernels and the programs that they start have the umask of the run. What was there before
keeps the rights that it had.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

#: The rights that are taken away: everybody else's, or all but the group's.
OWN, SHARED = 0o077, 0o007

#: How a temporary folder is called, before and after eight letters. Nobody else calls one so: it is removed
#: where no run holds it.
BEFORE, AFTER = "chargeback-{}-", ".held"

#: Seconds after which a temporary folder that nobody holds is one of a run that was killed.
LEFT_SECONDS = 60

_umask: int | None = None


def current_umask() -> int | None:
    """The umask of this run; None in a process that the command line did not start."""
    return _umask


def set_umask(mask: int | None) -> None:
    """Set the umask of this process, where the run has one."""
    global _umask
    _umask = mask
    if mask is not None:
        os.umask(mask)


@contextlib.contextmanager
def kept_private() -> Iterator[None]:
    """Write for whoever runs this, until `share` says otherwise."""
    before = os.umask(OWN)
    set_umask(OWN)
    try:
        yield
    finally:
        set_umask(None)
        os.umask(before)


def share(root: Path) -> None:
    """Write for the group as well, where the books' folder passes its group on."""
    if _umask is None:
        return
    with contextlib.suppress(OSError):
        set_umask(SHARED if root.stat().st_mode & stat.S_ISGID else OWN)


@contextlib.contextmanager
def temporary_folder(name: str, kept_on: type[BaseException] | tuple[()] = ()) -> Iterator[Path]:
    """A folder for the time of a run, below TMPDIR; what killed runs have left of the kind is removed first.

    Args:
        name: says what for.
        kept_on: an error after which it stays, to be looked into until the next run of the kind.
    """
    place = Path(tempfile.gettempdir())
    remove_left(place, name)
    folder, hold = make_held(place, name)
    try:
        yield folder
    except kept_on:
        os.close(hold)
        raise
    except BaseException:
        remove_held(folder, hold)
        raise
    else:
        remove_held(folder, hold)


def make_held(place: Path, name: str) -> tuple[Path, int]:
    """A new folder, and the descriptor that holds it while it is open."""
    folder = Path(tempfile.mkdtemp(AFTER, BEFORE.format(name), place))
    hold = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    with contextlib.suppress(OSError):  # a file system without locks: nothing is removed there
        fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return folder, hold


def remove_held(folder: Path, hold: int) -> None:
    """Remove a folder that is held, and hold it no longer."""
    shutil.rmtree(folder, ignore_errors=True)
    os.close(hold)


def remove_left(place: Path, name: str) -> None:
    """Remove the folders of a kind that this user has and no run holds."""
    with contextlib.suppress(OSError):
        for one in list(place.glob(f"{BEFORE.format(name)}????????{AFTER}")):
            remove_unheld(one)


def remove_unheld(folder: Path) -> None:
    """Remove a folder of a run that was killed."""
    with contextlib.suppress(OSError):
        state = folder.lstat()
        is_ours = stat.S_ISDIR(state.st_mode) and state.st_uid == os.geteuid()
        if not is_ours or time.time() - state.st_mtime < LEFT_SECONDS:
            return
        hold = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(hold)
