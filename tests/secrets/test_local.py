"""Where secrets are given without a place of secrets, in which order, and that none is shown."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.core import confidential
from chargeback.core.confidential import HIDDEN, SECRETS, hidden, keep_secret, without_secrets
from chargeback.core.errors import BAD_USAGE, Refusal, bad_params
from chargeback.core.progress import complain, say
from chargeback.secrets import find_secret, secret

pytestmark = pytest.mark.usefixtures("alone")


def test_a_secret_that_nobody_gives_is_blank():
    assert {secret(name) for name in SECRETS} == {""}


def test_a_name_that_is_not_known_is_a_mistake_of_the_program():
    with pytest.raises(KeyError):
        secret("smtp_pasword")


def test_the_environment_comes_before_a_file(tmp_path, monkeypatch):
    path = tmp_path / "password"
    path.write_text("of-the-file\n")
    monkeypatch.setenv("CHARGEBACK_SMTP_PASSWORD_FILE", str(path))
    assert secret("smtp_password") == "of-the-file"
    assert find_secret("smtp_password").where == f"{path}, named by CHARGEBACK_SMTP_PASSWORD_FILE"
    monkeypatch.setenv("CHARGEBACK_SMTP_PASSWORD", "of-the-environment")
    assert secret("smtp_password") == "of-the-environment"


def test_a_file_that_is_named_and_cannot_be_read_is_refused(tmp_path, monkeypatch):
    for content in (None, b"\xff\xfe"):
        path = tmp_path / "password"
        if content:
            path.write_bytes(content)
        monkeypatch.setenv("CHARGEBACK_SMTP_PASSWORD_FILE", str(path))
        with pytest.raises(Refusal, match="the file of a secret cannot be read") as refused:
            secret("smtp_password")
        assert refused.value.exit_code == BAD_USAGE


@pytest.mark.parametrize("place", ["chargeback", "hashicorp:secret/x", "vault:", "aws: "])
def test_a_place_of_another_form_is_refused(place, monkeypatch):
    monkeypatch.setenv("CHARGEBACK_SECRETS", place)
    with pytest.raises(Refusal, match="CHARGEBACK_SECRETS names no place of secrets") as refused:
        secret("smtp_password")
    assert refused.value.exit_code == BAD_USAGE


def test_no_place_is_asked_for_what_is_given_here(monkeypatch):
    monkeypatch.setenv("CHARGEBACK_SECRETS", "nowhere")
    monkeypatch.setenv("CHARGEBACK_SMTP_PASSWORD", "of-the-environment")
    assert secret("smtp_password") == "of-the-environment"


def test_a_secret_is_not_in_the_words_of_a_dataclass(monkeypatch):
    monkeypatch.setenv("CHARGEBACK_SMTP_PASSWORD", "of-the-environment")
    assert "of-the-environment" not in repr(find_secret("smtp_password"))


def test_a_secret_that_was_read_is_printed_nowhere(monkeypatch, capsys):
    monkeypatch.setenv("CHARGEBACK_SMTP_PASSWORD", "canary-9f2")
    say("before it was read it is a word like any other: canary-9f2")
    secret("smtp_password")
    say("tried canary-9f2")
    complain("tried canary-9f2")
    refusal = bad_params(
        "no canary-9f2", "canary-9f2", "canary-9f2", ["canary-9f2"], ["canary-9f2"]
    )
    complain(refusal.block())
    printed = capsys.readouterr()
    assert printed.out.count("canary-9f2") == 1
    assert "canary-9f2" not in printed.err and printed.err.count(HIDDEN) == 6


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=6).filter(
    lambda text: text.strip() == text
)


@given(TEXTS, st.text("ab:", max_size=4), st.text("ab:", max_size=4))
def test_a_secret_is_found_in_whatever_form_it_is_repeated(password, before, after):
    """As it is, in a header of basic authentication, in an address, in JSON, in Python's own words."""
    confidential._shown_never.clear()
    keep_secret(password)
    basic = base64.b64encode(f"{before}{password}{after}".encode()).decode()
    shown = hidden(f"Authorization: Basic {basic}")
    # What is left of it are the characters at the ends, which the neighbours decide as well.
    kept = shown.removeprefix("Authorization: Basic ").replace(HIDDEN, "")
    assert HIDDEN in shown and len(kept) <= len(basic) - (len(password.encode()) * 4 // 3 - 3)
    for form in (
        password, urllib.parse.quote(password, safe=""), urllib.parse.quote_plus(password),
        json.dumps(password), repr(password),
    ):  # fmt: skip
        assert password not in hidden(f"<{form}>") and HIDDEN in hidden(f"<{form}>")


def test_a_key_is_found_line_by_line():
    keep_secret("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----")
    assert hidden("bad line MIIEvQIBADANBgkqhkiG9w0B here") == f"bad line {HIDDEN} here"
    assert hidden("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


def test_a_short_text_is_left_alone():
    keep_secret("abc")
    assert hidden("abcdef") == "abcdef"


def test_a_program_that_is_started_gets_neither_secrets_nor_the_way_to_them():
    kept = {
        "PATH": "/bin",
        "CHARGEBACK_STATSD": "h:1",
        "AWS_SECRET_ACCESS_KEY": "k",
        "AWS_REGION": "r",
    }
    ways = ["CHARGEBACK_SECRETS", "VAULT_TOKEN", "VAULT_ADDR", "CHARGEBACK_VAULT_ROLE_ID", "BAO_TOKEN",
            "CHARGEBACK_VAULT_SECRET_ID_FILE", "CHARGEBACK_AGENT"]  # fmt: skip
    own = [f"CHARGEBACK_{name.upper()}{end}" for name in SECRETS for end in ("", "_FILE")]
    given_to_us = kept | dict.fromkeys([*own, *ways], "canary")
    assert without_secrets(given_to_us) == kept
    assert without_secrets(given_to_us, aws=False) == {
        name: text for name, text in kept.items() if name != "AWS_SECRET_ACCESS_KEY"
    }
