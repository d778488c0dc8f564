"""Topics: owning teams are told through SNS, each through a topic of its own, beside the file in the outbox.

Method: SNS tells a message twice when it is given twice, so three things together keep it from being given so.

1. A run that wants to tell claims the message first, in the state that all runs share, and remembers that it
   was told once SNS took it. While a claim holds, no other run tells it.
2. What was remembered is not told again.
3. A ticket's daily figures are told once, when it opens: what changes from day to day stands in the outbox.

Drawback: a run that is killed between the two, or whose answer got lost, leaves a message that SNS may have. It
is told again once the claim is over, with the same `message` among its attributes: at worst twice, never not at
all. A topic that takes no message keeps no other team from being told.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chargeback.aws.calls import AwsClients, Patience, calling
from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.daily.cases import UPDATED, Case
from chargeback.daily.messages import NotTold, correlation_id
from chargeback.daily.outbox import Outbox
from chargeback.daily.state import SentMessages, State
from chargeback.daily.topic_messages import owning_team, topic_message
from chargeback.daily.topic_settings import DEFAULT

#: Seconds for which a claim holds: longer than a message can take with all its repetitions.
CLAIM_SECONDS = 600.0


class Topics:
    """A topic for each owning team, beside the outbox.

    Args:
        topics: ARNs by owning team, and by `default` for what no other takes; a blank one takes nothing.
    """

    def __init__(self, outbox: Outbox, topics: Mapping[str, str], waits: Patience) -> None:
        self.outbox = outbox
        self.topics = topics
        self.waits = waits
        self.clients: dict[str, AwsClients] = {}

    def topic_of(self, case: Case) -> str:
        """The ARN of the topic that a case is told through; blank where there is none."""
        team = owning_team(case)
        return self.topics[team] if team in self.topics else self.topics.get(DEFAULT, "")

    def send(self, case: Case, state: State) -> SentMessages:
        """Write a case's latest message to the outbox, tell it through its topic, and remember both.

        Raises:
            NotTold: (exit 6) the topic did not take it, or another run is about to tell it.
            Refusal: (exit 6) the state cannot be read or written.
        """
        topic = self.topic_of(case)
        while True:
            before = state.sent_messages(case.key)
            if before.revision >= case.revision:
                return before
            link, told_opening = self.outbox.write(case), before.told_opening
            if topic and not is_told(case, before):
                claimed = self.claim(case, before, state)
                if claimed is None:
                    continue
                self.tell(topic, case, claimed, state)
                before, told_opening = claimed, case.times_opened
            after = replace(
                before, revision=case.revision, link=link, told_opening=told_opening,
                claimed_at=0.0, claimed_by="",
            )  # fmt: skip
            if state.replace_sent_messages(before, after):
                return after

    def claim(self, case: Case, before: SentMessages, state: State) -> SentMessages | None:
        """Our claim to tell a message; None when somebody was quicker and one must look again."""
        now = time.time()
        left = before.claimed_at + CLAIM_SECONDS - now
        if before.claimed_by and left > 0:
            raise NotTold(
                UNREACHABLE, "another run may be telling an owning team of this",
                "a message that nobody else is telling", f"a claim of {left:.0f} more seconds", "",
                [correlation_id(case.key)],
                ["wait until it is over, then run it again: what was not told is told then"],
            )  # fmt: skip
        mine = replace(before, claimed_at=now, claimed_by=secrets.token_hex(8))
        if not state.replace_sent_messages(before, mine):
            return None
        return replace(mine, version=before.version + 1)

    def tell(self, topic: str, case: Case, claimed: SentMessages, state: State) -> None:
        """Publish a message; where it is not taken, give the claim back and say so."""
        try:
            with calling("sns:Publish", topic, "docs/platform.md"):
                self.client(topic).publish(TopicArn=topic, **topic_message(case))
        except Refusal as refusal:
            state.replace_sent_messages(claimed, replace(claimed, claimed_at=0.0, claimed_by=""))
            raise NotTold(
                UNREACHABLE, "an owning team could not be told through its topic",
                refusal.expected, f"{refusal.what}: {refusal.found}", "",
                [f"{correlation_id(case.key)}, for {owning_team(case) or DEFAULT}: {topic}"],
                [refusal.todo[0], "the day was published, other teams were told; the next run tells this one"],
            ) from None  # fmt: skip

    def client(self, topic: str) -> Any:
        """The client of SNS in a topic's region."""
        region = topic.split(":")[3]
        if region not in self.clients:
            self.clients[region] = AwsClients(region, self.waits)
        return self.clients[region].client("sns")


def is_told(case: Case, sent: SentMessages) -> bool:
    """Whether a message only updates what a team was told when it opened."""
    return case.action == UPDATED and sent.told_opening == case.times_opened
