"""The program at work on the platform: deliveries put where AWS writes them, and verbs run with a role."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from chargeback.core.paths import PARAMS, ROOT
from tests.infra.conftest import Platform
from tests.signing.key_files import authority, certificate

#: A month of the built-in sample, the first one.
PERIOD = "2025-12"


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


def close_a_month(platform: Platform, report: Path, folder: Path) -> str:
    """A month of a report, delivered, read through the workgroup and closed; what the close said."""
    assert deliver(platform, report) > 1
    signing = {
        "CHARGEBACK_SIGNING_KEY": platform.outputs["signing_key"],
        "CHARGEBACK_SIGNING_CERTIFICATE": str(certify(platform, folder)),
    }
    ended = verb_as(
        platform, "close", folder, "monthly-close", PERIOD, "--cur", "athena", *options(platform), **signing
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
