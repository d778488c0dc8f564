"""Read: what registers say of disputes and acknowledgements, written into the log all of it or none.

Everything that is wrong is found before anything is written: in the rows by themselves, against the closed
periods that they are about, and against what the log holds of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

from chargeback.books.checked import checked_manifest
from chargeback.books.delivery_log import (
    ACKNOWLEDGED,
    ANSWERED,
    DECIDED,
    DISPUTED,
    DeliveryLog,
    read_log,
)
from chargeback.books.delivery_room import Room, delivery_room
from chargeback.books.manifest import recorded_files
from chargeback.core.books_folders import Books
from chargeback.core.errors import UNREACHABLE, Refusal, apart, bad_params, keeping
from chargeback.core.period import COMMAND_LINE
from chargeback.core.progress import Progress
from chargeback.delivery.disputes import standings
from chargeback.delivery.disputes_lines import (
    DisputedLine,
    check_amount,
    check_claims,
    claims,
    due_days,
    line_of,
    require_unit,
)
from chargeback.delivery.disputes_recorded import (
    Saying,
    acknowledging,
    require_as_recorded,
    sayings_of,
    write_down,
)
from chargeback.delivery.released import ClosedForDelivery, note_closed, require_released
from chargeback.params.delivery import read_delivery
from chargeback.params.dispute_policy import DisputePolicy
from chargeback.params.disputes import (
    ACKNOWLEDGEMENTS,
    DISPUTES,
    Acknowledgement,
    Dispute,
    check_not_to_come,
    read_acknowledgements,
    read_disputes,
)


@dataclass(frozen=True)
class DisputesOfBooks:
    """What the verb works on.

    Args:
        only: the periods whose statements are asked about; all where it is empty.
        day: from which it is looked.
        by: who runs it, as BY= named them.
    """

    books: Books
    params_folder: Path
    only: tuple[str, ...]
    day: date
    by: str
    progress: Progress
    opened: dict[str, ClosedForDelivery] = field(default_factory=dict, compare=False)

    @cached_property
    def closed(self) -> list[str]:
        """The closed periods, in order."""
        return self.books.closed_periods()

    @cached_property
    def room(self) -> Room:
        """The delivery room."""
        return delivery_room(self.books)

    @cached_property
    def books_id(self) -> str:
        """The id of the books."""
        last = checked_manifest(self.books, self.closed[-1]) if self.closed else {}
        return str(last.get("books", ""))

    @property
    def log(self) -> DeliveryLog:
        """The log as it is now."""
        return read_log(self.room, self.books_id)

    @cached_property
    def policy(self) -> DisputePolicy:
        """[disputes] of delivery.toml as it is today."""
        return read_delivery(self.params_folder, f"{self.day:%Y-%m}").disputes

    @property
    def latest(self) -> date:
        """The last day on which something can have been done."""
        return max(self.day, datetime.now(UTC).date())

    def asks(self, period: str) -> bool:
        """Whether a period is asked about."""
        return not self.only or period in self.only

    def require_asked(self) -> None:
        """Stop when periods are asked about and none of them is closed (exit 2)."""
        if self.only and not set(self.only) & set(self.closed):
            raise self.not_closed(
                "..".join(dict.fromkeys((self.only[0], self.only[-1]))), COMMAND_LINE
            )

    def not_closed(self, period: str, where: str) -> Refusal:
        """That there is nothing to dispute (exit 2)."""
        return bad_params(
            "there is no statement to dispute or acknowledge: the period is not closed",
            "one of " + ", ".join(self.closed) if self.closed else "a closed period", period, [where],
            [f"close it first: make monthly-close PERIOD={period}"],
        )  # fmt: skip

    def period(self, period: str, where: str) -> ClosedForDelivery:
        """A closed period that is released.

        Raises:
            Refusal: (exit 2) it is not closed; (exit 4) nobody has approved it, or it is not whole.
        """
        if period not in self.closed:
            raise self.not_closed(period, where)
        if period not in self.opened:
            found = ClosedForDelivery(self.books, period, self.params_folder, self.by)
            require_released(found)
            self.opened[period] = found
        return self.opened[period]


def record_registers(run: DisputesOfBooks) -> None:
    """Write what is new in the registers into the log, or nothing."""
    disputes: tuple[Dispute, ...] = ()
    acknowledgements: tuple[Acknowledgement, ...] = ()
    with keeping() as problems:
        with apart():
            disputes = read_disputes(run.params_folder)
        with apart():
            acknowledgements = read_acknowledgements(run.params_folder)
    if problems:
        raise as_one(problems)
    record(
        run,
        [one for one in disputes if run.asks(one.billing_period)],
        [one for one in acknowledgements if run.asks(one.billing_period)],
    )


def record(
    run: DisputesOfBooks,
    disputes: Sequence[Dispute],
    acknowledgements: Sequence[Acknowledgement],
    source: str = "",
) -> None:
    """Write what is new into the log, once all of it is found to be right.

    Args:
        source: what the log calls the place that it was read from; blank are the registers.
    """
    log = run.log
    known = standings(log)
    new: list[Saying] = []
    lines: dict[str, tuple[Dispute, DisputedLine]] = {}
    with keeping() as problems:
        for one in disputes:
            with apart():
                check_days(one, run.latest)
                new += require_as_recorded(log, run.room, sayings_of(one, source or DISPUTES))
                if one.dispute_id not in known:
                    lines[one.dispute_id] = (one, checked_line(run, one))
        for ack in acknowledgements:
            with apart():
                check_not_to_come("acknowledged_on", ack.acknowledged_on, run.latest, ack.where)
                period = run.period(ack.billing_period, ack.where)
                require_unit(period, ack.business_unit_id, ack.where)
                said = acknowledging(ack, source or ACKNOWLEDGEMENTS)
                new += require_as_recorded(log, run.room, [said])
        check_claims(claims(list(lines.values()), known.values()))
    if problems:
        raise as_one(problems)
    owners = {one.dispute_id: one.owner or run.policy.owner for one in disputes}
    for said in sorted(new, key=order_of):
        write(run, said, lines.get(said.subject), owners.get(said.subject, ""))


def check_days(dispute: Dispute, latest: date) -> None:
    """Refuse what was done on a day that has not come yet."""
    for column in ("raised_on", "answered_on", "decided_on"):
        if day := getattr(dispute, column):
            check_not_to_come(column, day, latest, dispute.where)


def order_of(said: Saying) -> tuple[str, str, str, int]:
    """In which order things are written: by day, and a dispute raised before it is answered."""
    days = {
        DISPUTED: "raised_on", ANSWERED: "answered_on", DECIDED: "decided_on", ACKNOWLEDGED: "acknowledged_on",
    }  # fmt: skip
    return (
        said.row[days[said.action]],
        said.billing_period,
        said.subject,
        list(days).index(said.action),
    )


def checked_line(run: DisputesOfBooks, dispute: Dispute) -> DisputedLine:
    """The line of a dispute that is new, which charges what is disputed, and has somebody who answers."""
    period = run.period(dispute.billing_period, dispute.where)
    line = line_of(period, dispute.business_unit_id, dispute.line, dispute.where)
    check_amount(dispute, line)
    if not (dispute.owner or run.policy.owner):
        raise bad_params(
            "nobody answers this dispute", "an owner in its row, or [disputes] owner in delivery.toml",
            "neither", [dispute.where],
        )  # fmt: skip
    return line


def write(
    run: DisputesOfBooks, said: Saying, raised: tuple[Dispute, DisputedLine] | None, owner: str
) -> None:
    """Write one thing into the log, and say so."""
    period = run.period(said.billing_period, said.where)
    note_closed(period)
    details: dict[str, object] = {}
    if said.action == ACKNOWLEDGED:
        details["statement"] = {
            name: sha256
            for name, sha256 in recorded_files(period.manifest, "statements").items()
            if name.startswith(f"statements/{said.subject}/")
        }
    elif said.action == DISPUTED and raised:
        dispute, line = raised
        days = due_days(period, dispute, run.policy)
        details = {
            "owner": owner, "charged": str(line.charged), "currency": line.currency,
            "postings": list(line.ids), **{name: str(day) for name, day in days.items()},
        }  # fmt: skip
    elif said.action == ANSWERED:
        details["owner"] = owner
    elif said.action == DECIDED:
        details["reference"] = said.row["adjustment_reference"] or said.subject
    if write_down(period, said, details):
        run.progress(f"  written down: {said.billing_period} {said.subject} {said.action}")


def as_one(refusals: Sequence[Refusal]) -> Refusal:
    """Several refusals as one, with the exit code of the gravest; one alone as it is."""
    if len(refusals) == 1:
        return refusals[0]
    codes = [one.exit_code for one in refusals]
    where = []
    for number, one in enumerate(refusals, start=1):
        where.append(f"{number}. {one.what}")
        found = f"expected {one.expected}; found {one.found}" if one.expected else ""
        where += [f"     {line}" for line in (*one.where, found) if line]
    return Refusal(
        next((one for one in codes if one != UNREACHABLE), UNREACHABLE),
        "several things are wrong with these disputes", "nothing wrong", f"{len(refusals)} things", "", where,
        list(dict.fromkeys(line for one in refusals for line in one.todo)),
    )  # fmt: skip
