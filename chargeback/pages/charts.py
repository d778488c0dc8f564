"""The charts of a statement, drawn by matplotlib as SVG, the same in HTML and PDF.

What always holds: the same numbers give the same bytes (a fixed salt for ids, no date). Labels are outlines,
so no font has to be installed and no markup can hide in them. A `$` in a label is a dollar sign, not
mathematics. Each chart's ids carry its name, because several charts share one HTML page.

matplotlib is imported only here, inside the functions, because importing it takes longer than everything else.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Protocol

from chargeback.core.money import MINUS
from chargeback.core.text import plain
from chargeback.pages.vocabulary import short_period

INK, QUIET, RULE = "#1d2a38", "#5f6b7a", "#c8cfd8"
DIRECT, SHARED, OTHER, PALE = "#1f4e79", "#6aa5a9", "#d09a3c", "#b9c6d3"
SERIES = (
    ("direct", "Direct cost", DIRECT),
    ("allocated", "Shared cost", SHARED),
    ("other", "Other", OTHER),
)

PERIODS_SHOWN = 13
LABEL_LENGTH = 28

SETTINGS: Any = {
    "svg.hashsalt": "statement",
    "svg.fonttype": "path",
    "text.parse_math": False,
    "font.family": ["STIXGeneral", "DejaVu Sans"],
    "font.size": 9.0,
}
_DROPPED = re.compile(
    r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.S
)
_IDS = re.compile(r'( id="|xlink:href="#|url\(#)')


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


def totals_chart(trend: Sequence[PeriodAmounts]) -> str:
    """Small bars of the total per period, the last one in full colour; for the first page."""
    shown = trend[-PERIODS_SHOWN:]
    amounts = [float(row.amount) for row in shown]
    figure, axes = _figure(3.1, 1.15)
    colours = [PALE] * (len(shown) - 1) + [DIRECT]
    axes.bar(range(len(shown)), amounts, width=0.7, color=colours)
    axes.set_xlim(-0.6, max(len(shown), 6) - 0.4)
    for number in {0, len(shown) - 1}:
        _label(axes, number, amounts[number], short_amount(amounts[number]))
        axes.text(
            number,
            0,
            short_period(shown[number].billing_period),
            ha="center",
            va="top",
            size=8,
            color=QUIET,
        ).set_y(min(0.0, min(amounts)) - 0.05 * _span(amounts))
    _room(axes, amounts)
    return svg_of(figure, "totals")


def trend_chart(trend: Sequence[PeriodAmounts]) -> str:
    """Stacked bars per period: direct, shared, other; negative parts below the line."""
    shown = trend[-PERIODS_SHOWN:]
    figure, axes = _figure(7.0, 2.2)
    above, below = [0.0] * len(shown), [0.0] * len(shown)
    for name, _, colour in SERIES:
        for number, row in enumerate(shown):
            amount = float(getattr(row, name))
            base = above if amount >= 0 else below
            axes.bar(number, amount, bottom=base[number], width=0.62, color=colour)
            base[number] += amount
    for number, row in enumerate(shown):
        _label(axes, number, above[number], short_amount(float(row.amount)))
    axes.set_xlim(-0.6, max(len(shown), 6) - 0.4)
    _room(axes, above + below)
    for number, row in enumerate(shown):
        axes.annotate(
            short_period(row.billing_period),
            (number, min(below)),
            xytext=(0, -4),
            textcoords="offset points",
            ha="center",
            va="top",
            size=8,
            color=QUIET,
        )
    axes.axhline(0, color=INK, linewidth=0.6)
    _legend(figure, [series for series in SERIES if any(getattr(row, series[0]) for row in shown)])
    return svg_of(figure, "trend")


def bars_chart(rows: Sequence[tuple[str, Decimal, Decimal | None]], name: str) -> str:
    """Horizontal bars, one per (label, amount, amount before or None), the largest on top."""
    figure, axes = _figure(7.0, 0.22 * len(rows) + 0.12)
    amounts = [float(amount) for _, amount, _ in rows]
    before = [float(old) if old is not None else None for _, _, old in rows]
    places = range(len(rows))
    axes.barh(places, amounts, height=0.62, color=DIRECT)
    for place, then in zip(places, before, strict=True):
        if then is not None:
            axes.plot([then, then], [place - 0.38, place + 0.38], color=OTHER, linewidth=1.6)
    reach = [0.0, *amounts, *(then for then in before if then is not None)]
    low, high = min(reach), max(reach)
    span = (high - low) or 1.0
    axes.set_xlim(low - (0.36 if low == 0 else 0.46) * span, high + 0.12 * span)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    for place, (label, amount, _) in enumerate(rows):
        end = max(0.0, amounts[place])
        mark_at = before[place]
        if mark_at is not None and end <= mark_at <= end + 0.1 * span:
            end = mark_at  # the label would stand on the mark
        axes.text(
            axes.get_xlim()[0], place, _short(label), ha="left", va="center_baseline", color=INK
        )
        axes.text(
            end + 0.008 * span,
            place,
            short_amount(float(amount)),
            va="center_baseline",
            color=QUIET,
        )
    axes.axvline(0, color=INK, linewidth=0.6)
    return svg_of(figure, name)


def waterfall_chart(steps: Sequence[tuple[str, Decimal]], name: str) -> str:
    """Horizontal bars that each begin where the one above ended, one per (label, amount), from nothing;
    the last one is what they come to."""
    figure, axes = _figure(7.0, 0.19 * (len(steps) + 1) + 0.08)
    amounts = [float(amount) for _, amount in steps]
    ends = [sum(amounts[: place + 1]) for place in range(len(amounts))]
    starts = [0.0, *ends[:-1]]
    span = _span(ends)
    low, high = min(0.0, *ends), max(0.0, *ends)
    axes.set_xlim(low - 0.5 * span, high + 0.14 * span)
    axes.set_ylim(len(steps) + 0.6, -0.6)
    labels = [*(label for label, _ in steps), "Change"]
    bars = [*zip(starts, ends, amounts, strict=True), (0.0, ends[-1], ends[-1])]
    for place, (label, (start, end, amount)) in enumerate(zip(labels, bars, strict=True)):
        is_whole = place == len(steps)
        colour = INK if is_whole else DIRECT if amount >= 0 else SHARED
        axes.barh(place, end - start, left=start, height=0.62, color=colour)
        if not is_whole:
            axes.plot([end, end], [place + 0.31, place + 0.69], color=QUIET, linewidth=0.6)
        axes.text(
            axes.get_xlim()[0], place, _short(label), ha="left", va="center_baseline", color=INK
        )
        axes.text(
            max(start, end) + 0.008 * span,
            place,
            ("+" if amount > 0 else "") + short_amount(amount),
            va="center_baseline",
            color=INK if is_whole else QUIET,
        )
    axes.axvline(0, color=INK, linewidth=0.6)
    return svg_of(figure, name)


def mark(text: str) -> str:
    """A large, pale word across a page; outlines, for text would run into what is read back."""
    figure, axes = _figure(6.0, 8.0)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.text(
        0.5,
        0.5,
        text,
        size=76,
        weight="bold",
        color="#a3282f",
        alpha=0.09,
        rotation=53,
        ha="center",
        va="center",
    )
    return svg_of(figure, "mark")


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


def _figure(width_inches: float, height_inches: float) -> tuple[Any, Any]:
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcdefaults()  # not what a matplotlibrc of the user says
    matplotlib.rcParams.update(SETTINGS)
    figure = Figure(figsize=(width_inches, height_inches))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    return figure, axes


def _span(amounts: Sequence[float]) -> float:
    return (max(0.0, *amounts) - min(0.0, *amounts)) or 1.0


def _room(axes: Any, amounts: Sequence[float]) -> None:
    """Leave room for the labels above and the periods below."""
    low, high, span = min(0.0, *amounts), max(0.0, *amounts), _span(amounts)
    axes.set_ylim(low - 0.2 * span, high + 0.2 * span)


def _label(axes: Any, place: float, height: float, text: str) -> None:
    axes.annotate(
        text,
        (place, max(0.0, height)),
        xytext=(0, 2),
        textcoords="offset points",
        ha="center",
        va="bottom",
        size=8,
        color=INK,
    )


def _legend(figure: Any, series: Sequence[tuple[str, str, str]]) -> None:
    from matplotlib.patches import Patch

    figure.legend(
        handles=[Patch(color=colour, label=label) for _, label, colour in series],
        loc="upper left",
        ncols=len(series),
        frameon=False,
        fontsize=8,
        labelcolor=INK,
        handlelength=0.9,
        handleheight=0.9,
        borderaxespad=0.0,
        borderpad=0.0,
    )


def _short(label: str) -> str:
    text = plain(label)
    return text if len(text) <= LABEL_LENGTH else text[: LABEL_LENGTH - 1] + "…"


def svg_of(figure: Any, name: str) -> str:
    """A figure as SVG; its ids begin with the name."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    written = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # a glyph that no font has is drawn as a box, which says enough
        figure.savefig(written, format="svg", metadata={"Date": None}, transparent=True)
    svg = _DROPPED.sub("", written.getvalue())
    # matplotlib's stylesheet would apply to the whole HTML page; as attributes it stays in the
    # chart.
    svg = svg.replace("<svg ", '<svg stroke-linejoin="round" stroke-linecap="butt" ', 1)
    svg = _IDS.sub(rf"\g<1>{name}-", svg)
    return "\n".join(line for line in svg.splitlines() if line.strip())
