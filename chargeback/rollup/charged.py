"""Charged: the rows of a rollup that a period charges, and the invoice that each stands on.

A rollup holds the whole delivery. Invoices that deferrals.csv leaves to a later period are not charged, and
where AWS sends no invoice, line items without an id stand on the period's stand-in.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.core.sums import sums_by
from chargeback.params import Params

#: Fees of days to come, which a draft leaves out; a close has none.
AHEAD = "is_ahead"


def charged_rollup(rollup: pa.Table, params: Params) -> pa.Table:
    """The rows of a rollup without those on invoices that are left to a later period, and of days to come."""
    if AHEAD in rollup.column_names:  # the first versions did not tell
        rollup = rollup.filter(pc.invert(rollup[AHEAD]))
    if not params.deferrals:
        return rollup
    return rollup.filter(pc.invert(on_deferred(rollup, params)))


def on_deferred(rollup: pa.Table, params: Params) -> pa.ChunkedArray:
    """Which rows stand on an invoice that is left to a later period."""
    return pc.is_in(rollup["invoice_id"], pa.array(sorted(params.deferred_ids), pa.string()))


def deferred_totals(rollup: pa.Table, params: Params) -> dict[str, Decimal]:
    """What each invoice that is left to a later period sums to, exactly, by its id; those in the rollup."""
    return invoice_totals(rollup.filter(on_deferred(rollup, params)))


def invoiced_rollup(rollup: pa.Table, params: Params) -> pa.Table:
    """The rows that are charged, those without an invoice on the stand-in where AWS sends none."""
    charged = charged_rollup(rollup, params)
    if not params.policy.invoicing:
        return charged
    place = charged.column_names.index("invoice_id")
    return charged.set_column(
        place, "invoice_id", pc.fill_null(charged["invoice_id"], params.stand_in)
    )


def on_no_invoice(rollup: pa.Table) -> Decimal:
    """What line items without an invoice sum to, exactly."""
    billed = rollup.filter(
        pc.and_(pc.invert(rollup["is_split_view"]), pc.is_null(rollup["invoice_id"]))
    )
    return sum(billed["unblended_cost"].to_pylist(), Decimal(0))


def exact_by_invoice(rollup: pa.Table, params: Params) -> dict[str, Decimal]:
    """What each invoice's charged line items sum to, exactly; those that stand on none are left out."""
    return invoice_totals(invoiced_rollup(rollup, params))


def invoice_totals(rollup: pa.Table) -> dict[str, Decimal]:
    """Unblended cost by invoice."""
    billed = rollup.filter(
        pc.and_(pc.invert(rollup["is_split_view"]), pc.is_valid(rollup["invoice_id"]))
    )
    sums = sums_by(billed, ["invoice_id"], "unblended_cost")
    return {invoice_id: cost for (invoice_id,), cost in sums.items()}


def with_near_invoices(rollup: pa.Table, params: Params) -> Params:
    """Params of a draft: an invoice far from its line items is not known yet, for AWS has not written all."""
    limit, sums = params.policy.invoice_rounding_limit, exact_by_invoice(rollup, params)
    near = {
        invoice_id: invoice
        for invoice_id, invoice in params.invoices.items()
        if abs(invoice.total - sums.get(invoice_id, Decimal(0))) <= limit
    }
    return replace(params, invoices=near)
