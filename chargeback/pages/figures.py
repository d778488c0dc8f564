"""Figures that notebooks show, as plotly and as SVG, and the sums that they draw.

Facts are the few lines that a regression check compares; tables and figures are there to be looked at. Money
becomes a float only here, in order to be drawn, and is never added as one.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from chargeback.core.sums import sums_by
from chargeback.core.text import plain
from chargeback.pages.charts import RED
from chargeback.pages.drawn import (
    LINE_LETTERS,
    PALETTE,
    bars_drawn,
    grid_drawn,
    lines_drawn,
    steps_drawn,
    wrapped,
)

if TYPE_CHECKING:
    import plotly.graph_objects as go

INK, DARK = PALETTE[0], "#1d2a38"

#: What all figures look like, besides their template.
LOOK: dict[str, Any] = {
    "margin": {"l": 10, "r": 20, "t": 60, "b": 40}, "hoverlabel": {"align": "left"},
}  # fmt: skip
TEMPLATE = "simple_white"

#: A figure of plotly as it is shown: traces and a layout, without its template.
Drawn = dict[str, Any]


def grouped(table: pa.Table, keys: list[str], amount: str) -> pd.DataFrame:
    """Exact sums of an amount by keys, largest first."""
    sums = sorted(sums_by(table, keys, amount).items(), key=lambda one: (-one[1], str(one[0])))
    return pd.DataFrame([(*key, total) for key, total in sums], columns=[*keys, amount])


@dataclass(frozen=True)
class Chart:
    """A plotly figure where plotly can be shown, and the same as SVG where it cannot; drawn when asked for.

    JupyterLab shows the figure. Quarto, nbconvert and PDF show the SVG. plotly's own notebook renderer would
    put its whole script into each notebook, five megabytes of evidence a stage, and load another from a
    network.
    """

    draw_figure: Callable[[], Drawn]
    draw_svg: Callable[[], str]

    @cached_property
    def plotly(self) -> Drawn:
        """For whoever can run plotly, as `go.Figure.to_plotly_json` has it; plotly itself takes much longer."""
        drawn = self.draw_figure()
        return {**drawn, "layout": {**drawn["layout"], "template": template()}}

    @cached_property
    def figure(self) -> go.Figure:
        """The same, checked by plotly, to be worked with."""
        import plotly.graph_objects as go

        return go.Figure(self.plotly)

    @cached_property
    def svg(self) -> str:
        """For whoever cannot."""
        return self.draw_svg()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            "application/vnd.plotly.v1+json": self.plotly,
            "image/svg+xml": self.svg,
            "text/plain": f"chart: {self.plotly['layout']['title']['text']}",
        }


@cache
def template() -> dict[str, Any]:
    """plotly's own template, from its package."""
    package = find_spec("plotly")
    assert package is not None and package.origin is not None
    path = Path(package.origin).parent / "package_data" / "templates" / f"{TEMPLATE}.json"
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def label(text: object, letters: int = LINE_LETTERS) -> str:
    """A label of a figure, on as many lines as it takes; never cut, and never markup."""
    return "<br>".join(html.escape(line, quote=False) for line in wrapped(str(text), letters))


def titled(title: str, unit: str) -> str:
    """What a figure shows, and in which unit."""
    return plain(f"{title}, {unit}" if unit else title)


def place_of(labels: Sequence[object]) -> list[str]:
    """Labels as places of an axis: those that are alike are kept apart by blanks that cannot be seen."""
    seen: dict[str, int] = {}
    found = []
    for one in labels:
        text = label(one)
        seen[text] = seen.get(text, -1) + 1
        found.append(text + "\u00a0" * seen[text])
    return found


def bar(
    labels: Sequence[object], amounts: Sequence[Decimal], title: str, currency: str = ""
) -> Chart:
    """A horizontal bar chart, the first label on top."""
    return bars(labels, [("", amounts)], title, currency)


def bars(
    labels: Sequence[object],
    parts: Sequence[tuple[str, Sequence[Decimal | float]]],
    title: str,
    currency: str = "",
) -> Chart:
    """Horizontal bars, the first label on top; several parts stand one after the other.

    Args:
        parts: a name and an amount for each label.
    """
    drawn = [(plain(name), [float(one) for one in amounts]) for name, amounts in parts]
    heading = titled(title, currency)
    return Chart(
        partial(bars_figure, list(labels), drawn, heading),
        partial(bars_drawn, [str(one) for one in labels], drawn, heading),
    )


