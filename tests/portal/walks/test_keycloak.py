"""Sign-in through two Keycloak realms, one brokering the other, as companies have Okta before Entra.

It runs where the portal has changed, or with CHARGEBACK_TEST_ALL=1; see tests/portal/providers/keycloak.py.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from tests.changed import only_where_changed
from tests.portal.providers import keycloak
from tests.portal.providers.by_hand import browser, form_of
from tests.portal.providers.keycloak import PATIENCE_SECONDS, Keycloak
from tests.portal.providers.open_portal import Portal, opened
from tests.portal.walks.real_rooms import rooms_of

pytestmark = pytest.mark.slow

PASSWORD = "open sesame"


@pytest.fixture(scope="module")
def realms(tmp_path_factory) -> Iterator[Keycloak]:
    only_where_changed("chargeback/portal", "tests/portal", "requirements.lock")
    with keycloak.running(tmp_path_factory.mktemp("keycloak")) as one:
        yield one


@pytest.fixture(scope="module")
def portal(realms: Keycloak, books) -> Iterator[Portal]:
    with opened(realms.issuer, rooms_of(books)) as one:
        realms.let_in(one.address)
        yield one


def sign_in(portal: Portal, path: str, username: str) -> tuple[requests.Session, requests.Response]:
    """Open a path of the portal, choose the directory at the gate, and sign in there."""
    own = browser()
    gate = own.get(portal.address + path, timeout=PATIENCE_SECONDS)
    assert "/realms/gate/" in gate.url, gate.text
    tag = re.search(r'<a\b[^>]*id="social-directory"[^>]*>', gate.text)
    assert tag, gate.text
    href = re.search(r'href="([^"]+)"', tag[0])
    directory = own.get(urljoin(gate.url, html.unescape(href[1])), timeout=PATIENCE_SECONDS)
    assert "/realms/directory/" in directory.url, directory.text
    action, fields = form_of(directory, username=username, password=PASSWORD)
    return own, own.post(action, fields, timeout=PATIENCE_SECONDS)


def status(portal: Portal, own: requests.Session, path: str) -> int:
    """What a path is answered with."""
    answer = own.get(portal.address + path, allow_redirects=False, timeout=PATIENCE_SECONDS)
    return answer.status_code


def test_whoever_the_directory_knows_opens_their_own_unit(portal):
    own, page = sign_in(portal, "/units/shop", "dana")
    assert page.url == f"{portal.address}/units/shop", (page.url, page.text)
    assert page.status_code == 200 and "80.00" in page.text and "Dana Whitfield" in page.text
    assert status(portal, own, "/statements/2026-05/shop/pdf") == 200
    for path in ("/units/core", "/statements/2026-05/core/pdf", "/all/dashboard", "/access"):
        assert status(portal, own, path) == 404, path


def test_who_is_in_no_group_of_the_policy_sees_nothing(portal):
    own, page = sign_in(portal, "/", "noor")
    assert page.status_code == 403 and "There is nothing here for you to see" in page.text
    assert status(portal, own, "/units/shop") == 403


def test_signing_out_ends_the_session_of_both_realms(portal):
    own, page = sign_in(portal, "/", "dana")
    token = re.search(r'name="form_token" value="([^"]+)"', page.text)
    out = own.post(
        f"{portal.address}/sign-out", {"form_token": token[1]}, headers={"Origin": portal.address},
        timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert status(portal, own, "/units/shop") != 200
    onward = re.search(r'class="way" href="([^"]+)"', out.text)
    last = own.get(html.unescape(onward[1]), timeout=PATIENCE_SECONDS)
    assert last.url.split("?")[0] == f"{portal.address}/signed-out", (last.url, last.text)
    again = own.get(f"{portal.address}/units/shop", timeout=PATIENCE_SECONDS)
    assert urlsplit(again.url).netloc == urlsplit(portal_issuer(portal)).netloc
    tag = re.search(r'<a\b[^>]*id="social-directory"[^>]*href="([^"]+)"', again.text)
    directory = own.get(urljoin(again.url, html.unescape(tag[1])), timeout=PATIENCE_SECONDS)
    assert "/realms/directory/" in directory.url and 'name="password"' in directory.text, (
        "it asks again"
    )


def portal_issuer(portal: Portal) -> str:
    """Who signs people in."""
    return portal.settings.issuer


def test_who_is_signed_out_where_they_are_at_home_is_out_here(portal, realms):
    own, _ = sign_in(portal, "/units/shop", "dana")
    other, _ = sign_in(portal, "/", "noor")
    assert status(portal, own, "/units/shop") == 200
    # The directory tells the gate, and the gate tells the portal, each by its back channel.
    realms.sign_out_of_directory("dana")
    assert status(portal, own, "/units/shop") == 401
    assert status(portal, other, "/") == 403, "she is still inside, and still sees nothing"
