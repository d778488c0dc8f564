"""Holding the books: one run at a time, on books that can be written and are unchanged since their close."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chargeback.books.history import read_history
from chargeback.books.verify import stray_files, verified_ledger
from chargeback.books.verify.closes import history_findings
from chargeback.books.verify.findings import distinct
from chargeback.books.work_folder import WorkFolder
from chargeback.core.books_folders import Books
from chargeback.core.errors import unreachable
from chargeback.engine import Engine
from chargeback.engine.controls import require, run_group
from chargeback.engine.tables import texts


def prepare_folders(books: Books) -> None:
    """Make the books' folder and see that it can be written (exit 6)."""
    folder = books.root
    try:
        books.root.mkdir(parents=True, exist_ok=True)
        rooms = (books.root / name for name in ("ledger", "evidence", "statements", "work"))
        for folder in (books.root, *(one for one in rooms if one.is_dir())):
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        raise unreachable(
            "the books folder cannot be written", "a folder that this user may write",
            "a file of that name" if books.root.is_file()
            else f"{type(error).__name__}: {error.strerror or error}", [str(folder)],
            ["choose another folder with BOOKS=, or change its permissions",
             "books that a group works on: chgrp -R group books; chmod -R g+rwX books; find books -type d "
             "-exec chmod g+s {} +"],
        ) from None  # fmt: skip


@dataclass(frozen=True)
class Hold:
    """That a run holds the books: its line in the lock file."""

    path: Path
    line: str

    def require(self) -> None:
        """Stop when the lock file is gone or another run's, which may work here too (exit 6)."""
        try:
            there = self.path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            there = ""
        if there != self.line:
            raise unreachable(
                "the lock of these books was taken away while this run worked", self.line.strip(),
                there.strip() or "no lock file", [str(self.path)],
                ["nothing was published; see that nobody else closes these books, then run it again",
                 "leave the lock file alone: it stays when a run has ended, and holds nothing then"],
            )  # fmt: skip


@contextlib.contextmanager
def one_at_a_time(work: WorkFolder) -> Iterator[Hold]:
    """Hold the books; a second run on them, of whatever period, stops at once (exit 6).

    The whole books, because each period's manifest names those before it: two periods that were closed at
    the same time would not know of each other. The lock is of the open file, so that it ends with its process;
    the line in it is of this run alone, so that it is noticed when somebody removes the file.
    """
    path = work.folder.parent / ".lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise unreachable(
                    "the file system of the books cannot lock a file", "a lock, for one run at a time",
                    f"{type(error).__name__}: {error.strerror or error}", [str(path)],
                    ["keep the books on a local disk or on NFS of version 4, or in S3: BOOKS=s3://bucket/prefix"],
                ) from None  # fmt: skip
            lock.seek(0)
            raise unreachable(
                "another run works on these books", "one run at a time",
                lock.read().strip() or "a run that has just begun", [str(work.books.root)],
                ["wait for it to end, then run this again"],
            ) from None  # fmt: skip
        hold = Hold(path, f"process {os.getpid()} on {work.period}, run {secrets.token_hex(4)}\n")
        lock.truncate(0)
        lock.write(hold.line)
        lock.flush()
        work.folder.mkdir(exist_ok=True)
        try:
            yield hold
        finally:
            with contextlib.suppress(OSError):
                work.folder.rmdir()  # kept when there is something in it to resume from


def check_closed_periods(books: Books, period: str) -> None:
    """Stop when a file of a closed period is not what its manifest says, or their histories differ (exit 4)."""
    findings = [
        one for closed in books.closed_periods() for one in verified_ledger(books, closed).findings
    ]
    findings += history_findings(books, read_history(books))
    findings += [one for one in stray_files(books) if books.root.joinpath(one.path).is_file()]
    rows = [
        (one.period, one.path, one.recorded or None, one.found or None)
        for one in distinct(findings)
    ]
    columns = ("billing_period", "path", "recorded_sha256", "found_sha256")
    engine = Engine()
    engine.register(
        "closed_files",
        texts(**{name: [row[at] for row in rows] for at, name in enumerate(columns)}),
    )
    outcomes = run_group(engine, "books")
    engine.close()
    require(outcomes, period)
