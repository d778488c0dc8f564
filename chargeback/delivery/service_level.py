"""Service level: business days, by which disputes are raised, answered and decided.

A business day is a day from Monday to Friday that is no holiday. What is due within n business days of a day
is due on the n-th business day after it; the day itself never counts. What always holds: a due day is a
business day, and exactly n of them lie after the first day up to it. The last day to raise a dispute may also
be an agreed one of a month, whatever weekday that is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from chargeback.params.dispute_policy import DisputePolicy

SATURDAY = 5


def is_business_day(day: date, holidays: Iterable[date] = ()) -> bool:
    """Whether people work on a day."""
    return day.weekday() < SATURDAY and day not in holidays


def due_after(day: date, business_days: int, holidays: Iterable[date] = ()) -> date:
    """The day on which something is due that is to be done within business days after a day.

    >>> due_after(date(2026, 6, 10), 5), due_after(date(2026, 7, 2), 1, [date(2026, 7, 3)])
    (datetime.date(2026, 6, 17), datetime.date(2026, 7, 6))
    """
    free = frozenset(holidays)
    left = business_days
    while left > 0:
        day += timedelta(1)
        left -= is_business_day(day, free)
    return day


def last_day_to_dispute(
    period: str, given: date, today: DisputePolicy, then: DisputePolicy
) -> date:
    """The last day on which a line of a period can be disputed.

    Args:
        given: the day on which the statement was handed out.
        today: what is agreed today.
        then: what was agreed when the period was closed, which its statement says: where that was anything, no
            reader was told a later day than holds.
    """
    agreed = [today] if then == DisputePolicy() else [today, then]
    days = [due_after(given, one.raise_business_days, one.holidays) for one in agreed]
    return max(days + [day for one in agreed if (day := one.until(period))])
