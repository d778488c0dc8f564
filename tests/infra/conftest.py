"""An account on this machine, and the platform applied to it."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from chargeback.core.paths import PARAMS, ROOT
from tests.changed import where_changed
from tests.infra.account_server import GUARD, KEYS, SEEN
from tests.infra.guard import ACCOUNT, REGION
from tests.infra.terraform import Terraform, copy_of_infra, terraform_program
from tests.portal.providers.open_portal import CLIENT_SECRET

NAME = "insurer-chargeback"
SECRETS = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret"

#: Everything that an apply and the program at work on it may depend on.
WHERE_CHANGED = where_changed(
    "chargeback/aws", "chargeback/books", "chargeback/daily", "chargeback/delivery", "chargeback/portal",
    "chargeback/posture", "chargeback/signing", "chargeback/sources", "docs/athena.md", "docs/platform.md",
    "docs/s3-books.md", "infra", "params", "requirements-dev.lock", "tests/athena", "tests/flow", "tests/infra",
)  # fmt: skip

#: What an apply of the tests says, with every optional part; the subject is one that GitHub writes for an
#: environment of a repository. Ids of the network are blank: `variables_of` puts those of an account there.
VARIABLES: dict[str, Any] = {
    "account_id": ACCOUNT,
    "region": REGION,
    "name": NAME,
    "params": str(PARAMS),
    "first_period": "2025-12",
    "finops_role_arns": [f"arn:aws:iam::{ACCOUNT}:role/finops-analysts"],
    "unit_reader_arns": {"claims": [f"arn:aws:iam::{ACCOUNT}:role/claims-finance"]},
    "tags": {"cost_center": "CC-9000"},
    "books_copy": {
        "bucket_arn": "arn:aws:s3:::insurer-copies", "account_id": "999999999999",
        "key_arn": "arn:aws:kms:eu-west-1:999999999999:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    },
    "state": {"bucket": f"{NAME}-state", "key": "live.tfstate"},
    "github": {
        "plan": [
            "repo:insurer@1042/chargeback@77881:pull_request",
            "repo:insurer@1042/chargeback@77881:ref:refs/heads/main",
        ],
        "deploy": ["repo:insurer@1042/chargeback@77881:environment:production"],
        "close": ["repo:insurer@1042/chargeback@77881:environment:books"],
        "image": ["repo:insurer@1042/chargeback@77881:environment:image"],
    },
    "secret_arns": {
        "close": [f"{SECRETS}:chargeback-AbCdEf"],
        "portal": [f"{SECRETS}:chargeback-portal-AbCdEf"],
    },
    "alerts": {
        "subscriptions": {
            "claims-engineering": [{"protocol": "email", "endpoint": "claims@insurer.example"}],
            "default": [{
                "protocol": "https", "endpoint": "https://hooks.insurer.example/cost",
                "filter": {"kind": ["anomaly", "aws-anomaly"]},
            }],
        },
        "tag_values": {"user_environment": ["prod", "stage"]},
        "allocation_tags_active": True,
    },
    "dataset_arns": [
        f"arn:aws:quicksight:{REGION}:{ACCOUNT}:dataset/chargeback-{one}" for one in ("viewer-rules", "charges")
    ],
    "flow": {
        "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{NAME}@sha256:{'0' * 64}",
        "vpc_id": "",
        "subnet_ids": [],
        "approvers": False,
        "environment": {"CHARGEBACK_SECRETS": "aws:chargeback"},
        "secrets": {"CHARGEBACK_SMTP_PASSWORD": f"{SECRETS}:chargeback-mail-AbCdEf"},
    },
    "portal": {
        "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{NAME}@sha256:{'0' * 64}",
        "client_cidrs": ["10.0.0.0/8"],
    },
    "dashboards": {
        "owner_arn": f"arn:aws:quicksight:{REGION}:{ACCOUNT}:group/default/finops",
        "readers_arn": f"arn:aws:quicksight:{REGION}:{ACCOUNT}:group/default/readers",
    },
}  # fmt: skip


@dataclass
class Account:
    """An account that answers at an address of this machine."""

    url: str

    def client(self, service: str, **credentials: str) -> Any:
        """A boto3 client; of the account's owner unless credentials are given."""
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION, **(credentials or KEYS)
        )

    def take(self, role: str) -> dict[str, str]:
        """The credentials of a role's session, as boto3 takes them."""
        found = self.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        return {
            "aws_access_key_id": found["AccessKeyId"],
            "aws_secret_access_key": found["SecretAccessKey"],
            "aws_session_token": found["SessionToken"],
        }

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Requests must be allowed by policies meanwhile."""
        self.guard("on")
        try:
            yield
        finally:
            self.guard("off")

    def guard(self, what: str) -> str:
        """Turn the guard on or off, or ask it for something; what it answers."""
        answer = urllib.request.urlopen(f"{self.url}{GUARD}?{what}", data=b"", timeout=30)
        text: str = answer.read().decode()
        return text

    def asked(self) -> set[str]:
        """Which actions were asked for since this was asked before, those of S3 left out."""
        return set(json.loads(self.guard("asked")))

    def see_tags(self, *keys: str) -> None:
        """Billing sees keys of tags, as it does a day after a resource carries them."""
        asked = f"{self.url}{SEEN}?{','.join(keys)}"
        urllib.request.urlopen(asked, data=b"", timeout=30).read()

    def environment(self, credentials: dict[str, str] = KEYS) -> dict[str, str]:
        """What points Terraform and the program here, where a connection may break on a busy machine."""
        return {
            "AWS_ENDPOINT_URL": self.url, "AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION,
            **{name.upper(): value for name, value in credentials.items()},
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/none",
            "AWS_SHARED_CREDENTIALS_FILE": "/none", "AWS_MAX_ATTEMPTS": "10",
        }  # fmt: skip


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def running_account(folder: Path) -> Iterator[Account]:
    """An account, as long as it is needed."""
    port = free_port()
    with (folder / "account.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.infra.account_server", str(port), str(folder)],
            cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
    account = Account(f"http://127.0.0.1:{port}")
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert process.poll() is None, (folder / "account.log").read_text()
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"{account.url}/moto-api/data.json", timeout=5).read()
            break
        time.sleep(0.1)
    try:
        yield account
    finally:
        process.kill()
        process.wait()


@dataclass
class Platform:
    """The platform as it was applied, in an account."""

    account: Account
    terraform: Terraform
    outputs: dict[str, Any]
    apply_asked: set[str]


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform applied to an account of its own; tests leave its resources as they are."""
    terraform_program()
    folder = tmp_path_factory.mktemp("platform")
    with running_account(folder) as account:
        account.see_tags("cost_center", "business_unit", "environment", "application")
        terraform = copy_of_infra(folder, account.environment())
        write_variables(terraform, variables_of(account))
        begin_state(account, terraform)
        account.asked()
        apply(terraform)
        yield Platform(account, terraform, terraform.outputs(), account.asked())
        take_down(account, terraform)


