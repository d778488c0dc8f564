"""What tests ask the roles of the platform for, one by one: each row of the table of docs/platform.md."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.infra.conftest import NAME, VARIABLES, Account
from tests.infra.guard import ACCOUNT, REGION


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


def refresh(dataset: str) -> Probe:
    """Have QuickSight take in a dataset."""
    return lambda client: client("quicksight").create_ingestion(
        AwsAccountId=ACCOUNT, DataSetId=dataset, IngestionId=uuid.uuid4().hex
    )


def push(client: Client) -> None:
    """Push an image, which the owner removes again."""
    image = {"repositoryName": NAME, "imageTag": uuid.uuid4().hex}
    client("ecr").put_image(
        **image, imageManifest=json.dumps({"schemaVersion": 2, "tag": image["imageTag"]})
    )
    named = [{"imageTag": image["imageTag"]}]
    client.owner("ecr").batch_delete_image(repositoryName=NAME, imageIds=named)


def new_role(client: Client, **boundary: str) -> None:
    """Make a role, which the owner removes again."""
    client("iam").create_role(
        RoleName=f"{NAME}-probe", Path="/chargeback/", AssumeRolePolicyDocument=TRUST, **boundary
    )
    client.owner("iam").delete_role(RoleName=f"{NAME}-probe")


ITEM = {"pk": {"S": "probe"}, "sk": {"S": "probe"}}
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
    "write dashboards": lambda client: client("s3").put_object(
        Bucket=BOOKS, Key=f"books/dashboards/{uuid.uuid4()}", Body=b"1", IfNoneMatch="*"
    ),
    "write the rules of QuickSight": put(BOOKS, "books/viewer_rules/probe"),
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
    "read the secrets that a task is started with": lambda client: client("secretsmanager").get_secret_value(
        SecretId=VARIABLES["flow"]["secrets"]["CHARGEBACK_SMTP_PASSWORD"]
    ),
    "see the state of daily runs": lambda client: client("dynamodb").get_item(
        TableName=f"{NAME}-daily", Key=ITEM
    ),
    "write the state of daily runs": lambda client: client("dynamodb").put_item(
        TableName=f"{NAME}-daily", Item=ITEM
    ),
    "see how far a flow is": lambda client: client("dynamodb").query(
        TableName=f"{NAME}-flow", KeyConditionExpression="run = :run",
        ExpressionAttributeValues={":run": {"S": "close 2026-05"}},
    ),
    "start a flow": lambda client: client("stepfunctions").start_execution(
        stateMachineArn=f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{NAME}-handout", input="{}"
    ),
    "run a task": lambda client: client("ecs").run_task(
        cluster=f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{NAME}",
        taskDefinition=f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{NAME}:1",
        overrides={"taskRoleArn": f"arn:aws:iam::{ACCOUNT}:role/chargeback/{NAME}-close"},
    ),
    "refresh a dataset of QuickSight": refresh("chargeback-charges"),
    "refresh any other dataset": refresh("payroll"),
    "fetch the image": lambda client: client("ecr").batch_get_image(
        repositoryName=NAME, imageIds=[{"imageTag": "none"}]
    ),
    "push an image": push,
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
