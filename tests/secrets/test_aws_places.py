"""Secrets in AWS Secrets Manager, as moto's server has them."""

from __future__ import annotations

import json

import pytest

from chargeback.core.errors import BAD_USAGE, UNREACHABLE, Refusal
from chargeback.secrets import secret
from tests.secrets.conftest import aws

PASSWORD = "canary-of-aws-19cd"
HELD = json.dumps({"smtp_password": PASSWORD, "smtp_user": "finance", "unrelated": 7})


@pytest.fixture
def held(moto, monkeypatch, request):
    """The ARN of a secret of JSON, which the environment names."""
    name = f"chargeback-{abs(hash(request.node.name))}"
    arn = aws("secretsmanager").create_secret(Name=name, SecretString=HELD)["ARN"]
    monkeypatch.setenv("CHARGEBACK_SECRETS", f"aws:{name}")
    return arn


def refused() -> Refusal:
    with pytest.raises(Refusal) as found:
        secret("smtp_password")
    assert PASSWORD not in found.value.block()
    assert "aws-secret-of-the-tests" not in found.value.block()
    return found.value


def test_a_secret_is_read_by_its_name(held):
    assert (secret("smtp_password"), secret("smtp_user")) == (PASSWORD, "finance")
    assert secret("signing_passphrase") == ""


def test_a_secret_is_read_by_its_arn_in_the_region_that_this_names(held, monkeypatch):
    monkeypatch.setenv("CHARGEBACK_SECRETS", f"aws:{held}")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert secret("smtp_password") == PASSWORD


def test_the_newest_version_is_read(held):
    aws("secretsmanager").put_secret_value(SecretId=held, SecretString='{"smtp_password": "newer"}')
    assert secret("smtp_password") == "newer"


def test_a_secret_that_is_not_there_is_said(held, monkeypatch):
    monkeypatch.setenv("CHARGEBACK_SECRETS", "aws:nowhere")
    found = refused()
    assert (found.exit_code, found.what) == (UNREACHABLE, "AWS has nothing by this name")


def test_another_region_has_it_not(held, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert refused().what == "AWS has nothing by this name"


@pytest.mark.parametrize("text", ["no JSON", "[1]", '{"smtp_password": 7}'])
def test_a_secret_of_another_form_is_said(text, held):
    aws("secretsmanager").put_secret_value(SecretId=held, SecretString=text)
    found = refused()
    assert (found.exit_code, found.what) == (BAD_USAGE, "a place of secrets holds no texts by name")
    assert text not in found.block()


def test_an_aws_that_does_not_answer_is_said(held, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    found = refused()
    assert (found.exit_code, found.what) == (UNREACHABLE, "AWS did not answer a request")


def test_a_machine_without_credentials_is_told_so(held, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert refused().what == "AWS does not know these credentials"
