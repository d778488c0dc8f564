"""Without sign-in, whoever started the portal comes in by what was printed for them, and nobody else."""

from __future__ import annotations

import pytest

from chargeback.params.viewers import VIEWER, Grant, Viewers
from chargeback.portal.loopback import Resident, loopback_settings, resident_of
from tests.portal.opened import Opened

TWO = Viewers((Grant("a", VIEWER, ("claims",)), Grant("b", VIEWER, ("members",))))


@pytest.fixture
def resident() -> Resident:
    return resident_of(["a"])


def test_the_address_that_was_printed_lets_in(resident: Resident):
    opened = Opened(resident=resident, policy=lambda: TWO)
    browser = opened.browser()
    address = resident.address(loopback_settings())
    assert address == f"http://127.0.0.1:8095/start?token={resident.token}"
    answer = browser.get(address)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert browser.get("/unit/claims").status_code == 200
    assert browser.get("/unit/members").status_code == 404, "they are in no group that sees it"
    assert opened.records.entries[0][1] == "signed in"


def test_without_the_token_nobody_comes_in(resident: Resident):
    opened = Opened(resident=resident)
    browser = opened.browser()
    for path in ("/", "/unit/claims", "/start", "/start?token=", "/start?token=x", "/start?token=%C3%A4",
                 f"/start?token={resident.token}x", f"/start?token={resident.token[:-1]}"):  # fmt: skip
        answer = browser.get(path)
        assert answer.status_code == 401, path
        assert "set-cookie" not in answer.headers
        assert "printed where it was started" in answer.text


def test_no_other_name_leads_to_it(resident: Resident):
    """A page of somebody else's, whose name is made to point at this machine, is not answered."""
    opened = Opened(resident=resident)
    for host in ("evil.example:8095", "127.0.0.1.evil.example:8095", "127.0.0.1:9000"):
        answer = opened.browser().get(f"/start?token={resident.token}", headers={"host": host})
        assert answer.status_code == 400
        assert "set-cookie" not in answer.headers
    assert opened.browser("192.0.2.1").get(f"/start?token={resident.token}").status_code == 400


def test_tokens_are_new_each_time_and_long_and_not_in_the_log(resident: Resident):
    assert len(resident.token) == 43
    assert resident_of(["a"]).token != resident.token
    assert resident.token not in repr(resident)
    opened = Opened(resident=resident)
    opened.browser().get(f"/start?token={resident.token}")
    assert resident.token not in "".join(opened.log)


def test_there_is_no_sign_in_by_a_provider(resident: Resident):
    opened = Opened(resident=resident)
    for path in ("/sign-in", "/callback", "/back-channel-logout"):
        assert opened.browser().get(path).status_code == 401
