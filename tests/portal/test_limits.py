"""Nobody asks more often than they may, and nobody else waits for it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargeback.portal import limits
from chargeback.portal.limits import Rate
from tests.portal.opened import Clock


def test_a_minute_s_worth_at_once_then_one_by_one():
    clock = Clock(0)
    rate = Rate(6, clock)
    assert [rate.wait("a") for _ in range(6)] == [0] * 6
    assert rate.wait("a") == 10, "one every ten seconds"
    assert rate.wait("b") == 0, "another caller has their own"
    clock.now = 9.5
    assert rate.wait("a") == 1
    clock.now = 10
    assert rate.wait("a") == 0
    assert rate.wait("a") == 10


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 20), st.lists(st.floats(0, 30), max_size=80))
def test_in_no_minute_more_than_twice_the_number(a_minute: int, waits: list[float]):
    clock = Clock(0)
    rate = Rate(a_minute, clock)
    taken: list[float] = []
    for wait in waits:
        clock.now += wait
        if rate.wait("a") == 0:
            taken.append(clock.now)
    for first in taken:
        assert sum(first <= one < first + 60 for one in taken) <= 2 * a_minute
    assert len(taken) <= a_minute + clock.now * a_minute / 60 + 1


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 600), st.floats(0, 100))
def test_whoever_waits_as_long_as_they_are_told_is_served(a_minute: int, wait: float):
    clock = Clock(0)
    rate = Rate(a_minute, clock)
    while not rate.wait("a"):
        pass
    clock.now += wait
    told = rate.wait("a")
    clock.now += told
    assert told == 0 or rate.wait("a") == 0


def test_a_flood_of_callers_is_not_remembered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "REMEMBERED", 10)
    rate = Rate(1, Clock(0))
    for number in range(1000):
        assert rate.wait(f"caller {number}") == 0
    assert len(rate._left) == 10