def apply(terraform: Terraform) -> None:
    """Apply, and once more where the first was cut off by a machine that is busy with other tests.

    What AWS answers about a request itself (4xx) is a fault of the platform's, also where it would pass the
    second time: a resource was asked for before what it needs.
    """
    arguments = ("apply", "-auto-approve", "-input=false")
    first = terraform.ask(*arguments)
    if first.returncode and "StatusCode: 4" not in first.stderr:
        warnings.warn(f"applied a second time, after: {first.stderr}", stacklevel=1)
        first = terraform.ask(*arguments)
    assert first.returncode == 0, first.stdout[-5_000:] + first.stderr


@pytest.fixture(scope="session")
def closed(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A month of the sample, closed into the books of the platform; what the tasks of the close said."""
    from tests.infra.at_work import close_a_month  # it knows the platform by this module

    return close_a_month(platform, tmp_path_factory.mktemp("close"))


def take_down(account: Account, terraform: Terraform) -> None:
    """Destroy the platform, as docs/platform.md says: what holds data goes only when somebody lets it go."""
    said = terraform.run("destroy", "-auto-approve", "-input=false", code=1)
    assert "Instance cannot be destroyed" in said
    s3 = account.client("s3")
    names = [one["Name"] for one in s3.list_buckets()["Buckets"]]
    assert len(names) == 6, "five buckets and the state's: nothing is gone yet"
    held = ("modules/*/*.tf", "prevent_destroy = true", "prevent_destroy = false")
    with terraform.changed(held):
        own = [bucket for bucket in names if not bucket.endswith("-state")]
        for bucket in own:  # else the log of the emptying would fill the bucket of logs again
            s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
        for bucket in own:
            empty(s3, bucket)
        tables = account.client("dynamodb")
        for table in tables.list_tables()["TableNames"]:
            tables.update_table(TableName=table, DeletionProtectionEnabled=False)
        terraform.run("destroy", "-auto-approve", "-input=false")
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == [f"{NAME}-state"]
    assert terraform.run("state", "list") == ""


def empty(s3: Any, bucket: str) -> None:
    """Remove all versions of a bucket's objects; under GOVERNANCE the test may, with the guard off."""
    while True:
        page = s3.list_object_versions(Bucket=bucket)
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if not found:
            return
        named = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
        removed = s3.delete_objects(
            Bucket=bucket, Delete={"Objects": named[:1000]}, BypassGovernanceRetention=True
        )
        assert not removed.get("Errors"), removed["Errors"][:3]


def variables_of(account: Account) -> dict[str, Any]:
    """The variables of an apply in an account, whose default network everything runs in."""
    network = account.client("ec2")
    [vpc] = network.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    of_vpc = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    subnets = sorted(one["SubnetId"] for one in network.describe_subnets(Filters=of_vpc)["Subnets"])
    ids = {"vpc_id": vpc["VpcId"], "subnet_ids": subnets[:2]}
    found = {
        name: {**one, **{key: ids[key] for key in ids if key in one}} if isinstance(one, dict) else one
        for name, one in VARIABLES.items()
    }  # fmt: skip
    return {**found, "portal": {**VARIABLES["portal"], **beside_the_portal(account)}}


#: Networks of the portal's load balancer and of its task: addresses of this machine, so that a process here may
#: stand where each stands.
PORTAL_NETWORK = "127.0.80.0/20"
PORTAL_SUBNETS = ("127.0.80.0/24", "127.0.81.0/24", "127.0.90.0/24")


def beside_the_portal(account: Account) -> dict[str, Any]:
    """What a portal needs and Terraform does not make: a network, a certificate, a secret; made once."""
    network, secrets = account.client("ec2"), account.client("secretsmanager")
    certificates = account.client("acm")
    of_portal = [{"Name": "cidr", "Values": [PORTAL_NETWORK]}]
    if not network.describe_vpcs(Filters=of_portal)["Vpcs"]:
        vpc = network.create_vpc(CidrBlock=PORTAL_NETWORK)["Vpc"]["VpcId"]
        for zone, cidr in zip("aba", PORTAL_SUBNETS, strict=True):
            network.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"{REGION}{zone}")
        certificates.request_certificate(DomainName="localhost")
        secrets.create_secret(Name="chargeback-portal", SecretString=CLIENT_SECRET)
    [vpc] = network.describe_vpcs(Filters=of_portal)["Vpcs"]
    of_vpc = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    subnets = {
        one["CidrBlock"]: one["SubnetId"]
        for one in network.describe_subnets(Filters=of_vpc)["Subnets"]
    }
    *balancers, task = (subnets[cidr] for cidr in PORTAL_SUBNETS)
    [certificate] = certificates.list_certificates()["CertificateSummaryList"]
    return {
        "vpc_id": vpc["VpcId"],
        "load_balancer_subnet_ids": balancers,
        "subnet_ids": [task],
        "certificate_arn": certificate["CertificateArn"],
        "client_secret_arn": secrets.describe_secret(SecretId="chargeback-portal")["ARN"],
    }


