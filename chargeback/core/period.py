"""Billing periods: months in UTC, written "2026-05", never derived from the current date (CUR fact 6.12)."""

from __future__ import annotations

import calendar
import re
from datetime import date

from chargeback.core.errors import bad_params

COMMAND_LINE = "PERIOD= on the command line"
PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def check_period(text: str, where: str = "") -> str:
    """The period as given, or a refusal (exit 2) that shows the form it must have."""
    if not PERIOD.fullmatch(text or ""):
        raise bad_params(
            "a billing period is missing" if not text else "this is not a billing period",
            expected="year and month, such as 2026-05",
            found=repr(text) if text else "nothing",
            where=[where or COMMAND_LINE],
            todo=["name the month, for example: make monthly-close PERIOD=2026-05"],
        )
    return text


def check_day_text(text: str) -> date:
    """A day as it is given, such as 2026-06-15 (exit 2 for anything else)."""
    try:
        day = date.fromisoformat(text or "")
        if day.isoformat() != text:
            raise ValueError
    except ValueError:
        raise bad_params(
            "this is not a day", "year, month and day, such as 2026-06-15",
            repr(text) if text else "nothing", ["DATE= on the command line"],
            ["name the day, for example: make daily DATE=2026-06-15"],
        ) from None  # fmt: skip
    return day


def month_after(period: str) -> str:
    """The next period: "2025-12" gives "2026-01"."""
    year, month = int(period[:4]), int(period[5:])
    return f"{year + month // 12:04d}-{month % 12 + 1:02d}"


def month_before(period: str) -> str:
    """The period before: "2026-01" gives "2025-12"."""
    year, month = int(period[:4]), int(period[5:])
    return f"{year - (month == 1):04d}-{month - 1 or 12:02d}"


def periods_between(text: str) -> list[str]:
    """One period, or an inclusive range written "2026-03..2026-05", in order."""
    first, dots, last = (text or "").partition("..")
    check_period(first)
    if not dots:
        return [first]
    check_period(last)
    if last < first:
        raise bad_params(
            "the range of periods runs backwards", "first..last, such as 2026-03..2026-05", text,
            [COMMAND_LINE], [f"write {last}..{first}"],
        )  # fmt: skip
    periods = [first]
    while periods[-1] < last:
        periods.append(month_after(periods[-1]))
    return periods


def holds_in(period: str, valid_from: str, valid_to: str | None) -> bool:
    """Whether a dated row holds in a period; both ends inclusive, no end means open."""
    return valid_from <= period and (not valid_to or period <= valid_to)


def days_left(day: date) -> int:
    """How many days of its month come after a day."""
    return calendar.monthrange(day.year, day.month)[1] - day.day


def last_day(period: str) -> date:
    """The last day of a period."""
    year, month = int(period[:4]), int(period[5:])
    return date(year, month, calendar.monthrange(year, month)[1])


def period_title(period: str) -> str:
    """The period for a reader: "2026-05" gives "May 2026"."""
    return f"{calendar.month_name[int(period[5:])]} {period[:4]}"
