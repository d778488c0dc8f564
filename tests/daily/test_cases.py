"""Cases open, are updated, resolved and opened again as findings come and go; once each."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.daily.cases import (
    ALERT,
    OPEN,
    OPENED,
    REOPENED,
    RESOLVED,
    TICKET,
    UPDATED,
    Case,
    CaseKey,
    Finding,
    follow,
)  # fmt: skip

FIRST = date(2026, 5, 1)
KEY = ("untagged", "a")


def finding(amount: int, subject: str = "a", channel: str = TICKET) -> Finding:
    """Something found that costs so much."""
    return Finding("untagged", subject, channel, "team", f"{amount} found", Decimal(amount))


def walk(amounts: list[int | None], channel: str = TICKET) -> list[Case]:
    """The case of one subject after each day; None is a day on which nothing was found."""
    cases: dict[CaseKey, Case] = {}
    seen = []
    for number, amount in enumerate(amounts):
        found = [] if amount is None else [finding(amount, channel=channel)]
        day = FIRST + timedelta(number)
        cases = follow(cases, found, ["untagged"], {KEY: Decimal(1)}, day, 14)
        again = follow(cases, found, ["untagged"], {KEY: Decimal(1)}, day, 14)
        assert again == cases, "the same day again changes nothing"
        seen.append(cases.get(KEY))
    return [one for one in seen if one]


def test_a_case_is_followed():
    days = walk([None, 100, 120, 90, None, None, 50])
    assert [one.action for one in days] == [OPENED, UPDATED, UPDATED, RESOLVED, RESOLVED, REOPENED]
    assert [one.revision for one in days] == [1, 2, 3, 4, 4, 5]
    resolved, again = days[3], days[5]
    assert (resolved.status, resolved.resolved_on) == (RESOLVED, date(2026, 5, 5))
    assert (resolved.worst_amount, resolved.amount, resolved.recovered_amount) == (120, 1, 119)
    assert (again.status, again.due_on, again.times_opened) == (OPEN, date(2026, 5, 21), 2)
    assert (again.worst_amount, again.recovered_amount, again.resolved_on) == (50, 0, None)


def test_a_ticket_keeps_its_due_day():
    assert {one.due_on for one in walk([100, 120, 90])} == {FIRST + timedelta(14)}


def test_an_alert_is_silent_while_it_goes_on():
    days = walk([100, 120, 90, None, 70], ALERT)
    assert [one.revision for one in days] == [1, 1, 1, 2, 3]
    assert [one.amount for one in days] == [100, 120, 90, 1, 70]


def test_a_rule_that_was_not_checked_resolves_nothing():
    cases = follow({}, [finding(5)], ["untagged"], {}, FIRST, 14)
    assert follow(cases, [], ["anomaly"], {}, FIRST + timedelta(1), 14) == cases


def test_two_findings_for_one_rule_and_subject_are_a_defect():
    with pytest.raises(ValueError, match="twice"):
        follow({}, [finding(5), finding(6)], ["untagged"], {}, FIRST, 14)


@given(st.lists(st.one_of(st.none(), st.integers(1, 9)), max_size=30))
def test_messages_alternate(amounts):
    actions: list[str] = []
    revision = 0
    for one in walk(amounts):
        if one.revision != revision:
            assert one.revision == revision + 1, "no message is left out"
            revision = one.revision
            actions.append(one.action)
    opened = [one for one in actions if one != UPDATED]
    assert opened == [OPENED, *[RESOLVED, REOPENED] * len(amounts)][: len(opened)]


@given(st.integers(-9, 9), st.text(max_size=5))
def test_json_and_back(amount, subject):
    made = follow({}, [finding(amount, subject)], ["untagged"], {}, FIRST, 14)
    [case] = made.values()
    assert Case.from_json(case.to_json()) == case