def write_variables(terraform: Terraform, values: dict[str, Any]) -> None:
    """The variables of an apply."""
    (terraform.live / "test.auto.tfvars.json").write_text(json.dumps(values))


def begin_state(account: Account, terraform: Terraform) -> None:
    """The bucket of the state, and Terraform begun with it, as docs/platform.md says."""
    s3 = account.client("s3")
    s3.create_bucket(Bucket=f"{NAME}-state")
    s3.put_bucket_versioning(Bucket=f"{NAME}-state", VersioningConfiguration={"Status": "Enabled"})
    begin(terraform)


def begin(terraform: Terraform, key: str = "live.tfstate") -> None:
    """Terraform begun with the example of state.hcl, and what differs from an account of AWS."""
    example = (terraform.live / "state.hcl.example").read_text(encoding="utf-8")
    other = (
        "use_path_style",
        "skip_credentials_validation",
        "skip_requesting_account_id",
        "skip_s3_checksum",
    )
    lines = [example.replace("live.tfstate", key), *(f"{name} = true\n" for name in other)]
    (terraform.live / "state.hcl").write_text("".join(lines))
    _, plugins = terraform_program()
    terraform.run("get")
    terraform.run("providers", "lock", f"-fs-mirror={plugins}", "-platform=linux_amd64")
    terraform.run("init", "-backend-config=state.hcl", "-lockfile=readonly", "-input=false")
