"""Invoices: how each ties out, its total against the exact sum of its line items."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa

from chargeback.core.money import cents, exact_units, nearest_cents, rounded_once
from chargeback.params import Params


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


def invoice_ties(costs: pa.Table, params: Params) -> list[dict[str, Any]]:
    """Per invoice: its total, the exact sum of its line items, and the rounding posting between them.

    Returns:
        Dicts with invoice_id, issuer, total, rows_total (exact) and rounding; total is the rounded sum when
        the invoice is not known (drafts).
    """
    exact: dict[str, Decimal] = {}
    for row in costs.to_pylist():
        exact[row["invoice_id"]] = exact.get(row["invoice_id"], Decimal(0)) + row["exact_amount"]
    roundings = invoice_rounding(costs, params)
    ties = []
    for invoice_id, rows_total in sorted(exact.items()):
        known = params.invoices.get(invoice_id)
        rounding = Decimal(roundings.get(invoice_id, 0)).scaleb(-2)
        rounded = rounded_once(rows_total)
        ties.append(
            {
                "invoice_id": invoice_id,
                "issuer": known.issuer if known else "not invoiced yet",
                "total": known.total if known else rounded,
                "rows_total": rows_total,
                "rounding": rounding,
            }
        )
    return ties
