"""Answers: what a unit says of its statement from the portal's page, written into the delivery log.

In: who is signed in, and what they wrote into a form. Out: the entries that acknowledgements.csv and
disputes.csv would give (chargeback/delivery/disputes_read.py): the same checks, due days and words, so that
`make disputes`, the CFO's page and the registers go on from them. What always holds: of one statement there is
one acknowledgement, and of one line one dispute; whoever says the same again is told so, and another amount is
refused. Who may answer is asked before (chargeback/portal/library.py).

Known drawback: a line that was disputed is not disputed again from the page, whatever was decided; FinOps can
enter another dispute in disputes.csv, with an id of its own.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.delivery_log import ACKNOWLEDGED, DISPUTED, Entry
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.text import plain
from chargeback.delivery.disputes import Standing, standings
from chargeback.delivery.disputes_lines import line_of
from chargeback.delivery.disputes_read import DisputesOfBooks, record
from chargeback.ledger.statement_lines import charges, shown_as
from chargeback.params.disputes import (
    ACKNOWLEDGEMENTS,
    DISPUTES,
    FROM_PORTAL,
    MOST_NAMED,
    acknowledgement_of,
    dispute_of,
)
from chargeback.params.registers import COLUMNS_AFTER_CLOSE, Row
from chargeback.portal.person import Person

#: Letters of what a line's postings are told apart by, in the id of a dispute.
LETTERS = 10

#: Where what is wrong stands, as refusals name it.
FORM = "the form"


@dataclass(frozen=True)
class Answered:
    """What became of an answer.

    Args:
        is_new: whether it was written now; else it was there already.
        entry: of the delivery log.
    """

    is_new: bool
    entry: Entry


@dataclass(frozen=True)
class Line:
    """A line of a statement that can be disputed.

    Args:
        text: as a dispute names it.
        charged: what it comes to, more than nothing.
    """

    text: str
    charged: Decimal
    currency: str


class Answers:
    """Writes what units say of their statements.

    Args:
        clock: the time, with its zone.
    """

    def __init__(self, books: Books, params_folder: Path, clock: Callable[[], datetime]) -> None:
        self.books, self.params_folder, self.clock = books, params_folder, clock
        self._lock = (
            threading.Lock()
        )  # of two disputes at once the second is checked against the first

    def acknowledge(self, person: Person, period: str, unit: str, note: str = "") -> Answered:
        """Write that a unit has taken note of its statement.

        Raises:
            Refusal: (exit 2) it cannot be said so; (exit 4) the period is not released or not whole; (exit 6)
                it cannot be written.
        """
        row = row_of(
            ACKNOWLEDGEMENTS, billing_period=period, business_unit_id=unit, acknowledged_by=named(person),
            acknowledged_on=self.today(), note=note.strip(),
        )  # fmt: skip
        with self._lock:
            run = self._run(person)
            if entry := run.log.find(ACKNOWLEDGED, period, unit):
                return Answered(False, entry)
            record(run, [], [acknowledgement_of(row)], FROM_PORTAL)
            entry = run.log.find(ACKNOWLEDGED, period, unit)
            assert entry
            return Answered(True, entry)

    def dispute(
        self, person: Person, period: str, unit: str, line: str, amount: str, reason: str
    ) -> Answered:
        """Write that some of a line is not a unit's.

        Args:
            line: entry_id:line of statement.csv, or as a page shows it.
            amount: how much of it, in the currency of the statement.

        Raises:
            Refusal: (exit 2) there is no such line, it charges less, or a text is missing or too long; (exit 4)
                the line is disputed already with another amount, or the period is not released; (exit 6) it
                cannot be written.
        """
        text = plain(line.strip())
        said = dispute_of(row_of(
            DISPUTES, dispute_id=f"P-{period}", billing_period=period, business_unit_id=unit, line=text,
            amount=amount.strip(), reason=reason.strip(), raised_by=named(person), raised_on=self.today(),
        ))  # fmt: skip
        with self._lock:
            run = self._run(person)
            found = line_of(run.period(period, FORM), unit, text, FORM)
            dispute = replace(said, dispute_id=id_of(period, found.ids), where=FORM)
            if known := standings(run.log).get(dispute.dispute_id):
                if known.amount != dispute.amount:
                    raise disputed_already(known, dispute.amount)
            else:
                record(run, [dispute], [], FROM_PORTAL)
            entry = next(
                one
                for one in run.log.entries
                if (one.action, one.subject) == (DISPUTED, dispute.dispute_id)
            )
            return Answered(known is None, entry)

    def today(self) -> str:
        """The day, in UTC as all days of disputes."""
        return f"{self.clock():%Y-%m-%d}"

    def _run(self, person: Person) -> DisputesOfBooks:
        return DisputesOfBooks(
            self.books, self.params_folder, (), self.clock().date(), person.by, lambda _: None
        )


def lines_of(postings: pa.Table, unit: str) -> tuple[Line, ...]:
    """The lines of a unit's statement that charge something, as its page shows them; the largest first."""
    amounts: dict[str, Decimal] = {}
    kinds: dict[str, set[str]] = {}
    currency = ""
    for row in postings.filter(pc.equal(postings["business_unit_id"], unit)).to_pylist():
        if not charges(row):
            continue
        currency = row["currency"]
        for text in shown_as(row):
            if text.startswith(f"{unit}/"):
                amounts[text] = amounts.get(text, Decimal(0)) + row["amount"]
                kinds.setdefault(text, set()).add(row["kind"])
    found = [
        Line(text, amount, currency)
        for text, amount in amounts.items()
        if amount > 0 and len(kinds[text]) == 1
    ]
    return tuple(sorted(found, key=lambda one: (-one.charged, one.text)))


def named(person: Person) -> str:
    """A person as registers name people: by their address, else by their name."""
    return plain(person.email or person.name or person.subject)[:MOST_NAMED]


def id_of(period: str, postings: tuple[str, ...]) -> str:
    """The id of a dispute from the page: the same for the same postings, however the line was named."""
    digest = hashlib.sha256("\n".join(sorted(postings)).encode()).hexdigest()
    return f"P-{period}-{digest[:LETTERS]}"


def row_of(register: str, **cells: str) -> Row:
    """What was written into a form, as a row of a register."""
    return Row(FORM, 1, {one: cells.get(one, "") for one in COLUMNS_AFTER_CLOSE[register]})


def disputed_already(known: Standing, amount: Decimal) -> Refusal:
    """That a line is disputed with another amount (exit 4)."""
    return Refusal(
        CONTROL_FAILED, "this line is disputed already, with another amount",
        f"{known.amount:,.2f} {known.currency}, as {known.dispute_id} has it since {known.raised_on}",
        f"{amount:,.2f}", "", [known.line],
        ["what was said is completed and never changed: ask FinOps to withdraw it, then raise another one"],
    )  # fmt: skip
