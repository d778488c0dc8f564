"""A provider that forges, and one that is broken: nobody gets in, nothing breaks, nothing forged is shown.

Each forgery differs from an honest answer in one thing (tests/portal/providers/forgeries.py), and the honest
ones get in, or these tests could not fail.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from chargeback.portal import fetching
from tests.portal.providers import hostile as provider
from tests.portal.providers.forgeries import BAD, FORGERIES, GOOD
from tests.portal.providers.hostile import Hostile
from tests.portal.providers.open_portal import CLIENT_SECRET, PATIENCE_SECONDS, Portal, opened

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
