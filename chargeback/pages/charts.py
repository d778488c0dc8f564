"""The charts of a statement, the same in HTML and PDF, and a narrow form of each for a phone.

A chart of several things is rows: a label at the left, bars in the middle, an amount at the right, each in a
column of its own, so that nothing is printed over anything whatever the values are. On a phone label and
amount of a row stand above its bar. What is negative is red, as in the tables.

What always holds: the same numbers give the same bytes. Words stay words, in the face of the page (`svg`).
Money becomes a float only here, in order to be drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from chargeback.core.money import MINUS
from chargeback.pages.svg import ROOM, Drawing, lines_of, text_width
from chargeback.pages.vocabulary import short_period

INK, QUIET, RULE, RED = "#1d2a38", "#5f6b7a", "#c8cfd8", "#a3282f"
DIRECT, SHARED, OTHER, PALE = "#1f4e79", "#6aa5a9", "#d09a3c", "#b9c6d3"
SERIES = (
    ("direct", "Direct cost", DIRECT),
    ("allocated", "Shared cost", SHARED),
    ("other", "Other", OTHER),
)
WHOLE = "Change"  # what the steps of a waterfall come to
ALL_ELSE = "Shared cost and all else"  # on the direct part of a unit cost
UNIT_COST_SERIES = (("direct", "Direct cost", DIRECT), ("rest", ALL_ELSE, SHARED))

#: Classes of drawings: one for everywhere, or one for wide and one for narrow pages.
ONLY, WIDE, NARROW = "only", "wide", "narrow"

PERIODS_SHOWN = 13
WIDE_UNITS, HALF_UNITS, NARROW_UNITS, SMALL_UNITS = 504.0, 246.0, 340.0, 223.0
SIZE, NARROW_SIZE, SMALL_SIZE = 9.0, 13.0, 8.0
MOST_LINES = 2  # of a label
MOST_NARROW_LINES = 6  # where there is room below: only what nobody would call a name is cut
MOST_LABEL_UNITS = 190.0
SMALLEST_BAR = 0.8  # of what is not nothing, or nobody would see it
GAP = 8.0
HAIR = 0.6

_BASELINE = 0.32  # of the size: how far below its middle a line's baseline is


@dataclass(frozen=True)
class Picture:
    """A chart in its two forms, as SVG."""

    wide: str
    narrow: str


class PeriodAmounts(Protocol):
    """What was charged in a period, and its parts, one per series."""

    @property
    def billing_period(self) -> str: ...

    @property
    def direct(self) -> Decimal: ...

    @property
    def allocated(self) -> Decimal: ...

    @property
    def other(self) -> Decimal: ...

    @property
    def amount(self) -> Decimal: ...


@dataclass(frozen=True)
class Bar:
    """A row of a chart.

    Args:
        amount: as it is written, and `value` as it is drawn.
        parts: where each begins and ends, and its colour.
        mark: where a mark stands across the bar; None for none.
        leads: a line leads from its end to the next row.
        is_whole: what the rows above come to.
    """

    label: str
    amount: str
    value: float
    parts: tuple[tuple[float, float, str], ...]
    mark: float | None = None
    leads: bool = False
    is_whole: bool = False

    @property
    def reach(self) -> list[float]:
        """All places that the row needs."""
        found = [end for part in self.parts for end in part[:2]]
        return found if self.mark is None else [*found, self.mark]


@dataclass(frozen=True)
class Scale:
    """Where amounts stand on a drawing: from `left` on, over `width` units."""

    low: float
    high: float
    left: float
    width: float

    @classmethod
    def over(cls, bars: Sequence[Bar], left: float, width: float) -> Scale:
        """One that nothing, and all of some rows, find room on."""
        reach = [0.0, *(place for bar in bars for place in bar.reach)]
        return cls(min(reach), max(reach), left, width)

    def at(self, amount: float) -> float:
        """The place of an amount."""
        return self.left + (amount - self.low) / ((self.high - self.low) or 1.0) * self.width


def totals_chart(trend: Sequence[PeriodAmounts]) -> str:
    """Small bars of the total per period, the last one in full colour; for the first page."""
    shown = trend[-PERIODS_SHOWN:]
    amounts = [float(row.amount) for row in shown]
    drawing, slot = Drawing(SMALL_UNITS), SMALL_UNITS / max(len(shown), 6)
    top, bottom = 14.0, 68.0
    low, high = min([0.0, *amounts]), max([0.0, *amounts])
    scale = Scale(-high, -low, top, bottom - top)
    for place, amount in enumerate(amounts):
        is_last = place == len(shown) - 1
        colour = RED if amount < 0 else DIRECT if is_last else PALE
        _column(drawing, scale, slot, place, (0.0, amount), 0.7, colour)
        if place in (0, len(shown) - 1):
            text, period = short_amount(amount), short_period(shown[place].billing_period)
            middle, half = _inside((place + 0.5) * slot, text)
            # Some bars beside it may be higher, and the text wider than its own.
            under = amounts[max(0, int((middle - half) / slot)) : int((middle + half) / slot) + 1]
            above, tone = scale.at(-max([0.0, *under])) - 3, RED if amount < 0 else INK
            drawing.text(middle, above, text, SMALL_SIZE, tone, "middle")
            middle, _ = _inside((place + 0.5) * slot, period)
            drawing.text(middle, bottom + 11, period, SMALL_SIZE, QUIET, "middle")
    return drawing.svg(83, ONLY)


def trend_chart(trend: Sequence[PeriodAmounts]) -> Picture:
    """A bar per period in its parts: direct, shared, other; negative parts on the other side of nothing."""
    shown = trend[-PERIODS_SHOWN:]
    series = [one for one in SERIES if any(getattr(row, one[0]) for row in shown)]
    bars = [_stacked(row) for row in shown]
    return Picture(_columns(bars, series), _narrow(bars, series))


def bars_chart(rows: Sequence[tuple[str, Decimal, Decimal | None]]) -> Picture:
    """A bar per (label, amount, amount before or None), the first on top; a mark where it was before."""
    bars = [
        Bar(
            label,
            short_amount(float(amount)),
            float(amount),
            ((0.0, float(amount), RED if amount < 0 else DIRECT),),
            mark=None if before is None else float(before),
        )
        for label, amount, before in rows
    ]
    return Picture(_wide(bars), _narrow(bars))


def budget_chart(months: Sequence[tuple[str, Decimal | None, Decimal]]) -> Picture:
    """A bar per (period, amount or None, budget), as time goes; a mark where the budget is."""
    bars = []
    for period, amount, budget in months:
        value = float(amount or 0)
        part = ((0.0, value, RED if value < 0 else DIRECT),) if value else ()
        said = short_amount(value) if amount is not None else ""
        bars.append(Bar(short_period(period), said, value, part, mark=float(budget)))
    return Picture(_columns(bars, ()), _narrow(bars))


def unit_cost_chart(months: Sequence[tuple[str, Decimal, Decimal, str]]) -> Picture:
    """A bar per (period, direct, all, text), as time goes: what one cost directly, and all else on it.

    Args:
        months: the text is the unit cost as it is written; blank, and zeros, where there is none.
    """
    bars = _unit_costs(months)
    return Picture(_columns(bars, UNIT_COST_SERIES), _narrow(bars, UNIT_COST_SERIES))


def half_unit_cost_chart(months: Sequence[tuple[str, Decimal, Decimal, str]]) -> str:
    """The same for half of the width of a page, in one form, and lower."""
    return _columns(_unit_costs(months)[-6:], UNIT_COST_SERIES, HALF_UNITS, 48.0, ONLY)


def _unit_costs(months: Sequence[tuple[str, Decimal, Decimal, str]]) -> list[Bar]:
    bars = []
    for period, direct, whole, text in months:
        ends = [(0.0, float(direct), DIRECT), (float(direct), float(whole), SHARED)]
        if direct < 0 or whole < direct:  # parts that go both ways cannot stand on each other
            ends = [(0.0, float(whole), RED if whole < 0 else DIRECT)]
        parts = tuple(part for part in ends if part[0] != part[1])
        bars.append(Bar(short_period(period), text, float(whole), parts))
    return bars


def waterfall_chart(steps: Sequence[tuple[str, Decimal]]) -> Picture:
    """Bars that each begin where the one above ended, one per (label, amount), from nothing; the last one is
    what they come to."""
    bars = _waterfall(steps)
    return Picture(_wide(bars), _narrow(bars))


def half_waterfall_chart(steps: Sequence[tuple[str, Decimal]]) -> str:
    """The same for half of the width of a page, in one form."""
    return _wide(_waterfall(steps), HALF_UNITS, ONLY)


def half_parts_chart(rows: Sequence[tuple[str, Sequence[Decimal]]], names: Sequence[str]) -> str:
    """A bar per (label, amounts) in its parts, which have names, for half of the width of a page."""
    series = [
        (name, name, colour) for name, colour in zip(names, (DIRECT, SHARED, PALE), strict=True)
    ]
    bars = []
    for label, amounts in rows:
        parts, whole = (
            _on_each_other(zip(amounts, (one[2] for one in series), strict=True)),
            sum(amounts),
        )
        bars.append(Bar(label, short_amount(float(whole)), float(whole), parts))
    return _wide(bars, HALF_UNITS, ONLY, series)


def _waterfall(steps: Sequence[tuple[str, Decimal]]) -> list[Bar]:
    bars, end = list[Bar](), Decimal(0)
    for label, amount in steps:
        start, end = end, end + amount
        bars.append(_step(label, start, end, DIRECT, leads=True))
    return [*bars, _step(WHOLE, Decimal(0), end, INK, is_whole=True)]


def short_amount(amount: float) -> str:
    """An amount for a label: three digits and a letter.

    >>> short_amount(-1234567.0)
    '\u22121.23M'
    """
    size = abs(amount)
    for limit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if size >= limit * 0.9995:
            digits = size / limit
            text = f"{digits:.{2 if digits < 9.995 else 1 if digits < 99.95 else 0}f}{letter}"
            break
    else:
        text = f"{size:.0f}"
    return f"{MINUS}{text}" if amount < 0 and text != "0" else text


def _step(
    label: str,
    start: Decimal,
    end: Decimal,
    colour: str,
    leads: bool = False,
    is_whole: bool = False,
) -> Bar:
    amount = float(end - start)
    text = ("+" if amount > 0 else "") + short_amount(amount)
    part = (float(start), float(end), RED if amount < 0 else colour)
    return Bar(label, text, amount, (part,), leads=leads, is_whole=is_whole)


def _stacked(row: PeriodAmounts) -> Bar:
    """A period's parts one on the other, negative ones below nothing."""
    parts = _on_each_other((getattr(row, name), colour) for name, _, colour in SERIES)
    total = float(row.amount)
    label, text = short_period(row.billing_period), short_amount(total)
    return Bar(label, text, total, parts)


