"""Business days: worked out by hand, and what holds for every day, number and holidays."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.delivery.service_level import due_after, is_business_day, last_day_to_dispute
from chargeback.params.dispute_policy import DisputePolicy

DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))
NUMBERS = st.integers(1, 60)
HOLIDAYS = st.frozensets(st.dates(date(2020, 1, 1), date(2036, 12, 31)), max_size=40)


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("raised", "business_days", "holidays", "due"),
    [
        ("2026-06-10", 5, [], "2026-06-17"),  # Wednesday: Thu, Fri, Mon, Tue, Wed
        ("2026-06-10", 15, [], "2026-07-01"),  # three weeks
        ("2026-06-13", 1, [], "2026-06-15"),  # Saturday: Monday
        ("2026-06-14", 5, [], "2026-06-19"),  # Sunday: Mon to Fri
        ("2026-07-02", 1, ["2026-07-03"], "2026-07-06"),  # Thursday before a free Friday
        ("2026-07-03", 1, ["2026-07-03"], "2026-07-06"),  # raised on a holiday
        ("2026-06-26", 5, ["2026-07-03", "2026-07-04"], "2026-07-06"),  # a holiday on a Saturday is none
        ("2026-12-24", 2, ["2026-12-25", "2027-01-01"], "2026-12-29"),
    ],
)  # fmt: skip
def test_due_days_by_hand(raised, business_days, holidays, due):
    assert due_after(day(raised), business_days, map(day, holidays)) == day(due)


@given(DAYS, NUMBERS, HOLIDAYS)
def test_what_is_due_is_due_on_a_business_day_with_as_many_up_to_it(raised, number, holidays):
    due = due_after(raised, number, holidays)
    passed = [raised + timedelta(one) for one in range(1, (due - raised).days + 1)]
    assert sum(is_business_day(one, holidays) for one in passed) == number
    assert is_business_day(due, holidays)


@given(DAYS, NUMBERS, HOLIDAYS)
def test_a_day_more_is_later_and_a_holiday_more_never_earlier(raised, number, holidays):
    due = due_after(raised, number, holidays)
    assert due_after(raised, number + 1, holidays) > due
    assert due_after(raised, number, holidays | {due}) > due
    assert due_after(raised + timedelta(1), number, holidays) >= due


@given(DAYS, st.integers(1, 12))
def test_five_business_days_without_holidays_are_a_week(raised, weeks):
    start = raised if raised.weekday() < 5 else raised - timedelta(raised.weekday() - 4)
    assert due_after(raised, 5 * weeks) == start + timedelta(7 * weeks)


@pytest.mark.parametrize(
    ("given", "today", "then", "last"),
    [
        ("2026-06-04", {}, {}, "2026-06-25"),  # fifteen business days
        ("2026-06-04", {"raise_until_day": 28}, {}, "2026-06-28"),
        (
            "2026-06-12",
            {"raise_until_day": 28},
            {},
            "2026-07-03",
        ),  # a late close: the business days
        ("2026-06-04", {"raise_business_days": 5}, {"raise_until_day": 28}, "2026-06-28"),
        ("2026-06-04", {"raise_business_days": 5}, {}, "2026-06-11"),  # its statement named no day
        ("2026-06-04", {"raise_until_day": 30}, {"raise_until_day": 28}, "2026-06-30"),
    ],
)
def test_the_last_day_to_dispute_is_never_before_the_one_that_the_statement_tells(
    given, today, then, last
):
    found = last_day_to_dispute(
        "2026-05", day(given), DisputePolicy(**today), DisputePolicy(**then)
    )
    assert found == day(last)
