"""Corrections: the difference between two ledgers of one period, as entries of a later one.

In: a closed period as the books hold it, and a delivery. Out: for each entry of the closed ledger that would
now be different, an entry of kind `adjustment` with `original_period`, in which each line that differs is
reversed and booked as it should be. Its id is the later period, "adjustment", and the id of the entry that it
corrects.

What always holds: an entry sums to zero, because the lines that do not differ are the same on both sides.
Pools are as empty as they were. The payable of an invoice takes what its total changed by.

A cost center that has ended is no longer charged. Its lines go to the cost center that takes the rounding of
invoices, with the rule "ended:<cost center>:<rule>", so that a later correction finds whose they were.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa

from chargeback.books.closed_period import (
    ClosedPeriod,
    Corrections,
    Kept,
    invoice_of,
    kept_restatements,
    last_totals,
    open_deferrals,
    read_closed_period,
    read_corrections,
)
from chargeback.books.source_record import SourceRecord
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal, naming
from chargeback.core.money import cents, exact_units, rounded_once
from chargeback.ledger.deferred import still_deferred
from chargeback.ledger.derive import Derived, derive_postings
from chargeback.ledger.invoices import issuer_of
from chargeback.ledger.post import ADJUSTMENT, EntryWriter, Row
from chargeback.params import Invoice, Params, check_currency
from chargeback.params.account_ids import AWS
from chargeback.rollup.charged import exact_by_invoice, with_near_invoices
from chargeback.rollup.redeliveries import Redelivery
from chargeback.sources.redeliveries import delivered_by

COST_CENTER, ENDED = "cost-center:", "ended:"


class Line(NamedTuple):
    """What is one line of an entry, whatever it amounts to."""

    ledger_account: str
    pool_id: str
    invoice_id: str
    account_id: str
    product_code: str
    line_item_type: str
    rule: str
    allocation_key: str


class Amount(NamedTuple):
    """What a line amounts to: exact units, cents, and the weight it was found by."""

    exact: int
    cents: int
    weight: Decimal | None


NOTHING = Amount(0, 0, None)

#: The lines of a ledger, by entry.
Entries = dict[str, dict[Line, Amount]]


@dataclass(frozen=True)
class Restated:
    """A closed period, done again from what AWS delivered last.

    Args:
        params: those of the close, with the invoices as they are entered now.
        redelivered: whether the report changed; otherwise it is an invoice that was entered or changed.
        after: what the delivery comes to under these params.
    """

    closed_period: ClosedPeriod
    record: SourceRecord
    rollup: pa.Table
    params: Params
    redelivered: bool
    after: Derived

    @property
    def period(self) -> str:
        """The closed period."""
        return self.closed_period.period

    def invoice_changes(self) -> list[dict[str, str]]:
        """Per invoice that changed: line items rounded once, rounding and total, now less then, as texts."""
        then = invoice_sums(self.closed_period.rollup, self.closed_period.params)
        now = invoice_sums(self.rollup, self.params)
        none = (Decimal("0.00"), Decimal("0.00"))
        found = []
        for invoice_id in sorted(then.keys() | now.keys()):
            (items, total), (items_now, total_now) = (
                one.get(invoice_id, none) for one in (then, now)
            )
            if (items, total) != (items_now, total_now):
                found.append(
                    {
                        "invoice_id": invoice_id,
                        "issuer": issuer_of(invoice_id, self.params),
                        "line_items": str(items_now - items),
                        "rounding": str(total_now - items_now - total + items),
                        "total": str(total_now - total),
                    }
                )
        return found

    @property
    def delivered_by(self) -> list[str]:
        """Who delivered the period again: AWS, other providers; nobody where an invoice was what changed."""
        return delivered_by(self.closed_period.record, self.record) if self.redelivered else []

    @property
    def taken(self) -> list[str]:
        """The invoices that the period's close left to a later period, and that are charged now."""
        lifted = self.closed_period.params.deferred_ids - self.params.deferred_ids
        return sorted(lifted & set(self.rollup["invoice_id"].unique().to_pylist()))

    def kept(self) -> Kept:
        """What a close keeps of it, beside the rollup.

        Of deferrals, and of who delivered it where that is AWS alone, nothing is kept.
        """
        ordered = sorted(self.params.invoices.items())
        others = self.delivered_by if set(self.delivered_by) - {AWS} else []
        optional = {
            "deferred": sorted(self.params.deferred_ids), "delivered_by": others, "taken": self.taken,
        }  # fmt: skip
        return {
            **{name: ids for name, ids in optional.items() if ids},
            "billing_period": self.period,
            "earlier": list(self.closed_period.corrected_in),
            "redelivered": self.redelivered,
            "sources": json.loads(self.record.to_json()),
            "invoices": [
                {"invoice_id": one, "issuer": invoice.issuer, "currency": invoice.currency,
                 "total": str(invoice.total)}
                for one, invoice in ordered
            ],
            "invoice_changes": self.invoice_changes(),
        }  # fmt: skip


