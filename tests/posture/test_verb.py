"""make posture as finance's platform team runs it: lines, one block, exit codes."""

from __future__ import annotations

import pytest

from chargeback.cli import main
from tests.posture.deployed import BOOKS, PRIVATE

pytestmark = pytest.mark.slow


@pytest.fixture
def command(made, params, monkeypatch):
    """The verb, with the account in the environment and its places in sources.toml."""
    for name, value in made.account.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CHARGEBACK_SIGNING_KEY", f"kms:{made.keys['signing']}")
    return lambda *more: main(["posture", "--params", str(params), *more])


def test_it_ends_with_0_where_all_holds(command, capsys):
    assert command() == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == "63 checks hold" and said.err == ""


def test_it_ends_with_4_and_a_block_where_something_has_drifted(command, made, capsys):
    made.s3.put_public_access_block(
        Bucket=BOOKS, PublicAccessBlockConfiguration={**PRIVATE, "BlockPublicAcls": False}
    )
    try:
        assert command() == 4
    finally:
        made.set_up_bucket(BOOKS)
    said = capsys.readouterr()
    line = f"s3://{BOOKS}: public access is blocked"
    assert (
        f"drifted        {line}; expected all four blocks, found without BlockPublicAcls; see who changed it, "
        "then `terraform apply`" in said.out.splitlines()
    )
    assert said.err.splitlines() == [
        "STOPPED  the deployed account has drifted",
        "  expected   everything as infra/ sets it up",
        "  found      1 of 63 checks found something else",
        f"  where      {line}, found without BlockPublicAcls",
        "  what to do see who changed it, then `terraform apply`",
        "             docs/platform.md says what each check looks at",
    ]


def test_it_ends_with_6_where_aws_cannot_be_asked(command, monkeypatch, capsys):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert command() == 6
    assert capsys.readouterr().err.startswith("STOPPED  AWS did not answer a request")


def test_it_ends_with_2_where_sources_toml_cannot_be_read(command, params, capsys):
    with (params / "sources.toml").open("a", encoding="utf-8") as file:
        file.write('[postures]\ncutoff_bytes = "1"\n')
    assert command() == 2
    assert "postures" in capsys.readouterr().err
