"""What the books hold of a year: charges, invoices, budgets and names, of closed periods alone.

In: books and years. Out: `Gathered`. Read are the closed periods of the years, and of later ones what corrects
them. What always holds: each file is what a signed manifest names; a month that is not closed has no figure.

Names of business units, cost centers and pools are those of the last closed month that has them. Who owned a
cost center in a month stands in the month's postings, of its corrections too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.checked import (
    checked_manifest,
    checked_postings,
    checked_table,
    signed_manifest,
)
from chargeback.books.closed_period import (
    Corrections,
    kept_params,
    open_deferrals,
    params_after,
    read_corrections,
)
from chargeback.core.books_folders import Books
from chargeback.core.errors import bad_params
from chargeback.core.sums import sums_by
from chargeback.ledger.budgets import MonthBudget, month_budgets
from chargeback.ledger.invoices import issuer_of
from chargeback.params import Params
from chargeback.params.budgets import months_of
from chargeback.review.year.loss_ratio_rows import Splits, gather_splits
from chargeback.rollup.product_names import product_names

#: What charges of a ledger are summed by; the rest of a posting says no more of a year.
KEYS = (
    "billing_period", "original_period", "business_unit_id", "cost_center_id", "kind", "product_code",
    "pool_id", "invoice_id",
)  # fmt: skip

ZERO = Decimal("0.00")

#: A close, the period that it corrects, and an invoice of that.
Change = tuple[str, str, str]


class Charge(NamedTuple):
    """What a cost center is charged, summed by `KEYS`; a text that the ledger does not have is empty.

    Args:
        billing_period: the month that it was charged in.
        original_period: the earlier month that a correction is about.
    """

    billing_period: str
    original_period: str
    business_unit_id: str
    cost_center_id: str
    kind: str
    product_code: str
    pool_id: str
    invoice_id: str
    amount: Decimal

    @property
    def about_period(self) -> str:
        """The month that it is about."""
        return self.original_period or self.billing_period


@dataclass(frozen=True)
class Invoiced:
    """An invoice of a closed month.

    Args:
        total: what AWS asks for, as it was entered last; of line items without an invoice their sum, rounded.
        rounding: what of it is no line item, but the cents that it and the sum of these differ by.
        rounding_at_close: the same as its month was closed.
    """

    billing_period: str
    invoice_id: str
    issuer: str
    total: Decimal
    rounding: Decimal
    rounding_at_close: Decimal


@dataclass(frozen=True)
class LeftOpen:
    """An invoice that a closed month left to a later period, and that nobody is charged yet."""

    billing_period: str
    invoice_id: str
    deferred_to: str


@dataclass
class Names:
    """What things are called, by their ids; those that were read first count."""

    units: dict[str, str] = field(default_factory=dict)
    cost_centers: dict[str, str] = field(default_factory=dict)
    pools: dict[str, str] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)

    def learn(self, params: Params, rollup: pa.Table) -> None:
        """Take what is not known yet from a month."""
        for key, unit in params.business_units.items():
            self.units.setdefault(key, unit.name)
        for key, center in params.cost_centers.items():
            self.cost_centers.setdefault(key, center.name)
        for pool in params.pools:
            self.pools.setdefault(pool.pool_id, pool.name)
        for code, name in product_names([rollup]).items():
            self.products.setdefault(code, name)


@dataclass(frozen=True)
class Gathered:
    """All that is said of some years.

    Args:
        closed: their closed periods, in order.
        charges: those of these periods, and those of later ones that correct them, in the order of `KEYS`.
        invoices: of these periods, by period and id.
        charged: what each of these periods charged in all, as its manifest has it.
        changes: by how much closes changed invoices: of these periods, and of earlier ones in these periods.
        left_open: invoices that are not charged yet.
        budgets: month by month, by year; as the last closed month of the year has them.
        manifests: sha256 of each manifest that was read, by period.
        splits: for the medical loss ratio, of each of these closes that had a declaration.
    """

    years: tuple[str, ...]
    closed: tuple[str, ...]
    charges: tuple[Charge, ...]
    invoices: tuple[Invoiced, ...]
    charged: Mapping[str, Decimal]
    changes: Mapping[Change, Decimal]
    left_open: tuple[LeftOpen, ...]
    budgets: Mapping[str, Sequence[MonthBudget]]
    manifests: Mapping[str, str]
    currency: str
    names: Names
    splits: Splits = field(default_factory=dict)

    def closed_in(self, year: str) -> list[str]:
        """The closed periods of a year."""
        return [one for one in self.closed if one[:4] == year]

    def open_in(self, year: str) -> list[str]:
        """The periods of a year that are not closed."""
        return [one for one in months_of(year) if one not in self.closed]


def gather(books: Books, years: Sequence[str]) -> Gathered:
    """Read all that is said of some years, each of which has a closed period.

    Raises:
        Refusal: (exit 2) the months are not in one currency; (exit 4) a file is not what was closed.
    """
    known = read_corrections(books)
    closed = [one for one in books.closed_periods() if one[:4] in years]
    later = sorted({one for period in closed for one in known.of(period)} - set(closed))
    manifests = {one: checked_manifest(books, one) for one in closed}
    currency = one_currency({one: str(each["currency"]) for one, each in manifests.items()})
    names, invoices, budgets = Names(), list[Invoiced](), dict[str, Sequence[MonthBudget]]()
    for period in reversed(closed):
        params = kept_params(books, period)
        names.learn(params, checked_table(books, period, "rollup.parquet"))
        invoices += invoices_of(period, manifests[period]["invoices"], params, known)
        if period[:4] not in budgets:
            budgets[period[:4]] = month_budgets(params.budgets)
    return Gathered(
        years=tuple(years),
        closed=tuple(closed),
        charges=tuple(sorted(charges_of(books, closed, later))),
        invoices=tuple(sorted(invoices, key=lambda one: (one.billing_period, one.invoice_id))),
        charged={one: Decimal(each["postings"]["charged"]) for one, each in manifests.items()},
        changes=changes_of(known, closed),
        left_open=left_open(books, closed, known),
        budgets=budgets,
        manifests={one: manifest_sha256(books, one) for one in (*closed, *later)},
        currency=currency,
        names=names,
        splits=gather_splits(books, closed, later),
    )


def one_currency(currencies: Mapping[str, str]) -> str:
    """The currency of all periods (exit 2 where there are several, which have no sum)."""
    found = sorted(set(currencies.values()))
    if len(found) > 1:
        raise bad_params(
            "the closed months are not in one currency", "one currency", " and ".join(found),
            [f"{period}: {one}" for period, one in currencies.items()],
            ["name years whose closed months are in one currency with YEAR="],
        )  # fmt: skip
    return found[0]


def charges_of(books: Books, closed: Sequence[str], later: Sequence[str]) -> list[Charge]:
    """What cost centers are charged in some periods, and in later ones about them."""
    found = []
    for period in (*closed, *later):
        rows = checked_postings(books, period)
        rows = rows.filter(pc.is_valid(rows["cost_center_id"]))
        if period not in closed:
            rows = rows.filter(pc.is_in(rows["original_period"], pa.array(closed, pa.string())))
        found += [
            Charge._make([*(one or "" for one in key), amount])
            for key, amount in sums_by(rows, KEYS, "amount").items()
        ]
    return found


def invoices_of(
    period: str, ties: Mapping[str, Mapping[str, str]], params: Params, known: Corrections
) -> list[Invoiced]:
    """The invoices of a closed period: as its manifest has them, and as each correction left them.

    Args:
        ties: the manifest's, by invoice.
    """
    totals = {invoice_id: Decimal(tie["total"]) for invoice_id, tie in ties.items()}
    at_close = {invoice_id: Decimal(tie["rounding"]) for invoice_id, tie in ties.items()}
    rounding = dict(at_close)
    for close in known.of(period):
        kept = known.kept[close][period]
        params = params_after(params, kept)
        for one in kept.get("invoice_changes", ()):
            for found, change in ((totals, one["total"]), (rounding, one["rounding"])):
                before = found.get(one["invoice_id"], ZERO)
                found[one["invoice_id"]] = before + Decimal(change)
        totals |= {one["invoice_id"]: Decimal(one["total"]) for one in kept["invoices"]}
    return [
        Invoiced(
            period, one, issuer_of(one, params), total, rounding.get(one, ZERO), at_close.get(one, ZERO)
        )
        for one, total in totals.items()
    ]  # fmt: skip


def changes_of(known: Corrections, closed: Sequence[str]) -> dict[Change, Decimal]:
    """By how much closes changed invoices, where either of the two periods is one of these."""
    return {
        (close, period, one["invoice_id"]): Decimal(one["total"])
        for close, those in known.kept.items()
        for period, kept in those.items()
        if close in closed or period in closed
        for one in kept.get("invoice_changes", ())
    }


def left_open(books: Books, closed: Sequence[str], known: Corrections) -> tuple[LeftOpen, ...]:
    """The invoices of closed periods that nobody is charged yet."""
    return tuple(
        LeftOpen(period, invoice_id, deferred_to)
        for period in closed
        for invoice_id, deferred_to in sorted(open_deferrals(books, period, known).items())
    )


def manifest_sha256(books: Books, period: str) -> str:
    """The sha256 of a closed period's signed manifest."""
    return hashlib.sha256(signed_manifest(books, period).content).hexdigest()
