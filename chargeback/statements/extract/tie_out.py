"""How the charges of all units together tie to the invoices: what of it is published, and what is kept."""

from __future__ import annotations

from collections.abc import Sequence

from chargeback.core.money import rounded_once
from chargeback.ledger.invoices import InvoiceTie
from chargeback.params.published_totals import ALL
from chargeback.statements.extract.charges import Charges
from chargeback.statements.extract.corrected import invoice_changes
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import ZERO, InvoiceChange, InvoicedTotals, LeftInvoice, TieOut


def tie_out(inputs: StatementInputs, charges: Charges) -> TieOut:
    """The tie-out of a period, the same for all units."""
    found = charges.published
    invoices = sorted(inputs.invoices, key=lambda one: one.invoice_id)
    changes = invoice_changes(inputs)
    shown = [one for one in invoices if found.invoice(one)]
    shown_changes = [one for one in changes if found.change(one)]
    kept = [one for one in invoices if not found.invoice(one)]
    kept_changes = [one for one in changes if not found.change(one)]
    together = _together(invoices, changes) if invoices else None
    some = shown or shown_changes
    count = len(kept) + len(kept_changes)
    return TieOut(
        invoices=tuple(shown),
        changes=tuple(shown_changes),
        others=_together(kept, kept_changes) if count and found.company and some else None,
        invoiced=together if found.company else None,
        charged=charges.total if found.company else None,
        difference=together.total - charges.total if together else None,
        kept=count,
        has_changes=bool(changes),
        of_several=any(one.provider for one in inputs.params.accounts.values()),
    )


def left_invoices(inputs: StatementInputs, charges: Charges) -> tuple[LeftInvoice, ...]:
    """The invoices that are left to a later period. Whose they are is not known before they are charged."""
    return tuple(
        LeftInvoice(
            one.invoice_id,
            one.deferred_to,
            rounded_once(one.rows_total) if charges.published.policy == ALL else None,
        )
        for one in inputs.deferred
    )


def _together(invoices: Sequence[InvoiceTie], changes: Sequence[InvoiceChange]) -> InvoicedTotals:
    """Invoices and changes in one line."""
    items = [rounded_once(one.rows_total) for one in invoices]
    items += [one.line_items for one in changes]
    roundings = [one.rounding for one in invoices] + [one.rounding for one in changes]
    totals = [one.total for one in invoices] + [one.total for one in changes]
    return InvoicedTotals(len(totals), sum(items, ZERO), sum(roundings, ZERO), sum(totals, ZERO))
