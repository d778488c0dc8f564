"""Export: a period's journal for the ERP is written once, kept in the delivery room, and never another one.

    postings, gl_accounts.csv and [erp] of today -> documents -> a file -> delivery room -> entry in the log

    billing_period=2026-05/erp/sap/<12 digits>/CB-2026-05-sap.csv     what the ERP loads
    billing_period=2026-05/erp/sap/<12 digits>/gl_accounts.csv        the mapping that it was made by
    billing_period=2026-05/erp/sap/<12 digits>/settings.json          [erp], the posting date, and the documents

The digits are of the sha256 of these files, so that a run which was killed leaves nothing in the way of the
next one, whatever it is told. What counts is what the entry names. What always holds: of a period there is one
export, in one layout, whoever runs it when and however often; a period that was booked is not booked again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from chargeback.books.delivery_log import EXPORTED, Entry
from chargeback.core.errors import CONTROL_FAILED, WOULD_CHANGE_CLOSED, Refusal, bad_params
from chargeback.core.money import cents_amount, shown
from chargeback.core.progress import Progress
from chargeback.delivery.erp.charges import Charge, book, charges_of
from chargeback.delivery.erp.documents import Document, documents_of, require_tied
from chargeback.delivery.erp.flat import ALL
from chargeback.delivery.erp.layouts import Journal, Layout, require_fitting
from chargeback.delivery.erp.since import notes_since
from chargeback.delivery.released import ClosedForDelivery
from chargeback.params.gl_accounts import FILE, parse_gl_accounts

MAPPING, SETTINGS = FILE, "settings.json"


@dataclass(frozen=True)
class ErpJournal:
    """The ERP, as a target of delivery: there is a mapping to its accounts."""

    name: str = "journal for the ERP"

    def deliver(self, period: ClosedForDelivery, progress: Progress) -> None:
        """Export the period, or say that it was."""
        entry = export(period, progress)
        if entry and entry.subject != period.delivery.erp.layout:
            progress(
                f"NOTE  {period.period} stays as it was exported: delivery.toml says "
                f"{period.delivery.erp.layout} now, and no period is booked twice"
            )


def is_configured(period: ClosedForDelivery) -> bool:
    """Whether there is a mapping to the ERP's accounts."""
    return (period.params_folder / FILE).is_file()


def export_journal(
    period: ClosedForDelivery, progress: Progress, posting_date: date | None, folder: Path | None
) -> None:
    """Export a period for the ERP, or say that it was; and write the file to a folder, if one is named.

    Args:
        posting_date: instead of the one that delivery.toml says.

    Raises:
        Refusal: (exit 2) there is no mapping, or it does not say where a charge is booked; (exit 4) the
            documents do not tie to the ledger; (exit 5) it was exported in another layout, or with another
            posting date.
    """
    entry = export(period, progress, posting_date)
    if entry is None:
        return
    if entry.subject != period.delivery.erp.layout:
        raise booked_already(entry, f"layout {entry.subject}", period.delivery.erp.layout)
    if posting_date and str(posting_date) != entry.details["posting_date"]:
        raise booked_already(
            entry, f"posting date {entry.details['posting_date']}", str(posting_date)
        )
    if folder:
        name, content = kept_journal(period, entry)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        progress(f"  {folder / name}")


def export(
    period: ClosedForDelivery, progress: Progress, posting_date: date | None = None
) -> Entry | None:
    """The entry of a period's export, which is made if there is none; None where nothing is charged."""
    if known := period.log.find_any(EXPORTED, period.period):
        say_exported(period, known, progress)
        return known
    if not is_configured(period):
        raise bad_params(
            "there is no mapping to the accounts of an ERP", FILE, "none", [str(period.params_folder)],
            ["write one: docs/erp-journal.md has an example that begins with one row"],
        )  # fmt: skip
    mapping = (period.params_folder / FILE).read_bytes()  # read once: what is kept is what was used
    journal, charges = make_journal(period, mapping, posting_date)
    if not journal.documents:
        progress(f"{period.period} charges nobody: there is nothing to book in the ERP")
        return None
    layout = ALL[journal.erp.layout]
    details = details_of(journal, charges, mapping)
    content = contents(layout, journal, details, mapping)
    entry, new = period.record(EXPORTED, layout.name, period.put(content), details, once=True)
    if not new:
        say_exported(period, entry, progress)
        return entry
    progress(f"{period.period} is exported for {layout.title}: {totals(entry)}")
    for line in document_lines(entry):
        progress(f"  {line}")
    progress(f"  {period.place_of(journal_name(entry))}")
    return entry


def make_journal(
    period: ClosedForDelivery, mapping: bytes, posting_date: date | None
) -> tuple[Journal, list[Charge]]:
    """The documents of a period by a gl_accounts.csv, tied to its ledger, and its charges."""
    erp = period.delivery.erp
    layout, limit = ALL[erp.layout], ALL[erp.layout].limit(erp)
    charges = charges_of(period.postings)
    booked = book(charges, parse_gl_accounts(mapping, period.period), period.period)
    documents = documents_of(
        booked, period.period, erp.reference_prefix, posting_date or erp.posting_day(period.period), limit
    )  # fmt: skip
    require_tied(documents, charges, period.period, limit)
    names = {one.cost_center_id: one.name for one in period.params.cost_centers.values()}
    journal = Journal(period.period, documents, erp, names)
    require_fitting(layout, journal)
    return journal, charges


