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
from chargeback.core.csv_files import csv_line
from chargeback.core.money import cents_amount, rounded_once, shown
from chargeback.core.period import month_after, period_title
from chargeback.core.sums import sums_by
from chargeback.core.text import plain
from chargeback.ledger.corrections import (
    COST_CENTER,
    Restated,
    entries_of,
    restate,
)
from chargeback.pages.vocabulary import joined, service_name
from chargeback.params import read_invoices
from chargeback.params.account_ids import AWS
from chargeback.rollup.charged import charged_rollup, exact_by_invoice
from chargeback.rollup.product_names import product_names
from chargeback.rollup.redeliveries import Redelivery, find_redeliveries
from chargeback.sources.readers import ReportLocation, reader_of

#: Account and product.
Service = tuple[str, str]
Key = TypeVar("Key", str, Service)


@dataclass(frozen=True)
class Restatement:
    """A closed period that is not what it was.

    Args:
        final: every cost of the delivery is on an invoice, so that the next close can correct it.
        without_total: invoices whose total is not entered, or far from their line items, with these; an invoice
            that has none any more with nothing.
    """

    restated: Restated
    final: bool
    without_total: dict[str, Decimal]

    @property
    def period(self) -> str:
        """The closed period."""
        return self.restated.period

    def delivered_by(self) -> list[str]:
        """Who delivered it again: AWS, other providers; nobody where an invoice was what changed."""
        return self.restated.delivered_by

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
) -> tuple[list[Restatement], list[Redelivery]]:
    """Closed periods whose report or invoices have changed since they were closed or corrected last.

    Args:
        params_folder: where invoices are entered now.
        period: an open one, whose close would look at those before it; by default all are looked at.

    Returns:
        What changed; and deliveries that are another view of a closed period, which nothing is derived from.

    Raises:
        Refusal: (exit 6) a delivery cannot be read; (exit 4) evidence is missing or cannot be replayed.
    """
    closed = books.closed_periods()
    if not closed:
        return [], []
    before = period or month_after(closed[-1])
    again = find_redeliveries(reader_of(report), books, before)
    alike = {one.period: one for one in again if not one.differences}
    entered = read_invoices(params_folder, closed)
    found = [
        Restatement(
            one, one.period not in alike or alike[one.period].final, without_total(one)
        )
        for one in restate(books, before, alike.values(), entered, provisional=True)
    ]  # fmt: skip
    return found, [one for one in again if one.differences]


def without_total(restated: Restated) -> dict[str, Decimal]:
    """Invoices of a delivery that nobody has entered as they are now, with what their line items sum to.

    One that AWS issued again under another id is among them twice: the old one has no line items any more.
    """
    sums = exact_by_invoice(restated.rollup, restated.params)
    gone = {
        invoice_id: Decimal(0)
        for invoice_id, units in exact_by_invoice(
            restated.closed_period.rollup, restated.closed_period.params
        ).items()
        if invoice_id not in sums and rounded_once(units)
    }
    entered = {*restated.params.invoices, restated.params.stand_in}
    return {
        invoice_id: rounded_once(units)
        for invoice_id, units in sorted({**sums, **gone}.items())
        if invoice_id not in entered
    }


def show_restatements(
    found: list[Restatement], others: list[Redelivery], say: Callable[[str], None]
) -> None:
    """Print what changed, or that nothing did."""
    if not found and not others:
        say("no closed period has changed")
    blocks = [*map(lines_of, found), *map(other_lines, others)]
    for number, block in enumerate(blocks):
        if number:
            say("")
        for line in block:
            say(line)


def other_lines(one: Redelivery) -> Iterator[str]:
    """A delivery that is another view of a closed period, for a terminal."""
    yield f"{one.period}  {period_title(one.period)}: the report has another view of it than it was closed from"
    for found in one.differences:
        yield f"    {found.what:<40} closed with {found.closed_with}; now {found.delivered_now}"
    yield "  nothing is derived from it and nothing will be posted: the control deliveries_are_comparable"
    yield "  stops the next close, until AWS delivers the month as it was or acceptances.csv leaves it closed"


def lines_of(one: Restatement) -> Iterator[str]:
    """One period for a terminal."""
    restated, params = one.restated, one.restated.params
    why = (
        again_words(one.delivered_by(), restated.record.execution_id)
        if restated.redelivered
        else f"its close left the invoice {', '.join(restated.taken)} to a period that is due"
        if restated.taken
        else "an invoice of it was entered or changed"
    )
    services, owners = one.by_service(), one.by_cost_center()
    cost, charges = (sum(sums.values(), Decimal(0)) for sums in (services, owners))
    yield f"{one.period}  {period_title(one.period)}: {why}"
    yield f"  {'cost, unblended':<52}{shown(cost):>16} {params.policy.currency}"
    names = product_names([restated.rollup, restated.closed_period.rollup])
    for (account_id, product), amount in services.items():
        service = plain(service_name(product, names.get(product, "")))
        account = params.accounts.get(account_id)
        label = f"{service} in {account.name if account else account_id}"
        yield f"    {label:<50}{shown(amount):>16}"
    yield f"  {'charges':<52}{shown(charges):>16} {params.policy.currency}"
    for owner, amount in owners.items():
        label = f"{owner} {params.cost_centers[owner].name}"
        yield f"    {label:<50}{shown(amount):>16}"
    wanted = list(invoice_rows(one))
    if not services and not owners and not wanted:
        yield "  nothing that is charged differs: the next close posts nothing for it"
    elif not one.final:
        yield "  not final at AWS yet: it is corrected by the first close after AWS has invoiced it"
    else:
        yield from wanted
        yield "  the next close posts this as corrections"


def again_words(names: list[str], execution_id: str) -> str:
    """Who delivered a period again; AWS alone names its execution.

    >>> again_words(["AWS"], "e-2"), again_words(["AWS", "Microsoft"], "e-2 + 9f0c")
    ('AWS delivered it again, as e-2', 'AWS and Microsoft delivered it again')
    """
    who = joined(names) or AWS
    return f"{who} delivered it again" + (f", as {execution_id}" if who == AWS else "")


def invoice_rows(one: Restatement) -> Iterator[str]:
    """The rows that invoices.csv needs before the next close can post a correction, for a terminal."""
    params = one.restated.params
    then = one.restated.closed_period.params.invoices
    new = [invoice_id for invoice_id in one.without_total if invoice_id not in then]
    gone = [invoice_id for invoice_id, items in one.without_total.items() if not items]
    if new and gone:
        yield (
            f"  AWS seems to have issued {', '.join(gone)} again as {', '.join(new)}: the line items are "
            "on the latter now"
        )
    for invoice_id, items in one.without_total.items():
        known = then.get(invoice_id)
        issuer = known.issuer if known else "<issuer>"
        yield (
            f"  invoice {invoice_id} needs "
            + (f"another total than {shown(known.total)}" if known else "its total")
            + f" in invoices.csv, with {one.period} as its billing_period; its line items sum to "
            + f"{shown(items)}:"
        )
        cells = (invoice_id, one.period, issuer, params.policy.currency, f"{items:.2f}")
        yield "    " + csv_line((*cells, "<you>", "<its PDF>"))
