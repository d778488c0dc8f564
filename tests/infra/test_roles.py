"""Each role may do what docs/platform.md says, and nothing else that stands there, by the applied policies."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chargeback.core.paths import ROOT
from tests.infra.conftest import NAME, VARIABLES, WHERE_CHANGED, Account, Platform
from tests.infra.guard import ACCOUNT, REGION
from tests.infra.iam_rules import Request, is_about
from tests.posture.documented import posture_actions

pytestmark = [pytest.mark.slow, WHERE_CHANGED]

PAGE = (ROOT / "docs" / "platform.md").read_text(encoding="utf-8")
DENIED = ("AccessDenied", "AccessDeniedException", "403")


@dataclass(frozen=True)
class Client:
    """Clients of a role's session, called by their service; `owner` makes those of the account's owner."""

    account: Account
    credentials: dict[str, str]

    def __call__(self, service: str) -> Any:
        return self.account.client(service, **self.credentials)

    @property
    def owner(self) -> Callable[[str], Any]:
        """Clients of the owner, to put things back."""
        return self.account.client


Probe = Callable[[Client], Any]

REPORT, BOOKS, RESULTS = (f"{NAME}-{one}" for one in ("report", "books", "results"))
EXPORT = f"exports/{NAME}-cur2/"
ANYBODY = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"Service": "ecs.amazonaws.com"},
}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [ANYBODY]})
WIDE = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


def get(bucket: str, key: str) -> Probe:
    """Read an object."""
    return lambda client: client("s3").get_object(Bucket=bucket, Key=key)


def put(bucket: str, key: str) -> Probe:
    """Put a new object of the books, as the program puts it."""
    until = datetime.now(UTC) + timedelta(days=1)

    def ask(client: Client) -> None:
        client("s3").put_object(
            Bucket=bucket, Key=f"{key}/{datetime.now(UTC).timestamp()}", Body=b"1", IfNoneMatch="*",
            ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until,
        )  # fmt: skip

    return ask


def statement_of(client: Client, name: str) -> Any:
    """Start a query in a workgroup."""
    return client("athena").start_query_execution(
        QueryString="select 1", WorkGroup=name, ClientRequestToken=str(uuid.uuid4()),
    )  # fmt: skip


def policy_again(client: Client) -> None:
    """Put the policy that a bucket has already."""
    text = client.owner("s3").get_bucket_policy(Bucket=RESULTS)["Policy"]
    client("s3").put_bucket_policy(Bucket=RESULTS, Policy=text)


def write_state(client: Client) -> None:
    """Take the lock of the state, which the owner gives back."""
    place = {"Bucket": f"{NAME}-state", "Key": "live.tfstate.tflock"}
    client("s3").put_object(**place, Body=b"{}")
    client.owner("s3").delete_object(**place)


def new_role(client: Client, **boundary: str) -> None:
    """Make a role, which the owner removes again."""
    client("iam").create_role(
        RoleName=f"{NAME}-probe", Path="/chargeback/", AssumeRolePolicyDocument=TRUST, **boundary
    )
    client.owner("iam").delete_role(RoleName=f"{NAME}-probe")


TOPICS = f"arn:aws:sns:{REGION}:{ACCOUNT}:{NAME}"


def publish(topic: str) -> Probe:
    """Tell a topic something."""
    return lambda client: client("sns").publish(TopicArn=f"{TOPICS}-{topic}", Message="probe")


def subscribe(client: Client) -> None:
    """Subscribe somebody to a team's topic, whom the owner takes out again."""
    asked = {
        "TopicArn": f"{TOPICS}-alerts-default",
        "Protocol": "email",
        "Endpoint": "x@example.com",
    }
    found = client("sns").subscribe(**asked, ReturnSubscriptionArn=True)
    client.owner("sns").unsubscribe(SubscriptionArn=found["SubscriptionArn"])


BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/chargeback/{NAME}-boundary"
LOCK = {
    "ObjectLockEnabled": "Enabled",
    "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Years": 7}},
}

