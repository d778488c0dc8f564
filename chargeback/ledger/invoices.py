"""Invoices: how each ties out, its total against the exact sum of its line items.

The kernels of statements read `InvoiceTie` from here, so nothing heavy is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from chargeback.core.money import cents, cents_amount, exact_units, nearest_cents, rounded_once

if TYPE_CHECKING:
    import pyarrow as pa

    from chargeback.params import Params


@dataclass(frozen=True)
class InvoiceTie:
    """An invoice beside its line items.

    Args:
        issuer: who sent it; says so where it is not invoiced yet.
        total: what AWS asks for; the line items rounded once where the invoice is not known (drafts).
        rows_total: the exact sum of its line items.
        rounding: what was posted as `rounding` between the two, in cents.
    """

    invoice_id: str
    issuer: str
    total: Decimal
    rows_total: Decimal
    rounding: Decimal


def invoice_rounding(costs: pa.Table, params: Params) -> dict[str, int]:
    """Per invoice with a known total: that total less its line items rounded once, in cents."""
    exact: dict[str, int] = {}
    for row in costs.to_pylist():
        units = exact_units(row["exact_amount"])
        exact[row["invoice_id"]] = exact.get(row["invoice_id"], 0) + units
    return {
        invoice_id: cents(params.invoices[invoice_id].total) - nearest_cents(units)
        for invoice_id, units in sorted(exact.items())
        if invoice_id in params.invoices
    }


def invoice_ties(costs: pa.Table, params: Params) -> list[InvoiceTie]:
    """Per invoice: its total, the exact sum of its line items, and the rounding posting between them."""
    exact: dict[str, Decimal] = {}
    for row in costs.to_pylist():
        exact[row["invoice_id"]] = exact.get(row["invoice_id"], Decimal(0)) + row["exact_amount"]
    roundings = invoice_rounding(costs, params)
    ties = []
    for invoice_id, rows_total in sorted(exact.items()):
        known = params.invoices.get(invoice_id)
        ties.append(
            InvoiceTie(
                invoice_id=invoice_id,
                issuer=known.issuer if known else "not invoiced yet",
                total=known.total if known else rounded_once(rows_total),
                rows_total=rows_total,
                rounding=cents_amount(roundings.get(invoice_id, 0)),
            )
        )
    return ties
