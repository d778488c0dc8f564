"""Redeliveries, rolled up: closed periods that AWS delivered again, summed as their own closes summed them.

In: a report and books. Out: for each such period the new delivery, frozen and rolled up with what the period
was closed with. What always holds: a delivery is only rolled up when its files differ from what was closed.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.closed_period import (
    kept_params,
    kept_record,
    kept_restatements,
    kept_rollup,
    last_record,
)
from chargeback.books.source_record import SourceRecord
from chargeback.core.books_folders import Books
from chargeback.core.money import rounded_once
from chargeback.params.invoicing import INVOICED, NO_INVOICE, PRO_FORMA
from chargeback.rollup.charged import on_no_invoice
from chargeback.rollup.roll_up import read_rollup
from chargeback.sources.readers import ReportReader
from chargeback.sources.redeliveries import is_another


@dataclass(frozen=True)
class Redelivery:
    """A closed period that AWS delivered again with other content.

    Args:
        invoicing: the kind of month that the period was closed as (chargeback/params/invoicing.py).
    """

    record: SourceRecord
    rollup: pa.Table
    invoicing: str = INVOICED

    @property
    def period(self) -> str:
        """The period that it is of."""
        return self.record.billing_period

    @property
    def final(self) -> bool:
        """Whether every cost of it is on an invoice; before that it cannot be corrected to the cent.

        Where AWS sends none: what is on no invoice sums to 0.00. Pro forma costs are never more final.
        """
        if self.invoicing == PRO_FORMA or not pc.sum(self.rollup["open_line_items"]).as_py():
            return True
        return self.invoicing == NO_INVOICE and not rounded_once(on_no_invoice(self.rollup))


def find_redeliveries(report: ReportReader, books: Books, period: str) -> list[Redelivery]:
    """The periods before one that AWS delivered again, in order.

    When the period is closed already, those that it was closed with, from its evidence.

    Raises:
        Refusal: (exit 6) a delivery cannot be read; (exit 4) evidence is missing.
    """
    if books.ledger(period).is_dir():
        kept = kept_restatements(books, period)
        return [
            Redelivery(
                kept_record(kept[one]), kept_rollup(books, period, one), invoicing_of(books, one)
            )
            for one in sorted(kept)
            if kept[one]["redelivered"]
        ]
    earlier = [one for one in books.closed_periods() if one < period]
    return [
        roll_up_again(report, books, one)
        for one in earlier
        if is_another(report, last_record(books, one))
    ]


def roll_up_again(report: ReportReader, books: Books, period: str) -> Redelivery:
    """A period's newest delivery, rolled up by what the period was closed with."""
    record, params = report.freeze(period), kept_params(books, period)
    return Redelivery(record, read_rollup(report, record, params), params.policy.invoicing)


def invoicing_of(books: Books, period: str) -> str:
    """The kind of month that a closed period was closed as."""
    return kept_params(books, period).policy.invoicing
