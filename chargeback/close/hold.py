"""Holding the books: one run at a time, on books that can be written and are unchanged since their close."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator

from chargeback.books.verify import verified_ledger
from chargeback.books.work_folder import WorkFolder
from chargeback.core.books_folders import Books
from chargeback.core.errors import unreachable
from chargeback.engine import Engine
from chargeback.engine.controls import require, run_group
from chargeback.engine.tables import texts


def prepare_folders(books: Books) -> None:
    """Make the books' folder and see that it can be written (exit 6)."""
    try:
        books.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=books.root):
            pass
    except OSError as error:
        raise unreachable(
            "the books folder cannot be written", "a folder that this user may write",
            "a file of that name" if books.root.is_file()
            else f"{type(error).__name__}: {error.strerror or error}", [str(books.root)],
            ["choose another folder with BOOKS=, or change its permissions"],
        ) from None  # fmt: skip


@contextlib.contextmanager
def one_at_a_time(work: WorkFolder) -> Iterator[None]:
    """Hold the books; a second run on them, of whatever period, stops at once (exit 6).

    The whole books, because each period's manifest names the one before it: two periods that were closed at
    the same time would not be linked.
    """
    path = work.folder.parent / ".lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise unreachable(
                "another run works on these books", "one run at a time",
                lock.read().strip() or "a run that has just begun", [str(work.books.root)],
                ["wait for it to end, then run this again"],
            ) from None  # fmt: skip
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {work.period}\n")
        lock.flush()
        work.folder.mkdir(exist_ok=True)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                work.folder.rmdir()  # kept when there is something in it to resume from


def check_closed_periods(books: Books, period: str) -> None:
    """Stop when a file of a closed period is not what its manifest says (exit 4)."""
    rows = [
        (one.period, one.path, one.recorded or None, one.found or None)
        for closed in books.closed_periods()
        for one in verified_ledger(books, closed).findings
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
