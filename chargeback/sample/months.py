"""Months of the estate: their hours, how much of each has passed, and how the estate has grown by
then.

A final month is whole; the open one stops after its first fifteen days. A report is hourly, or
daily when it
is small: both are time granularities of Data Exports, and a small hourly report would have more
hours than line items.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

FIRST_PERIOD, LAST_FINAL_PERIOD, OPEN_PERIOD = "2025-12", "2026-05", "2026-06"
PERIODS: tuple[str, ...] = (
    "2025-12", "2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06",
)  # fmt: skip

ELAPSED_DAYS_OF_OPEN_PERIOD = 15
HOURLY_FROM_LINE_ITEMS = 50_000
GROWTH_PER_QUARTER = Decimal("1.09")


@dataclass(frozen=True)
class Interval:
    """When a line item happened; `text` is its identity_time_interval."""

    start: np.datetime64
    end: np.datetime64
    text: str


@dataclass(frozen=True)
class Month:
    """One period of the estate at one time granularity.

    A slot is an hour or a day. Intervals are the slots of the whole month, then three that fees
    use: `reservation_interval` ends one second before the month does (CUR fact 2.6), `tax_interval`
    says the first day although its usage dates say the month (fact 2.13), `fee_interval` is the
    month.
    """

    period: str
    hours_per_slot: int

    @property
    def start(self) -> np.datetime64:
        return np.datetime64(f"{self.period}-01T00:00:00", "s")

    @property
    def end(self) -> np.datetime64:
        return (np.datetime64(self.period, "M") + 1).astype("datetime64[s]")

    @property
    def hours(self) -> int:
        return int((self.end - self.start) // np.timedelta64(1, "h"))

    @property
    def slots(self) -> int:
        return self.hours // self.hours_per_slot

    @property
    def is_open(self) -> bool:
        return self.period == OPEN_PERIOD

    @property
    def elapsed_slots(self) -> int:
        if self.is_open:
            return ELAPSED_DAYS_OF_OPEN_PERIOD * 24 // self.hours_per_slot
        return self.slots

    @property
    def reservation_interval(self) -> int:
        return self.slots

    @property
    def tax_interval(self) -> int:
        return self.slots + 1

    @property
    def fee_interval(self) -> int:
        return self.slots + 2

    def intervals(self) -> list[Interval]:
        """Every interval a line item of the month can have, in the order of their codes."""
        step = np.timedelta64(self.hours_per_slot, "h")
        slots = [
            interval(self.start + step * slot, self.start + step * (slot + 1))
            for slot in range(self.slots)
        ]
        first_day = interval(self.start, self.start + np.timedelta64(1, "D"))
        return [
            *slots,
            interval(self.start, self.end - np.timedelta64(1, "s")),
            Interval(self.start, self.end, first_day.text),
            interval(self.start, self.end),
        ]


def interval(start: np.datetime64, end: np.datetime64) -> Interval:
    """The interval between two instants, with the text that AWS writes."""
    return Interval(start, end, f"{start}Z/{end}Z")


def month_of(period: str, line_items: int) -> Month:
    """The month at the granularity that suits a number of line items."""
    return Month(period, 1 if line_items >= HOURLY_FROM_LINE_ITEMS else 24)


def growth(period: str) -> Decimal:
    """How large the estate is in a period, 1 being the last final one."""
    months = PERIODS.index(period) - PERIODS.index(LAST_FINAL_PERIOD)
    return GROWTH_PER_QUARTER ** (Decimal(months) / 3)
