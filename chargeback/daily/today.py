"""A day as the daily flow sees it: what was looked at, found, and changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from chargeback.core.errors import Refusal
from chargeback.daily.anomalies.alerts import FoundAnomalies
from chargeback.daily.cases import Case, CaseKey, Finding
from chargeback.daily.costs import DailyCosts
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
        before: the latest run when this one looked.
        cases: as they stand after this run; those of the latest run when this one is on an older day.
        checked, amounts: the rules that were checked, and what is left for subjects they did not find.
        sent_messages: how far messages have come; empty until they are sent.
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
    findings: tuple[Finding, ...]
    checked: tuple[str, ...]
    amounts: dict[CaseKey, Decimal]
    before: Latest
    cases: dict[CaseKey, Case]
    sent_messages: dict[CaseKey, SentMessages]
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
