"""Page charts: lines over the days of a month, with amounts at the left and dates below.

In: dollars a day, as floats, which are only drawn. Out: what reports/parts.html draws. Amounts and dates are
text of the page beside the drawing, so that they keep their size on a phone. The same numbers give the same
bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.daily.page_tables import points
from chargeback.pages.shell import TemplatePart

WIDTH, HEIGHT = 600, 130
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # of which, times a power of ten, an axis goes up to one
DATES_SHOWN = 4


@dataclass(frozen=True)
class DaysLine:
    """A line of a chart: what it is, and a number for each day from the first on."""

    words: str
    numbers: Sequence[float]
    is_dashed: bool = False


@dataclass(frozen=True)
class DaysChart(TemplatePart):
    """Lines over the width of the page, from nothing to a round amount, and over days.

    Args:
        caption: what is drawn, with its unit.
        days: of the longest line, in order.
        unit: of the amounts.
    """

    macro = "days_chart"
    caption: str
    lines: Sequence[DaysLine]
    days: Sequence[date]
    unit: str

    @property
    def top(self) -> float:
        """What the amounts' axis goes up to."""
        return round_top(max([0.0, *(one for line in self.lines for one in line.numbers)]))

    @property
    def amounts(self) -> list[str]:
        """The marks of the axis of amounts, from the top down."""
        return [axis_text(self.top), axis_text(self.top / 2), f"0 {self.unit}"]

    @property
    def dates(self) -> list[tuple[str, str]]:
        """The marks of the axis of days, first to last: where each stands, in percent, and its day."""
        last = max(1, len(self.days) - 1)
        return [
            (f"{100 * at / last:.1f}", f"{self.days[at]:%-d %b}") for at in marked(len(self.days))
        ]

    @property
    def drawn(self) -> list[tuple[str, DaysLine]]:
        """The points of each line, and the line."""
        count = len(self.days)
        return [
            (points(one.numbers, WIDTH * max(0, len(one.numbers) - 1) / max(1, count - 1), HEIGHT, self.top),
            one) for one in self.lines if one.numbers
        ]  # fmt: skip


def marked(count: int) -> list[int]:
    """Which of some days have their date below the chart: evenly, the first and the last among them."""
    if count <= DATES_SHOWN:
        return list(range(count))
    return [round(at * (count - 1) / (DATES_SHOWN - 1)) for at in range(DATES_SHOWN)]


def round_top(highest: float) -> float:
    """The round amount that is not below the highest.

    >>> round_top(1234.0), round_top(0.0)
    (2000.0, 1.0)
    """
    if highest <= 0:
        return 1.0
    power = 1.0
    while power * 10 <= highest:
        power *= 10
    while power > highest:
        power /= 10
    return next(step * power for step in STEPS if step * power >= highest)


def axis_text(amount: float) -> str:
    """A mark of an axis: cents only where it is small."""
    places = 0 if amount == int(amount) else 2
    return shown(Decimal(str(amount)), places)
