"""Redeliveries: closed periods whose report has other files than the books were made from.

In: a report and books. What always holds: data files with the same bytes are the same delivery, whatever its
name. A report that has nothing for a period says nothing about it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from chargeback.books.checked import checked_manifest
from chargeback.books.closed_period import (
    corrections_of,
    last_record,
    read_corrections,
)
from chargeback.books.source_record import SourceRecord
from chargeback.core.books_folders import Books
from chargeback.core.files import sha256_of
from chargeback.params.account_ids import AWS
from chargeback.sources.readers import ReportReader

#: How many closed periods are looked at every day; a close looks at all of them.
LATELY = 3


def is_another(report: ReportReader, record: SourceRecord) -> bool:
    """Whether a report's newest delivery of a period is another one than a recorded one."""
    return report.has_period(record.billing_period) and not report.holds(record)


def changed_lately(report: ReportReader, books: Books, among: Collection[str]) -> list[str]:
    """Those of the last closed periods that were delivered again, by their files alone, for every day.

    Args:
        among: the periods whose files are looked at; all others have not changed.
    """
    lately = [one for one in books.closed_periods()[-LATELY:] if one in among]
    known = read_corrections(books) if lately else None
    return [one for one in lately if is_another(report, last_record(books, one, known))]


def with_other_manifests(report: Path, books: Books) -> list[str]:
    """Those of the last closed periods whose manifests in a folder are not the recorded ones, or are not there.

    Of a report in S3 all manifests are in the folder, and a delivery never keeps that of the one before.
    """
    lately = books.closed_periods()[-LATELY:]
    known = read_corrections(books) if lately else None
    return [one for one in lately if not has_manifests(report, last_record(books, one, known))]


def has_manifests(report: Path, record: SourceRecord) -> bool:
    """Whether the manifests of a recorded delivery lie in a folder, byte for byte."""
    files = [(report / one.path, one.sha256) for one in record.manifests]
    return all(path.is_file() and sha256_of(path) == sha256 for path, sha256 in files)


def delivered_by(before: SourceRecord, now: SourceRecord) -> list[str]:
    """Who delivered other files than a record has, in the order of the exports: AWS, or a provider."""
    then, files = sha256s(before), sha256s(now)
    return [one for one in files | then if files.get(one) != then.get(one)]


def sha256s(record: SourceRecord) -> dict[str, list[str]]:
    """What each who delivered a period delivered, by the content of the files."""
    found: dict[str, list[str]] = {}
    for part in record.parts():
        own = found.setdefault(part.provider or AWS, [])
        own += [one.sha256 or one.etag for one in part.files]
    return {name: sorted(one) for name, one in found.items()}


@dataclass(frozen=True)
class Difference:
    """In what a new delivery is another view of a closed period."""

    what: str
    closed_with: str
    delivered_now: str


def record_differences(before: SourceRecord, now: SourceRecord) -> list[Difference]:
    """In what two deliveries of a period are of different payers, exports or settings, as far as both say."""
    found = (
        ("payer account", ", ".join(before.payer_account_ids), ", ".join(now.payer_account_ids)),
        ("export", before.export_name, now.export_name),
        ("layout", before.layout, now.layout),
        ("granularity", before.granularity, now.granularity),
    )
    return [Difference(*one) for one in found if one[1] and one[2] and one[1] != one[2]]


def redelivery_hints(report: ReportReader, books: Books, period: str) -> list[str]:
    """What to do about a closed period that AWS delivered again; nothing when it did not."""
    own = SourceRecord.from_json(json.dumps(checked_manifest(books, period)["sources"]))
    if not is_another(report, own):
        return []
    other = record_differences(own, report.freeze(period))
    if other:
        return [
            f"the report has another view of {period} than it was closed from: "
            + "; ".join(
                f"{one.what} {one.closed_with} then, {one.delivered_now} now" for one in other
            )
            + ". Name the report that it was closed from, or books of its own with BOOKS="
        ]
    if is_another(report, last_record(books, period)):
        return [
            f"AWS has delivered {period} again: the close of the next open period posts the difference as "
            "corrections; see it with: make restatements"
        ]
    return [
        f"AWS has delivered {period} again, and the close of {corrections_of(books, period)[-1]} has posted "
        "the difference as corrections"
    ]
