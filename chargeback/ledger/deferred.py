"""Deferred: invoices that a period leaves to a later one, and that are charged there (deferrals.csv).

A close leaves the line items of such an invoice out of its charges and says so. The close of the period that
it is left to, or of the first one after that, derives the earlier period again with the invoice in it and posts
the difference, through the same machinery as any correction. What always holds: what was deferred is in the
params that the period was closed with, and once a close has charged it, that close's evidence says so; so
nothing is charged twice, and nothing is lost when a period is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from chargeback.books.closed_period import kept_params
from chargeback.core.books_folders import Books
from chargeback.core.errors import bad_params
from chargeback.ledger.invoices import DeferredInvoice
from chargeback.params import Params
from chargeback.params.deferrals import Deferral
from chargeback.rollup.charged import deferred_totals


def deferred_invoices(rollup: pa.Table, params: Params) -> list[DeferredInvoice]:
    """The invoices that a period leaves to later ones, as far as its report has them, by id."""
    totals = deferred_totals(rollup, params) if params.deferrals else {}
    return [
        DeferredInvoice(
            one.invoice_id, one.deferred_to, one.reference, one.approved_by, totals[one.invoice_id]
        )
        for one in sorted(params.deferrals, key=lambda one: one.invoice_id)
        if one.invoice_id in totals
    ]


def still_deferred(
    deferrals: Iterable[Deferral], period: str, delivered: Iterable[str]
) -> tuple[Deferral, ...]:
    """Those that a close of a period does not charge yet, of invoices that the report still has."""
    there = set(delivered)
    return tuple(one for one in deferrals if one.deferred_to > period and one.invoice_id in there)


def check_deferrals(deferrals: Iterable[Deferral], books: Books, period: str) -> None:
    """Stop when an invoice of a closed period is deferred that the period was not closed without.

    Raises:
        Refusal: (exit 2) it was charged by that close, so it cannot be left to a later one any more.
    """
    closed = [one for one in books.closed_periods() if one < period]
    for deferral in deferrals:
        if deferral.billing_period not in closed:
            continue
        then = kept_params(books, deferral.billing_period).deferrals
        if (deferral.invoice_id, deferral.deferred_to) not in [
            (one.invoice_id, one.deferred_to) for one in then
        ]:
            raise bad_params(
                f"deferrals.csv is about {deferral.billing_period}, which was closed otherwise",
                "the invoices that it was closed without: "
                + (", ".join(f"{one.invoice_id} until {one.deferred_to}" for one in then) or "none"),
                f"{deferral.invoice_id} until {deferral.deferred_to}", [deferral.where],
                ["undo the change: what a closed period leaves to a later one is settled by its close"],
            )  # fmt: skip
