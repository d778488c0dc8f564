"""Signing in, by a provider that really signs: each forgery is answered, and nobody comes in by one."""

from __future__ import annotations

import ipaddress
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.portal.settings import Limits
from chargeback.portal.sign_in import is_inside
from tests.portal.opened import ADDRESS, Clock, Opened
from tests.portal.small_provider import KEY, OTHER_KEY, SmallProvider


@pytest.fixture
def provider():
    made = SmallProvider()
    yield made
    made.close()


@pytest.fixture
def opened(provider: SmallProvider) -> Opened:
    return Opened(provider)


def test_somebody_signs_in_and_sees_who_they_are(opened: Opened):
    browser = opened.browser()
    answer = browser.get("/unit/claims?month=2026-05")
    assert answer.headers["location"] == "/sign-in?to=/unit/claims%3Fmonth%3D2026-05"
    answer = browser.get(answer.headers["location"])
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["redirect_uri"] == [f"{ADDRESS}/callback"]
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid profile email"]
    assert len(asked["state"][0]) == len(asked["nonce"][0]) == 43
    answer = opened.come_back(browser, opened.provider.sign_in(answer.headers["location"]))
    assert (answer.status_code, answer.headers["location"]) == (303, "/unit/claims?month=2026-05")
    assert browser.get("/").json()["name"] == "Dana Whitfield"
    assert browser.get("/").json()["groups"] == ["finops-claims"]
    assert opened.records.entries == [("u-1 (Dana Whitfield)", "signed in", "")]


def test_the_verifier_and_the_secret_go_to_the_provider_alone(provider: SmallProvider):
    opened = Opened(provider, client_secret="a long secret")
    browser = opened.signed_in()
    (form,) = [form for path, form in provider.asked if path == "/token"]
    assert len(form["code_verifier"]) >= 43
    assert form["redirect_uri"] == f"{ADDRESS}/callback"
    assert "client_secret" not in form, "it is sent as basic authentication"
    shown = "\n".join([*opened.log, browser.get("/").text])
    for kept in ("a long secret", form["code_verifier"], form["code"], "id_token"):
        assert kept not in shown


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(opened: Opened):
    browser = opened.browser()
    answer = opened.come_back(browser, opened.begin(browser))
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("portal-8095=")
    assert "; httponly" in cookie and "; samesite=lax" in cookie and "; path=/" in cookie
    assert "max-age" not in cookie, "a browser that is closed forgets it"
    assert "; secure" not in cookie, "there is no TLS on this machine"


def test_behind_tls_the_cookie_is_of_the_host_alone(provider: SmallProvider):
    opened = Opened(
        provider,
        address="https://showback.insurer.example/cloud",
        proxies=(ipaddress.ip_network("10.0.3.9"),),
    )
    browser = opened.browser("10.0.3.9")
    browser.headers["x-forwarded-proto"] = "https"
    answer = opened.come_back(browser, opened.begin(browser, "/unit/claims"))
    assert answer.headers["location"] == "/cloud/unit/claims"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-portal-cloud="), "another portal of the host has another one"
    assert "; Secure" in cookie and "; Path=/;" in cookie and "omain" not in cookie
    assert browser.get("/cloud/").json()["root_path"] == "/cloud"


def test_a_session_is_new_at_each_sign_in_and_the_one_before_ends(opened: Opened):
    browser = opened.browser()
    browser.cookies.set("portal-8095", "A" * 43, domain="127.0.0.1")
    opened.come_back(browser, opened.begin(browser))
    first = browser.cookies["portal-8095"]
    assert first != "A" * 43, "an id that somebody else has chosen is not taken"
    opened.come_back(browser, opened.begin(browser))
    assert browser.cookies["portal-8095"] != first
    other = opened.browser()
    other.cookies.set("portal-8095", first, domain="127.0.0.1")
    assert other.get("/").status_code == 401


def claims(**changed: Any) -> Any:
    """Changes a token's claims; those that are None are left out."""

    def change(found: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in {**found, **changed}.items() if value is not None}

    return change


