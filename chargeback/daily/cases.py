"""Cases: what the daily flow has found, followed from day to day; at most one for each rule and subject.

In: the cases as they stood, and what today's checks found. Out: the cases as they stand today. A case opens
when something is found, is updated while it is found again, is resolved when it is no longer found, and opens
again after a relapse. A second case is never opened beside it. One that ends for another reason than that
nothing is found (it goes on elsewhere, nobody can act on it) says so, and counts nothing as recovered.

What always holds: following the same findings on the same day again changes nothing. `revision` counts the
messages that somebody should get, so that a message can be sent twice and read once. A ticket reports each
day's figures; an alert is silent while the anomaly goes on.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from chargeback.core.csv_files import plain_text

OPEN, RESOLVED = "open", "resolved"
TICKET, ALERT = "ticket", "alert"

#: The rule of tickets.
UNTAGGED = "untagged"

#: The rules of alerts: ours, and what AWS found alone.
ANOMALY, AWS_ANOMALY = "anomaly", "aws-anomaly"
OPENED, UPDATED, REOPENED = "opened", "updated", "reopened"

#: Details of a case that was resolved for another reason than that nothing was found: the reason in words, and
#: whether another case took over.
ENDED, TAKEN_OVER = "ended", "taken_over"

#: A rule and the subject that it was found for, such as ("untagged", "012345670123").
CaseKey = tuple[str, str]


@dataclass(frozen=True)
class Finding:
    """Something that one of today's checks found, for somebody to act on.

    Args:
        rule, subject: what is checked and for what; the subject is free text, such as an account id.
        channel: TICKET or ALERT.
        team: who is to act; empty when nobody is known.
        title: one line.
        amount: what it costs, in the policy's currency.
        text: the lines of the message.
        details: figures for pages, as JSON has them (texts, whole numbers, lists, dicts).
    """

    rule: str
    subject: str
    channel: str
    team: str
    title: str
    amount: Decimal
    text: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> CaseKey:
        """What the case of the finding is known by."""
        return self.rule, self.subject


@dataclass(frozen=True)
class Ending:
    """Why a case is over though what it was about may go on.

    Args:
        words: one sentence for whoever has the ticket.
        taken_over: whether another case goes on with it.
    """

    words: str
    taken_over: bool = False


@dataclass(frozen=True)
class Case:
    """A finding followed from day to day.

    Args:
        status: OPEN or RESOLVED.
        revision: counts the messages, from 1 on.
        action: what the last message says: opened, updated, resolved or reopened.
        worst_amount: the highest amount since it last opened.
        recovered_amount: when resolved, the worst amount less what is left.
        times_opened: 1, and one more for each relapse.
        counted_on: the day on which it last was a new one: when it opened, or came back from another case that
            it had gone on in; None in a state that was written before this was known.
    """

    rule: str
    subject: str
    channel: str
    team: str
    title: str
    status: str
    revision: int
    action: str
    opened_on: date
    updated_on: date
    due_on: date
    resolved_on: date | None
    amount: Decimal
    worst_amount: Decimal
    recovered_amount: Decimal
    times_opened: int
    text: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    counted_on: date | None = None

    @property
    def key(self) -> CaseKey:
        """The rule and the subject."""
        return self.rule, self.subject

    @property
    def went_on_elsewhere(self) -> bool:
        """Whether it was resolved because another case took over what it was about."""
        return self.status == RESOLVED and bool(self.details.get(TAKEN_OVER))

    def is_new_of(self, day: date) -> bool:
        """Whether it counts among the new ones of a day."""
        if self.counted_on is None:
            return self.times_opened == 1 and self.opened_on == day
        return self.counted_on == day

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, dates and amounts as text, amounts without an exponent."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, default=plain_text)

    @staticmethod
    def from_json(text: str) -> Case:
        """The inverse of `to_json`."""
        cells: dict[str, Any] = json.loads(text)
        for name in ("opened_on", "updated_on", "due_on", "resolved_on", "counted_on"):
            cells[name] = date.fromisoformat(cells[name]) if cells.get(name) else None
        for name in ("amount", "worst_amount", "recovered_amount"):
            cells[name] = Decimal(cells[name])
        cells["text"] = tuple(cells["text"])
        return Case(**cells)


def follow(
    cases: Mapping[CaseKey, Case],
    findings: Iterable[Finding],
    rules: Collection[str],
    amounts: Mapping[CaseKey, Decimal],
    day: date,
    due_days: int,
    endings: Mapping[CaseKey, Ending] | None = None,
) -> dict[CaseKey, Case]:
    """The cases as they stand on a day, those of other rules as they were.

    Args:
        findings: at most one for a rule and subject.
        rules: the rules that were checked today; what was not checked is not resolved.
        amounts: what is left for subjects that were not found; nothing where it is not given.
        endings: why some of those subjects are over, where it is not that nothing was found.
    """
    found: dict[CaseKey, Finding] = {}
    for one in findings:
        if one.key in found or one.rule not in rules:
            raise ValueError(f"{one.key} is found twice, or by a rule that was not checked")
        found[one.key] = one
    now = dict(cases)
    for key in sorted({*cases, *found}):
        before, finding = cases.get(key), found.get(key)
        if finding is not None:
            now[key] = found_again(before, finding, day, due_days)
        elif before is not None and before.rule in rules and before.status == OPEN:
            now[key] = resolved(before, amounts.get(key, Decimal(0)), day, (endings or {}).get(key))
    return now


def found_again(before: Case | None, finding: Finding, day: date, due_days: int) -> Case:
    """The case of something that was found today."""
    said = {name: getattr(finding, name) for name in ("team", "title", "amount", "text", "details")}
    due_on = day + timedelta(due_days)
    if before is None:
        return Case(
            rule=finding.rule, subject=finding.subject, channel=finding.channel, status=OPEN,
            revision=1, action=OPENED, opened_on=day, updated_on=day, due_on=due_on,
            resolved_on=None, worst_amount=finding.amount, recovered_amount=Decimal(0),
            times_opened=1, counted_on=day, **said,
        )  # fmt: skip
    if before.status == RESOLVED:
        return replace(
            before, status=OPEN, revision=before.revision + 1, action=REOPENED, opened_on=day,
            updated_on=day, due_on=due_on, resolved_on=None, worst_amount=finding.amount,
            recovered_amount=Decimal(0), times_opened=before.times_opened + 1,
            counted_on=day if before.went_on_elsewhere else before.counted_on, **said,
        )  # fmt: skip
    after = replace(before, worst_amount=max(before.worst_amount, finding.amount), **said)
    if after == before:
        return before
    if before.channel == ALERT:
        return replace(after, updated_on=day)
    return replace(after, revision=before.revision + 1, action=UPDATED, updated_on=day)


def resolved(before: Case, left: Decimal, day: date, ending: Ending | None = None) -> Case:
    """The case of something that is found no more, or is over for another reason."""
    over = replace(
        before, status=RESOLVED, revision=before.revision + 1, action=RESOLVED, updated_on=day,
        resolved_on=day, amount=left,
    )  # fmt: skip
    if ending is not None:
        told = {ENDED: ending.words, TAKEN_OVER: ending.taken_over}
        return replace(over, recovered_amount=Decimal(0), details=before.details | told)
    return replace(over, recovered_amount=max(before.worst_amount - left, Decimal(0)))
