"""A day as the daily flow sees it: what was looked at, found, and changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from chargeback.core.errors import Refusal
from chargeback.daily.anomalies.alerts import FoundAnomalies
from chargeback.daily.cases import Case, CaseKey, Finding
from chargeback.daily.costs import DailyCosts
from chargeback.daily.drift import Drift
from chargeback.daily.freshness import Freshness
from chargeback.daily.hygiene import Hygiene
from chargeback.daily.settings import Settings
from chargeback.daily.state import AccountDay, Latest, SentMessages
from chargeback.params import Params


@dataclass(frozen=True)
class Today:
    """A day as the daily flow sees it.

    Args:
        seen: figures by account and day that the run adds to the history.
        drift: what the window that tickets are opened by shows.
        alerts: what else was found.
        checked: the rules that were checked.
        before: the latest run when this one looked.
        cases: as they stand after this run; those of the latest run when this one is on an older day.
        waiting: tickets that are not open yet, because so many a day are new; dearest first.
        sent_messages: how far messages have come; empty until they are sent.
        is_dry: whether the run only says what it would do.
        unsent: why messages could not be sent, if they could not.
    """

    day: date
    params: Params
    settings: Settings
    costs: DailyCosts
    hygiene: Hygiene
    anomalies: FoundAnomalies
    fresh: Freshness
    seen: tuple[AccountDay, ...]
    drift: Drift
    alerts: tuple[Finding, ...]
    checked: tuple[str, ...]
    before: Latest
    cases: dict[CaseKey, Case] = field(default_factory=dict)
    waiting: tuple[Finding, ...] = ()
    sent_messages: dict[CaseKey, SentMessages] = field(default_factory=dict)
    is_dry: bool = False
    unsent: Refusal | None = None

    @property
    def is_older(self) -> bool:
        """Whether a later day was looked at before, so that this run only shows and adds to the history."""
        return self.before.day is not None and self.day < self.before.day

    def changed(self) -> list[Case]:
        """The cases that this run opened, updated, resolved or opened again."""
        was = self.before.cases
        return [
            one
            for key, one in sorted(self.cases.items())
            if key not in was or was[key].revision != one.revision
        ]

    def to_send(self) -> list[Case]:
        """The cases whose latest message has not arrived, of this run or of one before it."""
        return [
            one
            for key, one in sorted(self.cases.items())
            if one.revision > self.sent_messages.get(key, SentMessages(*key)).revision
        ]
