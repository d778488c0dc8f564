"""What can be told to infra/live, and what is refused before anything is applied."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from chargeback.core.errors import Refusal
from chargeback.core.paths import ROOT
from chargeback.params.books_policy import read_books_policy
from chargeback.params.toml_files import read_toml
from tests.infra.conftest import WHERE_CHANGED
from tests.infra.terraform import INFRA, terraform_program

pytestmark = [pytest.mark.slow, WHERE_CHANGED]


def lock_of(folder, text: str) -> dict:
    """What infra/live/retention.tf reads in a policy.toml."""
    program, _ = terraform_program()
    (folder / "policy.toml").write_text(text)
    shutil.copyfile(INFRA / "live" / "retention.tf", folder / "retention.tf")
    (folder / "variables.tf").write_text('variable "params" {}\n')
    ended = subprocess.run(
        [program, f"-chdir={folder}", "console", "-var", f"params={folder}"], text=True,
        input="jsonencode(local.lock)", capture_output=True, check=True,
    )  # fmt: skip
    found: dict = json.loads(json.loads(ended.stdout.splitlines()[-1]))
    return found


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
    found = lock_of(tmp_path, text)
    policy = read_books_policy(read_toml(tmp_path, "policy.toml"))
    assert found == {"mode": policy.retention_mode or None, "years": policy.retention_years}


def test_a_lock_of_another_word_is_none(tmp_path):
    """The program refuses the word; an apply stops where no lock was found."""
    found = lock_of(tmp_path, TABLE.replace("COMPLIANCE", "compliance"))
    assert found["mode"] is None
    with pytest.raises(Refusal):
        read_books_policy(read_toml(tmp_path, "policy.toml"))


def refused(platform, **changes) -> str:
    """What a plan with other variables says, which must fail."""
    texts = {name: one if isinstance(one, str) else json.dumps(one) for name, one in changes.items()}
    arguments = [f"-var={name}={text}" for name, text in texts.items()]
    ended = platform.terraform.ask(
        "plan", "-input=false", "-refresh=false", "-lock=false", *arguments
    )
    assert ended.returncode == 1, ended.stdout
    return " ".join(ended.stderr.split())


@pytest.mark.parametrize(
    "subject",
    [
        "repo:insurer/chargeback:*", "repo:insurer/chargeback:ref:refs/heads/*",
        "repo:insurer/*:environment:prod",
        "repo:insurer/chargeback", "*", "repo:insurer/chargeback:environment:prod?",
    ],
)  # fmt: skip
def test_a_subject_of_github_is_whole(platform, subject):
    whole = "repo:insurer/chargeback:environment:production"
    said = refused(platform, github={"plan": [whole], "deploy": [subject], "close": []})
    assert "A subject is whole" in said


def test_what_else_is_refused(platform, tmp_path):
    anybody = "arn:aws:iam::123456789012:role/*"
    assert "without wildcards" in refused(platform, finops_role_arns=[anybody])
    assert "without wildcards" in refused(platform, unit_reader_arns={"claims": ["*"]})
    assert "without wildcards" in refused(platform, operator_arns={"close": [anybody]})
    assert "12 digits" in refused(platform, account_id="1234")
    assert "a month such as 2024-01" in refused(platform, first_period="January")
    (tmp_path / "policy.toml").write_text('currency = "USD"\n')
    said = refused(platform, params=str(tmp_path))
    assert "lock takes a mode of COMPLIANCE or GOVERNANCE" in said or "no table [books]" in said


def test_an_apply_in_another_account_stops(platform):
    assert "not allowed" in refused(platform, account_id="999999999999").lower()
