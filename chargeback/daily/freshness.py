"""Freshness: how old the newest delivery and the ledger are on a day, and what is late.

In: the report's deliveries, the closed periods of the books, and [daily] of policy.toml. Out: what is there,
and one line for each thing that should be there by now and is not. Definitions:

- The age of a delivery is the number of days from its last day of usage to the day that is asked for. It is
  late when that is more than `delivery_due_days`. Fees that are written ahead of time do not count as usage. An
  export with monthly line items does not say which day its usage reaches: the month counts as delivered up to
  that day or its end, and that is said.
- A period is due on `close_due_day` of the month after it. It is late when that day is over and the period is
  not closed. Every period from the first closed one on counts, so a gap is noticed; in books without a closed
  period, only the last one that is due. A period that was closed after that day is mentioned, but is no longer
  late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from chargeback.books.closed_period import day_closed
from chargeback.books.source_record import MONTHLY
from chargeback.core.books_folders import Books
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.metrics import Metric, count, emit, gauge
from chargeback.core.period import (
    check_day_text,
    due_on,
    first_day,
    month_after,
    month_before,
)
from chargeback.params.daily_policy import DailyPolicy, read_daily_policy
from chargeback.params.policy import FILE as POLICY
from chargeback.params.toml_files import read_toml
from chargeback.sources.deliveries import has_period
from chargeback.sources.freeze import freeze_sources
from chargeback.sources.needs import DAY, require_needs
from chargeback.sources.report import last_usage_day

MONTHS_LOOKED_BACK = 13


@dataclass(frozen=True)
class Freshness:
    """What is there on a day, and what is late.

    Args:
        delivered_to: last day of usage of the newest delivery; None when there is none.
        closed: the newest closed period; empty when there is none.
        closed_on: the day on which it was closed; None when its evidence does not say.
        late: what should be there by now, one line each.
        late_periods: those of them that are closes.
        notes: what was late once.
    """

    day: date
    delivered_to: date | None
    closed: str
    closed_on: date | None
    late: tuple[str, ...]
    late_periods: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def delivery_age_days(self) -> int | None:
        """Days from the last day of usage to the day that is asked for."""
        return None if self.delivered_to is None else (self.day - self.delivered_to).days

    @property
    def ledger_age_days(self) -> int | None:
        """Days from the end of the newest closed period to the day that is asked for."""
        return None if not self.closed else (self.day - first_day(month_after(self.closed))).days

    def facts(self) -> list[str]:
        """What is there, in plain text."""
        age, closed = (
            self.delivery_age_days,
            f", closed on {self.closed_on}" if self.closed_on else "",
        )
        return [
            f"Freshness on {self.day}",
            "  delivery    none" if age is None
            else f"  delivery    usage up to {self.delivered_to}, {age} day{'' if age == 1 else 's'} ago",
            f"  ledger      {self.closed} is the last closed period{closed}" if self.closed
            else "  ledger      no period is closed",
            *(f"  {note}" for note in self.notes),
            *(f"  LATE        {one}" for one in self.late),
        ]  # fmt: skip


def freshness(
    day: date,
    policy: DailyPolicy,
    books: Books,
    delivered_to: date | None,
    granularity: str = "",
) -> Freshness:
    """What is there on a day.

    Args:
        delivered_to: the last day of usage that was delivered.
        granularity: of the delivery, as source records have it.
    """
    late: list[str] = []
    notes: list[str] = []
    if granularity == MONTHLY:
        notes.append(
            "the export has monthly line items (TIME_GRANULARITY): the day that usage reaches cannot be told"
        )
    if delivered_to is None:
        late.append("the report has no delivery of this month or of the year before it")
    elif (day - delivered_to).days > policy.delivery_due_days:
        late.append(
            f"the delivery: usage ends on {delivered_to}, and {policy.delivery_due_days} days are allowed"
        )
    closed = [one for one in books.closed_periods() if first_day(one) <= day]
    missing = [one for one in due_periods(closed, day, policy.close_due_day) if one not in closed]
    late += [f"the close of {one}: due on {due_on(one, policy.close_due_day)}" for one in missing]
    newest = closed[-1] if closed else ""
    closed_on = day_closed(books, newest) if newest else None
    if closed_on and closed_on > due_on(newest, policy.close_due_day):
        notes.append(f"{newest} was closed late: due on {due_on(newest, policy.close_due_day)}")
    return Freshness(
        day, delivered_to, newest, closed_on, tuple(late), tuple(missing), tuple(notes)
    )


def due_periods(closed: list[str], day: date, due_day: int) -> list[str]:
    """The periods that are to be closed by now, from the first closed one on; without any, the last of them."""
    last = month_before(f"{day:%Y-%m}")
    if due_on(last, due_day) >= day:
        last = month_before(last)
    found = []
    period = closed[0] if closed else last
    while period <= last:
        found.append(period)
        period = month_after(period)
    return found


def last_delivered_day(
    report: Path, day: date, fetch: Callable[[str], object] = lambda _: None
) -> tuple[date | None, str]:
    """The last day of usage in the newest delivery up to a day's month, and its granularity; None without one.

    Args:
        fetch: brings the files of a period that the report has, where it lies elsewhere.

    Raises:
        Refusal: (exit 6) the delivery cannot be read.
    """
    period = f"{day:%Y-%m}"
    for _ in range(MONTHS_LOOKED_BACK):
        if has_period(report, period):
            fetch(period)
            found, granularity = last_day_of(report, period)
            if found is not None:
                return min(found, day), granularity
        period = month_before(period)
    return None, ""


def last_day_of(report: Path, period: str) -> tuple[date | None, str]:
    """The last day of usage that a period's delivery has, None for one without line items; its granularity."""
    record = freeze_sources(report, period)
    require_needs(record, DAY)
    last = last_usage_day(report, record)
    if last is not None and record.granularity == MONTHLY:
        last = first_day(month_after(period)) - timedelta(days=1)
    return last, record.granularity


