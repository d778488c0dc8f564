"""Lines of disputes: what is disputed is on that unit's statement, and is no more than the line charges.

In: disputes that the log does not have yet, and closed periods. Out: for each its postings, what they charge,
and its due days. A line that is another unit's is refused with the same words as one that is nowhere, and what
comes near is looked for on the unit's own statement alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pyarrow.compute as pc

from chargeback.books.closed_period import day_closed
from chargeback.books.delivery_log import CLOSED, HANDED_OUT, DeliveryLog
from chargeback.core.errors import apart, bad_params, naming
from chargeback.delivery.disputes import Standing
from chargeback.delivery.released import ClosedForDelivery
from chargeback.delivery.service_level import due_after, last_day_to_dispute
from chargeback.ledger.line_words import LineNames
from chargeback.ledger.statement_lines import Row, posting_id, postings_of_line
from chargeback.params.dispute_policy import DisputePolicy
from chargeback.params.disputes import Dispute


@dataclass(frozen=True)
class DisputedLine:
    """A line as it was closed.

    Args:
        charged: what its postings charge together.
    """

    postings: tuple[Row, ...]
    charged: Decimal
    currency: str

    @property
    def ids(self) -> tuple[str, ...]:
        """Its postings, as entry_id:line each."""
        return tuple(map(posting_id, self.postings))

    def by_cost_center(self) -> dict[str, Decimal]:
        """What each cost center is charged by it."""
        found: dict[str, Decimal] = {}
        for row in self.postings:
            center = row["cost_center_id"]
            found[center] = found.get(center, Decimal(0)) + row["amount"]
        return found


def require_unit(period: ClosedForDelivery, unit: str, where: str) -> None:
    """Stop unless a unit has a statement of a period (exit 2)."""
    if unit not in period.params.business_units:
        raise bad_params(
            "this unit has no statement of that period", "a business unit as the period was closed with it",
            f"{unit!r} in {period.period}", [where],
            ["a unit that was renamed since keeps the id that its statement has"],
        )  # fmt: skip


def line_of(period: ClosedForDelivery, unit: str, line: str, where: str) -> DisputedLine:
    """A line of a unit's statement.

    Raises:
        Refusal: (exit 2) the unit has no statement of the period, or that has no such line.
    """
    require_unit(period, unit, where)
    own = period.postings.filter(pc.equal(period.postings["business_unit_id"], unit))
    with naming(where):
        names = LineNames.of(period.params)
        rows = postings_of_line(own, period.period, line, names).rows
    return DisputedLine(rows, sum((row["amount"] for row in rows), Decimal(0)), rows[0]["currency"])


def check_amount(dispute: Dispute, line: DisputedLine) -> None:
    """Refuse to dispute more than a line charges; a credit charges nothing."""
    if dispute.amount > line.charged:
        raise bad_params(
            "more is disputed than the line charges", f"{max(line.charged, Decimal(0)):,.2f} at most",
            f"{dispute.amount:,.2f}", [dispute.where],
            ["what a line gives back too little of is no cost of the unit's: ask for it without a dispute"]
            if line.charged <= 0 else [],
        )  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """What a dispute asks for, or got, of the postings of a period."""

    dispute_id: str
    billing_period: str
    postings: frozenset[str]
    amount: Decimal
    charged: Decimal
    where: str
    is_new: bool = False


def claims(
    new: Sequence[tuple[Dispute, DisputedLine]], recorded: Iterable[Standing]
) -> list[Claim]:
    """The claims of new disputes and of those in the log."""
    found = [
        Claim(one.dispute_id, one.billing_period, frozenset(line.ids),
              one.amount if one.decided_amount is None else one.decided_amount, line.charged, one.where,
              is_new=True)
        for one, line in new
    ]  # fmt: skip
    return found + [
        Claim(one.dispute_id, one.billing_period, frozenset(one.postings), one.claimed, one.charged,
              f"{one.dispute_id}, in the delivery log")
        for one in recorded
    ]  # fmt: skip


def check_claims(every: Sequence[Claim]) -> None:
    """Refuse disputes that together ask for more of a line than it charges.

    For each disputed line, all that is asked for within its postings counts: the same line under another name,
    or a part of it.
    """
    for one in every:
        within = [
            other for other in every
            if other.billing_period == one.billing_period and other.postings <= one.postings
        ]  # fmt: skip
        asked = sum((other.amount for other in within), Decimal(0))
        if len(within) > 1 and asked > one.charged and any(other.is_new for other in within):
            with apart():
                raise bad_params(
                    "several disputes together ask for more than a line charges", f"{one.charged:,.2f} at most",
                    f"{asked:,.2f}", [other.where for other in within],
                    ["withdraw or reject one of them, or correct its amount before it is written down"],
                )  # fmt: skip


def due_days(
    period: ClosedForDelivery, dispute: Dispute, policy: DisputePolicy
) -> Mapping[str, date]:
    """By when a dispute was to be raised, and is to be answered and decided."""
    return {
        "raise_by": last_day_to_dispute(
            period.period, handed_out_on(period, dispute.business_unit_id), policy,
            period.params.delivery.disputes,
        ),
        "answer_due": due_after(dispute.raised_on, policy.answer_business_days, policy.holidays),
        "decide_due": due_after(dispute.raised_on, policy.decide_business_days, policy.holidays),
    }  # fmt: skip


def handed_out_on(period: ClosedForDelivery, unit: str) -> date:
    """The day, in UTC, on which a unit was handed its statement; else that of the close."""
    log = period.log
    given = day_handed_out(log, period.period, unit)
    return given or day_closed(period.books, period.period) or day_noted(log, period.period)


def day_handed_out(log: DeliveryLog, period: str, unit: str) -> date | None:
    """The day, in UTC, on which a unit was handed its statement; None before it was."""
    days = [one.at[:10] for one in log.of(period, HANDED_OUT) if one.subject in ("", unit)]
    return date.fromisoformat(min(days)) if days else None


def day_noted(log: DeliveryLog, period: str) -> date:
    """The day on which the log first heard that a period was closed."""
    return date.fromisoformat(log.of(period, CLOSED)[0].at[:10])


def by_period(disputes: Iterable[Dispute]) -> dict[str, list[Dispute]]:
    """Disputes by the period that they are about."""
    ordered = sorted(disputes, key=lambda one: one.billing_period)
    return {
        period: list(those)
        for period, those in itertools.groupby(ordered, key=lambda one: one.billing_period)
    }
