"""Told: how disputes and acknowledgements stand on a day, as text and as metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from chargeback.allocation.apportion import divide
from chargeback.books.checked import checked_manifest, checked_postings
from chargeback.books.delivery_log import DISPUTED, DeliveryLog
from chargeback.books.manifest import recorded_files
from chargeback.core.books_folders import Books
from chargeback.core.csv_files import csv_line
from chargeback.core.metrics import Metric, gauge
from chargeback.core.money import cents, cents_amount, shown
from chargeback.core.period import month_after
from chargeback.core.progress import Progress
from chargeback.core.text import plain
from chargeback.delivery.disputes import (
    OpenDispute,
    Standing,
    acknowledged_units,
    open_disputes,
    standings,
)
from chargeback.delivery.disputes_adjusted import (
    Decided,
    Moved,
    entered_adjustments,
    naming_disputes,
    posted_adjustments,
)
from chargeback.delivery.disputes_lines import line_of
from chargeback.delivery.released import ClosedForDelivery
from chargeback.params.adjustments import adjustment_of
from chargeback.params.disputes import DISPUTES, FROM_PORTAL, read_disputes
from chargeback.params.registers import COLUMNS, COLUMNS_AFTER_CLOSE, read_register, rows_in

TAKER = "<cost center that takes it>"

#: Who decided a dispute approved the amount, and not whom finance lets pay it: that has an approval of its own.
APPROVAL = ("<who enters it>", "<who approves it>", "<day of approval>")


@dataclass(frozen=True)
class Told:
    """What the log says on a day of the periods that are asked about.

    Args:
        only: the periods; all closed ones where it is empty.
    """

    books: Books
    params_folder: Path
    log: DeliveryLog
    only: tuple[str, ...]
    day: date

    @cached_property
    def periods(self) -> list[str]:
        """The closed periods that are asked about."""
        return [one for one in self.books.closed_periods() if not self.only or one in self.only]

    @cached_property
    def standings(self) -> list[Standing]:
        """The disputes about them."""
        return [one for one in standings(self.log).values() if one.billing_period in self.periods]

    @cached_property
    def units(self) -> dict[str, list[str]]:
        """The units of each period: those that have a statement, and those that are charged."""
        return {period: self.units_of(period) for period in self.periods}

    @cached_property
    def open(self) -> list[OpenDispute]:
        """Those that are open, the one that is due first at the top."""
        return [
            one for one in open_disputes(self.log, self.day) if one.billing_period in self.periods
        ]

    @property
    def overdue(self) -> list[OpenDispute]:
        """Those that should be answered or decided by now."""
        return [one for one in self.open if one.is_overdue]

    @cached_property
    def given_back(self) -> list[Standing]:
        """Those that an adjustment follows."""
        return [
            one for one in self.standings if one.gives_back and one.state(self.day) == "decided"
        ]

    @cached_property
    def adjustments(self) -> dict[str, list[Moved]]:
        """The adjustments that follow them, by dispute; those of open periods as they are entered."""
        if not self.given_back:
            return {}
        closed = self.books.closed_periods()
        moves = posted_adjustments(self.books, closed)
        for row in read_register(self.params_folder, "adjustments.csv"):
            if row["billing_period"] not in closed:
                moves += entered_adjustments(row["billing_period"], [adjustment_of(row)])
        found: dict[str, list[Moved]] = {one.dispute_id: [] for one in self.given_back}
        for one in self.given_back:
            decided = Decided(
                one.dispute_id, one.billing_period, one.business_unit_id, one.decision,
                one.decided_amount, one.reference,
            )  # fmt: skip
            found[one.dispute_id] = naming_disputes(moves, [decided])
        return found

    @property
    def unadjusted(self) -> list[Standing]:
        """Those that no adjustment follows yet, neither posted nor entered."""
        return [one for one in self.given_back if not self.adjustments[one.dispute_id]]

    def adjusted_in(self, one: Standing) -> str:
        """Where a dispute's adjustments are posted; blank where none is."""
        posted = [move for move in self.adjustments.get(one.dispute_id, []) if move.entry_id]
        return ", ".join(move.entry_id for move in posted)

    def units_of(self, period: str) -> list[str]:
        """The units of a period."""
        named = recorded_files(checked_manifest(self.books, period), "statements")
        parts = (name.split("/") for name in named)
        charged = checked_postings(self.books, period)["business_unit_id"].unique().to_pylist()
        return sorted(
            {part[1] for part in parts if len(part) > 2} | {one for one in charged if one}
        )

    def acknowledged(self, period: str) -> list[str]:
        """The units that have acknowledged it by the day."""
        return sorted(acknowledged_units(self.log, period, self.day))


def tell(told: Told, progress: Progress) -> None:
    """All of it as text."""
    for line in (*open_lines(told), *decided_lines(told), *acknowledged_lines(told)):
        progress(plain(line))
    for line in (*rows_to_add(told), *rows_to_answer(told)):
        progress(line)


