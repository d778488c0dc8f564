"""Released: a closed period that may be handed out and booked, with all that delivery reads of it.

    closed, prepared -> approved -> handed out, exported, booked

A period whose params named approvers when it was closed is *prepared*: its numbers are final, and nothing
leaves the books before one of them has signed. Without approvers its close releases it. What always holds: what
is read here is what was closed (chargeback/books/checked.py), and delivery changes nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from chargeback.books.checked import checked_manifest, checked_postings, private_copy
from chargeback.books.closed_period import kept_params
from chargeback.books.delivery_log import (
    APPROVED,
    CLOSED,
    DeliveryLog,
    Entry,
    put_files,
    read_log,
    record,
)
from chargeback.books.delivery_room import FolderRoom, Room, delivery_room, period_name
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params
from chargeback.core.progress import show_path
from chargeback.params import Params
from chargeback.params.delivery import Approver, Delivery, read_delivery


@dataclass(frozen=True)
class ClosedForDelivery:
    """A closed period, and where what is done with it is written down.

    Args:
        params_folder: the params of today: where things are sent to, and who gets what.
        by: who acts, as BY= named them; blank is whoever is logged in.
        to: a folder that the pack is copied to, for people; None for none.
    """

    books: Books
    period: str
    params_folder: Path
    by: str = ""
    to: Path | None = None

    @cached_property
    def room(self) -> Room:
        """The delivery room of the books."""
        return delivery_room(self.books)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the period was closed as (exit 4 where it is not whole)."""
        return checked_manifest(self.books, self.period)

    @property
    def books_id(self) -> str:
        """The id of the books; blank where they were closed by a version that gave none."""
        return str(self.manifest.get("books", ""))

    @property
    def charged(self) -> Decimal:
        """The sum of all statements, in the currency of the manifest."""
        return Decimal(self.manifest["postings"]["charged"])

    @cached_property
    def postings(self) -> pa.Table:
        """The postings of the period, corrections of earlier ones among them."""
        return checked_postings(self.books, self.period)

    @cached_property
    def params(self) -> Params:
        """The params that the period was closed with."""
        return kept_params(self.books, self.period)

    @cached_property
    def delivery(self) -> Delivery:
        """What delivery.toml says today of the period: contacts, accounts and layouts may be entered late."""
        return read_delivery(self.params_folder, self.period)

    @property
    def log(self) -> DeliveryLog:
        """The delivery log as it is now."""
        return read_log(self.room, self.books_id)

    @cached_property
    def asks_approval(self) -> bool:
        """Whether the params named approvers when the period was closed."""
        if "evidence/params/delivery.toml" not in self.manifest["derived"]:
            return False
        with private_copy(self.books, self.period, "evidence/params") as folder:
            return bool(read_delivery(folder, self.period).approvers)

    def file_name(self, name: str) -> str:
        """The name, in the delivery room, of a file about the period."""
        return period_name(self.period, name)

    def place_of(self, name: str) -> str:
        """Where a file of the delivery room is, for people: as short as the reader's folder allows."""
        place = f"{self.room.place.rstrip('/')}/{name}"
        return show_path(Path(place)) if isinstance(self.room, FolderRoom) else place

    def put(self, contents: Mapping[str, bytes]) -> dict[str, str]:
        """Put files about the period into the room; the sha256 of each, by its name there."""
        return put_files(
            self.room, {self.file_name(name): content for name, content in contents.items()}
        )

    def record(
        self,
        action: str,
        subject: str = "",
        files: Mapping[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
        once: bool = False,
    ) -> tuple[Entry, bool]:
        """Write into the log that something was done; the entry, and whether it is new (`record`)."""
        return record(
            self.room, self.books_id, action, self.period, subject, self.by, files, details, once
        )

    def done(self, action: str, subject: str = "") -> Entry | None:
        """The entry of what was done already."""
        return self.log.find(action, self.period, subject)


def closed_for_delivery(
    books: Books, period: str, params_folder: Path, by: str = "", to: Path | None = None
) -> ClosedForDelivery:
    """A closed period, released or not.

    Raises:
        Refusal: (exit 2) it is not closed; (exit 4) it is not as it was closed.
    """
    if period not in books.closed_periods():
        closed = books.closed_periods()
        raise bad_params(
            "this period is not closed", "one of " + ", ".join(closed) if closed else "a closed period",
            period, [books.place], [f"close it first: make monthly-close PERIOD={period}"],
        )  # fmt: skip
    found = ClosedForDelivery(books, period, params_folder, by, to)
    note_closed(found)
    return found


def shown_entry(entry: Entry) -> str:
    """When and by whom something was done, for people."""
    moment = entry.at.replace("T", " ").removesuffix("Z")[:16]
    return f"{moment} UTC by {entry.by}"


def note_closed(period: ClosedForDelivery) -> None:
    """Write into the log that the period was closed and by whom, unless it is there already."""
    run = period.manifest["run"]
    record(
        period.room, period.books_id, CLOSED, period.period,
        by=run.get("closed_by", "") or "a version that kept no name",
        details={"prepared": period.asks_approval, "charged": period.manifest["postings"]["charged"]},
    )  # fmt: skip


def is_who_closed(period: ClosedForDelivery, approver: Approver) -> bool:
    """Whether an approver is who closed the period, as its manifest names them."""
    closed_by = str(period.manifest["run"].get("closed_by", "")).casefold()
    return closed_by in (approver.approver_id.casefold(), approver.name.casefold())


def is_waiting(period: ClosedForDelivery) -> bool:
    """Whether a period is prepared, and nobody has approved it."""
    return period.asks_approval and not period.done(APPROVED)


def released_months(books: Books, params_folder: Path) -> list[str]:
    """The closed periods that may leave the books, in order.

    Raises:
        Refusal: (exit 4) one of them, or the delivery log, is not as it was written.
    """
    return [
        one
        for one in books.closed_periods()
        if not is_waiting(ClosedForDelivery(books, one, params_folder))
    ]


def require_released(period: ClosedForDelivery) -> None:
    """Stop unless the period may leave the books (exit 4)."""
    if is_waiting(period):
        others = [one for one in period.params.delivery.approvers if not is_who_closed(period, one)]
        names = ", ".join(one.approver_id for one in others)
        raise Refusal(
            CONTROL_FAILED, "this period is prepared, and nobody has approved it",
            f"an approval by one of {names}", "none", "",
            [f"{period.period}, closed by {period.manifest['run'].get('closed_by', 'somebody')}"],
            [f"one of them runs, with a key of their own: make approve PERIOD={period.period} BY=…",
             "its numbers are final; nothing of it is handed out or booked before"],
        )  # fmt: skip
