"""What can be told to the modules, and what is refused before anything is applied."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from chargeback.core.errors import Refusal
from chargeback.core.paths import PARAMS, ROOT
from chargeback.params.books_policy import read_books_policy
from chargeback.params.toml_files import read_toml
from tests.infra.conftest import WHERE_CHANGED, Platform, begin
from tests.infra.terraform import INFRA, copy_of_infra, terraform_program

pytestmark = [pytest.mark.slow, WHERE_CHANGED]


def console(folder: Path, expression: str, **variables: Any) -> tuple[str, str]:
    """What Terraform makes of an expression in a folder, and what it says against its variables."""
    program, _ = terraform_program()
    texts = {
        name: one if isinstance(one, str) else json.dumps(one) for name, one in variables.items()
    }
    given = [f"-var={name}={text}" for name, text in texts.items()]
    ended = subprocess.run(
        [program, f"-chdir={folder}", "console", *given], text=True, input=expression, capture_output=True,
        check=False, env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "TF_CLI_ARGS": "-no-color"},
    )  # fmt: skip
    said = ended.stderr.translate(str.maketrans("│╷╵├─", "     "))
    return ended.stdout, " ".join(said.split())


def lock_of(folder: Path, text: str) -> tuple[dict[str, Any], str]:
    """What infra/live/retention.tf reads in a policy.toml, and what it says against that."""
    (folder / "policy.toml").write_text(text)
    shutil.copyfile(INFRA / "live" / "retention.tf", folder / "retention.tf")
    (folder / "variables.tf").write_text('variable "params" {}\n')
    said, against = console(folder, "jsonencode(local.lock)", params=str(folder))
    found: dict[str, Any] = json.loads(json.loads(said.splitlines()[-1]))
    return found, against


TABLE = '[books]\nretention_mode = "COMPLIANCE"\nretention_years = "10"\n'


@pytest.mark.parametrize(
    "text",
    [
        (ROOT / "params" / "policy.toml").read_text(encoding="utf-8"),
        TABLE,
        "currency = \"USD\"\n" + TABLE + "[daily]\nretention_years = \"3\"\n",
        "[daily]\nretention_years = '3'\n\n  [books]   # as the auditors ask\n\n# retention_years = \"5\"\n"
        "retention_years='12' # years\n\tretention_mode='GOVERNANCE'\n",
        '[controls]\nunowned_limit_percent = "25"\n',
        '# [books]\n# retention_mode = "COMPLIANCE"\n# retention_years = "10"\n',
    ],
    ids=["the sample's", "alone", "before others", "after others", "none", "commented out"],
)  # fmt: skip
def test_the_lock_is_what_the_program_reads(text, tmp_path):
    found, against = lock_of(tmp_path, text)
    policy = read_books_policy(read_toml(tmp_path, "policy.toml"))
    assert found == {"mode": policy.retention_mode or None, "years": policy.retention_years}
    assert ("has no table [books]" in against) is not bool(policy.retention_mode), against


def test_a_lock_of_another_word_is_none(tmp_path):
    found, against = lock_of(tmp_path, TABLE.replace("COMPLIANCE", "compliance"))
    assert found["mode"] is None and "has no table [books]" in against
    with pytest.raises(Refusal):
        read_books_policy(read_toml(tmp_path, "policy.toml"))


def refused(folder: Path, module: str, **variables: Any) -> str:
    """What is said against variables of a module; those that are not given are asked for, and told nothing."""
    shutil.copyfile(INFRA / module / "variables.tf", folder / "variables.tf")
    [name, *_] = variables
    return console(folder, f"var.{name}", **variables)[1]


WHOLE = "repo:insurer/chargeback:environment:production"


@pytest.mark.parametrize(
    "subject",
    [
        "repo:insurer/chargeback:*", "repo:insurer/chargeback:ref:refs/heads/*",
        "repo:insurer/*:environment:prod", "repo:insurer/chargeback", "*",
        "repo:insurer/chargeback:environment:prod?", "environment:production", "",
    ],
)  # fmt: skip
@pytest.mark.parametrize("which", ["plan", "deploy", "close", "image"])
def test_a_subject_of_github_is_whole(subject, which, tmp_path):
    good = {"plan": [WHOLE], "deploy": [WHOLE], "close": []}
    assert "A subject is whole" not in refused(tmp_path, "modules/roles", github=good)
    said = refused(tmp_path, "modules/roles", github={**good, which: [WHOLE, subject]})
    assert "A subject is whole" in said


FINOPS = "arn:aws:iam::123456789012:role/teams/finops"
ANY_ROLE, ACCOUNT = "arn:aws:iam::123456789012:role/*", "arn:aws:iam::123456789012:root"
ONE = "without wildcards"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:chargeback-AbCdEf"


@pytest.mark.parametrize(
    ("module", "name", "good", "bad", "words"),
    [
        ("modules/report", "reader_arns", [FINOPS], [FINOPS, ANY_ROLE], ONE),
        ("modules/report", "reader_arns", [], ["*"], ONE),
        ("modules/report", "prefix", "exports", "/exports/", "prefix takes letters"),
        ("modules/books", "prefix", "books", "", "prefix takes letters"),
        ("modules/books", "unit_reader_arns", {"claims": [FINOPS]}, {"claims": [ACCOUNT]}, ONE),
        ("modules/books", "unit_reader_arns", {"it-ops": []}, {"*": []}, "ids of business units"),
        ("modules/roles", "operator_arns", {"close": [FINOPS]}, {"close": [ANY_ROLE]}, ONE),
        ("modules/roles", "operator_arns", {}, {"deploy": []}, "validation, close, rendering and posture"),
        ("modules/roles", "secret_arns", {"close": []}, {"plan": []}, "close and portal"),
        ("modules/query", "first_period", "2026-01", "2026-13", "a month such as"),
        ("modules/query", "database", "insurer_billing", "Insurer-Billing", "small letters"),
        ("modules/query", "cutoff_bytes", 10485760, 10485759, "10 MiB or more"),
        ("modules/bucket", "lock", {"mode": "COMPLIANCE", "years": 7}, {"mode": "", "years": 7}, "lock takes"),
        ("modules/bucket", "lock", None, {"mode": "GOVERNANCE", "years": 0}, "lock takes"),
        ("modules/flow", "image", f"here@sha256:{'0' * 64}", "here:latest", "the workflow image"),
        ("modules/flow", "books", "s3://insurer-books/books", "/books", "no disk of its own"),
        ("modules/flow", "environment", {"CHARGEBACK_SECRETS": "aws:x"}, {"API_KEY": "x"}, "goes into"),
        ("modules/flow", "secrets", {"SMTP_PASSWORD": SECRET}, {"SMTP_PASSWORD": "x"}, "no values"),
        ("modules/flow", "secrets", {}, {"SMTP_PASSWORD": f"{SECRET}*"}, "no values"),
        ("live", "account_id", "012345678901", "12345678901", "12 digits"),
        ("live", "name", "insurer-chargeback", "Insurer", "3 to 32 small letters"),
    ],
)  # fmt: skip
def test_what_else_is_refused(module, name, good, bad, words, tmp_path):
    assert words not in refused(tmp_path, module, **{name: good})
    assert words in refused(tmp_path, module, **{name: bad})


OPTIONAL = ("module.flow",)


def planned(platform: Platform, folder: Path, text: str) -> set[str]:
    """The modules of a first plan in the account, with these variables."""
    terraform = copy_of_infra(folder, platform.account.environment())
    begin(terraform, "another.tfstate")
    (terraform.live / "terraform.tfvars").write_text(text)
    given = ("-input=false", "-lock=false", f"-var=params={PARAMS}")
    terraform.run("plan", *given, "-out=change.plan")
    plan = json.loads(terraform.run("show", "-json", "change.plan"))
    changes = [one for one in plan["resource_changes"] if one["mode"] == "managed"]
    assert {tuple(one["change"]["actions"]) for one in changes} == {("create",)}
    return {one["address"].split(".aws_")[0].split("[")[0] for one in changes}


def test_the_store_alone_and_everything_of_the_example_can_be_planned(platform, tmp_path):
    example = (INFRA / "live" / "terraform.tfvars.example").read_text(encoding="utf-8")
    store = planned(platform, tmp_path / "store", example)
    assert {"module.books", "module.registry", "module.report", "module.roles"} <= store
    assert not set(OPTIONAL) & store
    whole = re.sub(r"^# (?=\w+ +=|  \w+ +=|\})", "", example, flags=re.MULTILINE)
    assert set(OPTIONAL) < planned(platform, tmp_path / "whole", whole)


def test_an_apply_in_another_account_stops(platform):
    quick = ("-input=false", "-refresh=false", "-lock=false")
    ended = platform.terraform.ask("plan", *quick, "-var=account_id=999999999999")
    assert ended.returncode == 1 and "not allowed" in ended.stderr.lower(), ended.stderr
