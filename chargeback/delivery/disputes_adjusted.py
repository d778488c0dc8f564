"""Adjusted: what was decided to be given back, and the adjustments that give it back, linked by a reference.

A dispute that is upheld, wholly or partly, is followed by an adjustment of the next period that is closed: rows
of adjustments.csv with the dispute's reference that together move exactly the decided amount away from the
unit's cost centers. So the closed period stays as it is, the statement of the next one shows the adjustment
with its reference, and the dispute names what it was adjusted by. A close refuses adjustments that name a
dispute and are not as was decided (control adjustments_of_disputes_are_as_decided), and says what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.books.checked import checked_manifest, checked_postings
from chargeback.books.closed_period import kept_params
from chargeback.books.delivery_log import read_log
from chargeback.books.delivery_room import delivery_room
from chargeback.books.schema import CENTS
from chargeback.books.work_folder import WorkFolder
from chargeback.core.books_folders import Books
from chargeback.core.money import shown
from chargeback.delivery.disputes import standings
from chargeback.engine import Engine
from chargeback.engine.controls import require, run_group
from chargeback.ledger.post import ADJUSTMENT, Row
from chargeback.params.adjustments import Adjustment
from chargeback.params.disputes import NOTHING, PARTLY, UPHELD, read_disputes

GROUP = "disputes"


@dataclass(frozen=True)
class Decided:
    """What an adjustment is held against: a dispute, decided or not."""

    dispute_id: str
    billing_period: str
    business_unit_id: str
    decision: str
    amount: Decimal
    reference: str

    @property
    def gives_back(self) -> bool:
        """Whether an adjustment follows."""
        return self.decision in (UPHELD, PARTLY)


@dataclass(frozen=True)
class Moved:
    """An adjustment: an amount, never negative, from one cost center to another.

    Args:
        entry_id: of its entry; blank where its period is open.
    """

    billing_period: str
    reference: str
    from_cost_center_id: str
    to_cost_center_id: str
    amount: Decimal
    entry_id: str = ""


def decided_disputes(books: Books, params_folder: Path) -> list[Decided]:
    """The disputes of the log, then those of the register that are not written down yet.

    Raises:
        Refusal: (exit 4) the log is not whole; (exit 2) the register is malformed.
    """
    closed = books.closed_periods()
    if not closed:
        return []
    log = read_log(delivery_room(books), checked_manifest(books, closed[-1]).get("books", ""))
    found = {
        one.dispute_id: Decided(
            one.dispute_id, one.billing_period, one.business_unit_id, one.decision, one.decided_amount,
            one.reference,
        )
        for one in standings(log).values()
    }  # fmt: skip
    for row in read_disputes(params_folder):
        known = found.get(row.dispute_id)
        if known is None or not known.decision:
            found[row.dispute_id] = Decided(
                row.dispute_id, row.billing_period, row.business_unit_id, row.decision,
                row.decided_amount or NOTHING, row.reference,
            )  # fmt: skip
    return list(found.values())


def posted_adjustments(books: Books, periods: Iterable[str]) -> list[Moved]:
    """The adjustments of people in closed periods; corrections of earlier periods are none."""
    found = []
    for period in periods:
        postings = checked_postings(books, period)
        own = postings.filter(
            pc.and_(pc.equal(postings["kind"], ADJUSTMENT), pc.is_null(postings["original_period"]))
        )
        entries: dict[str, dict[bool, Row]] = {}
        for row in own.to_pylist():
            entries.setdefault(row["entry_id"], {})[row["amount"] > 0] = row
        for entry_id, sides in entries.items():
            given, taken = sides[False], sides[True]
            found.append(Moved(
                period, given["rule"].partition(":")[2], given["cost_center_id"],
                taken["cost_center_id"], taken["amount"], entry_id,
            ))  # fmt: skip
    return found


def entered_adjustments(period: str, adjustments: Iterable[Adjustment]) -> list[Moved]:
    """The adjustments of a period that is open, as they are entered."""
    found = []
    for one in adjustments:
        ends = (one.from_cost_center_id, one.to_cost_center_id)
        giver, taker = ends if one.amount >= 0 else ends[::-1]
        found.append(Moved(period, one.reference, giver, taker, abs(one.amount)))
    return found


def naming_disputes(moves: Iterable[Moved], disputes: Iterable[Decided]) -> list[Moved]:
    """The adjustments that name a dispute, by its id or by its reference, each with the latter."""
    references = {}
    for one in disputes:
        for name in (one.dispute_id, one.reference):
            references[name.casefold()] = one.reference
    return [
        replace(one, reference=references[one.reference.casefold()])
        for one in moves
        if one.reference.casefold() in references
    ]


@dataclass(frozen=True)
class AdjustmentsOfDisputes:
    """What the close of a period looks at."""

    work: WorkFolder

    @cached_property
    def decided(self) -> list[Decided]:
        """The disputes about other periods."""
        every = decided_disputes(self.work.books, self.work.params_folder)
        return [one for one in every if one.billing_period != self.work.period]

    @cached_property
    def entered(self) -> list[Moved]:
        """The adjustments that the close would post."""
        return entered_adjustments(self.work.period, self.work.params.adjustments)

    @cached_property
    def posted(self) -> list[Moved]:
        """Those of closed periods; closed periods are only read where a dispute asks for it."""
        return posted_adjustments(self.work.books, self.work.books.closed_periods())

    def require_as_decided(self) -> None:
        """Stop where an adjustment that names a dispute is not what was decided (exit 4)."""
        new = naming_disputes(self.entered, self.decided)
        if not new:
            return
        named = {one.reference for one in new}
        concerned = [one for one in self.decided if one.reference in named]
        moves = [*new, *naming_disputes(self.posted, concerned)]
        engine = Engine()
        engine.register("disputes", disputes_table(concerned))
        engine.register("dispute_adjustments", self.moves_table(concerned, moves))
        outcomes = run_group(engine, GROUP)
        engine.close()
        require(outcomes, self.work.period, self.work.params.policy.currency)

    def moves_table(self, concerned: Sequence[Decided], moves: Sequence[Moved]) -> pa.Table:
        """Adjustments, and whether each takes cost from the unit that disputed it, for the control."""
        givers = {
            one.reference: unit_cost_centers(self.work, one.billing_period, one.business_unit_id)
            for one in concerned
        }
        return pa.table({
            "reference": pa.array([one.reference for one in moves], pa.string()),
            "billing_period": pa.array([one.billing_period for one in moves], pa.string()),
            "amount": pa.array([one.amount for one in moves], CENTS),
            "is_of_the_unit": pa.array(
                [one.from_cost_center_id in givers[one.reference] for one in moves], pa.bool_()
            ),
        })  # fmt: skip

    def missing(self) -> list[Decided]:
        """The disputes that give something back and have no adjustment, neither posted nor entered here."""
        giving = [one for one in self.decided if one.gives_back]
        if not giving:
            return []
        moves = naming_disputes([*self.entered, *self.posted], giving)
        there = {one.reference for one in moves}
        return [one for one in giving if one.reference not in there]

    def notes(self) -> list[str]:
        """What the close says of them; it goes on."""
        currency = self.work.params.policy.currency
        lines = [
            f"NOTE  {shown(one.amount)} {currency} of the dispute {one.dispute_id} of {one.business_unit_id}, "
            f"about {one.billing_period}, are to be given back, and no adjustment follows yet."
            for one in self.missing()
        ]
        return (
            [*lines, "      make disputes prints the row to add to adjustments.csv."]
            if lines
            else []
        )


def disputes_table(disputes: Sequence[Decided]) -> pa.Table:
    """Disputes for the control."""
    return pa.table({
        "dispute_id": pa.array([one.dispute_id for one in disputes], pa.string()),
        "reference": pa.array([one.reference for one in disputes], pa.string()),
        "decision": pa.array([one.decision or "not decided" for one in disputes], pa.string()),
        "decided_amount": pa.array([one.amount for one in disputes], CENTS),
    })  # fmt: skip


def unit_cost_centers(work: WorkFolder, period: str, unit: str) -> Collection[str]:
    """The cost centers that an adjustment may take a disputed cost from.

    Those that were the unit's in the disputed period, and those that are now. Where none of them is in force
    any more, all are: then somebody else has taken over what was the unit's.
    """
    then = kept_params(work.books, period).cost_centers.values()
    now = work.params.cost_centers
    own = {one.cost_center_id for one in (*then, *now.values()) if one.business_unit_id == unit}
    return own if own & now.keys() else now.keys()