def invoice_sums(rollup: pa.Table, params: Params) -> dict[str, tuple[Decimal, Decimal]]:
    """Per invoice: its line items rounded once, 0.00 if it has none; and its total, the former if unknown."""
    exact = dict.fromkeys(params.invoices, Decimal(0)) | exact_by_invoice(rollup, params)
    sums = {invoice_id: rounded_once(units) for invoice_id, units in exact.items()}
    totals = sums | {invoice_id: one.total for invoice_id, one in params.invoices.items()}
    return {invoice_id: (sums[invoice_id], totals[invoice_id]) for invoice_id in sums}


def restate(
    books: Books,
    period: str,
    redeliveries: Iterable[Redelivery],
    invoices: Mapping[str, Mapping[str, Invoice]],
    provisional: bool = False,
) -> list[Restated]:
    """Closed periods before one, done again where the report or an invoice is another one, in order.

    So are those that left an invoice to this period, or to one before it that was closed without it.

    When the period is closed already, what it was closed with, whatever is delivered or entered now.

    Args:
        invoices: by period and id, as they are entered now; one that is not there counts as it was closed.
        provisional: invoices that are far from their line items count as not known yet.

    Raises:
        Refusal: (exit 4) evidence is missing, or a pool cannot be split.
    """
    again = {one.period: one for one in redeliveries}
    closed = kept_restatements(books, period) if books.ledger(period).is_dir() else None
    known = read_corrections(books) if closed is None else None
    found = []
    for one in books.closed_periods():
        if one >= period:
            break
        if closed is not None:
            if one not in closed:
                continue
            closed_period = read_closed_period(books, one, closed[one]["earlier"])
            entered = {row["invoice_id"]: invoice_of(row) for row in closed[one]["invoices"]}
        else:
            entered = dict(invoices.get(one, {}))
            deferred = open_deferrals(books, one, known)
            entered_then = {id: each for id, each in entered.items() if id not in deferred}
            if (
                one not in again
                and not has_new_totals(books, one, entered_then, known)
                and not any(deferred_to <= period for deferred_to in deferred.values())
            ):
                continue
            closed_period = read_closed_period(books, one, known.of(one) if known else None)
        found.append(do_again(closed_period, again.get(one), entered, provisional, period))
    return found


def has_new_totals(
    books: Books, period: str, entered: Mapping[str, Invoice], known: Corrections | None
) -> bool:
    """Whether an invoice of a closed period was entered or changed since its last postings."""
    totals = last_totals(books, period, known)
    return any(
        invoice.total != totals.get(invoice_id, Decimal(0))
        for invoice_id, invoice in entered.items()
    )


def do_again(
    closed_period: ClosedPeriod,
    redelivery: Redelivery | None,
    entered: Mapping[str, Invoice],
    provisional: bool = False,
    period: str = "",
) -> Restated:
    """A closed period under its own params, from a delivery and with invoices that may be new.

    Args:
        period: the one that is being closed; what was left to it, or to one before it, is charged.
    """
    record = redelivery.record if redelivery else closed_period.record
    rollup = redelivery.rollup if redelivery else closed_period.rollup
    require_replayable(closed_period)
    check_currency(entered.values(), closed_period.params.policy)
    deferrals = still_deferred(
        closed_period.params.deferrals, period, rollup["invoice_id"].unique().to_pylist()
    )
    params = replace(closed_period.params, deferrals=deferrals)
    invoices = {
        invoice_id: invoice
        for invoice_id, invoice in {**params.invoices, **entered}.items()
        if invoice_id not in params.deferred_ids
    }
    params = replace(params, invoices=invoices)
    if provisional:
        params = with_near_invoices(rollup, params)
    with naming(delivered_again(closed_period.period)):
        after = derive_postings(rollup, params)
    return Restated(closed_period, record, rollup, params, redelivery is not None, after)


def delivered_again(period: str) -> str:
    """What a refusal says that is about an earlier period than the one being closed."""
    return f"{period}, derived again from what AWS delivered and finance entered last"


