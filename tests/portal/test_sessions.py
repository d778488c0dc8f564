"""Sessions end when they must, and their file gives nobody away."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargeback.core.errors import Refusal
from chargeback.portal.person import Person
from chargeback.portal.sessions import (
    MEMORY,
    MOST_BEGUN,
    Begun,
    Sessions,
    form_token,
    locked,
    random_text,
    unlocked,
)
from tests.portal.opened import Clock

DANA = Person("u-1", "Dana Whitfield", "dana@insurer.example", ("finops-claims",))
NOW = 1_780_000_000.0
IDLE, WHOLE = 1800, 8 * 3600


def opened(clock: Clock, file: Path | str = MEMORY, made_for: str = "") -> Sessions:
    return Sessions(file, IDLE, WHOLE, clock, made_for)


def signed_in(sessions: Sessions, sid: str = "s-1", issued_at: float = NOW) -> str:
    return sessions.sign_in(DANA, sid, issued_at, "an.id.token")


def test_a_session_is_found_by_its_id_alone():
    sessions = opened(Clock(NOW))
    one, other = signed_in(sessions), signed_in(sessions)
    assert one != other
    found = sessions.find(one)
    assert found and found.person == DANA
    assert found.form_token == form_token(one) != form_token(other)
    assert sessions.find(random_text()) is None


def test_a_session_ends_after_the_idle_time():
    clock = Clock(NOW)
    sessions = opened(clock)
    session_id = signed_in(sessions)
    clock.now = NOW + IDLE - 1
    assert sessions.find(session_id)
    clock.now += IDLE - 1
    assert sessions.find(session_id), "asking for something counts from then on"
    clock.now += IDLE
    assert sessions.find(session_id) is None
    clock.now = NOW + 1
    assert sessions.find(session_id) is None, (
        "what has ended does not come back when a clock is set back"
    )


def test_a_session_ends_after_its_whole_time_however_busy():
    clock = Clock(NOW)
    sessions = opened(clock)
    session_id = signed_in(sessions)
    while clock.now < NOW + WHOLE - 60:
        assert sessions.find(session_id)
        clock.now += 600
    clock.now = NOW + WHOLE
    assert sessions.find(session_id) is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2 * IDLE), max_size=40))
def test_a_session_never_outlives_either_limit(waits: list[int]):
    clock = Clock(NOW)
    sessions = opened(clock)
    session_id, seen = signed_in(sessions), NOW
    for wait in waits:
        clock.now += wait
        found = sessions.find(session_id)
        if clock.now - seen >= IDLE or clock.now - NOW >= WHOLE:
            assert found is None
            break
        # That somebody was here is noted after a sixtieth of the idle time.
        if clock.now - seen < IDLE - IDLE / 60 and clock.now - NOW < WHOLE:
            assert found
        if found is None:
            break
        seen = clock.now


def test_a_session_that_was_ended_is_gone_and_gives_its_id_token_once():
    sessions = opened(Clock(NOW))
    session_id, other = signed_in(sessions), signed_in(sessions)
    assert sessions.end(session_id) == "an.id.token"
    assert sessions.end(session_id) == ""
    assert sessions.find(session_id) is None
    assert sessions.find(other)


def test_the_file_has_nothing_that_lets_anybody_in(tmp_path: Path):
    file = tmp_path / "portal" / "sessions.sqlite"
    sessions = opened(Clock(NOW), file)
    session_id, state, browser = signed_in(sessions), random_text(), random_text()
    sessions.begin(state, browser, Begun("nonce", "verifier", "/"))
    sessions.close()
    content = file.read_bytes()
    for secret in (session_id, state, browser, form_token(session_id), "an.id.token"):
        assert secret.encode() not in content
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    again = opened(Clock(NOW), file)
    assert again.find(session_id), "a portal that was started again knows whoever was signed in"


def test_an_id_token_is_read_with_the_session_s_id_only():
    session_id = random_text()
    assert unlocked(session_id, locked(session_id, "token")) == "token"
    assert unlocked(random_text(), locked(session_id, "token")) == ""
    assert unlocked(session_id, b"") == ""


def test_sessions_of_another_provider_end(tmp_path: Path):
    file = tmp_path / "sessions.sqlite"
    first = opened(Clock(NOW), file, "https://one showback groups")
    session_id = signed_in(first)
    first.close()
    same = opened(Clock(NOW), file, "https://one showback groups")
    assert same.find(session_id)
    same.close()
    assert opened(Clock(NOW), file, "https://other showback groups").find(session_id) is None


def test_a_file_that_is_none_is_refused(tmp_path: Path):
    file = tmp_path / "sessions.sqlite"
    file.write_bytes(b"no database" * 100)
    with pytest.raises(Refusal, match="sessions cannot be kept"):
        opened(Clock(NOW), file)


def test_a_file_that_somebody_holds_is_refused_and_not_waited_for_without_end(tmp_path: Path):
    file = tmp_path / "sessions.sqlite"
    sessions = opened(Clock(NOW), file)
    sessions._run("pragma busy_timeout = 50")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("begin exclusive")
    with pytest.raises(Refusal, match="sessions cannot be kept"):
        signed_in(sessions)
    other.execute("commit")
    assert signed_in(sessions)


def test_a_sign_in_counts_once_in_the_browser_that_began_it_within_ten_minutes():
    clock = Clock(NOW)
    sessions = opened(clock)
    begun = Begun("nonce", "verifier", "/unit/claims")
    sessions.begin("state", "browser", begun)
    assert sessions.finish("state", "other browser") is None
    assert sessions.finish("other state", "browser") is None
    clock.now += 599
    assert sessions.finish("state", "browser") == begun
    assert sessions.finish("state", "browser") is None
    sessions.begin("state 2", "browser", begun)
    clock.now += 600
    assert sessions.finish("state 2", "browser") is None


def test_no_more_sign_ins_are_remembered_than_a_number(monkeypatch: pytest.MonkeyPatch):
    assert MOST_BEGUN == 20_000
    monkeypatch.setattr("chargeback.portal.sessions.MOST_BEGUN", 3)
    clock = Clock(NOW)
    sessions = opened(clock)
    for number in range(5):
        clock.now += 1
        sessions.begin(f"state {number}", "browser", Begun("n", "v", "/"))
    found = [sessions.finish(f"state {number}", "browser") is not None for number in range(5)]
    assert found == [False, False, True, True, True]


def test_the_provider_ends_a_session_or_all_of_somebody():
    sessions = opened(Clock(NOW))
    one, two, bare = signed_in(sessions, "s-1"), signed_in(sessions, "s-2"), signed_in(sessions, "")
    assert sessions.end_for_provider("j-1", "s-1", "", NOW) == 1
    assert sessions.find(one) is None and sessions.find(two) and sessions.find(bare)
    assert sessions.end_for_provider("j-2", "", "u-1", NOW) == 2
    assert sessions.find(two) is None and sessions.find(bare) is None
    assert sessions.end_for_provider("j-2", "", "u-1", NOW) is None, "told before"
    assert sessions.end_for_provider("j-3", "s-9", "u-9", NOW) == 0


def test_a_session_without_sid_ends_where_the_provider_names_its_person():
    sessions = opened(Clock(NOW))
    named, bare = signed_in(sessions, "s-2"), signed_in(sessions, "")
    assert sessions.end_for_provider("j-1", "s-1", "u-1", NOW) == 1
    assert sessions.find(named) and sessions.find(bare) is None


def test_nobody_comes_in_by_a_session_that_the_provider_has_ended_already():
    clock = Clock(NOW)
    sessions = opened(clock)
    sessions.end_for_provider("j-1", "s-1", "", NOW + 1)
    sessions.end_for_provider("j-2", "", "u-1", NOW + 1)
    assert signed_in(sessions, "s-1", NOW + 5) == "", "that very session"
    assert signed_in(sessions, "s-2", NOW) == "", "one of before they were signed out everywhere"
    assert signed_in(sessions, "s-3", NOW + 2), "one that they began afterwards"
