"""Topic messages: what an owning team is told of a case, as SNS takes it.

In: a case. Out: a subject, a text in plain words with the figures that the outbox's message has, and attributes
that subscriptions can be filtered by. What always holds: the subject is of ASCII, on one line and shorter than
100 characters; the text is of a few thousand characters, far below SNS's 256 KB.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from chargeback.core.text import plain
from chargeback.daily.cases import OPENED, REOPENED, RESOLVED, TICKET, UPDATED, Case
from chargeback.daily.messages import correlation_id, message, revision_words

#: Of SNS, which takes fewer than 100.
LONGEST_SUBJECT = 99

#: How a subject begins, by what happened.
BEGINNINGS = {OPENED: "New", UPDATED: "Going on", REOPENED: "Again", RESOLVED: "Over"}


def owning_team(case: Case) -> str:
    """The team that is told, as accounts.csv names it; blank where none is known."""
    return case.team if case.channel == TICKET else str(case.details.get("owning_team", ""))


def subject(case: Case) -> str:
    """The title with what happened, as SNS takes it."""
    decomposed = unicodedata.normalize("NFKD", plain(case.title))
    letters = "".join(one for one in decomposed if not unicodedata.combining(one))
    text = f"{BEGINNINGS[case.action]}: {letters}".encode("ascii", "replace").decode()
    return text if len(text) <= LONGEST_SUBJECT else f"{text[: LONGEST_SUBJECT - 3]}..."


def body(case: Case) -> str:
    """The message in plain words: what happened, then everything that the outbox's message says."""
    fields = message(case)
    happened = [fields[name] for name in ("close_notes", "work_notes") if name in fields]
    known_as = f"{fields['correlation_id']} ({fields['correlation_display']})"
    told = [f"To: {fields['assignment_group']}"] if fields["assignment_group"] else []
    parts = [
        [fields["short_description"], *told],
        happened,
        [fields["description"]],
        [f"Known as {known_as}."],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def topic_message(case: Case) -> dict[str, Any]:
    """A case's latest message as the arguments of sns:Publish, without the topic.

    Attributes that have no value are left out, for SNS takes no blank ones:

        owning_team    as accounts.csv has it          kind     the rule: untagged, anomaly, aws-anomaly
        business_unit  its id                          action   opened, updated, reopened, resolved
        period         the month of the day it is of   message  what it is known by: the same when told twice
    """
    attributes = {
        "owning_team": owning_team(case),
        "business_unit": str(case.details.get("business_unit_id", "")),
        "period": f"{case.updated_on:%Y-%m}",
        "kind": case.rule,
        "action": case.action,
        "message": f"{correlation_id(case.key)}, {revision_words(case.revision)}",
    }
    return {
        "Subject": subject(case),
        "Message": body(case),
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": plain(value)}
            for name, value in attributes.items()
            if value
        },
    }
