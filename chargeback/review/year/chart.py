"""The chart of a year: for each of twelve months, what it charged beside what is charged about it.

Amounts stand on an axis with round steps. What always holds: the same amounts give the same bytes, and money
becomes a float only here, in order to be drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.pages.charts import DIRECT, INK, NARROW, OTHER, QUIET, RED, RULE, WIDE, short_amount
from chargeback.pages.parts import Chart
from chargeback.pages.svg import ROOM, Drawing, text_width
from chargeback.pages.vocabulary import short_period

WIDE_UNITS, NARROW_UNITS = 504.0, 340.0
SIZE, NARROW_SIZE = 8.0, 12.0
HAIR = 0.6
STEPS = 4  # of the axis, about

CHARGED, CORRECTED = "Charged in the month", "Charged about the month, corrected"
OPEN = "open"


@dataclass(frozen=True)
class Month:
    """A month; one that is open has no amounts."""

    billing_period: str
    charged: Decimal | None
    corrected: Decimal | None

    @property
    def bars(self) -> tuple[tuple[float, str], ...]:
        """What is drawn, with its colour; what is negative is red."""
        found = ((self.charged, DIRECT), (self.corrected, OTHER))
        return tuple(
            (float(amount), colour if amount >= 0 else RED)
            for amount, colour in found
            if amount is not None
        )


def year_chart(months: Sequence[Month], currency: str) -> Chart:
    """The chart in its two forms, and its meaning in words."""
    words = "; ".join(
        f"{period_title(one.billing_period)} {shown(one.charged)} and {shown(one.corrected)}"
        for one in months
        if one.charged is not None and one.corrected is not None
    )
    return Chart(
        wide(months),
        f"{CHARGED}, and {CORRECTED.lower()}, in {currency}: {words}",
        f"Each month in {currency}",
        narrow(months),
    )


def ticks(months: Sequence[Month]) -> list[float]:
    """Where the axis has a step: from the lowest amount, or nothing, to the highest, in round steps."""
    amounts = [0.0, *(amount for one in months for amount, _ in one.bars)]
    low, high = min(amounts), max(amounts)
    rough = (high - low) / STEPS or 1.0
    ten = 10.0 ** math.floor(math.log10(rough))
    step = next(ten * one for one in (1, 2, 5, 10) if ten * one >= rough * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * one for one in range(first, max(last, first + 1) + 1)]


def wide(months: Sequence[Month]) -> str:
    """Two columns for each month, side by side, on an axis at the left."""
    drawing, axis = Drawing(WIDE_UNITS), ticks(months)
    top, bottom = legend(drawing, SIZE, 0.0) + 8, 150.0
    room = max(text_width(short_amount(one), SIZE) for one in axis) * ROOM + 6
    slot = (WIDE_UNITS - room) / len(months)

    def at(amount: float) -> float:
        return bottom - (amount - axis[0]) / (axis[-1] - axis[0]) * (bottom - top)

    for one in axis:
        drawing.bar(room, at(one) - HAIR / 2, WIDE_UNITS - room, HAIR, INK if one == 0 else RULE)
        drawing.text(room - 5, at(one) + 0.32 * SIZE, short_amount(one), SIZE, QUIET, "end")
    for place, month in enumerate(months):
        left, width = room + place * slot, slot * 0.34
        for number, (amount, colour) in enumerate(month.bars):
            high, low = at(max(amount, 0.0)), at(min(amount, 0.0))
            drawing.bar(left + slot * 0.15 + number * width, high, width - 0.8, low - high, colour)
        middle = left + slot / 2
        if not month.bars:
            drawing.text(middle, at(0.0) - 4, OPEN, SIZE, QUIET, "middle")
        drawing.text(middle, bottom + 12, short_period(month.billing_period), SIZE, QUIET, "middle")
    return drawing.svg(bottom + 17, WIDE)


def narrow(months: Sequence[Month]) -> str:
    """For each month two bars below its name, on an axis at the foot."""
    drawing, axis = Drawing(NARROW_UNITS), ticks(months)
    inset = text_width(short_amount(axis[-1]), NARROW_SIZE) * ROOM / 2
    left, width = inset, NARROW_UNITS - 2 * inset

    def at(amount: float) -> float:
        return left + (amount - axis[0]) / (axis[-1] - axis[0]) * width

    first = legend(drawing, NARROW_SIZE, 0.0, each_below=True) + 4
    heights = [38.0 if one.bars else 19.0 for one in months]
    foot = first + sum(heights)
    for one in axis:
        drawing.bar(at(one) - HAIR / 2, first, HAIR, foot - first, INK if one == 0 else RULE)
        drawing.text(at(one), foot + 14, short_amount(one), NARROW_SIZE, QUIET, "middle")
    top = first
    for month, height in zip(months, heights, strict=True):
        said = short_period(month.billing_period) + ("" if month.bars else f": {OPEN}")
        drawing.text(at(0.0) + 4, top + 14, said, NARROW_SIZE, INK if month.bars else QUIET)
        for number, (amount, colour) in enumerate(month.bars):
            drawing.bar(at(0.0), top + 18 + 8 * number, at(amount) - at(0.0), 7, colour)
        top += height
    return drawing.svg(foot + 19, NARROW)


def legend(drawing: Drawing, size: float, top: float, each_below: bool = False) -> float:
    """Which colour is which view; returns where it ends."""
    x, y = 0.0, top
    for label, colour in ((CHARGED, DIRECT), (CORRECTED, OTHER)):
        drawing.bar(x, y + size * 0.12, size * 0.85, size * 0.85, colour)
        drawing.text(x + size * 1.25, y + size * 0.86, label, size, INK)
        if each_below:
            y += size * 1.5
        else:
            x += size * 2.6 + text_width(label, size) * ROOM
    return y if each_below else y + size * 1.6
