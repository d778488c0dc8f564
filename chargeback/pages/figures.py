"""Figures that notebooks show, as plotly and as SVG, and the sums that they draw.

The facts are the few lines that a regression check compares; tables and figures are there to be looked at.
Money is turned into floats only here, to be drawn, never to be added.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pyarrow as pa

from chargeback.core.sums import sums_by
from chargeback.pages.charts import bars_chart, waterfall_chart

INK, SOFT, DARK = "#1f3a5f", "#8aa4c0", "#1d2a38"


def grouped(table: pa.Table, keys: list[str], amount: str) -> pd.DataFrame:
    """Exact sums of an amount by keys, largest first."""
    sums = sorted(sums_by(table, keys, amount).items(), key=lambda one: (-one[1], str(one[0])))
    return pd.DataFrame([(*key, total) for key, total in sums], columns=[*keys, amount])


@dataclass(frozen=True)
class Chart:
    """A plotly figure where plotly can be shown, and the same as SVG where it cannot.

    JupyterLab shows the figure. Quarto, nbconvert and PDF show the SVG. plotly's own notebook renderer would
    put its whole script into each notebook, five megabytes of evidence a stage, and load another from a
    network.
    """

    figure: go.Figure
    svg: str

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            "application/vnd.plotly.v1+json": self.figure.to_plotly_json(),
            "image/svg+xml": self.svg,
            "text/plain": f"chart: {self.figure.layout.title.text}",
        }


def bar(labels: list[str], amounts: list[Decimal], title: str, currency: str = "") -> Chart:
    """A horizontal bar chart, the first label on top."""
    figure = go.Figure(
        go.Bar(
            x=[float(one) for one in amounts][::-1], y=[str(one) for one in labels][::-1],
            orientation="h", marker_color=[INK if one >= 0 else SOFT for one in amounts][::-1],
            hovertemplate="%{y}: %{x:,.2f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(
        title=title, template="simple_white", height=120 + 26 * max(3, len(labels)),
        margin={"l": 10, "r": 20, "t": 50, "b": 40}, xaxis_title=currency,
        yaxis={"automargin": True, "type": "category"},
    )  # fmt: skip
    rows = [(str(label), amount, None) for label, amount in zip(labels, amounts, strict=True)]
    return Chart(figure, bars_chart(rows, "bars"))


def waterfall(steps: list[tuple[str, Decimal]], title: str, currency: str = "") -> Chart:
    """Steps one after the other from nothing, the first on top; the last bar is what they come to."""
    labels, amounts = [label for label, _ in steps], [float(amount) for _, amount in steps]
    figure = go.Figure(
        go.Waterfall(
            orientation="h", y=[*labels, "Change"], x=[*amounts, 0],
            measure=["relative"] * len(steps) + ["total"],
            increasing={"marker": {"color": INK}}, decreasing={"marker": {"color": SOFT}},
            totals={"marker": {"color": DARK}}, hovertemplate="%{y}: %{delta:,.2f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(
        title=title, template="simple_white", height=120 + 26 * max(3, len(steps) + 1),
        margin={"l": 10, "r": 20, "t": 50, "b": 40}, xaxis_title=currency,
        yaxis={"automargin": True, "type": "category", "autorange": "reversed"},
    )  # fmt: skip
    return Chart(figure, waterfall_chart(steps, "waterfall"))
