"""A provider that forges, and one that is broken: nobody gets in, nothing breaks, nothing forged is shown.

Each forgery differs from an honest answer in one thing (tests/portal/providers/forgeries.py), and the honest
ones get in, or these tests could not fail.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from chargeback.portal import fetching
from tests.portal.providers import hostile as provider
from tests.portal.providers.forgeries import BAD, FORGERIES, GOOD, LOGOUTS, MARKUP, Signed
from tests.portal.providers.hostile import Hostile
from tests.portal.providers.open_portal import CLIENT_SECRET, PATIENCE_SECONDS, Portal, opened

pytestmark = pytest.mark.slow

#: In place of the limits of real life, and what a loaded machine may add to them.
SHORT_SECONDS, SLACK_SECONDS = 1, 30


@pytest.fixture(scope="module")
def forger() -> Iterator[Hostile]:
    with provider.running() as one:
        yield one


@pytest.fixture
def short_patience(monkeypatch):
    """The portal does not wait long for a provider that does not finish."""
    for name in ("CONNECT_SECONDS", "READ_SECONDS", "WHOLE_SECONDS"):
        monkeypatch.setattr(fetching, name, SHORT_SECONDS)


def sign_in(portal: Portal, browser: requests.Session) -> requests.Response:
    """Open the portal and go wherever that leads."""
    return browser.get(f"{portal.address}/", timeout=PATIENCE_SECONDS)


def is_harmless(answer: requests.Response) -> bool:
    """Whether a page shows nothing of what was forged as markup, and lets nothing run."""
    policy = answer.headers["content-security-policy"]
    return (
        "<script>alert" not in answer.text and 'id="forged"' not in answer.text
        and "javascript:" not in answer.text and "default-src 'none'" in policy and "script-src" not in policy
    )  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_what_is_good_gets_in(forger, name):
    with opened(forger.issuer(name)) as portal, requests.Session() as browser:
        answer = sign_in(portal, browser)
        assert answer.status_code == 200, answer.text
        assert answer.json()["subject"] == "mallory" and "finops-team" in answer.json()["groups"]
        assert portal.is_inside(browser)


@pytest.mark.parametrize("name", BAD)
def test_what_is_forged_does_not_get_in(forger, name, short_patience):
    forger.elsewhere.clear()
    with opened(forger.issuer(name)) as portal, requests.Session() as browser:
        begun = time.monotonic()
        answer = sign_in(portal, browser)
        assert answer.status_code in FORGERIES[name].answers, answer.text
        assert time.monotonic() - begun < SHORT_SECONDS + SLACK_SECONDS, (
            "a provider holds up whoever waits"
        )
        assert answer.url.startswith(portal.address) and is_harmless(answer)
        assert not portal.is_inside(browser)
        assert [one for one in portal.told.entries if one[1] == "signed in"] == []
        assert not forger.elsewhere, "what is a client's went where only a redirect led"
        said = "\n".join(portal.log)
        assert "unexpected error" not in said and CLIENT_SECRET not in said


def to_provider(portal: Portal, browser: requests.Session) -> str:
    """Begin to sign in; the address at the provider that the browser would go to."""
    answer = browser.get(
        f"{portal.address}/sign-in", allow_redirects=False, timeout=PATIENCE_SECONDS
    )
    assert answer.is_redirect, answer.text
    return answer.headers["location"]


def back_from(address: str) -> str:
    """The address of the portal that the provider sends a browser back to."""
    answer = requests.get(address, allow_redirects=False, timeout=PATIENCE_SECONDS)
    return answer.headers["location"]


def come_back(browser: requests.Session, address: str) -> requests.Response:
    """Open the address that a provider sends back to, and no other."""
    return browser.get(address, allow_redirects=False, timeout=PATIENCE_SECONDS)


@pytest.fixture
def honest(forger) -> Iterator[Portal]:
    """A portal whose provider is honest."""
    with opened(forger.issuer("honest")) as portal:
        yield portal


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as one:
        yield one


def test_an_answer_counts_once(honest, browser):
    back = back_from(to_provider(honest, browser))
    assert come_back(browser, back).status_code == 303
    again = come_back(browser, back)
    assert again.status_code == 400 and is_harmless(again)


def test_an_answer_counts_in_the_browser_that_began_it(honest, browser):
    back = back_from(to_provider(honest, browser))
    with requests.Session() as stranger, requests.Session() as other:
        to_provider(honest, other)
        for one in (stranger, other):
            assert come_back(one, back).status_code == 400
            assert not honest.is_inside(one)
    assert come_back(browser, back).status_code == 303, "nobody else could use it up"


def test_a_browser_without_cookies_is_told_what_to_do(honest):
    back = back_from(to_provider(honest, requests.Session()))
    answer = requests.get(back, allow_redirects=False, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 400 and "Sign in again" in answer.text


def test_a_code_counts_once(honest, browser):
    code = parse_qs(urlsplit(back_from(to_provider(honest, browser))).query)["code"][0]
    states = [parse_qs(urlsplit(to_provider(honest, browser)).query)["state"][0] for _ in range(2)]
    answers = [
        come_back(browser, f"{honest.address}/callback?{urlencode({'code': code, 'state': state})}")
        for state in states
    ]
    # The code is bound to another sign-in's verifier, and is used up by the first try.
    assert [one.status_code for one in answers] == [401, 401]
    assert not honest.is_inside(browser)


def test_two_tabs_may_sign_in_at_once(honest, browser):
    backs = [back_from(to_provider(honest, browser)) for _ in range(2)]
    assert [come_back(browser, one).status_code for one in backs] == [303, 303]
    assert honest.is_inside(browser)


@pytest.mark.parametrize("query", [
    "", "state=", "code=a", "state=a&code=b", "state=a&state=b&code=c", "code=a&code=b&state=c",
    f"error={MARKUP}", "state=%00&code=%00", "state=%ff%fe&code=a", "=&=", "state[]=a&code[]=b", "%",
    "state=" + "s" * 9000,
])  # fmt: skip
def test_whatever_comes_back_is_answered(honest, browser, query):
    to_provider(honest, browser)
    answer = come_back(browser, f"{honest.address}/callback?{query}")
    assert answer.status_code in (400, 401), answer.text
    assert is_harmless(answer) and not honest.is_inside(browser)


@pytest.mark.parametrize("to", [
    "https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example", "/%0d%0aSet-Cookie:a=b",
    "javascript:alert(1)", "/\t/elsewhere.example", "///elsewhere.example", "http:elsewhere.example",
])  # fmt: skip
def test_who_has_signed_in_is_led_to_the_portal_and_nowhere_else(honest, browser, to):
    answer = browser.get(
        f"{honest.address}/sign-in", params={"to": to}, allow_redirects=False, timeout=PATIENCE_SECONDS
    )  # fmt: skip
    if answer.is_redirect:
        last = come_back(browser, back_from(answer.headers["location"]))
        assert urlsplit(last.headers["location"]).netloc in ("", urlsplit(honest.address).netloc)
        assert not last.headers["location"].startswith(("//", "/\\"))
    else:
        assert answer.status_code == 400 and is_harmless(answer)


def told(portal: Portal, token: str) -> requests.Response:
    """Tell the portal of a sign-out, as a provider does."""
    return requests.post(
        f"{portal.address}/back-channel-logout", {"logout_token": token}, timeout=PATIENCE_SECONDS
    )  # fmt: skip


def test_a_sign_out_that_is_told_counts_once_and_at_once(forger, honest, browser):
    sign_in(honest, browser)
    token = forger.signed(forger.logout_claims("honest"), typ="logout+jwt")
    assert told(honest, token).status_code == 200
    assert not honest.is_inside(browser)
    sign_in(honest, browser)
    assert told(honest, token).status_code == 400, "it was told before"


@pytest.mark.parametrize("name", LOGOUTS)
def test_a_sign_out_that_is_forged_ends_nothing(forger, honest, browser, name):
    sign_in(honest, browser)
    claims = forger.logout_claims("honest")
    LOGOUTS[name].claims(claims)
    answer = told(honest, LOGOUTS[name].sign(Signed(claims, forger.key, forger.other_key)))
    assert answer.status_code == 400 and "cache-control" in answer.headers
    assert honest.is_inside(browser)


def test_an_id_token_signs_nobody_out(forger, honest, browser):
    sign_in(honest, browser)
    assert told(honest, forger.signed(forger.claims("honest", "nonce"))).status_code == 400
    assert honest.is_inside(browser)


@pytest.mark.parametrize(
    "body", [b"", b"logout_token=", b"logout_token=a&logout_token=b", b"\xff", b"x" * 200_000]
)
def test_whatever_is_told_is_answered(honest, body):
    answer = requests.post(
        f"{honest.address}/back-channel-logout", body, timeout=PATIENCE_SECONDS,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )  # fmt: skip
    assert answer.status_code in (400, 413)
