"""Figures that matplotlib draws, as SVG whose labels are outlines.

What always holds: the same numbers give the same bytes (a fixed salt for ids, no date). A `$` in a label is a
dollar sign, not mathematics. The ids of a figure carry its name, because several share one HTML page.

matplotlib is imported inside the functions, because importing it takes longer than everything else.
"""

from __future__ import annotations

import io
import re
import sys
import warnings
from functools import cache
from typing import Any

SETTINGS: Any = {
    "svg.hashsalt": "statement",
    "svg.fonttype": "path",
    "text.parse_math": False,
    "font.family": ["STIXGeneral", "DejaVu Sans"],
    "font.size": 9.0,
}
#: Of matplotlib, what is not needed.
MPLOT3D, DESCRIBE = "mpl_toolkits.mplot3d", "_update_set_signature_and_docstring"
_DROPPED = re.compile(
    r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.S
)
_IDS = re.compile(r'( id="|xlink:href="#|url\(#)')


def blank_figure(width_inches: float, height_inches: float) -> Any:
    """A figure that looks as ours do, whatever a matplotlibrc of the user says."""
    matplotlib = import_matplotlib()
    from matplotlib.figure import Figure

    matplotlib.rcdefaults()
    matplotlib.rcParams.update(SETTINGS)
    return Figure(figsize=(width_inches, height_inches))


@cache
def import_matplotlib() -> Any:
    """matplotlib, without what no chart of ours needs: descriptions of properties, written anew for each of a
    hundred classes, and axes in three dimensions. Both together are a third of what it takes to import.
    """
    import matplotlib
    from matplotlib import artist

    described = artist.Artist.__dict__.get(DESCRIBE)
    without = MPLOT3D not in sys.modules and "matplotlib.projections" not in sys.modules
    try:
        if described is not None:
            setattr(artist.Artist, DESCRIBE, classmethod(lambda _: None))
        if without:
            sys.modules[MPLOT3D] = None  # type: ignore[assignment]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there are no three dimensions
            import matplotlib.figure
    finally:
        if described is not None:
            setattr(artist.Artist, DESCRIBE, described)
        if without:
            del sys.modules[MPLOT3D]
    return matplotlib


def mark(text: str) -> str:
    """A large, pale word across a page; outlines, for text would run into what is read back."""
    figure = blank_figure(6.0, 8.0)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.text(
        0.5, 0.5, text, size=76, weight="bold", color="#a3282f", alpha=0.09, rotation=53,
        ha="center", va="center",
    )  # fmt: skip
    return svg_of(figure, "mark")


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
