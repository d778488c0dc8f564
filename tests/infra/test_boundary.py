"""The boundary: it cuts off nothing that a role needs, and lets through nothing that no role has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.conftest import NAME, WHERE_CHANGED, Platform
from tests.infra.guard import ACCOUNT
from tests.infra.iam_rules import Policy, Request, allowed, matches, texts

pytestmark = [pytest.mark.slow, WHERE_CHANGED]

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/chargeback/{NAME}-boundary"


@pytest.fixture(scope="module")
def boundary(platform: Platform) -> Policy:
    """The boundary as it was applied."""
    iam = platform.account.client("iam")
    version = iam.get_policy(PolicyArn=BOUNDARY)["Policy"]["DefaultVersionId"]
    found: Policy = iam.get_policy_version(PolicyArn=BOUNDARY, VersionId=version)["PolicyVersion"][
        "Document"
    ]
    return found


@pytest.fixture(scope="module")
def rights(platform: Platform) -> list[tuple[str, str, str]]:
    """Role, action and resource of each thing that a policy in a role with the boundary allows."""
    iam, found = platform.account.client("iam"), []
    pages = iam.get_paginator("list_roles").paginate(PathPrefix="/chargeback/")
    for one in [role for page in pages for role in page["Roles"]]:
        role = iam.get_role(RoleName=one["RoleName"])["Role"]
        if "PermissionsBoundary" not in role:
            continue
        for name in iam.list_role_policies(RoleName=one["RoleName"])["PolicyNames"]:
            policy = iam.get_role_policy(RoleName=one["RoleName"], PolicyName=name)
            for statement in policy["PolicyDocument"]["Statement"]:
                found += allows(role["Arn"], statement)
    return found


def allows(role: str, statement: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Each action of a statement on each of its resources."""
    assert statement["Effect"] == "Allow"
    resources = [one.replace("*", "x") for one in texts(statement["Resource"])]
    return [(role, action, one) for action in texts(statement["Action"]) for one in resources]


def test_every_role_but_those_that_people_change_carries_it(platform, rights):
    with_it = {role.rpartition("/")[2].removeprefix(f"{NAME}-") for role, _, _ in rights}
    assert {"close", "daily", "execution", "image", "schedule", "states"} < with_it
    assert not {"plan", "deploy"} & with_it
    assert len(rights) > 100


def test_nothing_that_a_role_needs_is_cut_off(boundary, rights):
    everything = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    cut_off = {
        (role, action)
        for role, action, resource in rights
        if not allowed(Request(role, action, resource), [everything], boundary)
    }
    assert cut_off == set()


def test_nothing_is_let_through_that_no_role_has(boundary, rights):
    patterns = [one for statement in boundary["Statement"] for one in texts(statement["Action"])]
    actions = {action.lower() for _, action, _ in rights}
    unused = [
        one for one in patterns if not any(matches(one.lower(), action) for action in actions)
    ]
    assert unused == []
