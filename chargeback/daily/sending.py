"""Sending: whatever has not arrived yet, after a run is written, and again in the next run if need be.

What always holds: a message is sent only after the state holds what it says, so the next run makes up for one
that was killed anywhere. And what arrived is remembered only after it arrived, so at worst a message is sent
twice, which changes nothing (outbox.py, servicenow.py), or which says so itself (topics.py). A topic that takes
no message keeps no other message from being sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from chargeback.daily.cases import TICKET, Case, CaseKey
from chargeback.daily.messages import NotTold
from chargeback.daily.outbox import Outbox
from chargeback.daily.servicenow import ServiceNow
from chargeback.daily.settings import Settings
from chargeback.daily.state import SentMessages, State


class Channel(Protocol):
    """Where messages go."""

    def send(self, case: Case, state: State) -> SentMessages:
        """Send a case's latest message and remember that it arrived."""


def channels(settings: Settings) -> Callable[[Case], Channel]:
    """The channel of a case: tickets go to ServiceNow where there is one, all else to outbox and topics."""
    outbox = Outbox(settings.outbox)
    others: Channel = topics(outbox, settings) if settings.topics else outbox
    tickets: Channel = (
        ServiceNow(settings.instance, settings.patience, settings.ticket_table)
        if settings.instance
        else others
    )
    return lambda case: tickets if case.channel == TICKET else others


def topics(outbox: Outbox, settings: Settings) -> Channel:
    """A topic for each owning team; boto3 is loaded only for whoever has topics."""
    from chargeback.aws.calls import patience
    from chargeback.daily.topics import Topics

    return Topics(outbox, settings.topics, patience())


def pending(state: State) -> list[Case]:
    """The cases of the latest run whose latest message has not arrived, in order of their keys."""
    cases = state.latest().cases
    return [
        cases[key]
        for key in sorted(cases)
        if state.sent_messages(key).revision < cases[key].revision
    ]


def send_pending(state: State, channel: Callable[[Case], Channel]) -> int:
    """Send everything that is pending; how many messages that were.

    Raises:
        Refusal: (exit 6) a service does not answer; what was not sent stays pending.
    """
    sent = 0
    not_told: dict[CaseKey, NotTold] = {}
    # A second look, because a parallel run may have had more to say meanwhile, and a third.
    for _ in range(3):
        waiting = [case for case in pending(state) if case.key not in not_told]
        for case in waiting:
            try:
                channel(case).send(case, state)
                sent += 1
            except NotTold as refusal:
                not_told[case.key] = refusal
        if not waiting:
            break
    if not_told:
        raise in_one_block(list(not_told.values()))
    return sent


def in_one_block(refusals: list[NotTold]) -> NotTold:
    """What several topics said, in the words of the first."""
    first = refusals[0]
    return replace(
        first,
        where=[line for one in refusals for line in one.where],
        todo=list(dict.fromkeys(line for one in refusals for line in one.todo)),
    )


def sent_messages(state: State, cases: dict[CaseKey, Case]) -> dict[CaseKey, SentMessages]:
    """How far the messages of some cases have come, for pages that link to tickets."""
    return {key: state.sent_messages(key) for key in cases}