def details_of(journal: Journal, charges: list[Charge], mapping: bytes) -> dict[str, Any]:
    """What the log says of an export."""
    charged: dict[str, Decimal] = {}
    for one in charges:
        charged[one.currency] = charged.get(one.currency, Decimal(0)) + cents_amount(one.cents)
    settings = asdict(journal.erp) | {"segments": list(journal.erp.segments)}
    return {
        "posting_date": str(journal.documents[0].posting_date),
        "charged": {currency: str(amount) for currency, amount in sorted(charged.items())},
        "documents": [described(one) for one in journal.documents],
        "gl_accounts_sha256": hashlib.sha256(mapping).hexdigest(),
        "settings": settings,
    }


def described(document: Document) -> dict[str, Any]:
    """A document, as the log says it."""
    heading = document.heading
    return {
        "reference": document.reference,
        "company_code": heading.company_code,
        "currency": heading.currency,
        "original_period": heading.original_period,
        "lines": len(document.lines),
        "debits": str(cents_amount(document.debits)),
    }


def contents(
    layout: Layout, journal: Journal, details: Mapping[str, Any], mapping: bytes
) -> dict[str, bytes]:
    """The files of an export by their names in the period's room."""
    files = {
        layout.file_of(journal): layout.content(journal),
        MAPPING: mapping,
        SETTINGS: (json.dumps(details, indent=1, sort_keys=True) + "\n").encode(),
    }
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    digits = hashlib.sha256("".join(lines).encode()).hexdigest()[:12]
    return {f"erp/{layout.name}/{digits}/{name}": content for name, content in files.items()}


def journal_name(entry: Entry) -> str:
    """The name of an export's journal in the room."""
    return next(name for name in entry.files if name.rpartition("/")[2] not in (MAPPING, SETTINGS))


def kept_journal(period: ClosedForDelivery, entry: Entry) -> tuple[str, bytes]:
    """The file of an export as it was made: its name, and its bytes."""
    name = journal_name(entry)
    return name.rpartition("/")[2], kept_file(period, entry, name)


def kept_file(period: ClosedForDelivery, entry: Entry, name: str) -> bytes:
    """A file of an export (exit 4 where it is not the one that the log names)."""
    content = period.room.read(name)
    if content is None or hashlib.sha256(content).hexdigest() != entry.files[name]:
        raise Refusal(
            CONTROL_FAILED, "a file of the delivery room is not what the log names",
            "the file as it was exported", "none" if content is None else "another one", "",
            [f"{period.room.place}/{name}"],
            ["restore it from your backup: what was booked is not made again by today's mapping"],
        )  # fmt: skip
    return content


def say_exported(period: ClosedForDelivery, entry: Entry, progress: Progress) -> None:
    """Say that a period was exported, when and by whom, and what would be booked otherwise now."""
    title = ALL[entry.subject].title
    progress(
        f"{entry.billing_period} is already exported for {title}, on {entry.at}, by {entry.by}: {totals(entry)}"
    )
    mapping = next(name for name in entry.files if name.endswith(f"/{MAPPING}"))
    for note in notes_since(period, entry, kept_file(period, entry, mapping)):
        progress(note)


def totals(entry: Entry) -> str:
    """How much an export books."""
    documents = entry.details["documents"]
    lines = sum(one["lines"] for one in documents)
    charged = ", ".join(
        f"{shown(Decimal(amount))} {currency}"
        for currency, amount in entry.details["charged"].items()
    )
    plural = "" if len(documents) == 1 else "s"
    return f"{len(documents)} document{plural}, {lines} lines, charged {charged}"


def document_lines(entry: Entry) -> list[str]:
    """A line for each document."""
    return [
        f"{one['reference']}  {one['company_code']:<6} posted {entry.details['posting_date']}  "
        f"{one['lines']:>4} lines  {shown(Decimal(one['debits'])):>16} {one['currency']}"
        + (f"  corrects {one['original_period']}" if one["original_period"] else "")
        for one in entry.details["documents"]
    ]


def booked_already(entry: Entry, before: str, asked: str) -> Refusal:
    """That a period is exported, and another export would book it again (exit 5)."""
    return Refusal(
        WOULD_CHANGE_CLOSED, f"{entry.billing_period} is exported, and another export would book it again",
        before, asked, "", [f"exported on {entry.at}, by {entry.by}", journal_name(entry)],
        ["a file of what was exported: TO=folder, without DATE= and with the layout of then",
         "where the ERP's posting period is closed, change the posting date there or in that file; its "
         "references stay, so that it is one document",
         "what is wrong in the ERP is corrected there, or by an adjustment in the next period"],
    )  # fmt: skip
