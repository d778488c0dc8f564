"""Redeliveries: closed periods whose report has other files than the books were made from.

In: a report and books. Out: for each such period the new delivery, frozen and rolled up by what its period was
closed with. What always holds: data files with the same bytes are the same delivery, whatever its name; a
delivery is only rolled up when they differ. A report that has nothing of a period says nothing about it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.places import Books
from chargeback.report_engines import ReportEngine
from chargeback.restatements.held import (
    corrections_of,
    kept_params,
    kept_record,
    kept_restatements,
    kept_rollup,
    last_record,
    manifest_of,
)
from chargeback.sources import SourceRecord

#: How many closed periods are looked at every day; a close looks at all of them.
LATELY = 3


@dataclass(frozen=True)
class Redelivery:
    """A closed period that AWS delivered again with other content."""

    record: SourceRecord
    rollup: pa.Table

    @property
    def period(self) -> str:
        """The period that it is of."""
        return self.record.billing_period

    @property
    def final(self) -> bool:
        """Whether every cost of it is on an invoice; before that it cannot be corrected to the cent."""
        return not pc.sum(self.rollup["open_line_items"]).as_py()


def find_redeliveries(report: ReportEngine, books: Books, period: str) -> list[Redelivery]:
    """The periods before one that AWS delivered again, in order.

    When the period is closed already, those that it was closed with, from its evidence.

    Raises:
        Refusal: (exit 6) a delivery cannot be read; (exit 4) evidence is missing.
    """
    if books.ledger(period).is_dir():
        kept = kept_restatements(books, period)
        return [
            Redelivery(kept_record(kept[one]), kept_rollup(books, period, one))
            for one in sorted(kept)
            if kept[one]["redelivered"]
        ]
    earlier = [one for one in books.closed_periods() if one < period]
    return [
        roll_up_again(report, books, one)
        for one in earlier
        if is_another(report, last_record(books, one))
    ]


def is_another(report: ReportEngine, record: SourceRecord) -> bool:
    """Whether a report's newest delivery of a period is another one than a recorded one."""
    return report.has_period(record.billing_period) and not report.holds(record)


def changed_lately(report: ReportEngine, books: Books) -> list[str]:
    """Those of the last closed periods that were delivered again, by their files alone, for every day."""
    lately = books.closed_periods()[-LATELY:]
    return [one for one in lately if is_another(report, last_record(books, one))]


def told_when_closed(report: ReportEngine, books: Books, period: str) -> list[str]:
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


def roll_up_again(report: ReportEngine, books: Books, period: str) -> Redelivery:
    """A period's newest delivery, rolled up by what the period was closed with."""
    record = report.freeze(period)
    return Redelivery(record, report.roll_up(record, kept_params(books, period)))
