"""Billing periods: months in UTC, written "2026-05", never derived from the current date (CUR fact 6.12)."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

from chargeback.core.errors import bad_params

COMMAND_LINE = "PERIOD= or the argument period"
DATE_LINE = "DATE= or the argument date"
PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_YEAR, _MONTH = r"(?P<year>20[0-9][0-9])", r"(?P<month>1[0-2]|0?[1-9])"
#: How spreadsheets and people write a month otherwise; a day is the first, which a spreadsheet adds.
_OTHER_FORMS = [
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_YEAR}[-/. ]?{_MONTH}",
        rf"{_YEAR}[-/.]{_MONTH}[-/.]0?1( 0?0:00(:00)?)?",
        rf"{_MONTH}[-/. ]{_YEAR}",
        rf"{_MONTH}/0?1/{_YEAR}",
        rf"0?1\.{_MONTH}\.{_YEAR}",
        r"(?P<name>[a-z]{3})[a-z]*\.?[- /]?(?P<year>(20)?[0-9][0-9])",
        r"(?P<year>20[0-9][0-9])[- /]?(?P<name>[a-z]{3})[a-z]*",
    )
]
#: The days from a spreadsheet's first one to ours; a month that was formatted as a number is such a count.
_SPREADSHEET_START = date(1899, 12, 30)


def check_period(text: str, where: str = "") -> str:
    """The period as given, or a refusal (exit 2) that shows the form it must have.

    Args:
        where: the file, line and column or key; blank for the command line.
    """
    if not PERIOD.fullmatch(text or ""):
        meant = probable_period(text or "")
        todo = ["write the month as year and month: " + ("2026-05" if where else "PERIOD=2026-05")]
        if ".csv" in where:
            todo.append("spreadsheets change it when they save: format the column as text before")
        if ".." in (text or ""):
            todo.append("a range is no period here: name one month")
        raise bad_params(
            "a billing period is missing" if not text else "this is not a billing period",
            "year and month, such as 2026-05", repr(text) if text else "nothing",
            [where or COMMAND_LINE], [f"did you mean {meant}?", *todo] if meant else todo,
        )  # fmt: skip
    return text


def probable_period(text: str) -> str:
    """The period that was probably meant by something else; blank when nothing is probable.

    >>> [probable_period(one) for one in ("May-26", "2026-5", "05/2026", "46143")]
    ['2026-05', '2026-05', '2026-05', '2026-05']
    """
    text = text.strip()
    if re.fullmatch(r"4[0-9]{4}", text):
        first = _SPREADSHEET_START + timedelta(int(text))
        return f"{first:%Y-%m}" if first.day == 1 else ""
    for form in _OTHER_FORMS:
        if found := form.fullmatch(text):
            parts = found.groupdict()
            month = int(parts.get("month") or _MONTHS.get(parts.get("name", "").lower(), 0))
            return f"20{parts['year'][-2:]}-{month:02d}" if month else ""
    return ""


def check_day_text(text: str) -> date:
    """A day as it is given, such as 2026-06-15 (exit 2 for anything else)."""
    try:
        day = date.fromisoformat(text or "")
        if day.isoformat() != text:
            raise ValueError
    except ValueError:
        raise bad_params(
            "this is not a day", "year, month and day, such as 2026-06-15",
            repr(text) if text else "nothing", [DATE_LINE],
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
    first, dots, last = (text or "").strip().partition("..")
    two = re.fullmatch(rf"({PERIOD.pattern})[^0-9.]+({PERIOD.pattern})", first)
    if two:
        raise bad_params(
            "this is not a billing period", "one, such as 2026-05, or first..last", repr(text),
            [COMMAND_LINE], [f"did you mean {two[1]}..{two[3]}?"],
        )  # fmt: skip
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


def day_title(day: date) -> str:
    """A day for a reader.

    >>> day_title(date(2026, 6, 8))
    '8 June 2026'
    """
    return f"{day.day} {calendar.month_name[day.month]} {day.year}"


def due_on(period: str, due_day: int) -> date:
    """The day on which a period is to be closed: in the month after it, its last day at most."""
    first = first_day(month_after(period))
    return first.replace(day=min(due_day, calendar.monthrange(first.year, first.month)[1]))


def first_day(period: str) -> date:
    """The first day of a period."""
    return date.fromisoformat(f"{period}-01")