FORGED = {
    "nonce": claims(nonce="x"),
    "no nonce": claims(nonce=None),
    "issuer": claims(iss="https://evil.example"),
    "audience": claims(aud="payroll"),
    "expired": claims(exp=int(time.time()) - 3600),
    "future": claims(iat=int(time.time()) + 3600),
    "nobody": claims(sub=None),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_token_lets_nobody_in(opened: Opened, provider: SmallProvider, what: str):
    provider.change = FORGED[what]
    browser = opened.browser()
    answer = opened.come_back(browser, opened.begin(browser))
    assert answer.status_code == 401
    assert "Sign in again" in answer.text
    assert "portal-8095=" not in answer.headers.get("set-cookie", "")
    assert browser.get("/").status_code == 303
    assert any(line.startswith("sign-in refused for 127.0.0.1: it") for line in opened.log)
    assert opened.records.entries == []


def test_no_page_tells_forgeries_apart(opened: Opened, provider: SmallProvider):
    seen = set()
    for change in FORGED.values():
        provider.change = change
        browser = opened.browser()
        seen.add(opened.come_back(browser, opened.begin(browser)).text)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("answered", "status"),
    [
        ((200, {"access_token": "at", "token_type": "Bearer"}), 401),
        ((200, {"id_token": 7}), 401),
        ((200, {"id_token": None, "expires_in": "soon"}), 401),
        ((200, []), 401),
        ((200, b"<html>"), 401),
        ((200, b"[" * 100_000), 401),
        ((400, {"error": "invalid_grant"}), 401),
        ((400, {"error": ["invalid_grant"]}), 401),
        ((401, {"error": "invalid_client"}), 401),
        ((404, b""), 401),
        ((302, b""), 503),
        ((500, b"oops"), 503),
        ((200, b" " * 2_000_000), 503),
    ],
)
def test_a_provider_that_answers_badly_lets_nobody_in(
    opened: Opened, provider: SmallProvider, answered: tuple[int, Any], status: int
):
    provider.answers["/token"] = lambda: answered
    browser = opened.browser()
    answer = opened.come_back(browser, opened.begin(browser))
    assert answer.status_code == status, opened.log
    assert browser.get("/").status_code == 303
    assert not [line for line in opened.log if "defect" in line]


def test_a_provider_that_is_not_there_is_said_to_be_so(opened: Opened, provider: SmallProvider):
    provider.answers["/.well-known/openid-configuration"] = lambda: (500, b"")
    answer = opened.browser().get("/sign-in")
    assert answer.status_code == 503
    assert "Try again" in answer.text
    assert (
        opened.log[0] == f"the identity provider {provider.issuer} cannot be used: it answers 500"
    )


def test_an_answer_counts_once_and_in_its_own_browser(opened: Opened):
    browser, other = opened.browser(), opened.browser()
    said = opened.begin(browser)
    assert opened.come_back(other, said).status_code == 400, "a link that somebody else has sent"
    opened.begin(other)
    assert opened.come_back(other, said).status_code == 400, (
        "also in a browser that has begun something"
    )
    assert opened.come_back(browser, {**said, "state": "x"}).status_code == 400
    assert opened.come_back(browser, {"code": said["code"]}).status_code == 400
    assert browser.get(f"/callback?state={said['state']}&code=a&code=b").status_code == 400
    assert browser.get("/callback").status_code == 400
    assert opened.come_back(browser, said).status_code == 303
    assert opened.come_back(browser, said).status_code == 400


def test_two_windows_of_a_browser_can_sign_in_at_a_time(opened: Opened):
    browser = opened.browser()
    one, two = opened.begin(browser, "/unit/claims"), opened.begin(browser, "/")
    assert opened.come_back(browser, two).headers["location"] == "/"
    assert opened.come_back(browser, one).headers["location"] == "/unit/claims"


def test_a_sign_in_that_was_begun_long_ago_does_not_count(provider: SmallProvider):
    clock = Clock(time.time())
    opened = Opened(provider, clock=clock)
    browser = opened.browser()
    said = opened.begin(browser)
    clock.now += 600
    assert opened.come_back(browser, said).status_code == 400


def test_an_answer_of_another_provider_is_not_taken(opened: Opened, provider: SmallProvider):
    browser = opened.browser()
    said = opened.begin(browser)
    assert opened.come_back(browser, {**said, "iss": "https://evil.example"}).status_code == 401
    said = opened.begin(browser)
    assert opened.come_back(browser, {**said, "iss": provider.issuer}).status_code == 303
    named = {**provider.discovery(), "authorization_response_iss_parameter_supported": True}
    provider.answers["/.well-known/openid-configuration"] = lambda: (200, named)
    strict = Opened(provider)
    browser = strict.browser()
    assert strict.come_back(browser, strict.begin(browser)).status_code == 401, (
        "it always names itself"
    )


