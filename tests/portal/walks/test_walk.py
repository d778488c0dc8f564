"""Somebody's walk through the portal in real Chromium, at desk and phone width, with the certified provider.

The portal is the verb in a process of its own, and its books hold two units: Ann sees shop, and not core.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import Select

from tests.portal.providers import real_portal
from tests.portal.providers.certified import PATIENCE_SECONDS, Certified
from tests.portal.providers.real_portal import RealPortal
from tests.portal.walks import chromium

DESK, PHONE = 1280, 390
WIDTHS = pytest.mark.parametrize("width", [DESK, PHONE])

#: What is of core alone, and so on no page of Ann's.
FOREIGN_WORDS = ("CC-9", "core-people", "20.01")

#: Another unit's things, and things of the books, in each form that an address may have.
FOREIGN = (
    "/units/core", "/units/core/dashboard", "/units/CORE", "/units/Core/dashboard", "/UNITS/shop",
    "/cost-centers/CC-9/dashboard", "/cost-centers/CC-1/dashboard", "/cost-centers/cc-1/dashboard",
    "/all/dashboard", "/statements/2026-05/core/html", "/statements/2026-05/core/pdf",
    "/statements/2026-06/core/csv", "/statements/2026-05/index.html", "/statements/2026-06/index.html",
    "/statements/2026-05/core/statement.html", "/statements/2026-05/CORE/html",
    "/statements/2025-01/shop/html", "/statements/2026-07/shop/html", "/statements/2026-5/shop/html",
    "/statements/../2026-05/core/html", "/statements/2026-05/shop/../core/html",
    "/statements/2026-05/shop/..%2fcore%2fhtml", "/statements/2026-05/shop%2f..%2fcore/html",
    "/statements/2026-05/shop/%2e%2e/core/html", "/statements/2026-05/shop/%252e%252e/core/html",
    "/statements/2026-05/shop/%252e%252e%252fcore%252fhtml", "/statements/2026-05/c%6fre/html",
    "/statements/2026-05/%63ore/pdf", "/statements/2026-05/co%e2%80%8bre/html",
    "/statements/2026-05//core/html",
    "/statements/2026-05/core%00/html", "/statements/2026-05/shop%00core/html",
    "/statements/2026-05/core/html/", "/statements/2026-05/core/html?unit=shop",
    "/statements/2026-05/shop/../../2026-05/core/html", "/units/shop/../core", "/units/shop%2f..%2fcore",
    "/units/shop/..%5ccore", "/units/..\\core", "/units/core;a=b", "/units/core.html", "/units/core%20",
    "/packs/2026-05/index.html", "/packs/2026-05/core/index.html", "/packs/2026-05/shop/index.html",
    "/packs/2026-05/../../ledger/billing_period=2026-05/postings.parquet",
    "/packs/2026-05/%2e%2e%2f%2e%2e%2fledger%2fbilling_period=2026-05%2fpostings.parquet",
    "/packs/2026-05//etc/passwd", "/packs/2026-05/..%2f..%2f..%2fparams%2fviewers.toml",
    "/access", "/access?before=000001", "/rows.csv?period=2025-01", "/rows.csv?period=../2026-05",
    "/rows.parquet?period=2026-07", "/dashboards/000001/business-unit/core/dashboard.html",
    "/business-unit/core/dashboard.html", "/dashboard.json", "/units/core/dashboard.json",
    "/units/shop/dashboard.json", "/index.json", "/ledger/billing_period=2026-05/postings.parquet",
    "/portal/sessions.sqlite", "/keys/signing-key.pem", "/params/viewers.toml", "/../params/viewers.toml",
    "/..%2fparams%2fviewers.toml", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/static/", "/docs",
    "/openapi.json", "/.git/config", "/.env", "/favicon.ico", "/robots.txt", "/units/", "/units", "/statements",
)  # fmt: skip


@pytest.fixture(scope="module")
def portal(books: Path, provider: Certified) -> Iterator[RealPortal]:
    with real_portal.running(books, provider.issuer) as one:
        real_portal.let_in(provider, one.address)
        yield one


@pytest.fixture
def ann(browser: WebDriver, portal: RealPortal) -> WebDriver:
    """Ann's browser, signed in."""
    chromium.forget(browser)
    chromium.sign_in(browser, f"{portal.address}/", "ann")
    return browser


def cookie(browser: WebDriver) -> str:
    """What a browser sends along to the portal."""
    return "; ".join(f"{one['name']}={one['value']}" for one in browser.get_cookies())


