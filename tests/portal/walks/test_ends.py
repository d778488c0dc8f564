"""How a session ends in real Chromium: by time, by the provider, and how sign-in outlives a change of keys.

The portal's clock stands still here, and is put forward by the test.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from chargeback.portal.provider import AGAIN_SECONDS
from tests.portal.providers.open_portal import Portal, opened
from tests.portal.providers.real_portal import let_in
from tests.portal.walks import chromium
from tests.portal.walks.people import PEOPLE

IDLE_SECONDS, SESSION_SECONDS = 600, 3600


@dataclass
class Clock:
    """Seconds since 1970, and those that only go up; both can be put forward."""

    forward: float = 0
    waited: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        return time.time() + self.forward

    def steady(self) -> float:
        return time.monotonic() + self.forward


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def portal(provider, clock) -> Iterator[Portal]:
    limits: dict[str, Any] = {"idle_seconds": IDLE_SECONDS, "session_seconds": SESSION_SECONDS}
    with opened(provider.issuer, clock=clock.now, steady=clock.steady, **limits) as one:
        let_in(provider, one.address)
        yield one


@pytest.fixture
def ann(browser, portal):
    """Ann's browser, signed in."""
    chromium.forget(browser)
    chromium.sign_in(browser, f"{portal.address}/", "ann")
    assert "Ann Shop" in chromium.text(browser)
    return browser


def ended(browser, portal) -> bool:
    """Whether the next page says that the session has ended, and nothing else."""
    browser.get(f"{portal.address}/a-room")
    shown = chromium.text(browser)
    assert ("Your session has ended" in shown) != ("Ann Shop" in shown), shown
    return "Ann Shop" not in shown


def test_a_session_ends_when_nothing_is_asked_for(ann, portal, clock):
    clock.forward = IDLE_SECONDS - 60
    assert not ended(ann, portal)
    clock.forward += IDLE_SECONDS - 60
    assert not ended(ann, portal), "it was in use in between"
    clock.forward += IDLE_SECONDS + 1
    assert ended(ann, portal)
    # The provider still knows her, so that one click signs her in again, with a new session.
    clock.forward = 0
    chromium.click(ann, "a.way")
    chromium.wait(ann, lambda one: "Ann Shop" in chromium.text(one), "not back in")
    assert ann.current_url == f"{portal.address}/a-room", "where she was"


def test_a_session_ends_however_much_is_asked_for(ann, portal, clock):
    while clock.forward + IDLE_SECONDS / 2 < SESSION_SECONDS:
        clock.forward += IDLE_SECONDS / 2
        is_over = clock.forward >= SESSION_SECONDS - 1
        assert ended(ann, portal) == is_over, clock.forward
    clock.forward = SESSION_SECONDS + 1
    assert ended(ann, portal)


def test_the_provider_ends_a_session_at_once(ann, portal, provider):
    provider.sign_out_everywhere("ann")
    assert ended(ann, portal)
    assert ("ann", "signed out at the provider") in {
        (by.split()[0], what) for by, what, _ in portal.told.entries
    }


def test_who_signs_out_at_the_provider_is_out_here(ann, portal, provider):
    ann.get(f"{provider.issuer}/session/end")
    chromium.click(ann, "#sign-out")
    assert ended(ann, portal)


@pytest.mark.parametrize("keep_old", [True, False], ids=["old-key-stays", "old-key-goes"])
def test_people_sign_in_after_the_provider_has_changed_its_keys(
    ann, portal, provider, clock, keep_old
):
    provider.rotate_keys(keep_old)
    assert not ended(ann, portal), "who is inside stays"
    clock.forward = AGAIN_SECONDS + 1
    chromium.forget(ann)
    chromium.sign_in(ann, f"{portal.address}/", "carl")
    assert "Carl Core" in chromium.text(ann)


def test_groups_are_those_of_the_last_sign_in(browser, portal, provider):
    chromium.forget(browser)
    try:
        provider.users(**{**PEOPLE, "ann": {**PEOPLE["ann"], "groups": ["core-people"]}})
        chromium.sign_in(browser, f"{portal.address}/", "ann")
        assert '"groups":["core-people"]' in chromium.text(browser).replace(" ", "")
    finally:
        provider.users(**PEOPLE)
    chromium.forget(browser)
    chromium.sign_in(browser, f"{portal.address}/", "ann")
    assert "shop-people" in chromium.text(browser)
