"""What controls read about restatements, and the refusal when a restated period lacks an invoice."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import pyarrow as pa

from chargeback.books.schema import EXACT, POSTINGS
from chargeback.core.csv_files import csv_line
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.engine import Engine
from chargeback.engine.controls import Outcome, shown_rows
from chargeback.ledger.corrections import Restated
from chargeback.rollup.charged import exact_by_invoice

#: What each invoice of a restated period changed by (`total`), and what it asks for now.
INVOICE_CHANGES = pa.schema(
    [
        ("original_period", pa.string()),
        ("invoice_id", pa.string()),
        ("total", EXACT),
        ("invoice_total", EXACT),
        ("has_line_items", pa.bool_()),
    ]
)


def register_invoice_changes(engine: Engine, restated: Iterable[Restated]) -> None:
    """Make readable what each invoice of a restated period changed by, and to, by the totals entered."""
    rows = []
    for one in restated:
        delivered = exact_by_invoice(one.rollup, one.params)
        for change in one.invoice_changes():
            invoice = one.params.invoices.get(change["invoice_id"])
            rows.append(
                {
                    "original_period": one.period,
                    "invoice_id": change["invoice_id"],
                    "total": Decimal(change["total"]),
                    "invoice_total": invoice.total if invoice else Decimal(0),
                    "has_line_items": change["invoice_id"] in delivered,
                }
            )
    engine.register("invoice_changes", pa.Table.from_pylist(rows, schema=INVOICE_CHANGES))


def register_corrections(engine: Engine, restated: Iterable[Restated]) -> None:
    """Make readable what corrected periods were charged before, and what their last delivery comes to."""
    found = list(restated)
    none = POSTINGS.empty_table()
    engine.register(
        "held_postings", pa.concat_tables([none, *(one.closed_period.postings for one in found)])
    )
    engine.register(
        "delivered_postings", pa.concat_tables([none, *(one.after.postings for one in found)])
    )


def issuer_told(invoice_id: str, restated: Restated) -> str:
    """Who sent an invoice, where invoices.csv has had it; else that a person is to say so."""
    known = restated.params.invoices.get(invoice_id)
    return known.issuer if known else "<issuer>"


def invoice_refusal(restated: Restated, closing: str, outcomes: Iterable[Outcome]) -> None:
    """Say what to enter where an invoice of a restated period is absent or far from its line items.

    Args:
        closing: the period that is being closed.

    Raises:
        Refusal: (exit 4) with the rows of invoices.csv that are wanted.
    """
    failed = next(
        (one for one in outcomes if one.name == "sources_tie_to_invoices" and not one.holds), None
    )
    if failed is None:
        return
    period, policy = restated.period, restated.params.policy
    wanted = [
        csv_line(
            (
                row["invoice_id"],
                period,
                issuer_told(row["invoice_id"], restated),
                policy.currency,
                "<total as its PDF shows it>",
                "<you>",
                "<PDF>",
            )
        )
        + (
            f"  (its line items sum to {row['rows_total']:,f})"
            if row["rows_total"] is not None
            else ""
        )
        for row in failed.rows.to_pylist()
    ]
    raise Refusal(
        CONTROL_FAILED,
        f"{period} was delivered again, and its invoices do not tie out" if restated.redelivered
        else f"an invoice of {period} that {closing} corrects does not tie out",
        f"each invoice of {period} within {policy.invoice_rounding_limit} of its line items",
        f"{failed.rows.num_rows} that are absent or further away", "", shown_rows(failed.rows),
        ["a correction is backed by an invoice, as a charge is: enter in invoices.csv what is asked for now,",
         "a new row for a new invoice or credit memo, another total for an invoice that was changed:",
         *wanted,
         "if the totals are right, fetch the delivery again, for it may be older than the invoice"],
    )  # fmt: skip