#: What is asked, by the row of the table.
PROBES: dict[str, Probe] = {
    "read a delivery": get(REPORT, f"{EXPORT}data/BILLING_PERIOD=2025-12/none.parquet"),
    "list deliveries": lambda client: client("s3").list_objects_v2(Bucket=REPORT, Prefix=EXPORT),
    "read the report's bucket beside the export": get(REPORT, "other/file"),
    "write to the report": put(REPORT, f"{EXPORT}data"),
    "read the archive": get(f"{REPORT}-archive", f"{EXPORT}data/none"),
    "query the report": lambda client: statement_of(client, NAME),
    "query in another workgroup": lambda client: statement_of(client, "primary"),
    "read results of queries": get(RESULTS, "close/none"),
    "read the ledger": get(BOOKS, "books/ledger/billing_period=2025-12/none"),
    "read a statement": get(BOOKS, "books/statements/claims/none"),
    "write the ledger": put(BOOKS, "books/ledger/billing_period=1999-01"),
    "write the delivery log": put(BOOKS, "books/delivery/probe"),
    "write dashboards": put(BOOKS, "books/dashboards/probe"),
    "write the portal's log": put(BOOKS, "books/portal/probe"),
    "put an object of the books over another": lambda client: client("s3").put_object(
        Bucket=BOOKS, Key="books/ledger/again", Body=b"1"
    ),
    "delete from the books": lambda client: client("s3").delete_object(
        Bucket=BOOKS, Key="books/ledger/none", VersionId="1"
    ),
    "go around a lock": lambda client: client("s3").delete_object(
        Bucket=BOOKS, Key="books/ledger/none", VersionId="1", BypassGovernanceRetention=True
    ),
    "sign": lambda client: client("kms").sign(
        KeyId=f"alias/{NAME}-signing", Message=b"1" * 32, MessageType="DIGEST",
        SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256",
    ),
    "decrypt with the key of the books, without S3": lambda client: client("kms").generate_data_key(
        KeyId=f"alias/{NAME}-books", KeySpec="AES_256"
    ),
    "read the secrets of a close": lambda client: client("secretsmanager").get_secret_value(
        SecretId=VARIABLES["secret_arns"]["close"][0]
    ),
    "tell an owning team through its topic": publish("alerts-claims-engineering"),
    "tell another topic": publish("other"),
    "use the key of the topics, without SNS": lambda client: client("kms").generate_data_key(
        KeyId=f"alias/{NAME}-alerts", KeySpec="AES_256"
    ),
    "subscribe somebody to a team's topic": subscribe,
    "look at how a bucket is set up": lambda client: client("s3").get_bucket_policy(Bucket=RESULTS),
    "change how a bucket is set up": policy_again,
    "change a lock": lambda client: client("s3").put_object_lock_configuration(
        Bucket=BOOKS, ObjectLockConfiguration=LOCK
    ),
    "delete a bucket": lambda client: client("s3").delete_bucket(Bucket=RESULTS),
    "read Terraform's state": get(f"{NAME}-state", "live.tfstate"),
    "write Terraform's state": write_state,
    "make a role within the boundary": lambda client: new_role(client, PermissionsBoundary=BOUNDARY),
    "make a role without the boundary": new_role,
    "change what it may do itself": lambda client: [
        client("iam").put_role_policy(RoleName=f"{NAME}-{one}", PolicyName="more", PolicyDocument=WIDE)
        for one in ("deploy", "plan")
    ],
    "widen the boundary": lambda client: client("iam").create_policy_version(
        PolicyArn=BOUNDARY, PolicyDocument=WIDE, SetAsDefault=True
    ),
}  # fmt: skip


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


@pytest.mark.parametrize("role", ["plan", "deploy", "close"])
def test_github_is_let_in_by_the_whole_subject_alone(platform, role):
    [subject] = VARIABLES["github"][role]
    host = "token.actions.githubusercontent.com"
    [statement] = [
        one for one in trust_of(platform, role) if one["Action"] == "sts:AssumeRoleWithWebIdentity"
    ]
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"}
    others = [one for names in VARIABLES["github"].values() for one in names if one != subject]
    others += [subject + "x", subject[:-1], subject.replace("chargeback", "fork"), ""]
    for sub, aud, lets in [
        (subject, "sts.amazonaws.com", True), (subject, "somebody-else", False),
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
    assert (
        actions_of(platform, "close") == actions_in("athena.md") | actions_in("s3-books.md") | own
    )


def test_looking_takes_what_the_page_of_the_platform_says(platform):
    assert actions_of(platform, "posture") == posture_actions()


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
    for role in ("validation", "close", "daily", "rendering", "portal", "posture", "execution"):
        found = iam.get_role_policy(RoleName=f"{NAME}-{role}", PolicyName=role)["PolicyDocument"]
        assert len(json.dumps(found, separators=(",", ":"))) <= 10240, role
    assert platform.outputs["athena"]["region"] == REGION
