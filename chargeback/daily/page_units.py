"""Page units: what the daily page begins with, the month to date by business unit.

In: a day as the daily flow saw it. Out: a table of the units beside what was expected and their budgets, the
sum below them, and a chart of what was used by day beside the month before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.daily.anomalies.series import Sums
from chargeback.daily.month_to_date import (
    TOTAL,
    Compared,
    UnitToDate,
    compared_days,
    units_to_date,
)
from chargeback.daily.page_charts import DaysChart, DaysLine
from chargeback.daily.page_tables import Heading, SortedCell, SortedTable, amount, signed
from chargeback.daily.today import Today
from chargeback.pages.parts import Paragraph
from chargeback.pages.shell import HtmlPart

CENT = Decimal("0.01")

HOW_BUDGETED = (
    "Budget so far: the part of the month's budget for these days. It is for all that a close charges: a "
    "unit's part of what is shared comes to its cost then, and the total has it already."
)


def days_text(first: date, last: date) -> str:
    """Days from one to another, as a heading has them.

    >>> days_text(date(2026, 6, 9), date(2026, 6, 15)), days_text(date(2026, 5, 28), date(2026, 6, 3))
    ('9–15 Jun', '28 May–3 Jun')
    """
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last:%-d %b}" if first != last else f"{last:%-d %b}"
    return f"{first:%-d %b}–{last:%-d %b}"


def to_date_words(today: Today) -> str:
    """The days of the month so far."""
    return days_text(today.day.replace(day=1), today.day)


def units(today: Today) -> list[HtmlPart]:
    """The month to date by unit, the sum, how it was expected, and what was used by day."""
    rows, compared = units_to_date(today), compared_days(today)
    has_budget = any(one.budget is not None for one in rows)
    headings = [
        Heading("Business unit"), Heading(f"Cost {to_date_words(today)}", True),
        Heading("Expected", True, True), Heading("Against expected", True),
        *([Heading("Budget so far", True, True), Heading("Against budget", True, True)] if has_budget else []),
    ]  # fmt: skip
    table = SortedTable(
        "Month to date", headings, [cells(one, has_budget) for one in rows if one.business_unit_id != TOTAL],
        "There is no business unit.", cells(rows[-1], has_budget),
    )  # fmt: skip
    found = [table, *chart(today, compared), *how_expected(today, compared)]
    return [*found, Paragraph(HOW_BUDGETED, "note")] if has_budget else found


def cells(one: UnitToDate, has_budget: bool) -> list[SortedCell]:
    """A row of the table."""
    found = [
        SortedCell(one.name, sub=one.owner),
        amount(one.amount.quantize(CENT)),
        amount(None if one.expected is None else one.expected.quantize(CENT)),
        against(one.difference, one.expected),
    ]
    if has_budget:
        found += [
            amount(None if one.budget is None else one.budget.quantize(CENT)),
            against(one.over_budget, one.budget),
        ]
    return found


def against(difference: Decimal | None, of: Decimal | None) -> SortedCell:
    """By how much a figure is above or below another, and what part of that."""
    if difference is None or of is None:
        return signed(None)
    return signed(difference.quantize(CENT), share_text(difference, of))


def share_text(difference: Decimal, of: Decimal) -> str:
    """A difference in percent; none of what is nothing."""
    return f"{shown(100 * difference / of, 1)} %" if of > 0 else ""


def how_expected(today: Today, compared: Compared | None) -> list[Paragraph]:
    """What was to be expected, in a sentence."""
    if compared is None:
        return [
            Paragraph(
                "Nothing is expected: no day is complete yet, or the days of the month before are not known.",
                "note",
            )
        ]  # fmt: skip
    return [
        Paragraph(
            f"Expected: the cost so far, with what was used from {compared.first} to {compared.last} (complete "
            f"days) replaced by what was used from {compared.first_before} to {compared.last_before}, under "
            "today's rules. Fees, credits and the days since are taken as they stand.", "note",
        )
    ]  # fmt: skip


def chart(today: Today, compared: Compared | None) -> list[HtmlPart]:
    """What was used each day of the month, beside as many days of the month before."""
    used = today.anomalies.used
    first = today.day.replace(day=1)
    days = [first + timedelta(at) for at in range((today.day - first).days + 1)]
    lines = [DaysLine(f"{today.day:%B %Y}", totals(used, [one for one in days if one in used]))]
    if compared is not None:
        before = [compared.first_before + timedelta(at) for at in range(len(days))]
        before = [one for one in before if one < first]
        words = f"{days_text(before[0], before[-1])}, the month before"
        lines.append(DaysLine(words, totals(used, before), is_dashed=True))
    currency = today.params.policy.currency
    judged = f"; complete up to {compared.last:%-d %b}" if compared else ""
    caption = f"Used by day, amortized, in {currency}{judged}"
    return [DaysChart(caption, lines, days, currency)]


def totals(used: Sums, days: Sequence[date]) -> list[float]:
    """What was used on some days, by everybody."""
    return [float(sum(used.get(one, {}).values(), Decimal(0))) for one in days]
