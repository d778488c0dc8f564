"""What the delivery notebook shows of a closed period: what was done with it, by whom and when. Writes nothing.

It reads the period's signed manifest and the delivery log, whose chain is looked at on the way. Known drawback:
a notebook has books in a folder; of books in S3 it sees the local copy, which has no log. `make verify` reads
the log where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd

from chargeback.books.checked import checked_manifest
from chargeback.books.delivery_log import ACTIONS, CLOSED, EXPORTED, DeliveryLog, Entry, read_log
from chargeback.books.delivery_room import delivery_room
from chargeback.core.books_folders import Books, named_books
from chargeback.core.errors import bad_params
from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.core.text import plain
from chargeback.pages.figures import Chart, bar

#: What the log can say of a period, but for its close, in the order in which it is done.
STEPS = tuple(one for one in ACTIONS if one != CLOSED)


@dataclass(frozen=True)
class Delivered:
    """A closed period and what was done with it."""

    period: str
    manifest: Mapping[str, Any]
    log: DeliveryLog

    @property
    def entries(self) -> list[Entry]:
        """What was done with the period, in its order."""
        return self.log.of(self.period)

    def count(self, action: str) -> int:
        """How often something was done with the period."""
        return len(self.log.of(self.period, action))


def open_delivery(period: str, books: str = "") -> Delivered:
    """What was done with a closed period.

    Args:
        books: blank is the folder of the lab.

    Raises:
        Refusal: (exit 2) it is not closed; (exit 4) it or the log is not as it was written.
    """
    from chargeback.pages.table_view import show_whole_tables

    show_whole_tables()
    found: Books = named_books(books)
    if period not in found.closed_periods():
        raise bad_params(
            "this period is not closed", "a closed period", period, [found.place],
            [f"close it first: make monthly-close PERIOD={period}"],
        )  # fmt: skip
    manifest = checked_manifest(found, period)
    log = read_log(delivery_room(found), str(manifest.get("books", "")))
    return Delivered(period, manifest, log)


def facts(delivered: Delivered) -> str:
    """What the period came to, and how often each thing was done with it."""
    postings, currency = delivered.manifest["postings"], delivered.manifest["currency"]
    charged = f"{Decimal(postings['charged']):,f} {currency}"
    lines = [f"{delivered.period} is closed: {charged} charged, {postings['rows']} postings"]
    lines += [f"{action:<14}{delivered.count(action):>4}" for action in STEPS]
    return "\n".join(lines)


def log_table(delivered: Delivered) -> pd.DataFrame:
    """The log of the period, an entry a row."""
    rows = [
        (one.number, one.at, plain(one.by), one.action, plain(one.subject), len(one.files))
        for one in delivered.entries
    ]
    return pd.DataFrame(rows, columns=["entry", "at", "by", "action", "subject", "files"])


def journal_table(delivered: Delivered) -> pd.DataFrame:
    """The documents that were exported for the ERP, as the log says them."""
    rows = [
        (one["reference"], one["company_code"], one["original_period"], one["lines"],
         shown(Decimal(one["debits"])), one["currency"], entry.details["posting_date"])
        for entry in delivered.log.of(delivered.period, EXPORTED)
        for one in entry.details["documents"]
    ]  # fmt: skip
    columns = [
        "reference", "company code", "corrects", "lines", "debits", "currency", "posting date",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def journal_facts(delivered: Delivered) -> str:
    """What was exported for the ERP, beside what the period charged."""
    exported = delivered.log.of(delivered.period, EXPORTED)
    if not exported:
        return "not exported for an ERP"
    [entry] = exported
    charged, currency = (
        Decimal(delivered.manifest["postings"]["charged"]),
        delivered.manifest["currency"],
    )
    booked = Decimal(entry.details["charged"].get(currency, "0"))
    documents = len(entry.details["documents"])
    return (
        f"exported for {entry.subject}: {documents} documents, {booked:,f}, "
        f"less than charged by {charged - booked:,f}"
    )


def figure(delivered: Delivered) -> Chart:
    """How often each thing was done, as bars."""
    return bar(
        list(STEPS), [Decimal(delivered.count(one)) for one in STEPS],
        f"Done with {period_title(delivered.period)}",
    )  # fmt: skip