def freshness_metrics(found: Freshness) -> list[Metric]:
    """Ages, how many closes are late, and whether this look found anything late."""
    ages = {"delivery": found.delivery_age_days, "ledger": found.ledger_age_days}
    return [
        *(gauge(f"{name}_age_days", f"How old the newest {name} is.", age)
          for name, age in ages.items() if age is not None),
        gauge("late_closes", "Periods that should be closed by now.", len(found.late_periods)),
        gauge("late", "Things that should be here by now, closes among them.", len(found.late)),
        count("freshness_runs", "Looks at what is late.", 1),
        count("freshness_late_runs", "Looks that found something late.", bool(found.late)),
    ]  # fmt: skip


def run_freshness(
    day_text: str,
    report: Path,
    params_folder: Path,
    books: Books,
    progress: Callable[[str], None],
    fetch: Callable[[str], object],
) -> None:
    """Look at a day, today when none is named; leave metrics, and stop when something is late.

    Args:
        report: with all of its manifests; `fetch` brings the files of a period that they name.
    """
    day = check_day_text(day_text) if day_text else datetime.now(UTC).date()
    policy = read_daily_policy(read_toml(params_folder, POLICY))
    found = freshness(day, policy, books, *last_delivered_day(report, day, fetch))
    emit(freshness_metrics(found), books, "freshness", progress)
    check_freshness(found, progress)


def check_freshness(found: Freshness, progress: Callable[[str], None]) -> None:
    """Say what is there, and stop when something is late.

    Raises:
        Refusal: (exit 4) with what is late.
    """
    for line in found.facts():
        progress(line)
    if found.late:
        raise Refusal(
            CONTROL_FAILED, "a delivery or a close is late", "nothing late",
            f"{len(found.late)} late on {found.day}", "", list(found.late),
            ["a delivery: look at the export in the AWS console, or at whatever copies it here",
             "a close: make monthly-close PERIOD=…; what stops it says why",
             "the agreed days are in policy.toml: delivery_due_days, close_due_day"],
        )  # fmt: skip
