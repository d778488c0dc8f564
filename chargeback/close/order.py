"""The order of closes: earlier months that AWS has delivered and nobody has closed.

Periods may be closed in any order (decision 8), and what is closed never changes. So a statement that was made
while an earlier month was open compares itself with whatever was closed by then, for good. That is said before
it happens; it stops nothing, because the books may well begin with this month.
"""

from __future__ import annotations

from datetime import UTC, datetime

from chargeback.books.checked import checked_manifest
from chargeback.books.history import read_history
from chargeback.books.verify.closes import place_notes
from chargeback.books.verify.findings import minute
from chargeback.books.work_folder import WorkFolder
from chargeback.core.paths import SAMPLE_CUR
from chargeback.core.period import month_after, month_before
from chargeback.sample import PERIODS
from chargeback.signing.level import ANCHORS_VARIABLE, asked_level
from chargeback.sources.readers import reader_of

#: How many months before the first period of empty books are looked for in the report.
LOOKED_BACK = 12


def open_before(work: WorkFolder) -> list[str]:
    """Months before a period that the report has and the books have not, in order.

    In books with closed periods those after the first one count; in empty ones the twelve before this one.
    """
    closed = work.books.closed_periods()
    months: list[str] = []
    month = month_before(work.period)
    while month > closed[0] if closed else len(months) < LOOKED_BACK:
        months.append(month)
        month = month_before(month)
    reader = reader_of(work.report)
    return [
        one
        for one in reversed(months)
        if one not in closed
        and (one in PERIODS if work.report == SAMPLE_CUR else reader.has_period(one))
    ]


def order_note(work: WorkFolder) -> list[str]:
    """What to say before a period is closed while earlier ones are open; nothing when none is."""
    earlier = open_before(work)
    if not earlier:
        return []
    period = work.period
    before = [one for one in work.books.closed_periods() if one < period]
    will = f"compare it with {before[-1]}" if before else "call it the first period on record"
    lines = [
        f"NOTE  {', '.join(ranges(earlier))} {'are' if len(earlier) > 1 else 'is'} delivered and not closed.",
        f"      The statements of {period} will {will}, and closed statements never change.",
        "      To close in order, stop now (Ctrl-C) and run: "
        f"make monthly-close PERIOD={earlier[0]}..{period}",
    ]
    if not before:
        lines.append(f"      If these books begin with {period}, there is nothing to do.")
    return lines


def clock_note(work: WorkFolder) -> list[str]:
    """What to say where this machine's clock stands before the time at which the last close was signed.

    It stops nothing: the history has the order of closes, and a clock that once ran ahead would block all later
    ones. Whoever verifies is told the same.
    """
    history = read_history(work.books)
    signed = [at for at in history.signed_at.values() if at]
    now = datetime.now(UTC)
    if not signed or now >= max(signed):
        return []
    last = max(history.signed_at, key=lambda one: history.signed_at[one] or signed[0])
    return [
        f"NOTE  This machine's clock says {minute(now)}, and {last} was signed at {minute(max(signed))}.",
        "      One of the two is wrong. The order of closes does not depend on it, but the time of signing",
        f"      {work.period} does: if this clock is wrong, stop now (Ctrl-C) and set it first.",
    ]


def place_note(work: WorkFolder) -> list[str]:
    """What to say where the books lie elsewhere than at their last close.

    A copy has the id of its books, so nothing else tells a rehearsal on it from the books themselves. It stops
    nothing: books may be moved.
    """
    closes = read_history(work.books).closes
    if not closes:
        return []
    then = str(checked_manifest(work.books, closes[-1].billing_period)["run"].get("place", ""))
    said = list(place_notes(then, work.books.place))
    if said:
        said.append(
            "      Whoever verifies is told the same. To rehearse, begin other books: they have an id"
        )
        said.append("      of their own.")
    return said


def level_note(work: WorkFolder) -> list[str]:
    """What to say where trust anchors are named and the development key signs, which goes back to none."""
    if not (asked_level().anchors and work.signer and work.signer.development):
        return []
    return [
        f"NOTE  {ANCHORS_VARIABLE} is named, and a development key signs, which nobody can revoke:",
        "      the PDFs get time stamps (B-T), and nothing about revocation (B-LT).",
    ]


def ranges(periods: list[str]) -> list[str]:
    """Periods in order, with those that follow each other as a range.

    >>> ranges(["2025-12", "2026-01", "2026-03"])
    ['2025-12..2026-01', '2026-03']
    """
    found: list[tuple[str, str]] = []
    for period in periods:
        if found and month_after(found[-1][1]) == period:
            found[-1] = (found[-1][0], period)
        else:
            found.append((period, period))
    return [first if first == last else f"{first}..{last}" for first, last in found]
