"""Behind a proxy that ends TLS, below a path: addresses, redirects and cookies are those that browsers have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests

from tests.portal.providers import real_portal, tls_proxy
from tests.portal.providers.by_hand import form_of
from tests.portal.providers.certified import PASSWORD, PATIENCE_SECONDS, Certified
from tests.portal.providers.real_portal import RealPortal
from tests.portal.providers.tls_proxy import TlsProxy
from tests.portal.walks import chromium

pytestmark = pytest.mark.slow

PREFIX = "/finance/cloud"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory) -> Iterator[TlsProxy]:
    with tls_proxy.running(tmp_path_factory.mktemp("proxy")) as one:
        yield one


@pytest.fixture(scope="module")
def portal(proxy: TlsProxy, books, provider: Certified) -> Iterator[RealPortal]:
    address = f"{proxy.address}{PREFIX}"
    with real_portal.running(books, provider.issuer, address, 'proxies = ["127.0.0.1"]\n') as one:
        proxy.behind = one.port
        real_portal.let_in(provider, address)
        yield one


def trusting(proxy: TlsProxy) -> requests.Session:
    """A browser that trusts the proxy's certificate, whatever the environment says of certificates."""
    made = requests.Session()
    made.trust_env, made.verify = False, str(proxy.certificate)
    return made


@pytest.fixture
def ann(proxy: TlsProxy, portal: RealPortal) -> Iterator[requests.Session]:
    """Ann's browser, which trusts the proxy's certificate, signed in."""
    with trusting(proxy) as one:
        page = one.get(f"{portal.address}/units/shop", timeout=PATIENCE_SECONDS)
        action, fields = form_of(page, login="ann", password=PASSWORD)
        one.signed_in = one.post(action, fields, timeout=PATIENCE_SECONDS)  # type: ignore[attr-defined]
        yield one


def test_sign_in_leads_back_to_where_one_wanted_to_go(ann, portal):
    assert ann.signed_in.url == f"{portal.address}/units/shop"
    assert ann.signed_in.status_code == 200 and "80.00" in ann.signed_in.text
    assert "max-age=" in ann.signed_in.headers["strict-transport-security"]
    ways = [urljoin(one.url, one.headers["location"]) for one in ann.signed_in.history]
    assert all(one.startswith((portal.address, "http://localhost:")) for one in ways), ways


def test_the_provider_is_told_the_public_address(proxy, portal):
    answer = trusting(proxy).get(
        f"{portal.address}/sign-in", allow_redirects=False, timeout=PATIENCE_SECONDS
    )
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["redirect_uri"] == [f"{portal.address}/callback"]


def test_cookies_are_for_this_host_by_https_alone(ann, portal):
    said = [
        one for answer in ann.signed_in.history for one in answer.raw.headers.getlist("set-cookie")
        if answer.url.startswith(portal.address)
    ]  # fmt: skip
    assert said
    for one in said:
        name, *flags = [part.strip().lower() for part in one.split(";")]
        assert name.startswith("__host-") and {
            "secure",
            "httponly",
            "samesite=lax",
            "path=/",
        } <= set(flags), one
        assert not any(flag.startswith("domain") for flag in flags)


def test_every_link_and_form_keeps_the_path(ann, portal):
    for path in ("/", "/units/shop", "/units/shop?period=2026-05"):
        page = ann.get(portal.address + path, timeout=PATIENCE_SECONDS)
        assert page.status_code == 200
        led = re.findall(r'<(?:a|form)\b[^>]*?(?:href|action)="([^"#]+)"', page.text)
        assert led
        for one in led:
            assert urljoin(page.url, one).startswith(f"{portal.address}/"), (path, one)
    for path in ("/units/shop/dashboard", "/statements/2026-05/shop/pdf", "/rows.csv"):
        assert ann.get(portal.address + path, timeout=PATIENCE_SECONDS).status_code == 200, path


def test_signing_out_keeps_the_path(ann, portal):
    page = ann.get(f"{portal.address}/", timeout=PATIENCE_SECONDS)
    token = re.search(r'name="form_token" value="([^"]+)"', page.text)
    origin = f"https://{urlsplit(portal.address).netloc}"
    out = ann.post(
        f"{portal.address}/sign-out", {"form_token": token[1]}, headers={"Origin": origin},
        timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    onward = re.search(r'class="way" href="([^"]+)"', out.text)
    asked = parse_qs(urlsplit(onward[1].replace("&amp;", "&")).query)
    assert asked["post_logout_redirect_uri"] == [f"{portal.address}/signed-out"]
    assert (
        ann.get(
            f"{portal.address}/units/shop", allow_redirects=False, timeout=PATIENCE_SECONDS
        ).status_code
        != 200
    )


@pytest.mark.parametrize("forged", [
    {"X-Forwarded-Proto": "http"}, {"X-Forwarded-For": "10.9.9.9"}, {"X-Forwarded-Host": "elsewhere.example"},
    {"Forwarded": "host=elsewhere.example;proto=http"},
])  # fmt: skip
def test_what_a_browser_forges_does_not_get_past_the_proxy(ann, portal, forged):
    answer = ann.get(f"{portal.address}/units/shop", headers=forged, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 200 and "elsewhere.example" not in answer.text


def test_who_goes_round_the_proxy_is_not_answered(ann, portal):
    sent = "; ".join(f"{one.name}={one.value}" for one in ann.cookies)
    inside = f"http://127.0.0.1:{portal.port}{PREFIX}/units/shop"
    for headers in ({}, {"X-Forwarded-Proto": "http"}, {"Host": urlsplit(portal.address).netloc}):
        answer = requests.get(
            inside, headers={"Cookie": sent, **headers}, allow_redirects=False, timeout=PATIENCE_SECONDS
        )  # fmt: skip
        assert answer.status_code == 400 and "80.00" not in answer.text, headers


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/finance",
        "/finance/cloudy/units/shop",
        "/units/shop",
        "/finance/cloud//units/shop",
    ],
)
def test_other_paths_of_the_host_are_nobodys(ann, proxy, path):
    answer = ann.get(proxy.address + path, allow_redirects=False, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 404 or answer.is_redirect, answer.text
    assert "80.00" not in answer.text


def test_the_provider_tells_of_a_sign_out_through_the_proxy(ann, portal):
    answer = ann.post(
        f"{portal.address}/back-channel-logout", {"logout_token": "a.b.c"}, timeout=PATIENCE_SECONDS
    )
    assert answer.status_code == 400


def test_chromium_goes_the_whole_way_by_https(portal, provider):
    # The proxy's certificate is the test's own; what browsers make of certificates is not what is tested.
    with chromium.running("--ignore-certificate-errors") as browser:
        chromium.sign_in(browser, f"{portal.address}/units/shop/dashboard", "ann")
        assert chromium.heard(browser) == []
        own = [one for one in browser.get_cookies() if one["name"].startswith("__Host-")]
        assert own and all(one["secure"] and one["httpOnly"] for one in own)
        browser.get(f"{portal.address}/")
        chromium.click(browser, 'form[action$="/sign-out"] button')
        chromium.wait(
            browser, lambda one: one.find_elements("id", "sign-out"), "not at the provider"
        )
        chromium.click(browser, "#sign-out")
        chromium.wait(
            browser, lambda one: one.current_url == f"{portal.address}/signed-out", "not back"
        )
