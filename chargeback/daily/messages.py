"""Messages: what a case says, in the fields of ServiceNow's Table API; the outbox holds the same.

`correlation_id` names the rule and the subject, so whoever sends a message finds the existing ticket.
`correlation_display` holds the revision, so a message that arrived is not sent again.
"""

from __future__ import annotations

import hashlib
import re

from chargeback.core.errors import Refusal
from chargeback.core.money import shown
from chargeback.core.text import plain
from chargeback.daily.cases import ALERT, ENDED, OPENED, REOPENED, RESOLVED, Case, CaseKey

#: States of a ServiceNow incident.
NEW, IN_PROGRESS, RESOLVED_STATE = "1", "2", "6"
DONE_STATES = ("6", "7", "8")  # resolved, closed, cancelled

LONGEST_ID = 100  # of ServiceNow's correlation_id
LONGEST_TITLE = 160  # of its short_description
LONGEST_DESCRIPTION = 4000
CLOSE_CODE = "Solution provided"


class NotTold(Refusal):
    """That a topic took no message (exit 6): others may take theirs all the same."""


_REVISION = re.compile(r"Chargeback, revision ([0-9]+)")


def correlation_id(key: CaseKey) -> str:
    """What a rule and subject are known by in ServiceNow; one that is too long ends with its digest."""
    text = f"chargeback:{key[0]}:{key[1]}"
    if len(text) > LONGEST_ID or not text.isprintable() or "^" in text:
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        text = f"chargeback:{key[0]}:{digest}"
    return text


def revision_words(revision: int) -> str:
    """The revision as a ticket holds it."""
    return f"Chargeback, revision {revision}"


def revision_of(text: str) -> int:
    """The inverse of `revision_words`; 0 for anything else."""
    found = _REVISION.fullmatch(text)
    return int(found.group(1)) if found else 0


def cut(text: str, longest: int) -> str:
    """A text that fits a field, with a mark where it was cut."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def message(case: Case) -> dict[str, str]:
    """The fields of a case's latest message, in which names cannot hide or reorder what stands beside them.

    A ticket's state is set when it opens, resolves or opens again, and left to its team in between.
    """
    due = f"Opened on {case.opened_on}, due on {case.due_on}."
    fields = {
        "correlation_id": correlation_id(case.key),
        "correlation_display": revision_words(case.revision),
        "short_description": cut(plain(case.title), LONGEST_TITLE),
        "description": cut("\n".join(map(plain, [due, *case.text])), LONGEST_DESCRIPTION),
        "assignment_group": plain(case.team),
        "due_date": f"{case.due_on} 23:59:59",
    }
    if case.action == OPENED:
        fields["state"] = NEW
    if case.action == REOPENED:
        fields |= {
            "state": IN_PROGRESS,
            "work_notes": f"Back on {case.opened_on}: {shown(case.amount)}. It had been resolved before.",
        }
    if case.action == RESOLVED:
        fields |= {
            "state": RESOLVED_STATE,
            "close_code": CLOSE_CODE,
            "close_notes": resolved_words(case),
        }
    return fields


def resolved_words(case: Case) -> str:
    """What is said of a resolved case: what was recovered, that what was told is over, or why it ends."""
    if case.details.get(ENDED):
        return f"Closed on {case.resolved_on}: {plain(case.details[ENDED])}"
    if case.channel == ALERT:
        return f"Over on {case.resolved_on}. In all: {shown(case.worst_amount)}."
    return (
        f"Recovered on {case.resolved_on}: {shown(case.recovered_amount)} of "
        f"{shown(case.worst_amount)} at its worst; {shown(case.amount)} are left."
    )
