"""Why a month must be refused, by the plain recomputation: a controller would stop there too."""

from __future__ import annotations

from tests.estates.estate import CENT, LIMIT
from tests.estates.plain import ZERO, Rules, cost_of, rows_totals, unblended_of


def refusal_of(rules: Rules) -> str:
    """A word of the refusal that a person would agree with; blank when the month can be closed."""
    items, items_of = rules.estate.items, rows_totals(rules)
    if not all(one["line_item_usage_account_id"] for one in items):
        return "account_ids_have_twelve_digits"
    if rules.invoicing == "pro-forma" and any(one["bill_invoice_id"] for one in items):
        return "pro_forma_costs_have_no_invoice"
    open_items = [one for one in items if not one["bill_invoice_id"]]
    if rules.invoicing == "invoiced" and any(
        unblended_of(one) or cost_of(one, amortized=True) for one in open_items
    ):
        return "is not final"
    if rules.invoicing == "none" and abs(items_of.get(rules.stand_in, ZERO)) >= CENT / 2:
        return "what_is_on_no_invoice_sums_to_nothing"
    if rules.deferred - {one["bill_invoice_id"] for one in items}:
        return "deferred_invoices_are_delivered"
    return ""


def refused_invoices(rules: Rules) -> set[str]:
    """The controls that an invoice fails: without a total, too far from its line items, or without any."""
    found = set()
    own = {one: total for one, total in rows_totals(rules).items()
           if one not in (rules.stand_in, "not-invoiced")}  # fmt: skip
    for invoice_id in own.keys() | rules.totals.keys():
        rows, total = own.get(invoice_id), rules.totals.get(invoice_id)
        if total is None:
            found |= {"sources_tie_to_invoices"} if rows else set()
        elif rows is None:
            accepted = ("every_invoice_has_line_items", invoice_id) in rules.accepted
            found |= (
                {"every_invoice_has_line_items"} if abs(total) > LIMIT and not accepted else set()
            )
        elif abs(total - rows) > LIMIT:
            found.add("sources_tie_to_invoices")
    return found
