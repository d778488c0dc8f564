"""Catalogue: what the books hold now, read once and looked at again when they have changed.

In: books in a folder or in S3. Out: each closed month as its signed manifest has it, the delivery log, and the
newest edition of the dashboards. A file that is served is read each time and compared with what is kept here,
so that being quick costs no check. A month that is not as it was closed is kept as the refusal that says so:
nothing of it is served, and the other months are.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from chargeback.books.checked import signed_manifest
from chargeback.books.closed_period import day_closed
from chargeback.books.delivery_log import APPROVED, FOLDER, HANDED_OUT, DeliveryLog, read_log
from chargeback.books.delivery_room import delivery_room
from chargeback.books.manifest import MANIFEST, MANIFEST_SIGNATURE, recorded_files
from chargeback.core.books_folders import Books
from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.core.files import bytes_of
from chargeback.core.sums import sums_by
from chargeback.dashboards.editions import FOLDER as DASHBOARDS
from chargeback.dashboards.editions import INDEX, Edition, dashboards_room, newest_edition
from chargeback.delivery.covering_data import files_of
from chargeback.delivery.pack import in_pack
from chargeback.delivery.pack_names import UnitFiles
from chargeback.delivery.released import ClosedForDelivery
from chargeback.params.delivery import FILE as DELIVERY
from chargeback.params.delivery import read_delivery
from chargeback.params.dispute_policy import DisputePolicy

#: Seconds until it is looked again whether the books have changed: on this disk, and in S3.
DISK_SECONDS, S3_SECONDS = 1.0, 15.0


@dataclass(frozen=True)
class Month:
    """A closed period.

    Args:
        names: of its business units, by their ids.
        centers: the names of its cost centers, by their ids.
        files: how the files of each unit are called, for people.
        recorded: the sha256 of each file of its statements, by the name that the manifest has.
        charged: what each unit is charged, by its id.
        closed_on: the day of its close; None where its evidence does not say.
        asks_approval: whether somebody must have approved it before others see it.
        agreed: what delivery.toml said of disputes when it was closed.
    """

    period: str
    manifest: Mapping[str, Any]
    names: Mapping[str, str]
    centers: Mapping[str, str]
    files: Mapping[str, UnitFiles]
    recorded: Mapping[str, str]
    charged: Mapping[str, Decimal]
    closed_on: date | None
    asks_approval: bool
    agreed: DisputePolicy = field(default_factory=DisputePolicy)

    @property
    def total(self) -> Decimal:
        """What all units are charged."""
        return Decimal(self.manifest["postings"]["charged"])

    @property
    def currency(self) -> str:
        """Of its amounts."""
        return str(self.manifest["currency"])


@dataclass(frozen=True)
class Catalogue:
    """What the books held when they were looked at.

    Args:
        months: the closed periods in order, by period.
        broken: why a period is not served.
        log: the delivery log, its chain looked at.
        edition: of the dashboards; None before there is one.
        policies: what delivery.toml says today of disputes about each month, where it can be read.
    """

    months: Mapping[str, Month] = field(default_factory=dict)
    broken: Mapping[str, Refusal] = field(default_factory=dict)
    log: DeliveryLog = field(default_factory=lambda: DeliveryLog(""))
    edition: Edition | None = None
    policies: Mapping[str, DisputePolicy] = field(default_factory=dict)

    def is_waiting(self, month: Month) -> bool:
        """Whether a month is prepared, and nobody has approved it."""
        return month.asks_approval and not self.log.find(APPROVED, month.period)

    def pack(self, period: str) -> dict[str, str]:
        """The sha256 of each file of the pack that was handed out, by its name there; empty without one."""
        entry = self.log.find(HANDED_OUT, period)
        before = f"billing_period={period}/{in_pack('')}"
        return {
            name.removeprefix(before): sha256
            for name, sha256 in (entry.files if entry else {}).items()
            if name.startswith(before)
        }


class Catalogues:
    """Gives the catalogue of books as they are now.

    Many threads ask at once: one looks at the books, and the others take what was there a moment ago.

    Args:
        params_folder: the params of today.
    """

    def __init__(self, books: Books, params_folder: Path) -> None:
        self.books, self.params_folder = books, params_folder
        self.seconds = S3_SECONDS if books.shelf else DISK_SECONDS
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, Month]] = {}
        self._stamp: object = None
        self._looked_at, self._asked = float("-inf"), 0
        self._last: Catalogue | None = None

    def now(self) -> Catalogue:
        """The catalogue.

        Raises:
            Refusal: (exit 4) delivery log or dashboards are not as they were written; (exit 6) S3 does not
                answer, and never did before.
        """
        last = self._last
        if last and time.monotonic() - self._looked_at < self.seconds:
            return last
        if not self._lock.acquire(blocking=last is None):
            assert last
            return last
        try:
            return self._look()
        finally:
            self._lock.release()

    def forget(self) -> None:
        """Look at the books again when next asked, because something was just written."""
        self._asked += 1  # nobody waits here for whoever is looking now
        self._looked_at = float("-inf")

    def _look(self) -> Catalogue:
        if self._last and time.monotonic() - self._looked_at < self.seconds:
            return self._last  # another thread has looked while this one waited
        asked = self._asked
        try:
            stamp = self._now_there()
            if self._last is None or stamp != self._stamp:
                self._last, self._stamp = self._read(), stamp
        except Refusal as refusal:
            # What is on this disk stays as it was checked; that more was approved can wait for S3.
            if self._last is None or refusal.exit_code != UNREACHABLE:
                self._last = None
                raise
        if asked == self._asked:
            self._looked_at = time.monotonic()
        return self._last

    def _now_there(self) -> object:
        """What changes whenever the books do: names, and for files on this disk their time and size."""
        if self.books.shelf:
            from chargeback.books.shelf import S3Shelf

            assert isinstance(self.books.shelf, S3Shelf)
            bucket = self.books.shelf.bucket
            rooms = ("ledger/", f"delivery/{FOLDER}", f"{DASHBOARDS}/")
            return [stamp_of(self.params_folder / DELIVERY), *map(bucket.keys, rooms)]
        root = self.books.root
        files = [
            self.books.ledger(period) / name
            for period in self.books.closed_periods()
            for name in (MANIFEST, MANIFEST_SIGNATURE)
        ]
        files.append(self.params_folder / DELIVERY)
        files += sorted((root / DASHBOARDS).glob(f"*/{INDEX}"))
        return [*map(stamp_of, files), names_in(root / "delivery" / FOLDER)]

    def _read(self) -> Catalogue:
        if self.books.shelf and self._last:
            from chargeback.books.shelf import S3Shelf

            assert isinstance(self.books.shelf, S3Shelf)
            self.books.shelf.fetch(self.books, lambda _: None)
        months: dict[str, Month] = {}
        broken: dict[str, Refusal] = {}
        books_id = ""
        for period in self.books.closed_periods():
            try:
                months[period] = self._month(period)
                books_id = str(months[period].manifest.get("books", "")) or books_id
            except Refusal as refusal:
                broken[period] = refusal
        log = read_log(delivery_room(self.books), books_id)
        edition = newest_edition(dashboards_room(self.books))
        policies: dict[str, DisputePolicy] = {}
        for period in months:
            with contextlib.suppress(Refusal):  # a statement is read without its last day as well
                policies[period] = read_delivery(self.params_folder, period).disputes
        return Catalogue(months, broken, log, edition, policies)

    def _month(self, period: str) -> Month:
        """A month, read again only where its manifest or signature is another one."""
        folder = self.books.ledger(period)
        digest = hashlib.sha256()
        for name in (MANIFEST, MANIFEST_SIGNATURE):
            with_content = partial(bytes_of, folder / name)
            digest.update(hashlib.sha256(or_nothing(with_content)).digest())
        known = self._known.get(period)
        if known and known[0] == digest.hexdigest():
            return known[1]
        found = read_month(self.books, period, self.params_folder)
        self._known[period] = (digest.hexdigest(), found)
        return found


def read_month(books: Books, period: str, params_folder: Path) -> Month:
    """A closed month (exit 4 where it is not as it was closed)."""
    manifest = signed_manifest(books, period).manifest
    about = ClosedForDelivery(books, period, params_folder)
    params = about.params
    charged = sums_by(about.postings, ["business_unit_id"], "amount")
    return Month(
        period, manifest,
        {one.business_unit_id: one.name for one in params.business_units.values()},
        {one.cost_center_id: one.name for one in params.cost_centers.values()},
        files_of(about), recorded_files(manifest, "statements"),
        {unit: amount for (unit,), amount in charged.items() if unit},
        day_closed(books, period), about.asks_approval, params.delivery.disputes,
    )  # fmt: skip


def stamp_of(path: Path) -> tuple[str, int, int, int]:
    """A file with its time, size and number on the disk; zeros where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, 0, 0
    return str(path), found.st_mtime_ns, found.st_size, found.st_ino


def names_in(folder: Path) -> list[str]:
    """The names in a folder; none where there is no folder."""
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def or_nothing(read: Callable[[], bytes]) -> bytes:
    """The bytes of a file, and none of one that is not there."""
    try:
        return read()
    except OSError:
        return b""