def bars_figure(
    labels: Sequence[object], drawn: Sequence[tuple[str, Sequence[float]]], title: str
) -> Drawn:
    """`bars`, by plotly."""
    places = place_of(labels)
    traces = [
        {
            "type": "bar", "x": list(amounts), "y": places, "orientation": "h", "name": label(name),
            "marker": {"color": PALETTE[number % len(PALETTE)]},
            "hovertemplate":
                "%{y}" + (f"<br>{label(name)}" if name else "") + ": %{x:,.2f}<extra></extra>",
        }
        for number, (name, amounts) in enumerate(drawn)
    ]  # fmt: skip
    lines = sum(one.count("<br>") + 1 for one in places)
    layout = {
        **LOOK, "title": {"text": title}, "barmode": "relative",
        "height": 140 + 10 * len(places) + 17 * max(3, lines), "showlegend": len(drawn) > 1,
        "xaxis": {"tickformat": ",.0f"},
        "yaxis": {"automargin": True, "type": "category", "autorange": "reversed"},
    }  # fmt: skip
    return {"data": traces, "layout": layout}


def waterfall(steps: list[tuple[str, Decimal]], title: str, currency: str = "") -> Chart:
    """Steps one after the other from nothing, the first on top; the last bar is what they come to."""
    drawn = [(name, float(amount)) for name, amount in steps]
    heading = titled(title, currency)
    return Chart(partial(waterfall_figure, drawn, heading), partial(steps_drawn, drawn, heading))


def waterfall_figure(steps: Sequence[tuple[str, float]], title: str) -> Drawn:
    """`waterfall`, by plotly."""
    labels, amounts = [name for name, _ in steps], [amount for _, amount in steps]
    trace = {
        "type": "waterfall", "orientation": "h", "y": [*place_of(labels), "Change"], "x": [*amounts, 0],
        "measure": ["relative"] * len(steps) + ["total"],
        "increasing": {"marker": {"color": INK}}, "decreasing": {"marker": {"color": RED}},
        "totals": {"marker": {"color": DARK}}, "hovertemplate": "%{y}: %{delta:,.2f}<extra></extra>",
    }  # fmt: skip
    layout = {
        **LOOK, "title": {"text": title}, "height": 120 + 26 * max(3, len(steps) + 1),
        "xaxis": {"tickformat": ",.0f"},
        "yaxis": {"automargin": True, "type": "category", "autorange": "reversed"},
    }  # fmt: skip
    return {"data": [trace], "layout": layout}


def over_time(
    periods: Sequence[str],
    series: Sequence[tuple[str, Sequence[Decimal | float]]],
    title: str,
    currency: str = "",
) -> Chart:
    """A line a series over periods or days, the largest at the end first."""
    drawn = [(plain(name), [float(one) for one in amounts]) for name, amounts in series]
    heading = titled(title, currency)
    return Chart(
        partial(lines_figure, list(periods), drawn, heading),
        partial(lines_drawn, list(periods), drawn, heading),
    )


def lines_figure(
    periods: Sequence[str], drawn: Sequence[tuple[str, Sequence[float]]], title: str
) -> Drawn:
    """`over_time`, by plotly."""
    traces = [
        {
            "type": "scatter", "x": list(periods), "y": list(amounts), "mode": "lines+markers",
            "name": label(name), "line": {"color": PALETTE[number % len(PALETTE)]},
            "hovertemplate": f"{label(name)}<br>%{{x}}: %{{y:,.2f}}<extra></extra>",
        }
        for number, (name, amounts) in enumerate(drawn)
    ]  # fmt: skip
    layout = {
        **LOOK, "title": {"text": title}, "height": max(380, 140 + 24 * len(drawn)),
        "xaxis": {"type": "category"}, "yaxis": {"tickformat": ",.0f", "rangemode": "tozero"},
        "showlegend": True,
    }  # fmt: skip
    return {"data": traces, "layout": layout}


def grid(
    rows: Sequence[object],
    columns: Sequence[object],
    cells: Sequence[Sequence[Decimal | float]],
    title: str,
    currency: str = "",
) -> Chart:
    """Two dimensions as a grid, the darker the larger; the first row on top."""
    values = [[float(cell) for cell in row] for row in cells]
    heading = titled(title, currency)
    return Chart(
        partial(grid_figure, list(rows), list(columns), values, heading),
        partial(grid_drawn, [str(one) for one in rows], [str(one) for one in columns], values, heading),
    )  # fmt: skip


def grid_figure(
    rows: Sequence[object],
    columns: Sequence[object],
    values: Sequence[Sequence[float]],
    title: str,
) -> Drawn:
    """`grid`, by plotly."""
    down, across = place_of(rows), [label(one, 14) for one in columns]
    trace = {
        "type": "heatmap", "z": [list(one) for one in values], "x": across, "y": down,
        "colorscale": [[0, "#ffffff"], [1, INK]],
        "hovertemplate": "%{y}<br>%{x}: %{z:,.2f}<extra></extra>",
    }  # fmt: skip
    lines = sum(one.count("<br>") + 1 for one in down)
    layout = {
        **LOOK, "title": {"text": title}, "height": 190 + 10 * len(down) + 17 * max(3, lines),
        "margin": {"l": 10, "r": 20, "t": 120, "b": 20},
        "xaxis": {"type": "category", "side": "top", "automargin": True},
        "yaxis": {"automargin": True, "type": "category", "autorange": "reversed"},
    }  # fmt: skip
    return {"data": [trace], "layout": layout}
