"""The shelf: where closed periods are stored for good, and fetched from.

    open_s3_books   a local copy of what is closed, and nothing else
    put_period      every file of a period that was just closed, the manifest last

The copy lies under build/. It is never trusted: each file of it is compared with the committed manifest
whenever books are opened, and a period that differs is fetched again. It can be deleted. A period in it that
was never committed, because its run was killed in between, is removed when no run works here. It also
remembers which manifests were committed when it was last opened: a closed period that is gone, or another one
since, stops every verb.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from chargeback.aws.bucket import Bucket, S3Place, s3_place
from chargeback.aws.calls import AwsClients, patience
from chargeback.books.committed import Committed, read_committed, require_believed
from chargeback.books.manifest import (
    MANIFEST,
    MANIFEST_SIGNATURE,
    POSTINGS,
    file_path,
    period_folders,
    recorded_files,
)
from chargeback.books.names import ROOMS
from chargeback.books.objects import (
    METRICS_ROOM,
    TABLE_ROOM,
    committed_period,
    manifest_name,
    metrics_name,
    object_name,
    run_of,
    table_period,
    tables_of,
)
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, WOULD_CHANGE_CLOSED, Refusal
from chargeback.core.files import sha256_of
from chargeback.core.json_text import read_json
from chargeback.core.paths import BUILD
from chargeback.params.books_policy import BooksPolicy

PUTS_AT_ONCE = 8

#: In the local copy: the sha256 of each manifest that was committed when it was opened.
SEEN = "committed.json"

#: How a period is known to have been committed whose manifest is gone: they are put after it.
TABLED = "its postings for Athena are there"

Progress = Callable[[str], None]


def open_s3_books(uri: str, policy: BooksPolicy, progress: Progress) -> Books:
    """The books at a place in S3, with a local copy of all closed periods.

    Raises:
        Refusal: (exit 2) the place cannot be books; (exit 6) S3 does not answer; (exit 4) a manifest is not as
            it was signed, names a file outside of its period, or is gone or another one since the last time;
            or a file of a closed period is missing or is not what its manifest says.
    """
    bucket = open_bucket(uri, policy)
    shelf = S3Shelf(bucket)
    books = Books(copy_folder(bucket.place), shelf)
    shelf.fetch(books, progress)
    return books


def open_bucket(uri: str, policy: BooksPolicy) -> Bucket:
    """The bucket of books, which is there and can do what the params ask for."""
    place = s3_place(uri, "BOOKS")
    bucket = Bucket(AwsClients(None, patience()).client("s3"), place, policy)
    bucket.check()
    return bucket


def copy_folder(place: S3Place) -> Path:
    """Where the local copy of books lies; other places have other folders."""
    digest = hashlib.sha256(str(place).encode()).hexdigest()[:8]
    return BUILD / "s3-books" / f"{place.bucket}-{digest}"


class S3Shelf:
    """Closed periods in a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    @property
    def address(self) -> str:
        """The place, as BOOKS= names it."""
        return str(self.bucket.place)

    def fetch(self, books: Books, progress: Progress) -> None:
        """Make the local copy hold what is closed, and nothing else."""
        tabled = self.bucket.keys(
            f"{TABLE_ROOM}/"
        )  # before the ledger: a close writes them after it
        there = self.bucket.keys("ledger/")
        closed = [period for name in there if (period := committed_period(name))]
        self.require_all_there(books, closed, tabled)
        with ThreadPoolExecutor(PUTS_AT_ONCE) as readers:
            read = partial(read_committed, self.bucket, there=set(there))
            committed = list(readers.map(read, closed))
        for one in committed:
            require_believed(one, self.bucket)
        self.require_unreplaced(books, committed)
        for period in books.closed_periods():
            if period not in closed and not is_held(books):
                progress(f"  {period} was made here and never published: cleared away")
                clear_period(books, period)
        for one in committed:
            self.fetch_period(books, one, progress)
        remember(books, committed)

    def require_all_there(
        self, books: Books, closed: Collection[str], tabled: Collection[str]
    ) -> None:
        """Stop when a period was committed once and has no manifest now (exit 4)."""
        known = dict.fromkeys(seen(books), "this machine has seen it closed")
        known |= dict.fromkeys(map(table_period, tabled), TABLED)
        for period in sorted(known.keys() - {*closed, ""}):
            raise gone_refusal(
                self.bucket.place, period, known[period],
                ["a bucket with versions keeps deleted objects: find out who deleted it, and restore it",
                 f"where these are other books, set up anew in the same place: delete {books.root}",
                 "see what else is missing: make verify BOOKS=…"],
            )  # fmt: skip

    def require_unreplaced(self, books: Books, committed: Collection[Committed]) -> None:
        """Stop when another manifest commits a period than did when the copy was last opened (exit 4)."""
        before = seen(books)
        for one in committed:
            now = hashlib.sha256(one.manifest).hexdigest()
            if before.get(one.period, now) != now:
                raise Refusal(
                    CONTROL_FAILED, "a closed period in the bucket is another one than this machine has seen",
                    f"a manifest with sha256 {before[one.period]}", now, "",
                    [f"{self.bucket.place}{manifest_name(one.period)}"],
                    ["no close replaces a manifest: find out who put it, and restore the version before it",
                     f"where these are other books, set up anew in the same place: delete {books.root}"],
                )  # fmt: skip

    def fetch_period(self, books: Books, one: Committed, progress: Progress) -> None:
        """Make the local copy of a period that of the committed one; what is whole already stays."""
        if is_whole(books, one):
            return
        if books.ledger(one.period).exists():
            progress(f"  {one.period}  the local copy is not what is committed: fetched again")
        progress(f"  {one.period}  fetching {len(one.files) + 2} files from {self.bucket.place}")
        books.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=books.root, prefix=".fetched-") as folder:
            beside = Books(Path(folder))
            with ThreadPoolExecutor(PUTS_AT_ONCE) as readers:
                list(readers.map(partial(self.fetch_file, beside, one), one.files.items()))
            write_commit(beside, one)
            clear_period(books, one.period)
            for room in ROOMS:
                target = period_folders(books, one.period)[room]
                target.parent.mkdir(parents=True, exist_ok=True)
                made = period_folders(beside, one.period)[room]
                made.mkdir(parents=True, exist_ok=True)
                made.rename(target)

    def fetch_file(self, books: Books, of: Committed, file: tuple[str, str]) -> None:
        """One file of a period, which must be what the manifest says (exit 4)."""
        name, sha256 = file
        source = object_name(of.period, of.run, name)
        found = self.bucket.download(source, file_path(books, of.period, name))
        if found != sha256:
            raise Refusal(
                CONTROL_FAILED, f"an object of the closed period {of.period} is not what its manifest says",
                sha256, found, "", [f"{self.bucket.place}{source}"],
                ["the bucket keeps earlier versions of the object: find out who put this one, and restore "
                 "the version with the sha256 of the manifest"],
            )  # fmt: skip

    def put_period(self, books: Books, period: str, progress: Progress) -> None:
        """Put a period that is closed in the local copy; its manifest last, which commits it.

        The signature comes first: a run that was killed can be told by it from what others put there.

        Raises:
            Refusal: (exit 6) S3 does not take a file; (exit 5) another run has closed the period with other
                postings; (exit 4) somebody else has put postings for Athena. The period is then not in the
                local copy either, or as the other run closed it.
        """
        committed = (books.ledger(period) / MANIFEST).read_bytes()
        names = [f"ledger/{MANIFEST_SIGNATURE}", *recorded_files(read_json(committed))]
        put = partial(self.put_file, books, period, run_of(committed))
        try:
            won = put(names[0])
            with ThreadPoolExecutor(PUTS_AT_ONCE) as writers:
                won = all([won, *writers.map(put, names[1:])])
            if won:
                self.require_own_tables(books, period)
            won = won and self.bucket.put(manifest_name(period), books.ledger(period) / MANIFEST)
        except Refusal:
            clear_period(books, period)
            raise
        if not won:
            self.lose(books, period, progress)
        self.put_tables(books, period)
        content = (books.ledger(period) / MANIFEST).read_bytes()
        remember(books, [Committed(period, content, b"", {})])
        progress(
            f"  published  {len(names) + 1} objects in {self.bucket.place}, run {run_of(committed)}"
        )

    def put_file(self, books: Books, period: str, run: str, name: str) -> bool:
        """One file of a period under its name in the bucket."""
        return self.bucket.put(object_name(period, run, name), file_path(books, period, name))

    def put_tables(self, books: Books, period: str) -> None:
        """The postings once more, and the quantities where there are some, each in a folder of its own, which
        Athena reads as a table.
        """
        for name, file in self.tables(books, period).items():
            if not self.bucket.put(name, file_path(books, period, file)):
                raise self.other_tables(
                    period, "the period is closed, and what Athena reads is not its ledger", name
                )

    def tables(self, books: Books, period: str) -> dict[str, str]:
        """What Athena reads of a period in the local copy."""
        manifest = read_json((books.ledger(period) / MANIFEST).read_bytes())
        return tables_of(period, recorded_files(manifest))

    def require_own_tables(self, books: Books, period: str) -> None:
        """Stop before a commit when Athena would read something else than what is committed (exit 4).

        Another run that was first may have put its own; then there is nothing to commit any more.
        """
        own = self.tables(books, period)
        known = {name: sha256_of(file_path(books, period, file)) for name, file in own.items()}
        folders = {name.rpartition("/")[0] for name in (*own, metrics_name(period))}
        for one in (one for folder in sorted(folders) for one in self.bucket.keys(f"{folder}/")):
            other = one not in known or self.bucket.sha256(one) != known[one]
            if other and not self.bucket.keys(manifest_name(period)):
                raise self.other_tables(period, "nothing was committed", one)

    def other_tables(self, period: str, so: str, name: str) -> Refusal:
        """That an object stands where the postings or quantities of a period for Athena belong."""
        return Refusal(
            CONTROL_FAILED, f"somebody else has put postings of {period} for Athena",
            "the ledger's postings and no other object", "an object of no close", "",
            [f"{self.bucket.place}{name}"],
            [so, "find out who put it, remove it, and run it again"],
        )  # fmt: skip

    def complete(self, books: Books) -> None:
        """Put what a run that was killed right after its commit has left out."""
        rooms = (TABLE_ROOM, METRICS_ROOM)
        there = {one for room in rooms for one in self.bucket.keys(f"{room}/")}
        for period in books.closed_periods():
            if not there.issuperset(self.tables(books, period)):
                self.put_tables(books, period)

    def lose(self, books: Books, period: str, progress: Progress) -> None:
        """Another run was first: take over what it closed, which must be the same charges (exit 5)."""
        mine = (books.ledger(period) / POSTINGS).read_bytes()
        clear_period(books, period)
        theirs = read_committed(self.bucket, period, set(self.bucket.keys("ledger/")))
        require_believed(theirs, self.bucket)
        self.fetch_period(books, theirs, progress)
        if mine != (books.ledger(period) / POSTINGS).read_bytes():
            raise Refusal(
                WOULD_CHANGE_CLOSED, f"another run has closed {period} first, with other postings",
                "the postings of this run", "the postings that were committed", "",
                [f"{self.bucket.place}{manifest_name(period)}"],
                [f"see what differs: make monthly-close PERIOD={period}",
                 "the first run counts; nothing of this one was published"],
            )  # fmt: skip
        progress(f"  another run has closed {period} at the same time, with the same postings")