def open_lines(told: Told) -> Iterator[str]:
    """The disputes that are open, and what they come to by unit."""
    yield f"Disputes on {told.day}"
    if not told.open:
        yield f"  none is open, {len(told.standings)} in all"
        return
    for one in told.open:
        due = "answer" if one.state == "raised" else "decision"
        late = ", OVERDUE" if one.is_overdue else ""
        yield (
            f"  {one.dispute_id:<18}{one.billing_period}  {one.business_unit_id:<14}"
            f"{shown(one.amount):>14} {one.currency}  {one.state} {one.raised_on}, "
            f"{due} due {one.due_on} by {one.owner}{late}"
        )
        yield f"  {'':<18}{one.line}"
    for unit, currency in sorted({(one.business_unit_id, one.currency) for one in told.open}):
        mine = [
            one for one in told.open if (one.business_unit_id, one.currency) == (unit, currency)
        ]
        amount = sum((one.amount for one in mine), Decimal(0))
        yield f"  open of {unit:<25}{shown(amount):>17} {currency}  {len(mine)}"
    for found in (one for one in told.standings if one.is_open(told.day) and one.is_late):
        yield f"  {found.dispute_id} was raised on {found.raised_on}; the last day for it was {found.raise_by}"


def decided_lines(told: Told) -> Iterator[str]:
    """What was decided, and what it was adjusted by."""
    for one in told.standings:
        if one.state(told.day) != "decided":
            continue
        yield (
            f"  {one.dispute_id:<18}{one.billing_period}  {one.business_unit_id:<14}"
            f"{shown(one.decided_amount):>14} {one.currency}  {one.decision} {one.decided_on}"
            f"{adjusted_words(told, one)}"
        )


def adjusted_words(told: Told, one: Standing) -> str:
    """How a decision was followed."""
    if not one.gives_back:
        return ""
    moves = told.adjustments[one.dispute_id]
    if not moves:
        return ", NOT ADJUSTED YET"
    amount = sum((move.amount for move in moves), Decimal(0))
    other = "" if amount == one.decided_amount else f", {shown(amount)} INSTEAD"
    places = dict.fromkeys(move.entry_id or f"entered for {move.billing_period}" for move in moves)
    return f", adjusted: {', '.join(places)}{other}"


def acknowledged_lines(told: Told) -> Iterator[str]:
    """Who has acknowledged each period."""
    if told.periods:
        yield "Acknowledged"
    for period in told.periods:
        units, those = told.units[period], told.acknowledged(period)
        left = [one for one in units if one not in those]
        yield f"  {period}  {len(units) - len(left)} of {len(units)} units" + (
            f"; not yet: {', '.join(left)}" if left and those else ""
        )


def rows_to_add(told: Told) -> Iterator[str]:
    """The rows of adjustments.csv that decisions ask for, each cost center of the line with its part."""
    if not told.unadjusted:
        return
    period = month_after(max(told.books.closed_periods()))
    there = {
        row["cost_center_id"]
        for row in rows_in(read_register(told.params_folder, "cost_centers.csv"), period)
    }
    yield f"To add to adjustments.csv, for the close of {period}"
    yield f"  {','.join(COLUMNS['adjustments.csv'])}"
    for one in told.unadjusted:
        about = ClosedForDelivery(told.books, one.billing_period, told.params_folder)
        line = line_of(about, one.business_unit_id, one.line, one.dispute_id)
        weights = {center: cents(amount) for center, amount in line.by_cost_center().items()}
        parts = divide(cents(one.decided_amount), weights)
        for center, part in sorted(parts.items()):
            if part:
                reason = f"dispute {one.dispute_id} about {one.billing_period}"
                yield "  " + csv_line((
                    period, center, TAKER, str(cents_amount(part)), reason, one.reference, *APPROVAL,
                ))  # fmt: skip
        for center in sorted(set(parts) - there):
            yield f"  {center} is not in force in {period}: name who has taken it over instead"


def rows_to_answer(told: Told) -> Iterator[str]:
    """The rows of disputes.csv that open disputes from the portal ask for, to be answered and decided there."""
    registered = {one.dispute_id for one in read_disputes(told.params_folder)}
    wanted = {one.dispute_id for one in told.open} - registered
    raised = [
        one
        for one in told.log.entries
        if one.action == DISPUTED
        and one.subject in wanted
        and one.details.get("source") == FROM_PORTAL
    ]
    if not raised:
        return
    columns = COLUMNS_AFTER_CLOSE[DISPUTES]
    yield f"To add to {DISPUTES}, to answer and decide what was raised in the portal"
    yield f"  {','.join(columns)}"
    for one in raised:
        row = {
            **one.details["row"], "dispute_id": one.subject, "billing_period": one.billing_period,
            "owner": one.details["owner"],
        }  # fmt: skip
        yield "  " + csv_line([row.get(column, "") for column in columns])


def dispute_metrics(told: Told) -> list[Metric]:
    """What is open by unit, what is overdue or not adjusted, and who has acknowledged each period."""
    units = sorted({unit for period in told.periods for unit in told.units[period]})
    found = []
    for unit in units:
        mine = [one for one in told.open if one.business_unit_id == unit]
        amount = sum((one.amount for one in mine), Decimal(0))
        found += [
            gauge("disputes_open", "Disputes that are not decided.", len(mine), business_unit=unit),
            gauge("disputes_open_amount", "What they are about, in the currency of the statements.",
                  amount, business_unit=unit),
        ]  # fmt: skip
    found += [
        gauge("disputes_overdue", "Disputes that should be answered or decided by now.", len(told.overdue)),
        gauge("disputes_not_adjusted", "Disputes that give something back and have no adjustment yet.",
              len(told.unadjusted)),
    ]  # fmt: skip
    for period in told.periods:
        found += [
            gauge("disputes_units", "Units that have a statement.", len(told.units[period]), period=period),
            gauge("disputes_acknowledged_units", "Units that have acknowledged it.",
                  len(told.acknowledged(period)), period=period),
        ]  # fmt: skip
    return found
