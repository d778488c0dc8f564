"""What was told of a scope's cost: tickets and alerts of the daily runs, answers to statements.

In: the cases of the latest daily run, the delivery log. Out: `Notice`s and `Answer`s. A ticket on untagged
cost is of who owns all its accounts. An alert is of the unit or cost center that it was found in; what was
found over all owners of a service, in a pool, or by AWS, is for those who see all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from chargeback.books.delivery_log import ACKNOWLEDGED, ANSWERED, DECIDED, DISPUTED, DeliveryLog
from chargeback.core.text import plain
from chargeback.daily.anomalies.series import BUSINESS_UNIT, CELL
from chargeback.daily.anomalies.series import COST_CENTER as OF_COST_CENTER
from chargeback.daily.cases import ANOMALY, OPEN, UNTAGGED, Case, CaseKey
from chargeback.daily.state import Latest, SentMessages
from chargeback.daily.tickets import accounts_of
from chargeback.dashboards.gather_rows import CENT, Own
from chargeback.dashboards.model import Answer, Notice
from chargeback.dashboards.scope import ALL, COST_CENTER, UNIT
from chargeback.delivery.disputes import Standing, standings

#: Cases that were resolved are shown for so long after it.
SHOWN_DAYS = 31


@dataclass(frozen=True)
class Told:
    """What the daily runs and the delivery log say of everybody.

    Args:
        latest: the cases as the latest daily run left them.
        sent: how far the messages of each case were sent.
    """

    latest: Latest
    sent: Mapping[CaseKey, SentMessages]
    log: DeliveryLog


def notices_of(own: Own, told: Told, accounts: set[str]) -> tuple[Notice, ...]:
    """The scope's tickets and alerts: open ones, the dearest first, then those that were resolved lately.

    Args:
        accounts: of the scope.
    """
    found = [
        one
        for one in told.latest.cases.values()
        if is_shown(one, told.latest.day) and is_own(own, one, accounts)
    ]
    found.sort(key=lambda one: (one.status != OPEN, -one.amount, one.key))
    return tuple(notice_of(one, told.sent.get(one.key)) for one in found)


def is_shown(case: Case, day: date | None) -> bool:
    """Whether a case is open, or was resolved lately."""
    if case.status == OPEN or case.resolved_on is None or day is None:
        return True
    return case.resolved_on >= day - timedelta(SHOWN_DAYS)


def is_own(own: Own, case: Case, accounts: set[str]) -> bool:
    """Whether a case is about the scope alone."""
    if own.scope.kind == ALL:
        return True
    if case.rule == UNTAGGED:
        return accounts.issuperset(accounts_of(case))
    if case.rule != ANOMALY:
        return False
    found_in, _, rest = case.subject.partition(": ")
    parts = rest.split(", ")
    if own.scope.kind == UNIT:
        return found_in in (BUSINESS_UNIT, OF_COST_CENTER, CELL) and parts[0] == own.scope.id
    return (
        own.scope.kind == COST_CENTER
        and found_in in (OF_COST_CENTER, CELL)
        and parts[1:2] == [own.scope.id]
    )


def notice_of(case: Case, sent: SentMessages | None) -> Notice:
    """A case as a page shows it; a link only where a browser may follow it."""
    link = sent.link if sent else ""
    return Notice(
        what=case.rule,
        title=plain(case.title),
        amount=case.amount.quantize(CENT),
        status=case.status,
        opened_on=str(case.opened_on),
        due_on=str(case.due_on),
        owner=plain(case.team),
        reference=plain(sent.number) if sent else "",
        link=link if link.startswith("https://") else "",
    )


def answers_of(own: Own, log: DeliveryLog) -> tuple[Answer, ...]:
    """What the scope's units answered to their statements, the newest first; no cost center answers."""
    found = [one for one in all_answers(log) if own.scope.kind == ALL or is_of(own, one)]
    found.sort(key=lambda one: (one.at, one.billing_period, one.subject), reverse=True)
    return tuple(found)


def is_of(own: Own, answer: Answer) -> bool:
    """Whether an answer is the unit's."""
    return own.scope.kind == UNIT and answer.business_unit_id == own.scope.id


def all_answers(log: DeliveryLog) -> Iterator[Answer]:
    """Every acknowledgement and dispute of a log."""
    known = standings(log)
    for one in log.entries:
        if one.action == ACKNOWLEDGED:
            yield Answer(
                one.billing_period, one.subject, ACKNOWLEDGED, "", "", one.at, plain(one.by), "", None
            )  # fmt: skip
        elif one.action == DISPUTED:
            dispute = known[one.subject]
            yield Answer(
                one.billing_period, dispute.business_unit_id, DISPUTED, one.subject, plain(dispute.line),
                one.at, plain(one.by), status_of(dispute), dispute.claimed.quantize(CENT),
            )  # fmt: skip


def status_of(dispute: Standing) -> str:
    """How a dispute stands: raised, answered, or what was decided."""
    if dispute.decided_on:
        return dispute.decision or DECIDED
    return ANSWERED if dispute.answered_on else "raised"
