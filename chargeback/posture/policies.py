"""Policies: whom a policy lets in beyond those that are expected, and what it no longer denies.

In: policies of buckets and keys as AWS answers them. An Allow is compared word by word with entries: the
principal, all its actions, all its resources, and the conditions that the entry asks for. What is not
written in an entry is beyond it, so that a wildcard, NotPrincipal or NotAction is always found. A Deny takes
rights away and is looked for by what it must say; further ones do no harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Statement = Mapping[str, Any]

#: A condition: operator, key, values; operator and key in small letters.
Conditions = Mapping[tuple[str, str], frozenset[str]]


@dataclass(frozen=True)
class Entry:
    """Somebody whom a policy may let in.

    Args:
        principals: such as AWS:arn:… or Service:logging.s3.amazonaws.com.
        actions: in small letters.
        resources: each as it is written.
        conditions: that a statement must have, at least.
    """

    principals: frozenset[str]
    actions: frozenset[str]
    resources: frozenset[str]
    conditions: Conditions = field(default_factory=dict)

    def covers(self, principal: str, statement: Statement) -> bool:
        """Whether a statement gives a principal no more than this."""
        if {"NotPrincipal", "NotAction", "NotResource"} & set(statement):
            return False
        found = conditions_of(statement)
        return (
            principal in self.principals
            and {one.lower() for one in texts(statement.get("Action"))} <= self.actions
            and set(texts(statement.get("Resource"))) <= self.resources
            and all(found.get(name) == values for name, values in self.conditions.items())
        )


def texts(value: Any) -> list[str]:
    """A text or a list of texts, as policies have them."""
    if value is None:
        return []
    return [word(one) for one in value] if isinstance(value, list) else [word(value)]


def word(value: Any) -> str:
    """A value as a text; AWS takes true for "true"."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def statements(policy: Mapping[str, Any] | None) -> list[Statement]:
    """The statements of a policy; one may stand without a list."""
    found = (policy or {}).get("Statement", [])
    return found if isinstance(found, list) else [found]


def principals_of(statement: Statement) -> list[str]:
    """Whom a statement is about, each with its kind: "*", AWS:…, Service:…, Federated:…"""
    found = statement.get("Principal")
    if not isinstance(found, dict):
        return texts(found) or ["whoever is not named in NotPrincipal"]
    return [f"{kind}:{one}" for kind, value in sorted(found.items()) for one in texts(value)]


def conditions_of(statement: Statement) -> dict[tuple[str, str], frozenset[str]]:
    """The conditions of a statement."""
    return {
        (operator.lower(), key.lower()): frozenset(texts(value))
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, value in keys.items()
    }


def beyond(policy: Mapping[str, Any] | None, entries: Sequence[Entry]) -> list[str]:
    """Whom a policy lets in beyond the entries, with what they may do; empty where nobody."""
    found = []
    for statement in statements(policy):
        if statement.get("Effect") == "Deny":
            continue
        for principal in principals_of(statement):
            if not any(entry.covers(principal, statement) for entry in entries):
                actions = texts(statement.get("Action")) or [
                    "not " + one for one in texts(statement.get("NotAction"))
                ]
                sid = statement.get("Sid")
                found.append(
                    f"{principal} with {', '.join(sorted(actions))}" + (f" ({sid})" if sid else "")
                )
    return found


def denies(
    policy: Mapping[str, Any] | None,
    action: str,
    resources: frozenset[str],
    conditions: Conditions,
) -> bool:
    """Whether a policy denies everybody an action, on these resources, under these conditions alone."""
    return any(
        statement.get("Effect") == "Deny"
        and principals_of(statement) in (["*"], ["AWS:*"])
        and action.lower() in {one.lower() for one in texts(statement.get("Action"))}
        and resources <= set(texts(statement.get("Resource")))
        and conditions_of(statement) == dict(conditions)
        for statement in statements(policy)
    )