def _on_each_other(
    amounts: Iterable[tuple[Decimal, str]],
) -> tuple[tuple[float, float, str], ...]:
    """Amounts with their colours as parts of a bar, negative ones on the other side of nothing."""
    parts, above, below = [], 0.0, 0.0
    for exact, colour in amounts:
        amount = float(exact)
        if amount >= 0:
            parts.append((above, above + amount, colour))
            above += amount
        else:
            parts.append((below, below + amount, colour))
            below += amount
    return tuple(part for part in parts if part[0] != part[1])


def _tone(bar: Bar, usual: str) -> str:
    return RED if bar.value < 0 else usual


def _widest(texts: Iterable[str], size: float) -> float:
    return max((text_width(text, size) for text in texts), default=0.0)


def _length(scale: Scale, start: float, end: float) -> float:
    """How long a bar is; what is not nothing is long enough to be seen."""
    length = scale.at(end) - scale.at(start)
    if end == start or abs(length) >= SMALLEST_BAR:
        return length
    return SMALLEST_BAR if end > start else -SMALLEST_BAR


def _wide(
    bars: Sequence[Bar],
    units: float = WIDE_UNITS,
    shown: str = WIDE,
    series: Sequence[tuple[str, str, str]] = (),
) -> str:
    """Rows with a label at the left, the bar, and the amount at the right margin."""
    drawing = Drawing(units)
    top = _legend(drawing, series, SMALL_SIZE) + 3 if series else 0.0
    most = MOST_LABEL_UNITS if shown == WIDE else units / 2
    label_units = min(_widest((bar.label for bar in bars), SIZE), most / ROOM)
    amount_units = _widest((bar.amount for bar in bars), SIZE) * ROOM
    left = label_units * ROOM + GAP
    scale = Scale.over(bars, left, units - amount_units - 2 * GAP - left)
    tops, lines = [top], []
    for bar in bars:
        lines.append(lines_of(bar.label, SIZE, label_units, MOST_LINES))
        tops.append(tops[-1] + (14.5 if len(lines[-1]) == 1 else 24.5))
    for place, bar in enumerate(bars):
        middle = (tops[place] + tops[place + 1]) / 2
        for start, end, colour in bar.parts:
            drawing.bar(scale.at(start), middle - 4.75, _length(scale, start, end), 9.5, colour)
        if bar.mark is not None:
            drawing.bar(scale.at(bar.mark) - 0.8, middle - 6, 1.6, 12, OTHER)
        if bar.leads:
            end = scale.at(bar.parts[-1][1])
            drawing.bar(end - HAIR / 2, middle + 4.75, HAIR, tops[place + 1] - middle, QUIET)
        first = middle - 5.25 * (len(lines[place]) - 1) + _BASELINE * SIZE
        for number, line in enumerate(lines[place]):
            drawing.text(0, first + 10.5 * number, line, SIZE, INK, strong=bar.is_whole)
        tone, baseline = _tone(bar, INK if bar.is_whole else QUIET), middle + _BASELINE * SIZE
        drawing.text(units, baseline, bar.amount, SIZE, tone, "end", bar.is_whole)
    drawing.bar(scale.at(0.0) - HAIR / 2, top, HAIR, tops[-1] - top, INK)
    return drawing.svg(tops[-1], shown)