def test_what_the_provider_refuses_is_said_without_its_words(opened: Opened):
    browser = opened.browser()
    said = {
        "state": opened.begin(browser)["state"],
        "error": "access_denied",
        "error_description": "<b>x</b>",
    }
    answer = opened.come_back(browser, said)
    assert answer.status_code == 401
    assert "<b>" not in answer.text and "access_denied" not in answer.text
    assert "sign-in refused for 127.0.0.1: the provider answers 'access_denied'" in opened.log


def test_rotated_keys_are_fetched_and_forged_ones_do_not_flood(
    opened: Opened, provider: SmallProvider
):
    opened.signed_in()
    provider.keys, provider.key = [OTHER_KEY], OTHER_KEY
    opened.keys._keys_at -= 61
    opened.signed_in()
    provider.key = KEY
    for _ in range(5):
        browser = opened.browser()
        assert opened.come_back(browser, opened.begin(browser)).status_code == 401
    assert [path for path, _ in provider.asked].count("/keys") == 2


@pytest.mark.parametrize(
    "to",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/%0d%0aLocation:x\n",
     "javascript:alert(1)", "evil.example", "/a\tb", "/ä", "/" + "a" * 3000, "/a b", "/a\"b",
     "///evil.example"],
)  # fmt: skip
def test_nobody_is_sent_out_of_the_portal(opened: Opened, to: str):
    answer = opened.browser().get("/sign-in", params={"to": to})
    assert answer.status_code == 400
    assert "location" not in answer.headers


@given(st.text(alphabet="/\\?#@:.%a\t\n\r é;<>\"'", max_size=12))
def test_a_way_back_is_a_path_of_the_same_host(to: str):
    if is_inside(to):
        parts = urlsplit(to.replace("\\", "/"))
        assert (parts.scheme, parts.netloc) == ("", "")
        assert to.startswith("/") and not to.startswith("//")
        assert not set(to) & set('\\\t\n\r "<>')


@pytest.mark.parametrize(
    ("person", "words"),
    [
        ({"groups": None}, "no claim &#39;groups&#39;"),
        ({"groups": [f"g{number}" for number in range(100)]}, "may not be all of yours"),
        ({"groups": None, "_claim_names": {"groups": "src1"}}, "so many groups"),
        ({"groups": None, "hasgroups": True}, "so many groups"),
    ],
)
def test_groups_that_are_not_all_known_let_nobody_in(
    provider: SmallProvider, person: dict[str, Any], words: str
):
    opened = Opened(provider, contact="cloud-billing@insurer.example")
    provider.change = claims(**person)
    browser = opened.browser()
    answer = opened.come_back(browser, opened.begin(browser))
    assert answer.status_code == 403
    assert words in answer.text and "cloud-billing@insurer.example" in answer.text
    assert browser.get("/").status_code == 303
    assert opened.records.entries == [("u-1 (Dana Whitfield)", "refused", "sign-in")]


def test_app_roles_will_do(provider: SmallProvider):
    opened = Opened(provider, groups_claim="roles")
    provider.change = claims(roles=["finops-claims"], groups=None, _claim_names={"groups": "src1"})
    assert opened.signed_in().get("/").json()["groups"] == ["finops-claims"]


def test_the_groups_scope_is_asked_for_where_the_provider_has_one(provider: SmallProvider):
    said = {**provider.discovery(), "scopes_supported": ["openid", "groups"]}
    provider.answers["/.well-known/openid-configuration"] = lambda: (200, said)
    address = Opened(provider).browser().get("/sign-in").headers["location"]
    assert parse_qs(urlsplit(address).query)["scope"] == ["openid profile email groups"]


def test_whoever_asks_too_often_waits_and_nobody_else(provider: SmallProvider):
    opened = Opened(provider, limits=Limits(sign_ins_a_minute=3))
    browser = opened.browser()
    assert [browser.get("/sign-in").status_code for _ in range(4)] == [303, 303, 303, 429]
    answer = browser.get("/sign-in")
    assert 1 <= int(answer.headers["retry-after"]) <= 20
    assert [browser.get("/callback").status_code for _ in range(4)] == [400, 400, 400, 429]
    assert opened.browser("::1").get("/sign-in").status_code == 303
