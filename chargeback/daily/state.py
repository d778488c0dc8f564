"""State: what the daily flow remembers, behind one small interface; SQLite by default, DynamoDB in AWS.

For each run and account it holds the figures of the days that the run looked at, the cases as the latest run
left them, and how far each case's messages have been sent.

What always holds, in every store:

- `write_run` is one step: either all of a run appears or none.
- It is refused when another run wrote in the meantime, so of two runs at once one looks again.
- A run on an older day than the latest leaves the cases alone, and its figures do not hide those that a later
  run gave for the same account and day.
- `replace_sent_messages` happens only if nobody replaced it in between.
- What is older than 13 months is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol

from chargeback.core.errors import Refusal, unreachable
from chargeback.core.period import month_before
from chargeback.daily.cases import Case, CaseKey

MONTHS_KEPT = 13
DYNAMODB = "dynamodb:"


@dataclass(frozen=True)
class AccountDay:
    """Figures of one account on one day, as a run saw them; costs and counts by name."""

    account_id: str
    usage_date: date
    figures: dict[str, Decimal]


@dataclass(frozen=True)
class Latest:
    """What the latest run left; nothing before the first one."""

    run_id: str = ""
    day: date | None = None
    cases: dict[CaseKey, Case] = field(default_factory=dict)


@dataclass(frozen=True)
class SentMessages:
    """How far the messages of a case have been delivered.

    Args:
        version: counts the changes; 0 is what is not in the store yet.
        revision: of the last message that arrived.
        ticket_id, number, link: of the ticket, once it is known.
        claimed_at: when somebody last claimed to create the ticket or to tell a topic, in seconds of UTC; 0
            when nobody does.
        claimed_by: who that was, a text that nobody else has.
        told_opening: how often the case had opened when a topic was last told of it; 0 when it never was.
    """

    rule: str
    subject: str
    version: int = 0
    revision: int = 0
    ticket_id: str = ""
    number: str = ""
    link: str = ""
    claimed_at: float = 0.0
    claimed_by: str = ""
    told_opening: int = 0


class State(Protocol):
    """What a store must be able to do."""

    def latest(self) -> Latest:
        """The day, the id and the cases of the latest run."""

    def account_days(self, first: date, last: date) -> list[AccountDay]:
        """The figures of the days between two, as the run of the latest day saw each; by day and account."""

    def write_run(
        self,
        day: date,
        account_days: Sequence[AccountDay],
        cases: Iterable[Case] | None,
        before: Latest,
    ) -> bool:
        """Write a run in one step; false when the latest run is not `before` any more.

        Args:
            cases: all cases as they stand; None for a run on an older day than the latest.
        """

    def sent_messages(self, key: CaseKey) -> SentMessages:
        """How far a case's messages have been sent."""

    def replace_sent_messages(self, before: SentMessages, after: SentMessages) -> bool:
        """Write how far they have been sent; false when it is not `before` any more."""

    def close(self) -> None:
        """Let go of the store."""


def first_day_kept(day: date) -> date:
    """The first day of the month that is 13 months before a day's month."""
    period = f"{day:%Y-%m}"
    for _ in range(MONTHS_KEPT):
        period = month_before(period)
    return date.fromisoformat(f"{period}-01")


def state_unreachable(place: str, error: Exception, todo: str) -> Refusal:
    """What a store said, as a refusal (exit 6)."""
    return unreachable(
        "the state of the daily runs cannot be read or written", "",
        f"{type(error).__name__}: {error}", [place],
        [todo, "nothing of this run was written and no ticket was touched; run it again"],
    )  # fmt: skip