def gone_refusal(place: S3Place, period: str, known: str, todo: list[str]) -> Refusal:
    """That a period was committed and has no manifest any more (exit 4).

    Args:
        known: how it is known to have been committed.
    """
    return Refusal(
        CONTROL_FAILED, "a closed period is gone from the bucket", manifest_name(period),
        f"no such object, and {known}", "", [str(place)], todo,
    )  # fmt: skip


def is_held(books: Books) -> bool:
    """Whether a run works on the local copy now; what it has closed may be about to be published."""
    try:
        with (books.root / "work" / ".lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is no lock file, because no run has worked here
        return False
    return False


def write_commit(books: Books, one: Committed) -> None:
    """The manifest and its signature, in the ledger folder of a copy."""
    folder = books.ledger(one.period)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_bytes(one.manifest)
    if one.signature:
        (folder / MANIFEST_SIGNATURE).write_bytes(one.signature)


def is_whole(books: Books, one: Committed) -> bool:
    """Whether the local copy of a period is, file by file, what is committed, and nothing else."""
    folders = period_folders(books, one.period)
    expected = {file_path(books, one.period, name): sha256 for name, sha256 in one.files.items()}
    for name, content in ((MANIFEST, one.manifest), (MANIFEST_SIGNATURE, one.signature)):
        expected[folders["ledger"] / name] = hashlib.sha256(content).hexdigest()
    if any(folder.is_symlink() for folder in folders.values()):
        return False
    there = [path for folder in folders.values() for path in folder.rglob("*")]
    files = {path for path in there if path.is_symlink() or not path.is_dir()}
    if files != expected.keys() or any(path.is_symlink() for path in files):
        return False
    with ThreadPoolExecutor(os.cpu_count()) as readers:
        return all(
            found == expected[path]
            for path, found in zip(expected, readers.map(sha256_of, expected), strict=True)
        )


def seen(books: Books) -> dict[str, str]:
    """The sha256 of each period's manifest as the copy has seen it committed."""
    try:
        content = read_json((books.root / SEEN).read_bytes())
        return {str(period): str(sha256) for period, sha256 in content.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def remember(books: Books, committed: Collection[Committed]) -> None:
    """Note which manifests are committed."""
    now = {one.period: hashlib.sha256(one.manifest).hexdigest() for one in committed}
    if now.items() <= seen(books).items():
        return
    books.root.mkdir(parents=True, exist_ok=True)
    beside = books.root / f".{SEEN}.{os.getpid()}"
    beside.write_text(json.dumps(seen(books) | now, indent=1, sort_keys=True) + "\n")
    beside.replace(books.root / SEEN)


def clear_period(books: Books, period: str) -> None:
    """Remove a period from a local copy, the ledger first: what is left of it is then not closed."""
    folders = period_folders(books, period)
    for room in reversed(ROOMS):
        if folders[room].is_symlink():
            folders[room].unlink()
        shutil.rmtree(folders[room], ignore_errors=True)
