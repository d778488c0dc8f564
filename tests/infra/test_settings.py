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
from tests.infra.conftest import WHERE_CHANGED, Platform, begin, beside_the_portal
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
KEY = "arn:aws:kms:eu-west-1:123456789012"
COPY = {
    "bucket_arn": "arn:aws:s3:::insurer-copies", "account_id": "123456789012", "key_arn": f"{KEY}:key/1234",
}  # fmt: skip
VAULT = {
    "address": "https://vault.insurer.example:8200",
    "path": "secret/chargeback",
    "role": "portal",
}
GROUP = "arn:aws:quicksight:us-east-1:123456789012:group/default"
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
        ("modules/books", "copy", COPY, {**COPY, "bucket_arn": "insurer-copies"}, "the ARN of a bucket"),
        ("modules/books", "copy", None, {**COPY, "account_id": "1"}, "has 12 digits"),
        ("modules/books", "copy", COPY, {**COPY, "key_arn": f"{KEY}:alias/x"}, "the ARN of one key"),
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
        ("modules/portal", "image", f"here@sha256:{'0' * 64}", "here:latest", "the workflow image"),
        ("modules/portal", "client_cidrs", ["10.0.0.0/8"], ["0.0.0.0/0"], "is everybody"),
        ("modules/portal", "client_cidrs", ["10.0.0.0/8"], [], "takes networks of IPv4"),
        ("modules/portal", "load_balancer_subnet_ids", ["a", "b"], ["a", "a"], "two availability zones"),
        ("modules/portal", "certificate_arn", "arn:aws:acm:us-east-1:1:certificate/1", "x.pem", "of ACM"),
        ("modules/portal", "client_secret", {"arn": SECRET}, {"arn": f"{SECRET}*"}, "no wildcard"),
        ("modules/portal", "environment", {"CHARGEBACK_STATSD": "x"}, {"API_KEY": "x"}, "never given"),
        ("modules/portal", "vault", VAULT, {**VAULT, "address": "http://vault:8200"}, "is https"),
        ("modules/dashboards", "owner_arn", f"{GROUP}/finops", FINOPS, "user or group of QuickSight"),
        ("modules/dashboards", "readers_arn", f"{GROUP}/readers", f"{GROUP}/*", "user or group of Quick"),
        ("live", "account_id", "012345678901", "12345678901", "12 digits"),
        ("live", "name", "insurer-chargeback", "Insurer", "3 to 32 small letters"),
    ],
)  # fmt: skip
def test_what_else_is_refused(module, name, good, bad, words, tmp_path):
    assert words not in refused(tmp_path, module, **{name: good})
    assert words in refused(tmp_path, module, **{name: bad})


OPTIONAL = ("module.alerts", "module.dashboards", "module.flow", "module.portal")


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
    # The plan asks for the load balancer's networks, so that they must be there.
    networks = json.dumps(beside_the_portal(platform.account)["load_balancer_subnet_ids"])
    assert whole.count('["subnet-2c3d4e5f", "subnet-3d4e5f6a"]') == 1
    whole = whole.replace('["subnet-2c3d4e5f", "subnet-3d4e5f6a"]', networks)
    assert set(OPTIONAL) < planned(platform, tmp_path / "whole", whole)


def test_an_apply_in_another_account_stops(platform):
    quick = ("-input=false", "-refresh=false", "-lock=false")
    ended = platform.terraform.ask("plan", *quick, "-var=account_id=999999999999")
    assert ended.returncode == 1 and "not allowed" in ended.stderr.lower(), ended.stderr


def said_of(module: str, folder: Path, **variables: Any) -> str:
    """What is said against variables of a module, among them those that are held against each other."""
    shutil.copyfile(INFRA / "modules" / module / "variables.tf", folder / "variables.tf")
    return console(folder, "1", **variables)[1]


def test_everybody_is_let_in_only_where_that_is_said(tmp_path):
    everybody = {"client_cidrs": ["10.0.0.0/8", "0.0.0.0/0"]}
    assert "is everybody" in said_of("portal", tmp_path, **everybody)
    assert "is everybody" not in said_of("portal", tmp_path, **everybody, internet_facing=True)


def test_a_secret_is_in_one_place_alone(tmp_path):
    said = said_of("portal", tmp_path, client_secret={"arn": SECRET}, vault=VAULT)
    assert "in Vault or in Secrets Manager, not in both" in said
    assert "not in both" not in said_of("portal", tmp_path, vault=VAULT)


def test_who_owns_the_datasets_is_none_of_the_readers(tmp_path):
    for readers, is_refused in (("finops", True), ("readers", False)):
        given = {"owner_arn": f"{GROUP}/finops", "readers_arn": f"{GROUP}/{readers}"}
        said = said_of("dashboards", tmp_path, **given)
        assert ("readers are another group" in said) is is_refused
