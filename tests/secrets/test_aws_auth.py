"""Signing in with the credentials of AWS: a real OpenBao with Vault's own plugin, and moto's STS behind it.

The plugin is built once, of its last release under the MPL, where Go is installed; moto's STS does not check
signatures, so that what is shown here is the way, not AWS's part of it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.core.paths import BUILD
from chargeback.secrets import give_back, secret
from tests.infra import task_agent
from tests.secrets.conftest import aws
from tests.secrets.openbao import OpenBao, running

pytestmark = pytest.mark.slow

MODULE, VERSION = "github.com/hashicorp/vault", "v1.14.8"
PLUGIN = "vault-plugin-auth-aws"
SERVER_ID = "vault.example.com"
BUILD_SECONDS = 1800


def built_plugin() -> Path:
    """The folder with the plugin; building it takes minutes, once."""
    go = shutil.which("go")
    if not go:
        pytest.skip("go is not installed, which builds the plugin")
    folder = BUILD / f"{PLUGIN}-{VERSION}"
    (source := folder.with_name(f"{folder.name}.source")).mkdir(parents=True, exist_ok=True)
    with (source / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / PLUGIN).is_file():
            package = f"{MODULE}/builtin/credential/aws/cmd/aws"
            (source / "go.mod").write_text("module plugin\n\ngo 1.21\n")
            for command in (
                [go, "get", f"{package}@{VERSION}"],
                [go, "build", "-o", str(source / PLUGIN), package],
            ):
                done = subprocess.run(
                    command, cwd=source, env={**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"},
                    capture_output=True, text=True, timeout=BUILD_SECONDS, check=False,
                )  # fmt: skip
                if done.returncode:
                    pytest.skip(f"the plugin cannot be built here: {done.stderr.strip()[-200:]}")
            folder.mkdir(exist_ok=True)
            (source / PLUGIN).rename(folder / PLUGIN)
    return folder


@pytest.fixture(scope="module")
def with_plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """A server with the plugin."""
    plugin = built_plugin()
    with running(tmp_path_factory.mktemp("openbao-aws"), f"-dev-plugin-dir={plugin}") as server:
        yield server


@pytest.fixture
def signed_in(with_plugin: OpenBao, moto: str, monkeypatch: pytest.MonkeyPatch) -> OpenBao:
    """The server trusts one user of moto's; this process has that user's credentials."""
    root, name = with_plugin.root, f"close-{os.urandom(4).hex()}"
    arn = aws("iam").create_user(UserName=name)["User"]["Arn"]
    key = aws("iam").create_access_key(UserName=name)["AccessKey"]
    root.sys.enable_auth_method(PLUGIN, path=name)
    root.adapter.post(f"/v1/auth/{name}/config/client", json={
        "access_key": "any", "secret_key": "any", "sts_endpoint": moto, "iam_endpoint": moto,
        "sts_region": "us-east-1", "iam_server_id_header_value": SERVER_ID,
    })  # fmt: skip
    root.sys.create_or_update_policy(name, 'path "secret/data/aws" { capabilities = ["read"] }')
    for role, principal in (
        ("finance", arn),
        ("others", "arn:aws:iam::123456789012:user/somebody"),
    ):
        root.adapter.post(f"/v1/auth/{name}/role/{role}", json={
            "auth_type": "iam", "bound_iam_principal_arn": [principal], "resolve_aws_unique_ids": False,
            "token_policies": [name], "token_ttl": "5m", "token_max_ttl": "15m",
        })  # fmt: skip
    root.secrets.kv.v2.create_or_update_secret("aws", {"smtp_password": "canary-by-aws-77"})
    for variable, text in {
        "VAULT_ADDR": with_plugin.address, "CHARGEBACK_SECRETS": "vault:secret/aws",
        "CHARGEBACK_VAULT_AUTH": "aws", "CHARGEBACK_VAULT_AUTH_MOUNT": name,
        "CHARGEBACK_VAULT_ROLE": "finance", "CHARGEBACK_VAULT_SERVER_ID": SERVER_ID,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }.items():  # fmt: skip
        monkeypatch.setenv(variable, text)
    return with_plugin


def test_the_credentials_of_aws_sign_in_for_a_short_time(signed_in):
    before = signed_in.accessors()
    assert secret("smtp_password") == "canary-by-aws-77"
    (accessor,) = signed_in.accessors() - before
    left = signed_in.lifetime(accessor)
    assert left is not None and 200 < left <= 300
    give_back()
    assert signed_in.lifetime(accessor) is None


ANYBODY = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [ANYBODY]})


def test_a_tasks_own_role_signs_in_with_the_credentials_that_ecs_gives_it(signed_in, monkeypatch):
    name = f"portal-{os.urandom(4).hex()}"
    arn = aws("iam").create_role(
        RoleName=name, Path="/chargeback/", AssumeRolePolicyDocument=TRUST
    )["Role"]["Arn"]
    taken = aws("sts").assume_role(RoleArn=arn, RoleSessionName="task")["Credentials"]
    session = {
        "aws_access_key_id": taken["AccessKeyId"],
        "aws_secret_access_key": taken["SecretAccessKey"],
        "aws_session_token": taken["SessionToken"],
    }
    mount = os.environ["CHARGEBACK_VAULT_AUTH_MOUNT"]
    # Without ids of IAM, which Vault would ask AWS for, a role is named without its path.
    signed_in.root.adapter.post(f"/v1/auth/{mount}/role/portal", json={
        "auth_type": "iam", "bound_iam_principal_arn": [arn.replace("/chargeback/", "/")],
        "resolve_aws_unique_ids": False, "token_policies": [mount], "token_ttl": "5m",
    })  # fmt: skip
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("CHARGEBACK_VAULT_ROLE", "portal")
    with task_agent.answering(arn, lambda: session) as address:
        monkeypatch.setenv(task_agent.VARIABLE, address)
        assert secret("smtp_password") == "canary-by-aws-77"


@pytest.mark.parametrize(
    "changed",
    [{"CHARGEBACK_VAULT_SERVER_ID": "another.example.com"}, {"CHARGEBACK_VAULT_SERVER_ID": ""},
     {"CHARGEBACK_VAULT_ROLE": "others"}, {"CHARGEBACK_VAULT_ROLE": "nobody"},
     {"AWS_ACCESS_KEY_ID": "AKIAOTHER00000000001"}],
)  # fmt: skip
def test_another_header_role_or_user_is_not_taken(changed, signed_in, monkeypatch):
    for variable, text in changed.items():
        monkeypatch.setenv(variable, text)
    with pytest.raises(Refusal) as refused:
        secret("smtp_password")
    assert (refused.value.exit_code, refused.value.what) == (
        UNREACHABLE, "Vault does not sign this program in",
    )  # fmt: skip
    for text in (os.environ["AWS_SECRET_ACCESS_KEY"], SERVER_ID):
        assert text not in refused.value.block()


def test_an_sts_that_the_server_cannot_reach_is_said(signed_in, monkeypatch):
    mount = os.environ["CHARGEBACK_VAULT_AUTH_MOUNT"]
    signed_in.root.adapter.post(
        f"/v1/auth/{mount}/config/client",
        json={"sts_endpoint": "http://127.0.0.1:9", "max_retries": 0},
    )
    with pytest.raises(Refusal) as refused:
        secret("smtp_password")
    assert refused.value.exit_code == UNREACHABLE