def require_replayable(closed_period: ClosedPeriod) -> None:
    """Stop unless this software still derives what the books hold, so that only AWS's changes are posted.

    Raises:
        Refusal: (exit 4) it does not.
    """
    again = derive_postings(closed_period.rollup, closed_period.params)
    then, now = (
        entries_of(one, closed_period.period) for one in (closed_period.postings, again.postings)
    )
    without_weights = [
        {
            (entry_id, line): (amount.exact, amount.cents)
            for entry_id, lines in one.items()
            for line, amount in lines.items()
        }
        for one in (then, now)
    ]
    differ = sorted(dict(without_weights[0].items() ^ without_weights[1].items()))
    if differ:
        raise Refusal(
            CONTROL_FAILED, f"the ledger of {closed_period.period} cannot be replayed",
            "its postings and their corrections, line by line", f"{len(differ)} lines that differ", "",
            [f"{entry_id}: {line.ledger_account}" for entry_id, line in differ[:8]],
            ["the period was delivered again, and what AWS changed can only be told by software that "
             "derives what was closed: use the version that closed it"],
        )  # fmt: skip


def entries_of(postings: pa.Table, period: str) -> Entries:
    """The entries of a period, with its corrections counted into the entries that they correct."""
    found: Entries = {}
    columns = [*Line._fields, "entry_id", "line", "kind", "weight", "exact_amount", "amount"]
    more = ["original_period"]
    for row in postings.select(columns + more).to_pylist():
        entry_id, cells = row["entry_id"], {name: row[name] or "" for name in Line._fields}
        if row["original_period"] == period:
            entry_id = entry_id.split("/", 2)[2]
            cells |= without_end(cells)
        line, entry = Line(**cells), found.setdefault(entry_id, {})
        before = entry.get(line, NOTHING)
        entry[line] = Amount(
            before.exact + exact_units(row["exact_amount"]),
            before.cents + cents(row["amount"]),
            row["weight"],
        )
    return {
        entry_id: lines
        for entry_id, every in found.items()
        if (lines := {line: one for line, one in every.items() if one.exact or one.cents})
    }


def without_end(cells: Mapping[str, str]) -> dict[str, str]:
    """Whose a line was that another cost center took because its own has ended."""
    ended = re.fullmatch(f"{ENDED}([^:]+):(.*)", cells["rule"])
    return {"ledger_account": COST_CENTER + ended[1], "rule": ended[2]} if ended else {}


def correct(restated: Sequence[Restated], params: Params) -> pa.Table:
    """The postings that correct earlier periods, in the ledger of the period that is being closed.

    Args:
        params: of the period that is being closed.
    """
    entries = EntryWriter(params)
    for one in restated:
        then = entries_of(one.closed_period.postings, one.period)
        now = entries_of(one.after.postings, one.period)
        for entry_id in sorted(then.keys() | now.keys()):
            post_correction(
                entries, one.period, entry_id, then.get(entry_id, {}), now.get(entry_id, {})
            )
    return entries.table()


def post_correction(
    entries: EntryWriter,
    period: str,
    entry_id: str,
    then: Mapping[Line, Amount],
    now: Mapping[Line, Amount],
) -> None:
    """One entry: the lines that differ, each reversed and booked as it is to be."""
    lines: list[Row] = []
    for line in sorted(then.keys() | now.keys()):
        was, is_ = then.get(line, NOTHING), now.get(line, NOTHING)
        if was[:2] == is_[:2]:
            continue
        for sign, amount in ((-1, was), (1, is_)):
            lines.append(
                {
                    **charged_now(entries, line),
                    "original_period": period,
                    "weight": amount.weight,
                    "exact": sign * amount.exact,
                    "cents": sign * amount.cents,
                }
            )
    if lines:
        entries.enter(ADJUSTMENT, entry_id, lines)


def charged_now(entries: EntryWriter, line: Line) -> dict[str, Any]:
    """The cells of a line in the period that is being closed, with who pays there."""
    cells: dict[str, Any] = {name: value or None for name, value in line._asdict().items()}
    cost_center_id = line.ledger_account.removeprefix(COST_CENTER)
    if cost_center_id == line.ledger_account:
        return cells
    del cells["ledger_account"]
    if cost_center_id in entries.params.cost_centers:
        return entries.charge(cost_center_id, **cells)
    cells["rule"] = f"{ENDED}{cost_center_id}:{line.rule}"
    return entries.charge(entries.params.policy.rounding_cost_center_id, **cells)
