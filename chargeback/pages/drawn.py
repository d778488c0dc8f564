"""The figures of notebooks as SVG, for pages and prints that cannot run plotly.

Labels are wrapped and never cut, so that two that begin alike can be told apart. The same numbers give the same
bytes. matplotlib is imported inside the functions, because importing it takes longer than all the rest.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Sequence
from typing import Any

from chargeback.core.text import plain
from chargeback.pages.charts import INK, QUIET, RED, RULE, short_amount
from chargeback.pages.outlines import blank_figure, svg_of

#: Letters of a label on one line, and inches of its line.
LINE_LETTERS, LINE_INCHES = 44, 0.155
LABELS_INCHES, BARS_INCHES = 2.9, 5.6
CELL_INCHES = 0.68
PALETTE = (
    "#1f4e79", "#6aa5a9", "#d09a3c", "#8c4a5a", "#7d8fa6", "#4f7f4f", "#b08cc0", "#c46f45",
    "#3a8fb7", "#a3a847", "#5c5470", "#b9c6d3",
)  # fmt: skip


def wrapped(label: str, letters: int = LINE_LETTERS) -> list[str]:
    """A label in lines; whole, however long it is.

    >>> wrapped("arn:aws:rds:us-east-1:210984736615:db:claims-01", 40)
    ['arn:aws:rds:us-east-1:210984736615:db:cl', 'aims-01']
    """
    return textwrap.wrap(plain(label), letters) or [" "]


def bars_drawn(
    labels: Sequence[str], parts: Sequence[tuple[str, Sequence[float]]], title: str
) -> str:
    """Horizontal bars, the first label on top; several parts stand one after the other.

    Args:
        parts: a name and one figure for each label; a single part needs no name.
    """
    rows = [wrapped(one) for one in labels]
    heights = [max(len(one) * LINE_INCHES, LINE_INCHES) + 0.1 for one in rows]
    legend = 0.24 * (1 + sum(len(name) + 6 for name, _ in parts) // 110) if len(parts) > 1 else 0.0
    figure, axes = canvas(sum(heights) + 0.1, title, legend)
    tops = [sum(heights[:place]) for place in range(len(rows))]
    middles = [top + height / 2 for top, height in zip(tops, heights, strict=True)]
    above, below = [0.0] * len(rows), [0.0] * len(rows)
    for number, (_, amounts) in enumerate(parts):
        for place, amount in enumerate(amounts):
            base = above if amount >= 0 else below
            axes.barh(
                middles[place],
                amount,
                left=base[place],
                height=heights[place] * 0.62,
                color=PALETTE[number % len(PALETTE)],
            )
            base[place] += amount
    low, high = min([0.0, *below]), max([0.0, *above])
    span = (high - low) or 1.0
    axes.set_xlim(low - (0.02 if low == 0 else 0.1) * span, high + 0.14 * span)
    axes.set_ylim(sum(heights) + 0.05, -0.05)
    for place, lines in enumerate(rows):
        axes.annotate(
            "\n".join(lines), (0, middles[place]), xycoords=("axes fraction", "data"), xytext=(-6, 0),
            textcoords="offset points", ha="right", va="center", size=8.5, color=INK, linespacing=1.15,
        )  # fmt: skip
        axes.annotate(
            short_amount(above[place] + below[place]), (above[place], middles[place]), xytext=(3, 0),
            textcoords="offset points", ha="left", va="center", size=8, color=QUIET,
        )  # fmt: skip
    axes.axvline(0, color=INK, linewidth=0.6)
    draw_legend(figure, [name for name, _ in parts])
    return svg_of(figure, id_of("bars", title))


def steps_drawn(steps: Sequence[tuple[str, float]], title: str) -> str:
    """Bars that each begin where the one above ended; the last is what they come to."""
    ends = [sum(amount for _, amount in steps[: place + 1]) for place in range(len(steps))]
    bars = [(label, end - amount, amount) for (label, amount), end in zip(steps, ends, strict=True)]
    whole = ends[-1] if ends else 0.0
    bars.append(("Change", 0.0, whole))
    height = LINE_INCHES + 0.1
    figure, axes = canvas(height * len(bars), title, 0.0)
    for place, (label, start, amount) in enumerate(bars):
        is_whole = place == len(bars) - 1
        colour = RED if amount < 0 else INK if is_whole else PALETTE[0]
        axes.barh(place, amount, left=start, height=0.62, color=colour)
        axes.annotate(
            label, (0, place), xycoords=("axes fraction", "data"), xytext=(-6, 0),
            textcoords="offset points", ha="right", va="center", size=8.5, color=INK,
        )  # fmt: skip
        axes.annotate(
            ("+" if amount > 0 and not is_whole else "") + short_amount(amount),
            (max(start, start + amount), place), xytext=(3, 0), textcoords="offset points",
            ha="left", va="center", size=8, color=RED if amount < 0 else QUIET,
        )  # fmt: skip
    low, high = min([0.0, *ends]), max([0.0, *ends])
    span = (high - low) or 1.0
    axes.set_xlim(low - 0.03 * span, high + 0.16 * span)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.axvline(0, color=INK, linewidth=0.6)
    return svg_of(figure, id_of("steps", title))


def lines_drawn(
    periods: Sequence[str], series: Sequence[tuple[str, Sequence[float]]], title: str
) -> str:
    """A line a series over periods, each with its name at its end."""
    figure, axes = canvas(max(2.6, 0.2 * len(series) + 0.6), title, 0.0, left=0.8, right=3.0)
    highest = max([0.0, *(amount for _, amounts in series for amount in amounts)])
    lowest = min([0.0, *(amount for _, amounts in series for amount in amounts)])
    span = (highest - lowest) or 1.0
    axes.set_ylim(lowest - 0.05 * span, highest + 0.08 * span)
    axes.set_xlim(-0.3, len(periods) - 0.7 + 0.3 * (len(periods) == 1))
    places = spread([amounts[-1] for _, amounts in series], 1.25 * span / max(14, len(series) + 2))
    for number, ((name, amounts), place) in enumerate(zip(series, places, strict=True)):
        colour = PALETTE[number % len(PALETTE)]
        axes.plot(
            range(len(periods)), amounts, color=colour, linewidth=1.6, marker="o", markersize=3
        )
        axes.annotate(
            f"{plain(name)}  {short_amount(amounts[-1])}", (1, place), xycoords=("axes fraction", "data"),
            xytext=(6, 0), textcoords="offset points", ha="left", va="center", size=8, color=colour,
        )  # fmt: skip
    for place, period in enumerate(periods):
        axes.annotate(
            period.replace(" ", "\n"), (place, 0), xycoords=("data", "axes fraction"), xytext=(0, -4),
            textcoords="offset points", ha="center", va="top", size=8, color=QUIET,
        )  # fmt: skip
    for amount in (0.0, highest / 2, highest):
        axes.axhline(amount, color=RULE, linewidth=0.5, zorder=0)
        axes.annotate(
            short_amount(amount), (0, amount), xycoords=("axes fraction", "data"), xytext=(-6, 0),
            textcoords="offset points", ha="right", va="center", size=8, color=QUIET,
        )  # fmt: skip
    return svg_of(figure, id_of("lines", title))


def spread(places: Sequence[float], apart: float) -> list[float]:
    """Places for labels, moved up as little as keeps them apart."""
    order = sorted(range(len(places)), key=lambda at: places[at])
    found = [0.0] * len(places)
    last = None
    for at in order:
        found[at] = places[at] if last is None else max(places[at], last + apart)
        last = found[at]
    return found


def grid_drawn(
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[float]],
    title: str,
) -> str:
    """Figures of two dimensions, the darker the larger, with each figure in its cell."""
    heads = [wrapped(one, 11) for one in columns]
    sides = [wrapped(one) for one in rows]
    heights = [len(one) * LINE_INCHES + 0.12 for one in sides]
    top = max((len(one) for one in heads), default=0) * LINE_INCHES + 0.1
    width = max(BARS_INCHES, CELL_INCHES * len(columns))
    figure, axes = canvas(sum(heights) + top, title, 0.0, bars=width)
    largest = max([1e-9, *(abs(cell) for row in cells for cell in row)])
    axes.set_xlim(0, max(1, len(columns)))
    axes.set_ylim(sum(heights), -top)
    for place, lines in enumerate(heads):
        axes.text(place + 0.5, -0.06, "\n".join(lines), ha="center", va="bottom", size=8, color=INK,
                  linespacing=1.15)  # fmt: skip
    from matplotlib.patches import Rectangle

    for number, (lines, row) in enumerate(zip(sides, cells, strict=True)):
        start, height = sum(heights[:number]), heights[number]
        axes.annotate(
            "\n".join(lines), (0, start + height / 2), xytext=(-6, 0), textcoords="offset points",
            ha="right", va="center", size=8.5, color=INK, linespacing=1.15, annotation_clip=False,
        )  # fmt: skip
        for place, cell in enumerate(row):
            if not cell:
                continue
            depth = abs(cell) / largest
            colour = PALETTE[0] if cell > 0 else PALETTE[3]
            axes.add_patch(
                Rectangle((place + 0.02, start + 0.02), 0.96, height - 0.04, color=colour,
                          alpha=0.08 + 0.92 * depth**0.6, linewidth=0)
            )  # fmt: skip
            axes.text(place + 0.5, start + height / 2, short_amount(cell), ha="center",
                      va="center_baseline", size=8, color="white" if depth**0.6 > 0.5 else INK)  # fmt: skip
    return svg_of(figure, id_of("grid", title))


def id_of(kind: str, title: str) -> str:
    """What the ids of a figure begin with: figures of one kind on one page have different titles."""
    return f"{kind}-{hashlib.sha256(title.encode()).hexdigest()[:8]}"


def canvas(
    height: float, title: str, legend: float,
    left: float = LABELS_INCHES, bars: float = BARS_INCHES, right: float = 0.2,
) -> tuple[Any, Any]:  # fmt: skip
    """A figure with room for title, legend and labels; everything in inches."""
    above = 0.42 + legend
    whole_height, width = height + above + 0.3, left + bars + right
    figure = blank_figure(width, whole_height)
    axes = figure.add_axes((left / width, 0.3 / whole_height, bars / width, height / whole_height))
    axes.set_axis_off()
    figure.text(
        0.1 / width, 1 - 0.08 / whole_height, plain(title), ha="left", va="top", size=11, color=INK
    )
    return figure, axes


def draw_legend(figure: Any, names: Sequence[str]) -> None:
    """Which colour is which part, above the bars; nothing for a single part."""
    if len(names) < 2:
        return
    from matplotlib.patches import Patch

    figure.legend(
        handles=[
            Patch(color=PALETTE[number % len(PALETTE)], label=plain(name))
            for number, name in enumerate(names)
        ],
        loc="upper left", bbox_to_anchor=(0.01, 1 - 0.36 / figure.get_figheight()),
        ncols=min(4, len(names)), frameon=False, fontsize=8, labelcolor=INK, handlelength=0.9,
        handleheight=0.9, borderaxespad=0.0, borderpad=0.0,
    )  # fmt: skip
