"""Groups: those that a token names somebody a member of, or why they cannot be told.

What always holds: a list that the provider has cut short, or has left out, is never taken for all of it: with
fewer groups somebody would see less than they should and take it for everything. Microsoft Entra leaves the
claim out above 200 groups and points to where they are; Okta stops at 100 without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: From how many groups on a list may have been cut short.
CUT_SHORT = 100

LONGEST_NAME = 256

FEWER = (
    "Whoever runs sign-in can have the provider name only the groups that matter here: app roles, "
    "or a groups claim that is filtered to the groups of this portal."
)


class UnknownGroups(Exception):
    """The groups cannot be told.

    Args:
        said: for the person, one sentence each.
    """

    def __init__(self, *said: str) -> None:
        super().__init__(" ".join(said))
        self.said = said


def read_groups(claims: Mapping[str, Any], claim: str) -> tuple[str, ...]:
    """The groups of a token, sorted, each once.

    Args:
        claim: its name, such as "groups" or "roles".

    Raises:
        UnknownGroups: they are elsewhere, cut short, not there, or no list of names.
    """
    elsewhere = claims.get("_claim_names")
    too_many = claim == "groups" and claims.get("hasgroups") not in (None, False, "false")
    if too_many or (elsewhere and (not isinstance(elsewhere, dict) or claim in elsewhere)):
        raise UnknownGroups(
            "You are a member of so many groups that your sign-in does not name them.", FEWER
        )
    if claim not in claims:
        raise UnknownGroups(
            f"Your sign-in does not say which groups you are in: it has no claim {claim!r}.",
            "Whoever runs sign-in can have the provider put that claim into the ID token. With app roles, "
            "it is there for whoever was given a role.",
        )
    found = claims[claim]
    if not isinstance(found, list) or not all(
        isinstance(one, str) and 0 < len(one) <= LONGEST_NAME for one in found
    ):
        raise UnknownGroups(
            f"Your sign-in does not name your groups in a way that can be read: the claim {claim!r} "
            "is no list of names.",
            "Whoever runs sign-in can have the provider send a list of texts.",
        )
    if len(found) >= CUT_SHORT:
        raise UnknownGroups(
            f"Your sign-in names {CUT_SHORT} groups or more, which may not be all of yours.", FEWER
        )
    return tuple(sorted(set(found)))
