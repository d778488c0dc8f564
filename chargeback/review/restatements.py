"""Restatements: which closed periods AWS delivered again, and by how much for whom; nothing is posted.

In: books, a report, and invoices as they are entered now. Out: for each such period the difference of its cost
by account and service, and of its charges by cost center. What always holds: the differences by cost center
sum to what the invoices changed by. They are what the next close would post, except that an invoice without a
total counts as its line items, rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.core.books_folders import Books
from chargeback.core.money import cents_amount, rounded_once, shown
from chargeback.core.period import month_after, period_title
from chargeback.core.sums import sums_by
from chargeback.ledger.corrections import (
    COST_CENTER,
    Restated,
    entries_of,
    restate,
)
from chargeback.pages.vocabulary import service_name
from chargeback.params import read_invoices
from chargeback.rollup.charged import charged_rollup, exact_by_invoice
from chargeback.rollup.redeliveries import find_redeliveries
from chargeback.sources.readers import ReportLocation, reader_of

#: Account and product.
Service = tuple[str, str]
Key = TypeVar("Key", str, Service)


@dataclass(frozen=True)
class Restatement:
    """A closed period that is not what it was.

    Args:
        final: every cost of the delivery is on an invoice, so that the next close can correct it.
        without_total: invoices whose total is not entered, or far from their line items, with these.
    """

    restated: Restated
    final: bool
    without_total: dict[str, Decimal]

    @property
    def period(self) -> str:
        """The closed period."""
        return self.restated.period

    def by_service(self) -> dict[Service, Decimal]:
        """What AWS says more or less than before, unblended, by account and service; the largest first."""
        sums: dict[Service, Decimal] = {}
        then, now = self.restated.closed_period, self.restated
        for sign, rollup, params in ((-1, then.rollup, then.params), (1, now.rollup, now.params)):
            for service, cost in costs_by_service(charged_rollup(rollup, params)).items():
                sums[service] = sums.get(service, Decimal(0)) + sign * cost
        return largest_first(sums)

    def by_cost_center(self) -> dict[str, Decimal]:
        """What each cost center would be charged more or less than it was, in cents; the largest first."""
        sums: dict[str, Decimal] = {}
        for sign, postings in (
            (-1, self.restated.closed_period.postings),
            (1, self.restated.after.postings),
        ):
            for lines in entries_of(postings, self.period).values():
                for line, amount in lines.items():
                    if line.ledger_account.startswith(COST_CENTER):
                        owner = line.ledger_account.removeprefix(COST_CENTER)
                        charge = sign * cents_amount(amount.cents)
                        sums[owner] = sums.get(owner, Decimal("0.00")) + charge
        return largest_first(sums)


def costs_by_service(rollup: pa.Table) -> dict[Service, Decimal]:
    """Unblended cost by account and product."""
    billed = rollup.filter(pc.invert(rollup["is_split_view"]))
    sums = sums_by(billed, ["account_id", "product_code"], "unblended_cost")
    return {(account_id, product or ""): cost for (account_id, product), cost in sums.items()}


def largest_first(sums: dict[Key, Decimal]) -> dict[Key, Decimal]:
    """What is not nothing, by its size."""
    ordered = sorted(sums.items(), key=lambda item: (-abs(item[1]), item[0]))
    return {key: amount for key, amount in ordered if amount}


def restatements(
    books: Books, report: ReportLocation, params_folder: Path, period: str = ""
) -> list[Restatement]:
    """Closed periods whose report or invoices have changed since they were closed or corrected last.

    Args:
        params_folder: where invoices are entered now.
        period: an open one, whose close would look at those before it; by default all are looked at.

    Raises:
        Refusal: (exit 6) a delivery cannot be read; (exit 4) evidence is missing or cannot be replayed.
    """
    closed = books.closed_periods()
    if not closed:
        return []
    before = period or month_after(closed[-1])
    again = find_redeliveries(reader_of(report), books, before)
    open_periods = {one.period for one in again if not one.final}
    entered = read_invoices(params_folder, closed)
    return [
        Restatement(one, one.period not in open_periods, without_total(one))
        for one in restate(books, before, again, entered, provisional=True)
    ]


def without_total(restated: Restated) -> dict[str, Decimal]:
    """Invoices of a delivery that nobody has entered as they are now, with what their line items sum to."""
    return {
        invoice_id: rounded_once(units)
        for invoice_id, units in sorted(exact_by_invoice(restated.rollup, restated.params).items())
        if invoice_id not in (*restated.params.invoices, restated.params.stand_in)
    }


def show_restatements(found: list[Restatement], say: Callable[[str], None]) -> None:
    """Print what changed, or that nothing did."""
    if not found:
        say("no closed period has changed")
    for number, one in enumerate(found):
        if number:
            say("")
        for line in lines_of(one):
            say(line)


def lines_of(one: Restatement) -> Iterator[str]:
    """One period for a terminal."""
    restated, params = one.restated, one.restated.params
    why = (
        f"AWS delivered it again, as {restated.record.execution_id}"
        if restated.redelivered
        else f"its close left the invoice {', '.join(restated.taken)} to a period that is due"
        if restated.taken
        else "an invoice of it was entered or changed"
    )
    services, owners = one.by_service(), one.by_cost_center()
    cost, charges = (sum(sums.values(), Decimal(0)) for sums in (services, owners))
    yield f"{one.period}  {period_title(one.period)}: {why}"
    yield f"  {'cost, unblended':<52}{shown(cost):>16} {params.policy.currency}"
    for (account_id, product), amount in services.items():
        account = params.accounts.get(account_id)
        label = f"{service_name(product)} in {account.name if account else account_id}"
        yield f"    {label:<50}{shown(amount):>16}"
    yield f"  {'charges':<52}{shown(charges):>16} {params.policy.currency}"
    for owner, amount in owners.items():
        label = f"{owner} {params.cost_centers[owner].name}"
        yield f"    {label:<50}{shown(amount):>16}"
    if not services and not owners:
        yield "  nothing that is charged differs: the next close posts nothing for it"
    elif not one.final:
        yield "  not final at AWS yet: it is corrected by the first close after AWS has invoiced it"
    else:
        for invoice_id, items in one.without_total.items():
            yield (
                f"  invoice {invoice_id} needs its total in invoices.csv, with {one.period} as its "
                f"billing_period; its line items sum to {shown(items)}"
            )
        yield "  the next close posts this as corrections"
