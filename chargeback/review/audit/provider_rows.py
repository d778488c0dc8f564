"""Rows of other providers than AWS for the recount, as the standard has them: told a second time.

In: a row with FOCUS's columns, as Azure, Google Cloud or a SaaS wrote it. Out: the same row, with the account
behind the last slash, the category with a capital letter, the invoice that Azure names in a column of its own,
as a text, and tags as a map, or as JSON with its braces. Rows of AWS are that way already. Nothing of the path
that is checked is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

#: Azure's own column, which is read beside those of the standard.
OWN_INVOICE = "x_InvoiceId"
AWS = "AWS"


def standard_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without the ways of its provider."""
    account = row.get("SubAccountId") or row.get("BillingAccountId") or ""
    category, tags = row.get("ChargeCategory"), row.get("Tags")
    if (
        isinstance(tags, Sequence)
        and not isinstance(tags, str)
        and tags
        and isinstance(tags[0], dict)
    ):
        tags = first_values(tags)
    if isinstance(tags, str) and tags.lstrip().startswith('"'):
        tags = "{" + tags + "}"
    invoice = row.get("InvoiceId") or row.get(OWN_INVOICE)
    return {
        **row,
        "SubAccountId": str(account).split("/")[-1],
        "ChargeCategory": category and category[0].upper() + category[1:],
        "InvoiceId": str(invoice) if invoice else None,
        "Tags": tags,
    }


def first_values(tags: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The first value of each key."""
    found: dict[str, Any] = {}
    for one in tags:
        if one["key"] is not None:
            found.setdefault(one["key"], one["value"])
    return found


def invoice_of(
    issuer: str, provider: str, period: str, invoices: Iterable[Mapping[str, str]]
) -> str:
    """The one invoice of an issuer, by its name or the provider's; what stands for one that nobody entered."""
    sent = [one["invoice_id"] for one in invoices if one["issuer"] in (issuer, provider)]
    if len(sent) == 1:
        return sent[0]
    words = "".join(one if one.isalnum() and one.isascii() else " " for one in provider).split()
    return "-".join([*words, period])


def without_provider(
    match: Mapping[str, Any], accounts: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """The conditions of a pool, with the accounts of its providers in their place."""
    found = dict(match)
    if "provider" in found:
        wanted, named = found.pop("provider"), found.get("account_id")
        found["account_id"] = [
            one["account_id"]
            for one in accounts
            if (one.get("provider") or AWS) in wanted
            and (named is None or one["account_id"] in named)
        ]
    return found
