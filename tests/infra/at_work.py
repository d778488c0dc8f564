"""The program at work on the platform: deliveries put where AWS writes them, and verbs run with a role."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from types import SimpleNamespace

from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from chargeback.core.paths import PARAMS, ROOT
from chargeback.sample import write_estate
from tests.infra.conftest import Platform
from tests.signing.key_files import authority, certificate

#: A month of the built-in sample, the first one.
PERIOD = "2025-12"
#: Longer than any run of a flow here takes on a machine that is busy.
PATIENCE_SECONDS = 400


def deliver(platform: Platform, report: Path, period: str = PERIOD) -> int:
    """Put a period's delivery where the export writes, manifest last; how many objects."""
    bucket, _, prefix = platform.outputs["report"].removeprefix("s3://").partition("/")
    s3 = platform.account.client("s3")
    paths = [one for one in report.rglob(f"BILLING_PERIOD={period}/*") if one.is_file()]
    for path in sorted(paths, key=lambda one: "metadata" in one.parts):
        key = prefix + path.relative_to(report).as_posix()
        s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
    return len(paths)


def certify(platform: Platform, folder: Path) -> Path:
    """A certificate of the platform's signing key by an authority of the tests, in a file."""
    key = platform.outputs["signing_key"].removeprefix("kms:")
    content = platform.account.client("kms").get_public_key(KeyId=key)["PublicKey"]
    public = load_der_public_key(content)
    above = authority()
    own = certificate(SimpleNamespace(public_key=lambda: public), "Example Finance", issuer=above)
    path = folder / "certificate.pem"
    path.write_bytes(own.public_bytes(Encoding.PEM) + above[0].public_bytes(Encoding.PEM))
    return path


def give_certificate(platform: Platform, folder: Path) -> None:
    """The certificate of the signing key in the secret that `VARIABLES` name, as docs/platform.md says."""
    texts = {"signing_certificate": certify(platform, folder).read_text(encoding="utf-8")}
    secrets = platform.account.client("secretsmanager")
    secrets.create_secret(Name="chargeback", SecretString=json.dumps(texts))


def run_flow(platform: Platform, flow: str, day: str) -> str:
    """Start a flow by hand and wait for it, policies in force; how it ended, as Step Functions says.

    Where a step is tried again, in minutes, nobody waits for it.
    """
    states = platform.account.client("stepfunctions")
    machine = platform.outputs["flow"]["state_machine_arns"][flow]
    with platform.account.guarded():
        begun = states.start_execution(
            stateMachineArn=machine, name=uuid.uuid4().hex, input=json.dumps({"date": day})
        )
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            found = states.describe_execution(executionArn=begun["executionArn"])
            if found["status"] != "RUNNING":
                return str(found["status"])
            if any(status == "retrying" for status, _ in steps_of(platform).values()):
                break
            time.sleep(0.5)
    raise AssertionError(f"it does not end:\n{said(platform)}")


def steps_of(platform: Platform) -> dict[tuple[str, str], tuple[str, str]]:
    """Status and exit code of each step of each run, as the table of the flow has them."""
    table = platform.outputs["flow"]["state_tables"]["flow"]["name"]
    items = platform.account.client("dynamodb").scan(TableName=table)["Items"]
    plain = [{name: next(iter(cell.values())) for name, cell in one.items()} for one in items]
    return {
        (one["run"], one["step"]): (one.get("status", ""), one.get("exit_code", "")) for one in plain
    }  # fmt: skip


def said(platform: Platform) -> str:
    """What all tasks have said, as their log group has it."""
    group = platform.outputs["flow"]["log_group"]["name"]
    logs = platform.account.client("logs")
    return "\n".join(one["message"] for one in logs.filter_log_events(logGroupName=group)["events"])


def run_as(
    platform: Platform, role: str, folder: Path, *command: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A Python command with a role's session, as a task runs it: settings in the environment, an empty disk.

    Args:
        command: what follows `python`.
    """
    account, outputs = platform.account, platform.outputs
    athena = {f"CHARGEBACK_ATHENA_{key.upper()}": text for key, text in outputs["athena"].items()}
    given = {
        **os.environ, **account.environment(account.take(outputs["roles"][role])), **athena,
        "CHARGEBACK_BUILD": str(folder / "build"), "CHARGEBACK_KMS_KEY_ID": outputs["books_key"],
    }  # fmt: skip
    with account.guarded():
        return subprocess.run(
            [sys.executable, *command], env={**given, **environment}, cwd=ROOT, text=True,
            capture_output=True, check=False, timeout=600,
        )  # fmt: skip


def verb_as(
    platform: Platform, role: str, folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A verb of the program with a role's session."""
    return run_as(platform, role, folder, "-m", "chargeback", *arguments, **environment)


def options(platform: Platform) -> list[str]:
    """Params and books."""
    return ["--params", str(PARAMS), "--books", platform.outputs["books"]]


def close_a_month(platform: Platform, folder: Path) -> str:
    """A month of the sample, delivered, and closed by the flow as Terraform applied it; what its tasks said."""
    write_estate(folder / "cur", [PERIOD], line_items=5_000)
    assert deliver(platform, folder / "cur") > 1
    give_certificate(platform, folder)
    assert run_flow(platform, "close", f"{PERIOD}-31") == "SUCCEEDED", said(platform)
    return said(platform)
