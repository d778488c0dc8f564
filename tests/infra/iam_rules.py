"""IAM's rules for tests: whether policies allow a request, with conditions, boundaries and resources' policies.

moto checks who somebody is, and matches actions. It knows resources in S3 alone, takes every condition of a
role's policy for broken, and reads no bucket policy and no boundary. So tests decide here, after the order that
AWS documents ("Policy evaluation logic"), within one account:

    1. a Deny anywhere refuses
    2. a boundary that does not allow it refuses
    3. an Allow of the role's own policies, or of the resource's policy that names the role, allows
    4. everything else is refused

A key is used by those whom its own policy allows: the account's root there means that policies of roles decide.
What is not known here (other operators, NotPrincipal) is an error, so that no policy is misread in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Policy = Mapping[str, Any]
KNOWN = {
    "Sid",
    "Effect",
    "Principal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}


@dataclass(frozen=True)
class Request:
    """Something that a role asks for.

    Args:
        action: such as s3:GetObject.
        resource: its ARN; "*" where the action names none.
        context: condition keys in small letters; those that the request does not have are left out.
    """

    role: str
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def allowed(
    request: Request,
    own: Sequence[Policy],
    boundary: Policy | None = None,
    of_resource: Policy | None = None,
    is_key: bool = False,
) -> bool:
    """Whether a request is allowed.

    Args:
        own: the policies of the role.
        of_resource: the policy of the bucket or key.
        is_key: the resource is a key, whose own policy must allow whatever is done with it.
    """
    bounded = [boundary] if boundary else []
    if "Deny" in effects([*own, *bounded], request) | effects([of_resource], request, True):
        return False
    if boundary and "Allow" not in effects([boundary], request):
        return False
    by_role = "Allow" in effects(own, request)
    if is_key:
        by_account = "Allow" in effects([of_resource], request, True, of_account=True)
        return (by_role and by_account) or "Allow" in effects([of_resource], request, True)
    return by_role or "Allow" in effects([of_resource], request, True)


def effects(
    policies: Iterable[Policy | None],
    request: Request,
    by_principal: bool = False,
    of_account: bool = False,
) -> set[str]:
    """The effects of the statements that are about a request."""
    found = set()
    for policy in policies:
        statements = policy["Statement"] if policy else []
        for one in statements if isinstance(statements, list) else [statements]:
            if set(one) - KNOWN:
                raise NotImplementedError(f"{set(one) - KNOWN} in a statement")
            if by_principal and not is_principal(one["Principal"], request.role, of_account):
                continue
            if is_about(one, request):
                found.add(one["Effect"])
    return found


def is_about(statement: Policy, request: Request) -> bool:
    """Whether a statement is about a request's action and resource, under its conditions."""
    action, resource = request.action.lower(), request.resource
    if "NotAction" in statement:
        about = not any(matches(one.lower(), action) for one in texts(statement["NotAction"]))
    else:
        about = any(matches(one.lower(), action) for one in texts(statement["Action"]))
    if "NotResource" in statement:
        about &= not any(matches(one, resource) for one in texts(statement["NotResource"]))
    elif "Resource" in statement:
        about &= any(matches(one, resource) for one in texts(statement["Resource"]))
    conditions = statement.get("Condition", {})
    return about and all(
        holds(operator, request.context.get(key.lower()), texts(values))
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def is_principal(principal: Any, role: str, of_account: bool) -> bool:
    """Whether a resource's policy speaks of a role; with `of_account`, of the whole account."""
    account = role.split(":")[4]
    named = texts(principal) if isinstance(principal, str) else texts(principal.get("AWS", []))
    if of_account:
        return f"arn:aws:iam::{account}:root" in named or account in named
    return "*" in named or role in named


def holds(operator: str, found: str | None, values: Sequence[str]) -> bool:
    """Whether a condition holds for the value of its key, None where the request has none."""
    if operator == "Null":
        return (found is None) == (values[0] == "true")
    if operator in ("StringNotEquals", "StringNotLike"):
        return not holds(operator.replace("Not", ""), found, values)
    if found is None:
        return False
    if operator in ("StringLike", "ArnLike", "ArnEquals"):
        return any(matches(one, found) for one in values)
    if operator in ("StringEquals", "Bool"):
        return found in values
    raise NotImplementedError(f"the operator {operator}")


def matches(pattern: str, text: str) -> bool:
    """Whether a text is as a pattern with * and ? says."""
    wild = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(wild, text, re.DOTALL) is not None


def texts(value: Any) -> list[str]:
    """One text or several, as policies write them."""
    return [value] if isinstance(value, str) else list(value)
