"""Invoicing: whether AWS sends invoices for a month, and what stands for one where it sends none.

`invoicing` of policy.toml is "invoiced", "none" (AWS sends no invoice for the month, because credits cover it:
what has no invoice id sums to 0.00) or "pro-forma" (a report of AWS Billing Conductor, whose line items never
get an invoice id). It is a plain value or dated ones; months that no dated value names are invoiced, so that
one month is declared by one value. The ordinary case is kept as "", which no digest of rules shows.

Line items without an invoice then belong to a stand-in, one a period, whose total is their own sum rounded
once. In a month that AWS invoices there is none, and what drafts show of it stands on `not-invoiced`.
"""

from __future__ import annotations

INVOICED, NO_INVOICE, PRO_FORMA = "", "none", "pro-forma"
#: The kinds of month by the word in policy.toml.
INVOICING = {"invoiced": INVOICED, "none": NO_INVOICE, "pro-forma": PRO_FORMA}

#: Drafts only: line items that AWS has not put on an invoice yet.
NOT_INVOICED = "not-invoiced"

#: In place of an issuer, by kind of month.
ISSUERS = {
    INVOICED: "not invoiced yet",
    NO_INVOICE: "AWS sends no invoice",
    PRO_FORMA: "Pro forma costs",
}


def written(invoicing: str) -> str:
    """A kind of month as policy.toml has it."""
    return next(word for word, kind in INVOICING.items() if kind == invoicing)


def stand_in_id(invoicing: str, period: str) -> str:
    """What line items without an invoice stand on."""
    stand_ins = {NO_INVOICE: f"no-invoice-{period}", PRO_FORMA: f"pro-forma-{period}"}
    return stand_ins.get(invoicing, NOT_INVOICED)


def declaration(invoicing: str, period: str) -> str:
    """The line of policy.toml that declares one month, or all of a pro forma report's."""
    if invoicing == PRO_FORMA:
        return f'invoicing = "{PRO_FORMA}"'
    return (
        f'invoicing = [{{ value = "{invoicing}", valid_from = "{period}", valid_to = "{period}", '
        'approved = "<reference>" }]'
    )
