"""Found: what a report says of a company, for params that describe it: accounts, invoices, types, tags.

In: the outline of a delivery and its tags. Out: `Found`. What always holds: nothing is invented; what the
report does not say is blank.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from chargeback.books.source_record import SourceRecord
from chargeback.params.account_ids import OTHER_ACCOUNT_ID
from chargeback.params.registers import ACCOUNT_ID
from chargeback.sources.outline import report_outline
from chargeback.sources.tags_there import key_name, report_tags

NOTHING = Decimal(0)

Row = dict[str, Any]


@dataclass(frozen=True)
class FoundAccount:
    """An account with line items; its name is its id where the report has none.

    Args:
        provider: who delivered it; blank for AWS.
    """

    account_id: str
    name: str
    unblended_cost: Decimal
    provider: str = ""

    @property
    def can_be_registered(self) -> bool:
        """Whether its id is one that accounts.csv takes."""
        form = OTHER_ACCOUNT_ID if self.provider else ACCOUNT_ID
        return bool(form.fullmatch(self.account_id))


@dataclass(frozen=True)
class FoundInvoice:
    """An invoice id of the period, and what its line items sum to.

    Args:
        net_cost: what is left of that where discounts stand in columns; the same where they do not.
    """

    invoice_id: str
    issuer: str
    currency: str
    unblended_cost: Decimal
    net_cost: Decimal


@dataclass(frozen=True)
class Found:
    """What a period of a report bills."""

    record: SourceRecord
    accounts: tuple[FoundAccount, ...]  # by id
    strange_accounts: tuple[
        str, ...
    ]  # ids that are none, such as those of AWS that are not 12 digits
    invoices: tuple[FoundInvoice, ...]  # by id
    open_line_items: int  # without an invoice id
    currencies: dict[str, Decimal]  # what the line items of each cost, the dearest first
    line_item_types: frozenset[str]
    product_codes: frozenset[str]
    tags: dict[str, dict[str, Decimal]]  # key as policies name it -> value -> cost, dearest first
    unblended_cost: Decimal

    @property
    def period(self) -> str:
        """The period that was looked at."""
        return self.record.billing_period

    @property
    def currency(self) -> str:
        """The currency of most of the cost."""
        return next(iter(self.currencies), "")


def look(report: Path, record: SourceRecord) -> Found:
    """What a delivery says."""
    rows = report_outline(report, record).to_pylist()
    whose = {one: part.provider for part in record.parts() for one in part.account_ids}
    accounts = list(accounts_of(rows, whose))
    billed = [one for one in rows if one["invoice_id"]]
    return Found(
        record,
        tuple(one for one in accounts if one.can_be_registered),
        tuple(one.account_id for one in accounts if not one.can_be_registered),
        tuple(invoices_of(billed)),
        sum(one["line_items"] for one in rows if not one["invoice_id"]),
        dearest(costs_by(rows, "currency")),
        frozenset(one["line_item_type"] or "" for one in rows),
        frozenset(one["product_code"] or "" for one in rows),
        tag_costs(report, record),
        sum((one["unblended_cost"] for one in rows), NOTHING),
    )


def accounts_of(rows: Iterable[Row], whose: Mapping[str, str]) -> Iterable[FoundAccount]:
    """Each account once, by the name that most of its line items have.

    Args:
        whose: the provider of each account that is not of AWS.
    """
    for account_id, own in groups(rows, "account_id"):
        named = {
            **most(own, "payer_account_id", "payer_account_name"),
            **most(own, "account_id", "account_name"),
        }
        name = " ".join((named.get(account_id) or account_id).split())
        cost = sum((one["unblended_cost"] for one in own), NOTHING)
        yield FoundAccount(account_id, name, cost, whose.get(account_id, ""))


def invoices_of(rows: Iterable[Row]) -> Iterable[FoundInvoice]:
    """Each invoice, by the issuer that most of its line items name."""
    for invoice_id, own in groups(rows, "invoice_id"):
        issuers = {
            **most(own, "invoice_id", "billing_entity"),
            **most(own, "invoice_id", "invoicing_entity"),
        }
        yield FoundInvoice(
            invoice_id, issuers.get(invoice_id, ""), next(iter(dearest(costs_by(own, "currency"))), ""),
            sum((one["unblended_cost"] for one in own), NOTHING),
            sum((one["net_cost"] for one in own), NOTHING),
        )  # fmt: skip


def most(rows: Iterable[Row], key: str, name: str) -> dict[str, str]:
    """The name that most line items of each key have; keys without a name are left out."""
    counts: dict[str, dict[str, int]] = {}
    for one in rows:
        if one[key] and one[name]:
            own = counts.setdefault(one[key], {})
            own[one[name]] = own.get(one[name], 0) + one["line_items"]
    return {key: min(own, key=lambda one: (-own[one], one)) for key, own in counts.items()}


def groups(rows: Iterable[Row], key: str) -> list[tuple[str, list[Row]]]:
    """Rows by a key, in the order of the keys."""
    found: dict[str, list[Row]] = {}
    for one in rows:
        found.setdefault(one[key] or "", []).append(one)
    return sorted(found.items())


def costs_by(rows: Iterable[Row], key: str) -> dict[str, Decimal]:
    """What the line items of each key cost, without its sign."""
    sums: dict[str, Decimal] = {}
    for one in rows:
        sums[one[key] or ""] = sums.get(one[key] or "", NOTHING) + abs(one["unblended_cost"])
    return sums


def tag_costs(report: Path, record: SourceRecord) -> dict[str, dict[str, Decimal]]:
    """What each tag key's values cost; both the dearest first."""
    found: dict[str, dict[str, Decimal]] = {}
    for one in report_tags(report, record).to_pylist():
        values = found.setdefault(key_name(one["map_name"], one["tag_key"]), {})
        values[one["tag_value"]] = values.get(one["tag_value"], NOTHING) + one["unblended_cost"]
    sums = dearest({key: sum(values.values(), NOTHING) for key, values in found.items()})
    return {key: dearest(found[key]) for key in sums}


def dearest(costs: dict[str, Decimal]) -> dict[str, Decimal]:
    """Costs by size, the largest first; equal ones by name."""
    return dict(sorted(costs.items(), key=lambda item: (-item[1], item[0])))