def answer(
    portal: RealPortal, path: str, sent: str, method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    """What a path is answered with, sent as it is written, as no browser would."""
    connection = http.client.HTTPConnection(
        urlsplit(portal.address).netloc, timeout=PATIENCE_SECONDS
    )
    connection._validate_path = lambda _: None  # type: ignore[attr-defined]
    try:
        connection.putrequest(method, path)
        connection.putheader("Cookie", sent)
        connection.endheaders()
        found = connection.getresponse()
        headers = {
            name.lower(): value for name, value in found.getheaders() if name.lower() != "date"
        }
        return found.status, headers, found.read()
    finally:
        connection.close()


@WIDTHS
def test_a_unit_is_opened_and_nothing_of_another_is_there(browser, portal, provider, width):
    chromium.forget(browser)
    chromium.as_wide_as(browser, width)
    chromium.sign_in(browser, f"{portal.address}/units/shop?period=2026-05", "ann")
    assert "Ann Shop" in chromium.text(browser) and "80.00" in chromium.text(browser)
    pages = ("/", "/units/shop", "/units/shop?period=2026-06", "/units/shop/dashboard",
             "/statements/2026-05/shop/html")  # fmt: skip
    for path in pages:
        browser.get(portal.address + path)
        shown = chromium.text(browser)
        assert "shop" in shown.lower() and not any(one in shown for one in FOREIGN_WORDS), path
        assert not any(one in browser.page_source for one in FOREIGN_WORDS), path
        across = browser.execute_script(
            "return document.documentElement.scrollWidth - window.innerWidth"
        )
        assert across <= 1, f"{path} is wider than the screen by {across} pixels"
        assert chromium.heard(browser) == [], path
    hosts = {urlsplit(portal.address).netloc, urlsplit(provider.issuer).netloc}
    assert chromium.asked(browser) == hosts, "nobody else is asked for anything"


@pytest.mark.parametrize("path", ["/", "/units/shop/dashboard", "/statements/2026-05/shop/html"])
def test_no_script_runs_that_the_page_does_not_bring(ann, portal, path):
    ann.get(portal.address + path)
    ann.execute_script("""
        const put = (name, parts) => document.body.append(Object.assign(document.createElement(name), parts));
        put("script", {textContent: "window.forged = 1"});
        put("script", {src: "data:text/javascript,window.forged=1"});
        put("div", {innerHTML: "<img src=x onerror='window.forged=1'>"});
        put("iframe", {src: "https://elsewhere.example/"});
        const link = document.createElement("a");
        link.setAttribute("onclick", "window.forged = 1");
        document.body.append(link);
        link.click();
    """)
    said = "\n".join(chromium.heard(ann))
    assert ann.execute_script("return window.forged") is None
    assert "Content Security Policy" in said, "the browser says that it refused"
    chromium.asked(ann)


def test_cookies_are_out_of_reach(ann, portal):
    ann.get(f"{portal.address}/")
    own = [one for one in ann.get_cookies() if one["domain"] == "127.0.0.1"]
    assert own and all(
        one["httpOnly"] and one["sameSite"] == "Lax" and one["path"] == "/" for one in own
    )
    assert ann.execute_script("return document.cookie") == ""
    assert ann.execute_script("return localStorage.length + sessionStorage.length") == 0


def test_what_is_not_ones_own_is_answered_as_what_is_not_there(ann, portal):
    sent = cookie(ann)
    nothing = answer(portal, "/no-such-page-at-all", sent)
    assert nothing[0] == 404
    for path in FOREIGN:
        found = answer(portal, path, sent)
        assert found == nothing, path
    for path in ("/units/core", "/units/core/dashboard", "/statements/2026-05/core/pdf"):
        ann.get(portal.address + path)
        assert "There is no such page" in chromium.text(ann), path
    assert answer(portal, "/units/shop", sent)[0] == 200, "what is one's own is there"


@pytest.mark.parametrize(
    "method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
)
def test_other_methods_find_nothing_either(ann, portal, method):
    sent = cookie(ann)
    nothing = answer(portal, "/no-such-page-at-all", sent, method)
    assert answer(portal, "/units/core", sent, method) == nothing
    assert answer(portal, "/statements/2026-05/core/html", sent, method) == nothing


def test_downloads_are_ones_own_and_are_kept_not_shown(ann, portal):
    sent = cookie(ann)
    for path, kind, begins in (
        ("/statements/2026-05/shop/pdf", "application/pdf", b"%PDF-"),
        ("/statements/2026-05/shop/csv", "text/csv; charset=utf-8", b""),
        ("/rows.csv?period=2026-05", "text/csv; charset=utf-8", b"billing_period,"),
        ("/rows.parquet", "application/vnd.apache.parquet", b"PAR1"),
    ):
        status, headers, content = answer(portal, path, sent)
        assert status == 200 and headers["content-type"] == kind, path
        assert headers["content-disposition"].startswith("attachment"), path
        assert content.startswith(begins) and b"CC-9" not in content, path
        assert headers["cache-control"] == "no-store", path


def test_a_stranger_is_answered_alike_whatever_they_ask_for(portal):
    for path in (
        "/units/shop",
        "/units/core",
        "/statements/2026-05/core/pdf",
        "/access",
        "/no-such-page",
    ):
        status, headers, content = answer(portal, path, "")
        assert status == 303 and headers["location"].startswith("/sign-in"), path
        assert content == b"", path


@WIDTHS
def test_a_statement_is_acknowledged_and_a_line_disputed(browser, portal, width):
    period = {DESK: "2026-05", PHONE: "2026-06"}[width]
    amount = {DESK: "80.00", PHONE: "30.00"}[width]
    chromium.forget(browser)
    chromium.as_wide_as(browser, width)
    chromium.sign_in(browser, f"{portal.address}/units/shop?period={period}", "ann")
    assert amount in chromium.text(browser)
    chromium.click(browser, 'form[action$="/acknowledge"] button')
    assert "It is written down that you have taken note of the statement." in chromium.text(browser)
    browser.get(f"{portal.address}/units/shop?period={period}")
    form = browser.find_element(By.CSS_SELECTOR, 'form[action$="/dispute"]')
    Select(form.find_element(By.NAME, "line")).select_by_index(1)
    form.find_element(By.NAME, "amount").send_keys("1.00")
    form.find_element(By.NAME, "reason").send_keys("It is <b>not</b> ours")
    chromium.click(browser, 'form[action$="/dispute"] button')
    shown = chromium.text(browser)
    assert "Your dispute is written down" in shown and "raised on" in shown and "1.00" in shown
    assert chromium.heard(browser) == []


def test_a_form_of_another_page_changes_nothing(ann, portal):
    ann.get(f"{portal.address}/units/shop?period=2026-06")
    token = ann.find_element(By.NAME, "form_token").get_attribute("value")
    sent = {"form_token": "0" * 43, "period": "2026-06", "note": "forged"}
    fetch = """
        const [path, fields] = arguments;
        return fetch(path, {method: "POST", body: new URLSearchParams(fields)}).then(one => one.status);
    """
    # The page's own policy lets it fetch nothing at all; so the form goes as a program would send it.
    with pytest.raises(Exception, match="Failed to fetch"):
        ann.execute_script(fetch, "/units/shop/acknowledge", {**sent, "form_token": token})
    for headers in ({}, {"Origin": "https://elsewhere.example"}, {"Origin": portal.address}):
        assert (
            posted(portal, "/units/shop/acknowledge", sent, {"Cookie": cookie(ann), **headers})
            == 403
        )
    assert posted(
        portal, "/units/shop/acknowledge", {**sent, "form_token": token},
        {"Cookie": cookie(ann), "Origin": "https://elsewhere.example"},
    ) == 403  # fmt: skip
    assert posted(
        portal, "/units/core/acknowledge", {**sent, "form_token": token},
        {"Cookie": cookie(ann), "Origin": portal.address},
    ) == 404  # fmt: skip
    chromium.heard(ann)


def posted(portal: RealPortal, path: str, fields: dict[str, str], headers: dict[str, str]) -> int:
    """The status of a form that a program sends."""
    import requests

    sent = requests.post(
        portal.address + path, fields, headers=headers, allow_redirects=False, timeout=PATIENCE_SECONDS
    )  # fmt: skip
    return sent.status_code


@WIDTHS
def test_after_signing_out_nothing_is_left(browser, portal, provider, width):
    chromium.forget(browser)
    chromium.as_wide_as(browser, width)
    chromium.sign_in(browser, f"{portal.address}/", "ann")
    browser.get(f"{portal.address}/units/shop/dashboard")
    browser.get(f"{portal.address}/units/shop")
    sent = cookie(browser)
    chromium.click(browser, 'form[action$="/sign-out"] button')
    chromium.wait(browser, lambda one: one.find_elements(By.ID, "sign-out"), "not at the provider")
    chromium.click(browser, "#sign-out")
    chromium.wait(
        browser, lambda one: one.current_url == f"{portal.address}/signed-out", "not back"
    )
    assert "You have signed out" in chromium.text(browser)
    assert answer(portal, "/units/shop", sent)[0] == 401, "whoever kept the cookie has nothing"
    for _ in range(4):
        browser.back()
        shown = chromium.text(browser)
        assert "80.00" not in shown and "30.00" not in shown and "Ann Shop" not in shown
    chromium.heard(browser)
    browser.get(f"{portal.address}/units/shop")
    chromium.wait(
        browser, lambda one: one.find_elements(By.ID, "login"), "the provider still knows her"
    )


def test_who_is_signed_out_at_the_provider_is_out_here(ann, portal, provider):
    provider.sign_out_everywhere("ann")
    ann.get(f"{portal.address}/units/shop")
    assert "Your session has ended" in chromium.text(ann)


def test_who_sees_nothing_is_told_so(browser, portal):
    chromium.forget(browser)
    chromium.sign_in(browser, f"{portal.address}/", "nil")
    assert "There is nothing here for you to see" in chromium.text(browser)
    assert "everybody" in chromium.text(browser)


def test_two_people_in_two_browsers_see_their_own(ann, portal):
    with chromium.running() as other:
        chromium.sign_in(other, f"{portal.address}/units/core", "carl")
        assert "20.00" in chromium.text(other) and "CC-1" not in other.page_source
        assert answer(portal, "/units/shop", cookie(other))[0] == 404
    ann.get(f"{portal.address}/units/shop")
    assert "80.00" in chromium.text(ann)


def test_the_log_says_no_secret(ann, portal):
    said = portal.said()
    assert "GET /callback" in said
    sent = [one["value"] for one in ann.get_cookies()]
    assert (
        "code=" not in said
        and "secret" not in said.lower()
        and not any(one in said for one in sent)
    )