def _narrow(bars: Sequence[Bar], series: Sequence[tuple[str, str, str]] = ()) -> str:
    """Rows with label and amount above the bar, large enough to be read on a phone."""
    drawing = Drawing(NARROW_UNITS)
    top = _legend(drawing, series, NARROW_SIZE) if series else 0.0
    scale = Scale.over(bars, 0.5, NARROW_UNITS - 1)
    for bar in bars:
        room = NARROW_UNITS - text_width(bar.amount, NARROW_SIZE) * ROOM - GAP
        lines = lines_of(bar.label, NARROW_SIZE, room / ROOM, MOST_NARROW_LINES)
        for number, line in enumerate(lines):
            baseline = top + 13 + 16 * number
            drawing.text(0, baseline, line, NARROW_SIZE, INK, strong=bar.is_whole)
        tone = _tone(bar, INK if bar.is_whole else QUIET)
        if bar.amount:
            drawing.text(NARROW_UNITS, top + 13, bar.amount, NARROW_SIZE, tone, "end", bar.is_whole)
        top += 18 + 16 * (len(lines) - 1)
        for start, end, colour in bar.parts:
            drawing.bar(scale.at(start), top, _length(scale, start, end), 9, colour)
        if bar.mark is not None:
            drawing.bar(scale.at(bar.mark) - 1, top - 1.5, 2, 12, OTHER)
        drawing.bar(scale.at(0.0) - HAIR / 2, top - 1.5, HAIR, 12, INK)
        top += 18
    return drawing.svg(top - 6, NARROW)


