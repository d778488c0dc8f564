"""The two views of a year, and how they tie: what its months charged, and what was charged about its months.

    charged in the months of the year
    − corrections among it that are about months of other years
    + corrections of the year's months that other years charged
    = charged about the months of the year, as it is now, which is what its invoices come to

What always holds: each is a sum of the same charges, exact and in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from chargeback.ledger.budgets import charged_in
from chargeback.ledger.post import ROUNDING
from chargeback.review.year.gather import ZERO, Charge, Gathered, Invoiced

Key = TypeVar("Key")


def total(charges: Iterable[Charge]) -> Decimal:
    """What some charges come to."""
    return sum((one.amount for one in charges), ZERO)


def summed(charges: Iterable[Charge], by: Callable[[Charge], Key]) -> dict[Key, Decimal]:
    """What charges come to by something of them."""
    found: dict[Key, Decimal] = {}
    for one in charges:
        key = by(one)
        found[key] = found.get(key, ZERO) + one.amount
    return found


@dataclass(frozen=True)
class View:
    """One year as it is shown.

    Args:
        charged: the charges of its months.
        about: the charges about its months, whenever they were charged.
    """

    gathered: Gathered
    year: str
    charged: tuple[Charge, ...]
    about: tuple[Charge, ...]

    @property
    def closed(self) -> list[str]:
        """Its closed periods."""
        return self.gathered.closed_in(self.year)

    @property
    def units(self) -> list[str]:
        """Its business units, the one that is charged most first."""
        sums = summed((*self.charged, *self.about), lambda one: one.business_unit_id)
        most = summed(self.charged, lambda one: one.business_unit_id)
        return sorted(sums, key=lambda one: (-most.get(one, ZERO), one))

    @property
    def about_others(self) -> dict[str, Decimal]:
        """What its months charge about other years, by year."""
        others = (one for one in self.charged if one.about_period[:4] != self.year)
        return dict(sorted(summed(others, lambda one: one.about_period[:4]).items()))

    @property
    def charged_elsewhere(self) -> dict[str, Decimal]:
        """What other years charge about its months, by year."""
        others = (one for one in self.about if one.billing_period[:4] != self.year)
        return dict(sorted(summed(others, lambda one: one.billing_period[:4]).items()))

    @property
    def corrections(self) -> list[Charge]:
        """The corrections that its months charge, and those about its months."""
        return sorted({one for one in (*self.charged, *self.about) if one.original_period})

    @property
    def invoices(self) -> list[Invoiced]:
        """The invoices of its closed months."""
        return [one for one in self.gathered.invoices if one.billing_period[:4] == self.year]

    @property
    def invoiced(self) -> Decimal:
        """What they come to."""
        return sum((one.total for one in self.invoices), ZERO)


def view_of(gathered: Gathered, year: str) -> View:
    """One of the years that were gathered."""
    return View(
        gathered,
        year,
        tuple(one for one in gathered.charges if one.billing_period[:4] == year),
        tuple(one for one in gathered.charges if one.about_period[:4] == year),
    )


@dataclass(frozen=True)
class Tied:
    """An invoice beside what cost centers are charged for it.

    Args:
        at_close: what the close of its month charged.
        corrected: what later closes charged more or less.
        rounding_at_close: what the close of its month charged as the invoice's rounding.
    """

    invoiced: Invoiced
    at_close: Decimal
    corrected: Decimal
    rounding_at_close: Decimal

    @property
    def charged(self) -> Decimal:
        """All that is charged for it."""
        return self.at_close + self.corrected

    @property
    def difference(self) -> Decimal:
        """What is invoiced and not charged."""
        return self.invoiced.total - self.charged


def tied_invoices(gathered: Gathered, charges: Iterable[Charge]) -> list[Tied]:
    """Every invoice beside its charges."""
    rows = list(charges)
    of = summed(rows, lambda one: (one.about_period, one.invoice_id, bool(one.original_period)))
    rounding = summed(
        (one for one in rows if one.kind == ROUNDING),
        lambda one: (one.about_period, one.invoice_id),
    )
    return [
        Tied(
            one,
            of.get((one.billing_period, one.invoice_id, False), ZERO),
            of.get((one.billing_period, one.invoice_id, True), ZERO),
            rounding.get((one.billing_period, one.invoice_id), ZERO),
        )
        for one in gathered.invoices
    ]


@dataclass(frozen=True)
class Budgeted:
    """A business unit beside its budget of the year; all but `whole` is of the closed months.

    Args:
        whole: the budget of the year.
        to_date: the budget of the closed months.
        charged: on the cost centers that have it, in those months.
    """

    business_unit_id: str
    whole: Decimal
    to_date: Decimal
    charged: Decimal

    @property
    def left(self) -> Decimal:
        """What is left of the year's; negative where more was charged."""
        return self.whole - self.charged

    @property
    def difference(self) -> Decimal:
        """What is left of that of the closed months."""
        return self.to_date - self.charged


def budgeted(view: View) -> list[Budgeted]:
    """The business units that have a budget in the year, in the order of the view; then those never charged."""
    by_month: dict[str, dict[tuple[str, str], Decimal]] = {one: {} for one in view.closed}
    centers = summed(
        view.charged, lambda one: (one.billing_period, one.business_unit_id, one.cost_center_id)
    )
    for (period, unit, center), amount in centers.items():
        by_month[period][unit, center] = amount
    sums: dict[str, list[Decimal]] = {}
    for budget in view.gathered.budgets.get(view.year, ()):
        own = sums.setdefault(budget.business_unit_id, [ZERO, ZERO, ZERO])
        own[0] += budget.amount
        if budget.billing_period in by_month:
            own[1] += budget.amount
            own[2] += charged_in(by_month, budget)
    order = {unit: place for place, unit in enumerate(view.units)}
    return [
        Budgeted(unit, *sums[unit])
        for unit in sorted(sums, key=lambda one: (order.get(one, len(order)), one))
    ]
