"""The lock of the access log, so that one portal writes it, and what is said where it cannot be written."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from pathlib import Path
from typing import Any

from chargeback.core.errors import Refusal, unreachable


def hold(folder: Path) -> Any:
    """A lock on a log, which ends with this process (exit 6 where another holds it)."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / ".lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        who = lock.read().strip()
        lock.close()
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise
        raise unreachable(
            "another portal serves these books", "one portal, which writes the access log",
            who or "one that has just begun", [str(folder)],
            ["stop it first; one portal serves many people, behind one address"],
        ) from None  # fmt: skip
    lock.truncate(0)
    lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    lock.flush()
    return lock


def unwritable(place: Path, error: OSError) -> Refusal:
    """That the log cannot be written (exit 6)."""
    return unreachable(
        "the access log cannot be written", "every line on the disk before an answer is sent",
        f"{type(error).__name__}: {error.strerror or error}", [str(place)],
        ["nothing is served without it: see that the disk has room and the folder may be written",
         "start the portal again where it does not go on by itself"],
    )  # fmt: skip
