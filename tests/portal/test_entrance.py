"""Nobody gets to a room without a session, and whoever does sees what viewers.toml says at that moment."""

from __future__ import annotations

import time

import pytest
from starlette.testclient import TestClient

from chargeback.core.errors import Refusal, bad_params, unreachable
from chargeback.params.viewers import VIEWER, Grant, Viewers
from chargeback.portal.loopback import resident_of
from chargeback.portal.settings import Limits
from tests.portal.opened import POLICY, Clock, Opened
from tests.portal.small_provider import SmallProvider


@pytest.fixture
def provider():
    made = SmallProvider()
    yield made
    made.close()


def seen(browser: TestClient, method: str, path: str) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All that somebody can tell one answer from another by."""
    answer = browser.request(method, path)
    return answer.status_code, answer.content, sorted(answer.headers.multi_items())


def test_whatever_there_is_not_or_is_not_for_somebody_is_one_answer(provider: SmallProvider):
    browser = Opened(provider).signed_in()
    assert browser.get("/unit/claims").status_code == 200
    foreign = seen(browser, "GET", "/unit/members")
    assert foreign[0] == 404
    for path in ("/unit/nobody", "/nowhere", "/unit/claims/", "/unit/", "/unit", "//unit/claims",
                 "/Unit/claims", "/unit/%2e%2e", "/unit/%2e%2e/members", "/unit/members%00",
                 "/unit/claims%2f..%2fmembers", "/unit/CLAIMS", "/sign-out", "/start"):  # fmt: skip
        assert seen(browser, "GET", path) == foreign, path
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        for path in ("/unit/claims", "/unit/members", "/nowhere", "/"):
            assert seen(browser, method, path) == foreign, (method, path)


def test_strangers_learn_nothing_about_what_there_is(provider: SmallProvider):
    opened = Opened(provider)
    for method in ("GET", "HEAD"):
        for path in ("/", "/unit/claims", "/unit/members", "/nowhere"):
            answer = opened.browser().request(method, path)
            assert (answer.status_code, answer.content) == (303, b""), path
            assert answer.headers["location"].startswith("/sign-in")
    posts = {
        seen(opened.browser(), "POST", path)[1]
        for path in ("/answer", "/nowhere", "/sign-out", "/unit/x")
    }
    assert len(posts) == 1
    assert opened.browser().post("/answer").status_code == 401
    asked_by_script = opened.browser().get("/unit/claims", headers={"sec-fetch-mode": "cors"})
    assert asked_by_script.status_code == 401, "only a page that is opened is sent to the provider"


def test_a_session_that_has_ended_says_so_and_leads_back(provider: SmallProvider):
    clock = Clock(time.time())
    opened = Opened(provider, clock=clock)
    browser = opened.signed_in()
    clock.now += 1799
    assert browser.get("/unit/claims").status_code == 200
    clock.now += 1800
    answer = browser.get("/unit/claims?month=2026-05")
    assert answer.status_code == 401
    assert "Your session has ended" in answer.text
    assert 'href="/sign-in?to=/unit/claims%3Fmonth%3D2026-05"' in answer.text
    assert "portal-8095" not in browser.cookies
    assert browser.get("/unit/claims").status_code == 303, "the next time straight to the provider"


def test_a_made_up_id_is_nobody_s(provider: SmallProvider):
    opened = Opened(provider)
    for made_up in ("A" * 43, "x", "A" * 5000, "' or 1=1 --", ""):
        browser = opened.browser()
        answer = browser.get("/", headers={"cookie": f"portal-8095={made_up}"})
        assert answer.status_code == 401, made_up


def test_a_change_of_the_policy_counts_for_the_next_request(provider: SmallProvider):
    now = [POLICY]
    opened = Opened(provider, policy=lambda: now[0])
    browser = opened.signed_in()
    assert browser.get("/unit/members").status_code == 404
    now[0] = Viewers((Grant("finops-claims", VIEWER, ("members",)),))
    assert browser.get("/unit/members").status_code == 200
    assert browser.get("/unit/claims").status_code == 404
    now[0] = Viewers()
    assert browser.get("/unit/members").status_code == 403


def test_whoever_sees_nothing_is_told_so_and_whom_to_ask(provider: SmallProvider):
    opened = Opened(provider, contact="cloud-billing@insurer.example")
    provider.person = {"sub": "u-2", "name": "Sam <b>Lee</b>", "groups": ["payroll", "all-staff"]}
    browser = opened.signed_in()
    shown = set()
    for path in ("/", "/unit/claims", "/nowhere"):
        answer = browser.get(path)
        assert answer.status_code == 403
        shown.add(answer.text)
    (text,) = shown
    assert "Sam &lt;b&gt;Lee&lt;/b&gt;" in text
    assert "all-staff, payroll" in text
    assert "cloud-billing@insurer.example" in text
    token = text.partition('name="form_token" value="')[2].partition('"')[0]
    assert opened.post(browser, "/sign-out", data={"form_token": token}).status_code == 200


def malformed() -> Viewers:
    raise bad_params("this role does not exist", "viewer", "'boss'", ["viewers.toml line 3"])


def test_a_malformed_policy_serves_nothing_and_says_so_once(provider: SmallProvider):
    policy = [lambda: POLICY]
    opened = Opened(provider, policy=lambda: policy[0]())
    browser = opened.signed_in()
    token = opened.form_token(browser)
    policy[0] = malformed
    for path in ("/", "/unit/claims", "/nowhere"):
        answer = browser.get(path)
        assert answer.status_code == 503
        assert "this role does not exist" in answer.text and "viewers.toml line 3" in answer.text
    assert opened.log.count("STOPPED  this role does not exist") == 1
    assert opened.browser().get("/").status_code == 303, "strangers are told nothing of it"
    assert opened.post(browser, "/sign-out", data={"form_token": token}).status_code == 200, (
        "this always works"
    )


def test_a_policy_that_is_right_again_serves_at_once(provider: SmallProvider):
    policy = [malformed]
    opened = Opened(provider, policy=lambda: policy[0]())
    browser = opened.signed_in()
    assert browser.get("/").status_code == 503
    policy[0] = lambda: POLICY
    assert browser.get("/").status_code == 200
    policy[0] = malformed
    assert browser.get("/").status_code == 503
    assert opened.log.count("STOPPED  this role does not exist") == 2, "it is news again"


def test_a_session_may_ask_so_often_and_others_as_often(provider: SmallProvider):
    opened = Opened(provider, limits=Limits(requests_a_minute=5))
    one, other = opened.signed_in(), opened.signed_in()
    assert [one.get("/").status_code for _ in range(7)] == [200] * 5 + [429] * 2
    assert int(one.get("/").headers["retry-after"]) > 0
    assert other.get("/").status_code == 200


def test_a_defect_of_a_room_shows_and_logs_nothing_of_what_it_held():
    resident = resident_of(["finops-claims"])
    opened = Opened(resident=resident)
    browser = opened.browser()
    browser.get(f"/start?token={resident.token}")
    answer = browser.get("/broken")
    assert answer.status_code == 500
    assert "a secret text" not in answer.text + "".join(opened.log)
    assert any(
        "a defect of this program: RuntimeError in opened.py line" in line for line in opened.log
    )


def test_when_it_cannot_be_written_down_nobody_comes_in(provider: SmallProvider):
    opened = Opened(provider)

    def refuse(*_: object) -> None:
        raise unreachable("the access log cannot be written")

    opened.records.record = refuse
    browser = opened.browser()
    answer = opened.come_back(browser, opened.begin(browser))
    assert answer.status_code == 503
    assert "access log" not in answer.text
    assert "STOPPED  the access log cannot be written" in opened.log
    assert browser.get("/").status_code == 303


def test_a_line_of_log_has_no_query_and_nobody_s_name(provider: SmallProvider):
    opened = Opened(provider)
    browser = opened.browser()
    said = opened.begin(browser, "/unit/claims")
    opened.come_back(browser, said)
    browser.get("/unit/claims?code=abc")
    log = "\n".join(opened.log)
    for kept in (said["code"], said["state"], "abc", "Dana", "?", browser.cookies["portal-8095"]):
        assert kept not in log
    assert opened.log[-1].split()[1:4] == ["200", "GET", "/unit/claims"]


def test_a_policy_is_never_asked_for_a_stranger(provider: SmallProvider):
    def policy() -> Viewers:
        raise AssertionError("it was asked")

    opened = Opened(provider, policy=policy)
    assert opened.browser().get("/").status_code == 303
    with pytest.raises(Refusal):
        malformed()
