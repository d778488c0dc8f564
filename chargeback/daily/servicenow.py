"""Tickets: one in ServiceNow for each rule and subject, whatever happens on the way.

Method: the Table API has no "create unless there", so three things together make sure that there are never
two.

1. A ticket is looked up by its correlation_id before anything is sent.
2. A run that wants to create one claims it first, in the state that all runs share. Only the run that holds
   the claim may create, and it looks again while holding it.
3. An answer that never came says nothing: the ticket may be made a moment later. The claim is then kept, and
   nobody creates until it is older than any transaction of ServiceNow can be (its own limits are 60 seconds
   and 5 minutes). Until then tickets are only looked up. What is still not there is left for the next run.

Where correlation_id is unique the database refuses a second ticket itself. Then neither a claim of others nor
an answer that never came keeps anybody from creating, and what was refused is looked up.

When ServiceNow answers with 429 or an error of its own, the request is over and is tried again, as are all
look-ups and updates: a message carries its revision, and one that arrived is not sent twice.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from functools import cached_property

from chargeback.core.errors import Refusal
from chargeback.daily.cases import OPEN, Case
from chargeback.daily.messages import (
    DONE_STATES,
    IN_PROGRESS,
    correlation_id,
    message,
    revision_of,
)
from chargeback.daily.state import SentMessages, State
from chargeback.servicenow.connection import (
    Connection,
    Failed,
    Instance,
    NoAnswer,
    Patience,
    Rejected,
)
from chargeback.servicenow.table import Table

KEY = "correlation_id"
FIELDS = ("number", "state", KEY, "correlation_display", "sys_created_on")

#: What tables of tickets extend, where the field of the key is.
PARENT = "task"


class ServiceNow:
    """Tickets of one instance.

    Args:
        table: where tickets are.

    Raises:
        Refusal: (exit 2) its address is not https, or there are no credentials.
    """

    def __init__(self, instance: Instance, patience: Patience, table: str = "incident") -> None:
        self.patience = patience
        self.connection = Connection(instance, patience)
        self.table = Table(self.connection, table, FIELDS)

    @cached_property
    def unique(self) -> bool:
        """Whether the database refuses a second ticket of a correlation_id."""
        column = self.table.column(KEY, PARENT)
        return column is not None and column.unique

    def send(self, case: Case, state: State) -> SentMessages:
        """Bring the ticket of a case to its latest message, and remember that it arrived.

        Raises:
            Refusal: (exit 6) ServiceNow does not answer, refuses us or answers badly; what was not sent is sent
                by the next run.
        """
        while True:
            before = state.sent_messages(case.key)
            if before.revision >= case.revision:
                return before
            ticket = self.find(case) or self.create(case, state)
            if ticket is None and case.status == OPEN:
                raise self.refusal("nothing said whether a ticket was made", case)
            # Whoever sent a later message meanwhile finds ours in its place, and sends that again.
            revision = self.update(case, ticket, before) if ticket else case.revision
            before = state.sent_messages(case.key)
            after = replace(
                before, revision=revision, claimed_at=0.0, claimed_by="",
                ticket_id=ticket["sys_id"] if ticket else "",
                number=ticket["number"] if ticket else "",
                link=self.connection.link(self.table.name, ticket["sys_id"]) if ticket else "",
            )  # fmt: skip
            if state.replace_sent_messages(before, after):
                return after

    def create(self, case: Case, state: State) -> dict[str, str] | None:
        """The ticket, made if we hold the claim; None when nobody may say, or when there is no need for one."""
        claimed = self.claim(case, state)
        for attempt in range(self.patience.attempts):
            # Whoever held the claim before us may have made it since we looked.
            found = self.find(case)
            if found:
                return found
            if case.status != OPEN:
                if claimed is None:
                    raise self.refusal("nothing said whether a ticket was made", case)
                return None
            if claimed is not None and time.time() > claimed.claimed_at + self.patience.quiet / 2:
                break  # it takes too long: our claim would run out while we create
            if claimed is not None or self.unique:
                try:
                    return self.table.create(message(case))
                except NoAnswer:
                    claimed = None
                except Failed:
                    pass
                except Rejected as rejected:
                    if found := self.find(case):
                        return found
                    self.release(claimed, state)
                    raise self.connection.rejection(rejected, correlation_id(case.key)) from None
                except Refusal:
                    self.release(claimed, state)
                    raise
            self.patience.pause(attempt)
        if claimed is not None:
            self.release(claimed, state)
            raise self.refusal("it answered too slowly, or each time with an error", case)
        return self.find(case)

    def claim(self, case: Case, state: State) -> SentMessages | None:
        """Our claim to create the ticket; None while somebody else's holds."""
        before = state.sent_messages(case.key)
        now = time.time()
        if before.claimed_by and now < before.claimed_at + self.patience.quiet:
            return None
        mine = replace(before, claimed_at=now, claimed_by=secrets.token_hex(8))
        return state.sent_messages(case.key) if state.replace_sent_messages(before, mine) else None

    def release(self, claimed: SentMessages | None, state: State) -> None:
        """Give a claim back, if we hold one, after something that surely made no ticket."""
        if claimed is not None:
            state.replace_sent_messages(claimed, replace(claimed, claimed_at=0.0, claimed_by=""))

    def find(self, case: Case) -> dict[str, str] | None:
        """The oldest ticket of a case, if there is one."""
        found = self.table.find(KEY, correlation_id(case.key))
        return found[0] if found else None

    def update(self, case: Case, ticket: dict[str, str], before: SentMessages) -> int:
        """Bring a ticket to the latest message unless it has that, or a later one; the revision it has then.

        A later one counts only where we have sent one before: a state that was lost begins with 1 again.
        """
        there = revision_of(ticket.get("correlation_display", ""))
        if there == case.revision or (before.revision and there > case.revision):
            return there
        fields = message(case)
        if case.status == OPEN and ticket.get("state") in DONE_STATES:
            fields["state"] = IN_PROGRESS  # closed by hand while the cost goes on
        self.table.patch(ticket["sys_id"], fields)
        return case.revision

    def refusal(self, said: str, case: Case) -> Refusal:
        """ServiceNow did not do its part (exit 6)."""
        return self.connection.refusal(said, correlation_id(case.key))
