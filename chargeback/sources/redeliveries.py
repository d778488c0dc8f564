"""Redeliveries: closed periods whose report has other files than the books were made from.

In: a report and books. What always holds: data files with the same bytes are the same delivery, whatever its
name. A report that has nothing for a period says nothing about it.
"""

from __future__ import annotations

import json

from chargeback.books.closed_period import corrections_of, last_record, manifest_of
from chargeback.books.source_record import SourceRecord
from chargeback.core.books_folders import Books
from chargeback.sources.readers import ReportReader

#: How many closed periods are looked at every day; a close looks at all of them.
LATELY = 3


def is_another(report: ReportReader, record: SourceRecord) -> bool:
    """Whether a report's newest delivery of a period is another one than a recorded one."""
    return report.has_period(record.billing_period) and not report.holds(record)


def changed_lately(report: ReportReader, books: Books) -> list[str]:
    """Those of the last closed periods that were delivered again, by their files alone, for every day."""
    lately = books.closed_periods()[-LATELY:]
    return [one for one in lately if is_another(report, last_record(books, one))]


def redelivery_hints(report: ReportReader, books: Books, period: str) -> list[str]:
    """What to do about a closed period that AWS delivered again; nothing when it did not."""
    own = SourceRecord.from_json(json.dumps(manifest_of(books, period)["sources"]))
    if not is_another(report, own):
        return []
    if is_another(report, last_record(books, period)):
        return [
            f"AWS has delivered {period} again: the close of the next open period posts the difference as "
            "corrections; see it with: make restatements"
        ]
    return [
        f"AWS has delivered {period} again, and the close of {corrections_of(books, period)[-1]} has posted "
        "the difference as corrections"
    ]
