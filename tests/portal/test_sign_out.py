"""Signing out ends a session here and at the provider, and what the provider tells ends it here at once."""

from __future__ import annotations

import html
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from starlette.testclient import TestClient

from chargeback.portal.loopback import resident_of
from chargeback.portal.tokens import LOGOUT
from tests.portal.opened import ADDRESS, Opened
from tests.portal.small_provider import OTHER_KEY, SmallProvider


@pytest.fixture
def provider():
    made = SmallProvider()
    made.person["sid"] = "s-1"
    yield made
    made.close()


@pytest.fixture
def opened(provider: SmallProvider) -> Opened:
    return Opened(provider)


def sign_out(opened: Opened, browser: TestClient) -> Any:
    return opened.post(browser, "/sign-out", data={"form_token": opened.form_token(browser)})


def test_it_ends_here_first_and_then_at_the_provider(opened: Opened, provider: SmallProvider):
    browser, other = opened.signed_in(), opened.signed_in()
    session_id = browser.cookies["portal-8095"]
    answer = sign_out(opened, browser)
    assert answer.status_code == 200
    refresh = answer.text.partition('http-equiv="refresh" content="0; url=')[2].partition('"')[0]
    address = html.unescape(refresh)
    assert address.startswith(f"{provider.issuer}/end?")
    asked = parse_qs(urlsplit(address).query)
    assert asked["post_logout_redirect_uri"] == [f"{ADDRESS}/signed-out"]
    assert asked["client_id"] == ["showback"]
    assert jwt.decode(asked["id_token_hint"][0], provider.key).claims["sub"] == "u-1"
    assert answer.headers["clear-site-data"] == '"cache"'
    assert "portal-8095" not in browser.cookies
    again = opened.browser()
    assert again.get("/", headers={"cookie": f"portal-8095={session_id}"}).status_code == 401
    assert other.get("/").status_code == 200
    assert opened.records.entries[-1] == ("u-1 (Dana Whitfield)", "signed out", "")


@pytest.mark.parametrize("ending", [None, "down"])
def test_without_a_sign_out_at_the_provider_it_ends_here(
    opened: Opened, provider: SmallProvider, ending: str | None
):
    said = {
        name: value
        for name, value in provider.discovery().items()
        if name != "end_session_endpoint"
    }
    browser = opened.signed_in()
    if ending:
        opened.keys._addresses = None
        provider.answers["/.well-known/openid-configuration"] = lambda: (500, b"")
    else:
        opened.keys._addresses = None
        provider.answers["/.well-known/openid-configuration"] = lambda: (200, said)
    answer = sign_out(opened, browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/signed-out")
    assert browser.get("/").status_code == 303
    assert "You have signed out" in browser.get("/signed-out").text


def test_on_this_machine_there_is_nobody_else_to_tell():
    resident = resident_of(["finops-claims"])
    opened = Opened(resident=resident)
    browser = opened.browser()
    browser.get(f"/start?token={resident.token}")
    assert sign_out(opened, browser).headers["location"] == "/signed-out"
    assert "/sign-in" not in browser.get("/signed-out").text
    assert opened.browser().post("/back-channel-logout").status_code == 401, "there is none"


def told(provider: SmallProvider, **changed: Any) -> dict[str, Any]:
    now = int(time.time())
    made = {
        "iss": provider.issuer, "aud": "showback", "iat": now, "exp": now + 120,
        "jti": f"j-{time.monotonic_ns()}", "sid": "s-1", "events": {LOGOUT: {}}, **changed,
    }  # fmt: skip
    return {name: value for name, value in made.items() if value is not None}


def tell(opened: Opened, claims: dict[str, Any], **header: Any) -> Any:
    token = opened.provider.signed(claims, typ="logout+jwt", **header)
    return opened.browser().post("/back-channel-logout", data={"logout_token": token})


def test_the_provider_ends_a_session_at_once(opened: Opened, provider: SmallProvider):
    browser = opened.signed_in()
    provider.person["sid"] = "s-2"
    other = opened.signed_in()
    answer = tell(opened, told(provider))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert browser.get("/").status_code == 401
    assert other.get("/").status_code == 200
    assert "the identity provider ended 1 session" in opened.log
    assert opened.records.entries[-1][1] == "signed out at the provider"


def test_the_provider_ends_all_sessions_of_somebody(opened: Opened, provider: SmallProvider):
    one, two = opened.signed_in(), opened.signed_in()
    provider.person = {"sub": "u-2", "groups": ["finops-claims"]}
    other = opened.signed_in()
    assert tell(opened, told(provider, sid=None, sub="u-1")).status_code == 200
    assert [one.get("/").status_code, two.get("/").status_code, other.get("/").status_code] == [
        401,
        401,
        200,
    ]


def test_what_is_told_twice_counts_once(opened: Opened, provider: SmallProvider):
    claims = told(provider)
    assert tell(opened, claims).status_code == 200
    answer = tell(opened, claims)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


FORGED: dict[str, dict[str, Any]] = {
    "nonce": {"nonce": "n"}, "issuer": {"iss": "https://evil.example"}, "audience": {"aud": "payroll"},
    "no event": {"events": {}}, "no id": {"jti": None}, "nobody": {"sid": None}, "long ago": {"iat": 1},
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED)
def test_a_forgery_ends_nothing(opened: Opened, provider: SmallProvider, what: str):
    browser = opened.signed_in()
    answer = tell(opened, told(provider, **FORGED[what]))
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})
    assert browser.get("/").status_code == 200


def test_a_signature_of_somebody_else_s_ends_nothing(opened: Opened, provider: SmallProvider):
    browser = opened.signed_in()
    provider.key = OTHER_KEY
    assert tell(opened, told(provider)).status_code == 400
    assert tell(opened, told(provider), kid="one").status_code == 400
    assert browser.get("/").status_code == 200


def test_what_tells_of_nothing_is_refused(opened: Opened):
    browser = opened.browser()
    for options in ({}, {"data": {}}, {"data": {"logout_token": ""}}, {"data": {"other": "x"}},
                    {"data": {"logout_token": ["a.b.c", "a.b.c"]}},
                    {"json": {"logout_token": "a.b.c"}}):  # fmt: skip
        assert browser.post("/back-channel-logout", **options).status_code == 400, options
    assert browser.get("/back-channel-logout").status_code == 404
    assert not [line for line in opened.log if "defect" in line]


def test_a_sign_out_that_is_told_while_somebody_signs_in_keeps_them_out(
    opened: Opened, provider: SmallProvider
):
    browser = opened.browser()
    said = opened.begin(browser)
    assert tell(opened, told(provider)).status_code == 200
    assert opened.come_back(browser, said).status_code == 401
