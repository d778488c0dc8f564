"""Each role may do what docs/platform.md says, and nothing else that stands there, by the applied policies."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chargeback.core.paths import ROOT
from tests.infra.conftest import NAME, VARIABLES, WHERE_CHANGED, Platform
from tests.infra.guard import ACCOUNT, REGION
from tests.infra.iam_rules import Request, is_about
from tests.infra.probes import BOUNDARY, PROBES, Client, Probe
from tests.posture.documented import posture_actions

pytestmark = [pytest.mark.slow, WHERE_CHANGED]

PAGE = (ROOT / "docs" / "platform.md").read_text(encoding="utf-8")
DENIED = ("AccessDenied", "AccessDeniedException", "403")


def documented() -> dict[str, dict[str, bool]]:
    """The table of docs/platform.md: by row and role, whether it may."""
    part = PAGE.partition("<!-- roles -->")[2].partition("<!-- end of roles -->")[0]
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in part.strip().splitlines()
    ]
    heads, _, *rows = lines
    return {
        row[0]: {
            role: {"yes": True, "": False}[cell]
            for role, cell in zip(heads[1:], row[1:], strict=True)
        }
        for row in rows
    }


def is_allowed(probe: Probe, client: Client) -> bool:
    """Whether a role is let through; what comes of it is another matter."""
    try:
        probe(client)
    except ClientError as error:
        return error.response["Error"]["Code"] not in DENIED
    return True


@pytest.fixture(scope="module")
def sessions(platform: Platform) -> dict[str, dict[str, str]]:
    """The credentials of a session of each role."""
    return {role: platform.account.take(arn) for role, arn in platform.outputs["roles"].items()}


def test_the_table_names_every_role_and_every_question(platform):
    table = documented()
    assert list(table) == list(PROBES)
    for row in table.values():
        assert set(row) == set(platform.outputs["roles"])


@pytest.mark.parametrize(
    "role",
    [
        "validation",
        "close",
        "daily",
        "rendering",
        "portal",
        "posture",
        "execution",
        "image",
        "plan",
        "deploy",
    ],
)
def test_a_role_may_do_what_the_table_says(platform, sessions, role):
    client = Client(platform.account, sessions[role])
    with platform.account.guarded():
        found = {name: is_allowed(probe, client) for name, probe in PROBES.items()}
    assert found == {name: row[role] for name, row in documented().items()}


def trust_of(platform: Platform, role: str) -> list[dict[str, Any]]:
    """The statements that say who takes a role."""
    found = platform.account.client("iam").get_role(RoleName=f"{NAME}-{role}")["Role"]
    statements: list[dict[str, Any]] = found["AssumeRolePolicyDocument"]["Statement"]
    return statements


@pytest.mark.parametrize("role", ["plan", "deploy", "close", "daily", "posture", "image"])
def test_github_is_let_in_by_the_whole_subject_alone(platform, role):
    subject, *more = VARIABLES["github"][{"daily": "close", "posture": "close"}.get(role, role)]
    host = "token.actions.githubusercontent.com"
    [statement] = [
        one for one in trust_of(platform, role) if one["Action"] == "sts:AssumeRoleWithWebIdentity"
    ]
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"}
    others = [
        one
        for names in VARIABLES["github"].values()
        for one in names
        if one not in (subject, *more)
    ]
    others += [subject + "x", subject[:-1], subject.replace("chargeback", "fork"), ""]
    for sub, aud, lets in [
        *((one, "sts.amazonaws.com", True) for one in (subject, *more)), (subject, "somebody-else", False),
        *((one, "sts.amazonaws.com", False) for one in others),
    ]:  # fmt: skip
        context = {f"{host}:sub": sub, f"{host}:aud": aud}
        request = Request("", "sts:AssumeRoleWithWebIdentity", "*", context)
        assert is_about(statement, request) is lets, (sub, aud)


@pytest.mark.parametrize(
    "role", ["validation", "close", "daily", "rendering", "portal", "posture", "execution"]
)
def test_tasks_of_this_account_take_the_roles_of_the_program(platform, role):
    [statement] = [one for one in trust_of(platform, role) if one["Action"] == "sts:AssumeRole"]
    assert statement["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    found = platform.account.client("iam").get_role(RoleName=f"{NAME}-{role}")["Role"]
    assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY


#: What GitHub's runner fetches the image with, in the role of what it runs.
IMAGE = {
    f"ecr:{one}"
    for one in (
        "BatchCheckLayerAvailability", "BatchGetImage", "GetAuthorizationToken", "GetDownloadUrlForLayer",
    )
}  # fmt: skip


def actions_in(page: str) -> set[str]:
    """The actions in the first column of a page's table of permissions."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    table = text.partition("## Permissions")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    return {one for cell in cells for one in re.findall(r"\b[a-z0-9]+:\w+", cell)}


def actions_of(platform: Platform, role: str) -> set[str]:
    """The actions that a role's policy allows."""
    found = platform.account.client("iam").get_role_policy(
        RoleName=f"{NAME}-{role}", PolicyName=role
    )
    statements = found["PolicyDocument"]["Statement"]
    assert {one["Effect"] for one in statements} == {"Allow"}
    named = [one["Action"] for one in statements]
    return {one for names in named for one in ([names] if isinstance(names, str) else names)}


def test_reading_and_closing_take_what_the_pages_of_athena_and_s3_say(platform):
    assert actions_of(platform, "validation") == actions_in("athena.md") | {"s3:GetObjectVersion"}
    own = {"kms:Sign", "kms:GetPublicKey", "secretsmanager:GetSecretValue", "s3:GetObjectVersion"}
    state = {f"dynamodb:{one}" for one in ("DescribeTable", "GetItem", "Query")} | {
        "kms:DescribeKey",
        "kms:Encrypt",
    }
    pages = actions_in("athena.md") | actions_in("s3-books.md")
    pages |= {f"quicksight:{one}" for one in ("CreateIngestion", "DescribeIngestion")}
    assert actions_of(platform, "close") == pages | own | state | IMAGE


def test_looking_takes_what_the_page_of_the_platform_says(platform):
    assert actions_of(platform, "posture") == posture_actions() | IMAGE


def test_rights_are_as_short_as_aws_takes_them(platform):
    """6,144 letters of a policy that stands by itself, 10,240 of all that stand in a role."""
    iam = platform.account.client("iam")
    for name in ("boundary", "plan", "deploy"):
        arn = f"arn:aws:iam::{ACCOUNT}:policy/chargeback/{NAME}-{name}"
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"][
            "Document"
        ]
        assert len(json.dumps(found, separators=(",", ":"))) <= 6144, name
    for role in (
        "validation",
        "close",
        "daily",
        "rendering",
        "portal",
        "posture",
        "execution",
        "image",
    ):
        found = iam.get_role_policy(RoleName=f"{NAME}-{role}", PolicyName=role)["PolicyDocument"]
        assert len(json.dumps(found, separators=(",", ":"))) <= 10240, role
    assert platform.outputs["athena"]["region"] == REGION
