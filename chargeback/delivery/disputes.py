"""Disputes as the delivery log holds them: what is open on a day, since when, and until when.

    raised -> answered -> decided        an entry of the log each: disputed, answered, decided

The log is what counts: registers and tables are read into it (disputes_run.py), and whoever shows disputes
reads it alone. Due days are those that were agreed when a dispute was written into the log. Amounts are in the
currency of the statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from chargeback.books.delivery_log import (
    ACKNOWLEDGED,
    ANSWERED,
    DECIDED,
    DISPUTED,
    DeliveryLog,
    Entry,
    entry_name,
)
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.money import read_decimal
from chargeback.params.disputes import NOTHING, PARTLY, UPHELD


@dataclass(frozen=True)
class Standing:
    """A dispute as the log holds it.

    Args:
        postings: what its line is, as entry_id:line each, which charge `charged` together.
        raise_by, answer_due, decide_due: days by which it was to be raised, and is to be answered and decided.
        decided_amount: what is given back; nothing until it is decided.
        reference: of the adjustment that follows.
    """

    dispute_id: str
    billing_period: str
    business_unit_id: str
    line: str
    amount: Decimal
    currency: str
    charged: Decimal
    postings: tuple[str, ...]
    raised_on: date
    owner: str
    raise_by: date
    answer_due: date
    decide_due: date
    answered_on: date | None = None
    decided_on: date | None = None
    decision: str = ""
    decided_amount: Decimal = NOTHING
    reference: str = ""

    def state(self, day: date) -> str:
        """What it was on a day: "raised", "answered" or "decided"; blank before it was raised."""
        if day < self.raised_on:
            return ""
        if self.decided_on and self.decided_on <= day:
            return "decided"
        return "answered" if self.answered_on and self.answered_on <= day else "raised"

    def is_open(self, day: date) -> bool:
        """Whether it was raised by a day and not decided yet."""
        return self.state(day) in ("raised", "answered")

    def due_on(self, day: date) -> date:
        """By when the next step is due, of a dispute that is open on a day."""
        return self.answer_due if self.state(day) == "raised" else self.decide_due

    @property
    def is_late(self) -> bool:
        """Whether it was raised after the last day for it; it is answered and decided all the same."""
        return self.raised_on > self.raise_by

    @property
    def gives_back(self) -> bool:
        """Whether an adjustment follows."""
        return self.decision in (UPHELD, PARTLY)

    @property
    def claimed(self) -> Decimal:
        """What of its line is still asked for, or was given back."""
        return self.decided_amount if self.decision else self.amount


@dataclass(frozen=True)
class OpenDispute:
    """A dispute that is open on a day, for pages and metrics.

    Args:
        state: "raised" until it is answered, then "answered".
        days_open: calendar days since it was raised.
        due_on: by when it is to be answered, or decided.
        is_overdue: whether that day is over.
    """

    dispute_id: str
    billing_period: str
    business_unit_id: str
    line: str
    amount: Decimal
    currency: str
    owner: str
    state: str
    raised_on: date
    days_open: int
    due_on: date
    is_overdue: bool


def open_disputes(log: DeliveryLog, day: date, period: str = "") -> list[OpenDispute]:
    """The disputes that are open on a day, the one that is due first at the top.

    Args:
        log: of the books (chargeback/books/delivery_log.py).
        period: whose statements they are about; blank for all periods.
    """
    found = [
        open_dispute(one, day)
        for one in standings(log).values()
        if one.is_open(day) and period in ("", one.billing_period)
    ]
    return sorted(found, key=lambda one: (one.due_on, one.dispute_id))


def open_dispute(one: Standing, day: date) -> OpenDispute:
    """An open dispute as it is shown."""
    due_on = one.due_on(day)
    return OpenDispute(
        one.dispute_id, one.billing_period, one.business_unit_id, one.line, one.amount, one.currency,
        one.owner, one.state(day), one.raised_on, (day - one.raised_on).days, due_on, due_on < day,
    )  # fmt: skip


def standings(log: DeliveryLog) -> dict[str, Standing]:
    """Every dispute of a log by its id, in the order in which they were written down."""
    later = {
        (one.action, one.subject): one.details
        for one in log.entries
        if one.action in (ANSWERED, DECIDED)
    }
    return {
        one.subject: readable(
            one, later.get((ANSWERED, one.subject), {}), later.get((DECIDED, one.subject), {})
        )
        for one in log.entries
        if one.action == DISPUTED
    }


def readable(entry: Entry, answered: Mapping[str, Any], decided: Mapping[str, Any]) -> Standing:
    """A dispute from its entry and the details of the later ones.

    Raises:
        Refusal: (exit 4) one of them has not what this program writes.
    """
    try:
        return standing(entry.subject, entry.billing_period, entry.details, answered, decided)
    except (LookupError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise Refusal(
            CONTROL_FAILED, "an entry of the delivery log about a dispute cannot be read",
            "the details that make disputes writes", f"{type(error).__name__}: {error}", "",
            [f"{entry_name(entry.number)}, {entry.subject}, written on {entry.at} by {entry.by}"],
            ["find out who wrote this entry; make verify names everything that is not as it was"],
        ) from None  # fmt: skip


def standing(
    dispute_id: str,
    period: str,
    raised: Mapping[str, Any],
    answered: Mapping[str, Any],
    decided: Mapping[str, Any],
) -> Standing:
    """A dispute from the details of its entries; those that are not there yet are empty."""
    row, answer, decision = (one.get("row", {}) for one in (raised, answered, decided))
    return Standing(
        dispute_id, period, row["business_unit_id"], row["line"], read_decimal(row["amount"]),
        raised["currency"], read_decimal(raised["charged"]), tuple(raised["postings"]),
        date.fromisoformat(row["raised_on"]), answered.get("owner") or raised["owner"],
        date.fromisoformat(raised["raise_by"]), date.fromisoformat(raised["answer_due"]),
        date.fromisoformat(raised["decide_due"]),
        date.fromisoformat(answer["answered_on"]) if answer else None,
        date.fromisoformat(decision["decided_on"]) if decision else None,
        decision.get("decision", ""), read_decimal(decision.get("decided_amount", "0.00")),
        decided.get("reference", dispute_id),
    )  # fmt: skip


def acknowledged_units(log: DeliveryLog, period: str, day: date) -> dict[str, date]:
    """The units that had acknowledged their statement of a period by a day, and when."""
    found = {
        one.subject: date.fromisoformat(one.details["row"]["acknowledged_on"])
        for one in log.of(period, ACKNOWLEDGED)
    }
    return {unit: on for unit, on in found.items() if on <= day}
