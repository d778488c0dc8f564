"""make posture on what Terraform applied: nothing has drifted, as the role that is there for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chargeback.core.errors import Refusal
from chargeback.core.paths import PARAMS
from chargeback.posture.run import run_posture
from tests.infra.conftest import NAME, WHERE_CHANGED, Platform

pytestmark = [pytest.mark.slow, WHERE_CHANGED]


def params_of(platform: Platform, folder: Path) -> Path:
    """The sample's params with the outputs of an apply in sources.toml."""
    shutil.copytree(PARAMS, folder)
    athena, posture = platform.outputs["athena"], platform.outputs["posture"]
    lines = ["[athena]", *(f'{name} = "{value}"' for name, value in athena.items()), "[posture]"]
    lines += [f"report_readers = {posture['report_readers']}".replace("'", '"')]
    lines += [f'{one} = "{posture[one]}"' for one in ("cutoff_bytes", "books_copy")]
    lines += ["[posture.statement_readers]"]
    lines += [
        f"{unit} = {few}".replace("'", '"') for unit, few in posture["statement_readers"].items()
    ]
    (folder / "sources.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def look(platform: Platform, params: Path) -> list[str]:
    """What is said of the account."""
    said: list[str] = []
    outputs = platform.outputs
    run_posture("athena", params, outputs["books"], "2026-05", said.append, outputs["signing_key"])
    return said


def test_what_terraform_applied_has_not_drifted(platform, tmp_path, monkeypatch):
    params = params_of(platform, tmp_path / "params")
    credentials = platform.account.take(platform.outputs["roles"]["posture"])
    for name, value in platform.account.environment(credentials).items():
        monkeypatch.setenv(name, value)
    with platform.account.guarded():
        said = look(platform, params)
    assert said[-1] == "64 checks hold"
    assert [line for line in said if not line.startswith("ok ")][:-1] == [
        f"not looked at  s3://{NAME}-logs: accesses are logged: the bucket that logs are written to"
    ]
    s3 = platform.account.client("s3")
    before = s3.get_bucket_policy(Bucket=f"{NAME}-books")["Policy"]
    s3.put_bucket_policy(Bucket=f"{NAME}-books", Policy=before.replace("claims/*", "*"))
    try:
        with platform.account.guarded(), pytest.raises(Refusal) as stopped:
            look(platform, params)
    finally:
        s3.put_bucket_policy(Bucket=f"{NAME}-books", Policy=before)
    assert stopped.value.exit_code == 4
    [where] = stopped.value.where
    assert "the policy lets in those expected alone" in where and "claims-finance" in where
