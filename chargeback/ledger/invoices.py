"""Invoices: how each ties out, its total against the exact sum of its line items.

The kernels of statements read `InvoiceTie` from here, so nothing heavy is imported.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from chargeback.core.money import cents, cents_amount, exact_units, nearest_cents, rounded_once
from chargeback.core.sums import sums_by
from chargeback.params.invoicing import INVOICED, ISSUERS

if TYPE_CHECKING:
    import pyarrow as pa

    from chargeback.params import Params


@dataclass(frozen=True)
class InvoiceTie:
    """An invoice beside its line items.

    Args:
        issuer: who sent it; says so where it is not invoiced yet, or never.
        total: what AWS asks for; the line items rounded once where there is no invoice, or none known yet.
        rows_total: the exact sum of its line items.
        rounding: what was posted as `rounding` between the two, in cents.
    """

    invoice_id: str
    issuer: str
    total: Decimal
    rows_total: Decimal
    rounding: Decimal


@dataclass(frozen=True)
class DeferredInvoice:
    """An invoice that a period leaves to a later one.

    Args:
        rows_total: the exact sum of its line items, which nobody is charged yet.
    """

    invoice_id: str
    deferred_to: str
    reference: str
    approved_by: str
    rows_total: Decimal

    def record(self) -> dict[str, str]:
        """For manifests."""
        return {name: str(value) for name, value in asdict(self).items()}


def issuer_of(invoice_id: str, params: Params) -> str:
    """Who sent an invoice, as invoices.csv has it; else why nobody has yet."""
    known = params.invoices.get(invoice_id)
    kind = params.policy.invoicing if invoice_id == params.stand_in else INVOICED
    return known.issuer if known else ISSUERS[kind]


def exact_totals(costs: pa.Table, params: Params) -> dict[str, Decimal]:
    """The exact sum of the line items of each invoice, in the order of their ids.

    An invoice that was entered is there even if its line items sum to nothing, or it has none.
    """
    sums = sums_by(costs, ["invoice_id"], "exact_amount")
    found = dict.fromkeys(params.invoices, Decimal(0)) | {
        one: sum_ for (one,), sum_ in sums.items()
    }
    return dict(sorted(found.items()))


def invoice_rounding(costs: pa.Table, params: Params) -> dict[str, int]:
    """Per invoice with a known total: that total less its line items rounded once, in cents."""
    return {
        invoice_id: cents(params.invoices[invoice_id].total) - nearest_cents(exact_units(exact))
        for invoice_id, exact in exact_totals(costs, params).items()
        if invoice_id in params.invoices
    }


def invoice_ties(costs: pa.Table, params: Params) -> list[InvoiceTie]:
    """Per invoice: its total, the exact sum of its line items, and the rounding posting between them."""
    roundings = invoice_rounding(costs, params)
    ties = []
    for invoice_id, rows_total in exact_totals(costs, params).items():
        known = params.invoices.get(invoice_id)
        ties.append(
            InvoiceTie(
                invoice_id=invoice_id,
                issuer=issuer_of(invoice_id, params),
                total=known.total if known else rounded_once(rows_total),
                rows_total=rows_total,
                rounding=cents_amount(roundings.get(invoice_id, 0)),
            )
        )
    return ties
