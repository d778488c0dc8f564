"""The shelf: where closed periods are stored for good, and fetched from.

    open_s3_books   a local copy of what is closed, and nothing else; files are checked against the manifests
    put_period      every file of a period that was just closed, the manifest last

The copy lies under build/. It can be deleted, and is then fetched again. A period in it that S3 does not know
was never published, because its run was killed in between; it is removed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from chargeback.aws.bucket import Bucket, S3Place, s3_place
from chargeback.aws.calls import AwsClients, patience
from chargeback.books.manifest import (
    MANIFEST,
    MANIFEST_SIGNATURE,
    POSTINGS,
    file_path,
    period_folders,
    recorded_files,
)
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, WOULD_CHANGE_CLOSED, Refusal
from chargeback.core.paths import BUILD
from chargeback.params.books_policy import BooksPolicy

RUN_LETTERS = 16
PUTS_AT_ONCE = 8

Progress = Callable[[str], None]


def open_s3_books(uri: str, policy: BooksPolicy, progress: Progress) -> Books:
    """The books at a place in S3, with a local copy of all closed periods.

    Raises:
        Refusal: (exit 2) the place cannot be books; (exit 6) S3 does not answer; (exit 4) a file of a closed
            period is missing or is not what its manifest says.
    """
    place = s3_place(uri, "BOOKS")
    bucket = Bucket(AwsClients(None, patience()).client("s3"), place, policy)
    bucket.check()
    shelf = S3Shelf(bucket)
    books = Books(copy_folder(place), shelf)
    shelf.fetch(books, progress)
    return books


def copy_folder(place: S3Place) -> Path:
    """Where the local copy of books lies; other places have other folders."""
    digest = hashlib.sha256(str(place).encode()).hexdigest()[:8]
    return BUILD / "s3-books" / f"{place.bucket}-{digest}"


class S3Shelf:
    """Closed periods in a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    def closed_periods(self) -> list[str]:
        """The committed periods, in order."""
        return [
            name.split("/")[1].removeprefix("billing_period=")
            for name in self.bucket.keys("ledger/")
            if name.count("/") == 2 and name.endswith(f"/{MANIFEST}")
        ]

    def fetch(self, books: Books, progress: Progress) -> None:
        """Make the local copy hold what is closed, and nothing else."""
        closed = self.closed_periods()
        for period in books.closed_periods():
            if period not in closed:
                progress(f"  {period} was made here and never published: cleared away")
                clear_period(books, period)
        for period in closed:
            self.fetch_period(books, period, progress)

    def fetch_period(self, books: Books, period: str, progress: Progress) -> None:
        """Make the local copy of a period that of the committed one."""
        committed = self.bucket.get(manifest_name(period))
        kept = books.ledger(period) / MANIFEST
        if kept.is_file():
            if kept.read_bytes() == committed:
                return
            clear_period(books, period)
        manifest = json.loads(committed)
        files = {f"ledger/{MANIFEST_SIGNATURE}": "", **recorded_files(manifest)}
        progress(f"  {period}  fetching {len(files)} files from {self.bucket.place}")
        beside = Books(books.root / ".fetched")
        shutil.rmtree(beside.root, ignore_errors=True)
        run = run_of(committed)
        with ThreadPoolExecutor(PUTS_AT_ONCE) as readers:
            list(readers.map(partial(self.fetch_file, beside, period, run), files.items()))
        (beside.ledger(period) / MANIFEST).write_bytes(committed)
        for room in ("statements", "evidence", "ledger"):  # the ledger last: it says what is closed
            target = period_folders(books, period)[room]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            made = period_folders(beside, period)[room]
            made.mkdir(parents=True, exist_ok=True)
            made.rename(target)
        shutil.rmtree(beside.root)

    def fetch_file(self, books: Books, period: str, run: str, file: tuple[str, str]) -> None:
        """One file of a period, which must be what the manifest says (exit 4)."""
        name, sha256 = file
        target = file_path(books, period, name)
        self.bucket.download(object_name(period, run, name), target)
        found = hashlib.sha256(target.read_bytes()).hexdigest()
        if sha256 and found != sha256:
            raise Refusal(
                CONTROL_FAILED, f"an object of the closed period {period} is not what its manifest says",
                sha256, found, "", [f"{self.bucket.place}{object_name(period, run, name)}"],
                ["the bucket keeps earlier versions of the object: find out who put this one, and restore "
                 "the version with the sha256 of the manifest"],
            )  # fmt: skip

    def put_period(self, books: Books, period: str, progress: Progress) -> None:
        """Put a period that is closed in the local copy; its manifest last, which commits it.

        Raises:
            Refusal: (exit 6) S3 does not take a file; (exit 5) another run has closed the period with other
                postings. The period is then not in the local copy either, or as the other run closed it.
        """
        committed = (books.ledger(period) / MANIFEST).read_bytes()
        run, names = run_of(committed), files_of(committed)
        try:
            with ThreadPoolExecutor(PUTS_AT_ONCE) as writers:
                put = partial(self.put_file, books, period, run)
                clash = [
                    name
                    for name, done in zip(names, writers.map(put, names), strict=True)
                    if not done
                ]
            won = not clash and self.bucket.put(
                manifest_name(period), books.ledger(period) / MANIFEST
            )
        except Refusal:
            clear_period(books, period)
            raise
        if not won:
            self.lose(books, period, progress)
        self.put_postings(books, period)
        progress(f"  published  {len(names) + 1} objects in {self.bucket.place}, run {run}")

    def put_file(self, books: Books, period: str, run: str, name: str) -> bool:
        """One file of a period under its name in the bucket."""
        return self.bucket.put(object_name(period, run, name), file_path(books, period, name))

    def put_postings(self, books: Books, period: str) -> None:
        """The postings once more, in a folder of their own, which Athena reads as a table."""
        self.bucket.put(postings_name(period), books.ledger(period) / POSTINGS)

    def complete(self, books: Books) -> None:
        """Put what a run that was killed right after its commit has left out."""
        there = set(self.bucket.keys("postings/"))
        for period in books.closed_periods():
            if postings_name(period) not in there:
                self.put_postings(books, period)

    def lose(self, books: Books, period: str, progress: Progress) -> None:
        """Another run was first: take over what it closed, which must be the same charges (exit 5)."""
        mine = (books.ledger(period) / POSTINGS).read_bytes()
        clear_period(books, period)
        self.fetch_period(books, period, progress)
        theirs = (books.ledger(period) / POSTINGS).read_bytes()
        if mine != theirs:
            raise Refusal(
                WOULD_CHANGE_CLOSED, f"another run has closed {period} first, with other postings",
                "the postings of this run", "the postings that were committed", "",
                [f"{self.bucket.place}{manifest_name(period)}"],
                [f"see what differs: make monthly-close PERIOD={period}",
                 "the first run counts; nothing of this one was published"],
            )  # fmt: skip
        progress(f"  another run has closed {period} at the same time, with the same postings")


