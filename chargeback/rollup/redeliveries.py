"""Redeliveries, rolled up: closed periods that AWS delivered again, summed as their own closes summed them.

In: a report and books. Out: for each such period the new delivery, frozen and rolled up with what the period
was closed with, and how it compares. What always holds: a delivery is only rolled up when its files differ from
what was closed; and a correction needs a changed bill, not a changed export. A delivery of another payer or
export, in other columns, without a tag key or in another granularity is another view of the month, from which
nothing is corrected.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.closed_period import (
    ClosedPeriod,
    Corrections,
    kept_params,
    kept_record,
    kept_restatements,
    kept_rollup,
    last_record,
    read_closed_period,
    read_corrections,
)
from chargeback.books.source_record import CUR_2, CUR_2_CSV, SourceRecord
from chargeback.core.books_folders import Books
from chargeback.core.money import rounded_once
from chargeback.engine.tables import texts
from chargeback.params.invoicing import INVOICED, NO_INVOICE, PRO_FORMA
from chargeback.rollup.charged import on_no_invoice
from chargeback.rollup.roll_up import read_rollup
from chargeback.sources.line_item_types import AMORTIZED_COLUMNS, OF_ANYTHING
from chargeback.sources.needs import close_needs
from chargeback.sources.readers import ReportReader
from chargeback.sources.redeliveries import Difference, is_another, record_differences
from chargeback.sources.report import COLUMNS, COST


@dataclass(frozen=True)
class Redelivery:
    """A closed period that AWS delivered again with other content.

    Args:
        invoicing: the kind of month that the period was closed as (chargeback/params/invoicing.py).
        differences: why the two cannot be compared; none where they can.
    """

    record: SourceRecord
    rollup: pa.Table
    invoicing: str = INVOICED
    differences: tuple[Difference, ...] = ()

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

    @property
    def corrects(self) -> bool:
        """Whether a correction is derived from it: it is final, and the same view of the month."""
        return self.final and not self.differences

    @property
    def state(self) -> str:
        """What keeps it from being corrected from, for a line of progress; blank where nothing does."""
        if self.differences:
            return ", as another view of the month, and stays as it was closed"
        return "" if self.final else ", not final yet"


def find_redeliveries(report: ReportReader, books: Books, period: str) -> list[Redelivery]:
    """The periods before one that AWS delivered again, in order.

    When the period is closed already, those that it was closed with, from its evidence. Each closed period is
    looked at once, and so is what each close kept of corrections.

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
    known = read_corrections(books) if earlier else Corrections({})
    return [
        roll_up_again(report, books, one, known)
        for one in earlier
        if is_another(report, last_record(books, one, known))
    ]


def roll_up_again(
    report: ReportReader, books: Books, period: str, known: Corrections
) -> Redelivery:
    """A period's newest delivery, rolled up by what the period was closed with, and compared with that."""
    closed, record = read_closed_period(books, period, known.of(period)), report.freeze(period)
    params = kept_params(books, period)
    rollup = read_rollup(report, record, params)
    found = tuple(differences(closed, record, rollup))
    return Redelivery(record, rollup, params.policy.invoicing, found)


def invoicing_of(books: Books, period: str) -> str:
    """The kind of month that a closed period was closed as."""
    return kept_params(books, period).policy.invoicing


def differences(closed: ClosedPeriod, record: SourceRecord, rollup: pa.Table) -> list[Difference]:
    """In what a delivery is another view of a closed period than the one that it was made from last."""
    before = closed.record
    found = record_differences(before, record)
    currencies = [listed(one, "currency") for one in (closed.rollup, rollup)]
    if all(currencies) and currencies[0] != currencies[1]:
        found.append(Difference("currency", *currencies))
    needed = {column for column, _ in close_needs(closed.params, before.columns)} | {COST}
    if record.layout in (CUR_2, CUR_2_CSV):
        # The legacy report has these columns in months with such data only (CUR fact 1.9).
        for kind, columns in AMORTIZED_COLUMNS.items():
            needed |= set(columns) if kind not in OF_ANYTHING else set()
    had = (set(before.columns) or set(COLUMNS)) - set(before.absent_columns)
    has = (set(record.columns) or set(COLUMNS)) - set(record.absent_columns)
    for column in sorted(needed & (had ^ has)):
        there = ("there", "not there") if column in had else ("not there", "there")
        found.append(Difference(f"column {column}", *there))
    if any(is_split(one) for one in had) != any(is_split(one) for one in has):
        found.append(Difference("split cost allocation data", *map(on_or_off, (had, has))))
    for number, key in enumerate(closed.params.policy.cost_center_tags, start=1):
        then, now = (carries(one, number) for one in (closed.rollup, rollup))
        if then != now:
            found.append(Difference(f"tag key {key}", *map(carried, (then, now))))
    for rank, rule in enumerate(closed.params.ownership, start=1):
        then, now = (describes(one, rank) for one in (closed.rollup, rollup))
        if rule.tags and then != now:
            what = f"ownership rule {rule.rule_id} by {', '.join(rule.tags)}"
            found.append(Difference(what, *map(carried, (then, now))))
    return found


def is_split(column: str) -> bool:
    """Whether a column is one of split cost allocation data."""
    return column.startswith("split_line_item_")


def on_or_off(columns: Collection[str]) -> str:
    """Whether split cost allocation data is among columns, in words."""
    return "there" if any(map(is_split, columns)) else "not there"


def carries(rollup: pa.Table, number: int) -> bool:
    """Whether a line item has a value of a tag of cost_center_tags, by its number."""
    tags = rollup[f"cost_center_tag_{number}"]
    return bool(tags.null_count < len(tags))


def describes(rollup: pa.Table, rank: int) -> bool:
    """Whether an ownership rule describes a line item, by its number from 1 on."""
    return bool(pc.any(pc.equal(rollup["ownership_rank"], rank)).as_py())


def carried(there: bool) -> str:
    """Whether tags are on line items, in words."""
    return "on line items" if there else "on no line item"


def listed(rollup: pa.Table, column: str) -> str:
    """The distinct texts of a column, sorted."""
    return ", ".join(sorted(str(one) for one in pc.unique(rollup[column]).to_pylist()))


def differences_table(again: Iterable[Redelivery]) -> pa.Table:
    """The differences of deliveries, as the control reads them."""
    rows = [(one.period, found) for one in again for found in one.differences]
    return texts(
        billing_period=[period for period, _ in rows],
        what_differs=[one.what for _, one in rows],
        closed_with=[one.closed_with for _, one in rows],
        delivered_now=[one.delivered_now for _, one in rows],
    )