def _columns(
    bars: Sequence[Bar],
    series: Sequence[tuple[str, str, str]],
    units: float = WIDE_UNITS,
    height: float = 108.0,
    shown: str = WIDE,
) -> str:
    """Upright bars side by side, as time goes from left to right."""
    drawing, slot = Drawing(units), units / max(len(bars), 6)
    top = _legend(drawing, series, SMALL_SIZE) + 12
    bottom = top + height
    lengths = Scale.over(bars, 0, 1)
    scale = Scale(-lengths.high, -lengths.low, top, bottom - top)
    for place, bar in enumerate(bars):
        for start, end, colour in bar.parts:
            _column(drawing, scale, slot, place, (start, end), 0.62, colour)
        if bar.mark is not None:
            at = scale.at(-bar.mark)
            drawing.bar((place + 0.13) * slot, at - 0.8, 0.74 * slot, 1.6, OTHER)
        middle, above = (place + 0.5) * slot, max([0.0, *bar.reach])
        if bar.amount:
            drawing.text(
                middle, scale.at(-above) - 3, bar.amount, SMALL_SIZE, _tone(bar, INK), "middle"
            )
        drawing.text(middle, bottom + 11, bar.label, SMALL_SIZE, QUIET, "middle")
    drawing.bar(0, scale.at(0.0) - HAIR / 2, units, HAIR, INK)
    return drawing.svg(bottom + 15, shown)


def _column(
    drawing: Drawing,
    scale: Scale,
    slot: float,
    place: int,
    reach: tuple[float, float],
    share: float,
    colour: str,
) -> None:
    """An upright bar in the middle of its slot; `scale` is of negated amounts, from top to bottom."""
    start, end = reach
    length = _length(scale, -start, -end)
    top = min(scale.at(-start), scale.at(-start) + length)
    drawing.bar((place + (1 - share) / 2) * slot, top, share * slot, abs(length), colour)


def _inside(middle: float, text: str) -> tuple[float, float]:
    """Where the middle of a text in the small chart is to be, so that none is cut off; and half its width."""
    half = text_width(text, SMALL_SIZE) * ROOM / 2
    return min(max(middle, half), SMALL_UNITS - half), half


def _legend(drawing: Drawing, series: Sequence[tuple[str, str, str]], size: float) -> float:
    """Which colour is which part, on one line at the top; returns how high it is."""
    x = 0.0
    for _, label, colour in series:
        drawing.bar(x, size * 0.12, size * 0.85, size * 0.85, colour)
        drawing.text(x + size * 1.25, size * 0.86, label, size, INK)
        x += size * 2.6 + text_width(label, size) * ROOM
    return size * 1.6