def manifest_name(period: str) -> str:
    """The object that commits a period."""
    return f"ledger/billing_period={period}/{MANIFEST}"


def postings_name(period: str) -> str:
    """The postings for Athena: one file a folder, and nothing else in it."""
    return f"postings/billing_period={period}/{POSTINGS}"


def object_name(period: str, run: str, name: str) -> str:
    """Where a file of a manifest lies in the bucket; each business unit's statements under one prefix.

    >>> object_name("2026-05", "0a1b", "statements/claims/statement.pdf")
    'statements/claims/billing_period=2026-05/0a1b/statement.pdf'
    >>> object_name("2026-05", "0a1b", "evidence/sql/keys/split_cost.sql")
    'evidence/billing_period=2026-05/0a1b/sql/keys/split_cost.sql'
    """
    room, _, rest = name.partition("/")
    if room == "statements":
        unit, _, rest = rest.partition("/")
        room = f"{room}/{unit}"
    return f"{room}/billing_period={period}/{run}/{rest}"


def run_of(manifest: bytes) -> str:
    """What the objects of a run are told apart by: the beginning of its manifest's sha256."""
    return hashlib.sha256(manifest).hexdigest()[:RUN_LETTERS]


def files_of(manifest: bytes) -> list[str]:
    """The files of a period, the manifest itself left out."""
    return [f"ledger/{MANIFEST_SIGNATURE}", *recorded_files(json.loads(manifest))]


def clear_period(books: Books, period: str) -> None:
    """Remove a period from a local copy, the ledger first: what is left of it is then not closed."""
    folders: Iterable[Path] = period_folders(books, period).values()
    for folder in sorted(folders, key=lambda one: "ledger" not in one.parts):
        shutil.rmtree(folder, ignore_errors=True)
