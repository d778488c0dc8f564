"""Documents: charges become debits and credits, in documents that each balance within one company.

    a charge of CC-1, 12.00, paid by its own company 1000
        1000    debit 630000 CC-1 12.00             credit 199000 12.00
    a charge of CC-2 in company 2000, 5.00, paid by company 1000
        2000    debit 630000 CC-2 5.00              credit 251000 5.00, due to 1000
        1000    debit 151000 5.00, due from 2000    credit 199000 5.00

A charge below nothing turns debit and credit around. There is one document for each company and currency with
the period's own charges, adjustments among them, and one for each period that is corrected. A document with
more lines than the ERP takes is parted; each part balances, because each debit comes with its credit.

What always holds: documents depend on the charges and the mapping alone, not on any order; negating all charges
turns all lines around; the charges on the lines of a cost center sum to what the ledger charges it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.money import cents_amount, shown
from chargeback.core.period import last_day
from chargeback.delivery.erp.charges import Booked, Charge

#: What a line is, in the order of a document.
CHARGE, DUE_FROM, DUE_TO, OFFSET = range(4)


@dataclass(frozen=True, order=True)
class Heading:
    """What a document is of; the period's own charges come before corrections, whose period it names."""

    original_period: str
    company_code: str
    currency: str


@dataclass(frozen=True, order=True)
class Side:
    """The account that a line is on, and what it is there for.

    Args:
        cost_center: as the ERP calls it; blank is none.
        cost_center_id: as we do; blank but on charges.
        partner: the other company, where one owes the other.
    """

    role: int
    cost_center_id: str
    kind: str
    gl_account: str
    cost_center: str
    partner: str = ""


@dataclass(frozen=True)
class Line:
    """A line of a document; less than nothing is a credit."""

    side: Side
    cents: int


@dataclass(frozen=True)
class Document:
    """A balanced document.

    Args:
        reference: by which the ERP and this ledger know each other's documents.
        part, parts: from 1; where it had more lines than a document may have.
    """

    reference: str
    heading: Heading
    part: int
    parts: int
    document_date: date
    posting_date: date
    lines: tuple[Line, ...]

    @property
    def debits(self) -> int:
        """The sum of its debits, in cents."""
        return sum(line.cents for line in self.lines if line.cents > 0)


#: What is debited, what is credited, and by how many cents.
Movement = tuple[Side, Side, int]


def documents_of(
    booked: Iterable[Booked], period: str, prefix: str, posting_date: date, line_limit: int
) -> list[Document]:
    """The documents of a period, in the order of their references.

    Args:
        line_limit: the most lines of a document, at least 2.
    """
    headed: defaultdict[Heading, defaultdict[tuple[Side, Side], int]] = defaultdict(
        lambda: defaultdict(int)
    )
    for one in booked:
        for heading, debit, credit in bookings(one):
            headed[heading][debit, credit] += one.charge.cents
    found: list[Document] = []
    for heading in sorted(headed):
        moved = [(*sides, amount) for sides, amount in sorted(headed[heading].items()) if amount]
        parts = [part for part in map(lines_of, parted(moved, line_limit)) if part]
        for number, lines in enumerate(parts, start=1):
            reference = f"{prefix}-{period}-{len(found) + 1:03d}"
            found.append(
                Document(
                    reference, heading, number, len(parts), last_day(period), posting_date, lines
                )
            )
    return found


def bookings(one: Booked) -> Iterator[tuple[Heading, Side, Side]]:
    """Where a charge is booked: what is debited and what is credited, in the books of each company."""
    charge, account = one.charge, one.account
    center = account.cost_center(charge.cost_center_id)
    debit = Side(CHARGE, charge.cost_center_id, charge.kind, account.gl_account, center)
    credit = Side(OFFSET, "", "", account.offset_gl_account, account.offset_cost_center)
    own, payer = (
        Heading(charge.original_period, company, charge.currency)
        for company in (account.company_code, account.payer)
    )
    if own == payer:
        yield own, debit, credit
    else:
        owed, due = (
            Side(role, "", "", gl_account, "", partner)
            for role, gl_account, partner in (
                (DUE_TO, account.due_to_gl_account, payer.company_code),
                (DUE_FROM, account.due_from_gl_account, own.company_code),
            )
        )
        yield own, debit, owed
        yield payer, due, credit


def parted(moved: Sequence[Movement], line_limit: int) -> Iterator[list[Movement]]:
    """Movements in parts with so many lines at most."""
    part: list[Movement] = []
    sides: set[Side] = set()
    for one in moved:
        if part and len(sides | {one[0], one[1]}) > line_limit:
            yield part
            part, sides = [], set()
        part.append(one)
        sides |= {one[0], one[1]}
    if part:
        yield part


def lines_of(moved: Iterable[Movement]) -> tuple[Line, ...]:
    """The lines of a part, sorted; what is moved there and back is none."""
    sums: defaultdict[Side, int] = defaultdict(int)
    for debit, credit, amount in moved:
        sums[debit] += amount
        sums[credit] -= amount
    return tuple(Line(side, amount) for side, amount in sorted(sums.items()) if amount)


def require_tied(
    documents: Sequence[Document], charges: Sequence[Charge], period: str, line_limit: int
) -> None:
    """Stop unless the documents balance and are what the ledger charges (exit 4).

    Looks at nothing but finished documents and the sums of the ledger, whichever way one became the other.
    """
    wrong = [
        f"{one.reference}: debits and credits differ by {shown(cents_amount(rest))}"
        for one in documents
        if (rest := sum(line.cents for line in one.lines))
    ]
    wrong += [
        f"{one.reference}: {len(one.lines)} lines"
        for one in documents
        if len(one.lines) > line_limit
    ]
    wrong += [
        f"{first} and {second}: what is due differs by {shown(cents_amount(rest))}"
        for first, second, rest in due_between(documents)
    ]
    booked: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for document in documents:
        for line in document.lines:
            if line.side.role == CHARGE:
                heading, side = document.heading, line.side
                key = (heading.original_period, heading.currency, side.cost_center_id, side.kind)
                booked[key] += line.cents
    ledger: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for charge in charges:
        key = (charge.original_period, charge.currency, charge.cost_center_id, charge.kind)
        ledger[key] += charge.cents
    wrong += [
        f"{' '.join(filter(None, key))}: charged {shown(cents_amount(ledger[key]))}, "
        f"booked {shown(cents_amount(booked[key]))}"
        for key in sorted(ledger.keys() | booked.keys())
        if ledger[key] != booked[key]
    ]
    if wrong:
        raise Refusal(
            CONTROL_FAILED, f"the journal for the ERP does not tie to the ledger of {period}",
            "each document balanced, and each cost center booked as it is charged",
            f"{len(wrong)} differences", "", wrong[:12],
            ["nothing was exported; this is a defect of this program: report this block"],
        )  # fmt: skip


def due_between(documents: Iterable[Document]) -> Iterator[tuple[str, str, int]]:
    """Two companies whose dues are not the same in the books of both, and by how many cents."""
    sums: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
    for one in documents:
        for line in one.lines:
            if line.side.partner:
                first, second = sorted((one.heading.company_code, line.side.partner))
                sums[one.heading.original_period, one.heading.currency, first, second] += line.cents
    for (_, _, first, second), rest in sorted(sums.items()):
        if rest:
            yield first, second, rest
