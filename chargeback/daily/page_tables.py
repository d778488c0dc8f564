"""Page tables: tables that a reader sorts and filters in the browser, and lines that show a trend.

Rows come ranked, the worst first, so that the page reads well without its script too. Everything a cell shows
is escaped here; what it is sorted by stands in `data-value`. A link is only made to a web address or to a
file beside the page, because an address can be anything that somebody typed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.pages.charts import DIRECT, RULE
from chargeback.pages.escaping import html_text

_ADDRESS = re.compile(r"(https?://[^\s]+|\.\./outbox/[\w.-]+)")
LAST_WHEN_UNKNOWN = "-1"


@dataclass(frozen=True)
class Heading:
    """A column; figures are sorted as numbers, and those that are optional are left out on a phone."""

    label: str
    is_figure: bool = False
    is_optional: bool = False
    sorts: bool = True

    def inner(self) -> str:
        """The label, as a button where a click sorts."""
        label = html_text(self.label)
        return f'<button type="button">{label}</button>' if self.sorts else label

    @property
    def classes(self) -> str:
        """The classes of its cells."""
        names = [
            name for name, on in (("figure", self.is_figure), ("optional", self.is_optional)) if on
        ]
        return f' class="{" ".join(names)}"' if names else ""


@dataclass(frozen=True)
class Shown:
    """A cell.

    Args:
        text: as it is to be read.
        sub: a quieter second line.
        value: what it is sorted by; the text itself when empty.
        link: where the text leads; ignored unless it is a web address or a file of the outbox.
        trend: numbers that a line is drawn through, in the place of the text.
    """

    text: str
    sub: str = ""
    value: str = ""
    link: str = ""
    trend: Sequence[float] = ()

    def inner(self) -> str:
        """The content of the cell."""
        if self.trend:
            return trend_line(self.trend, self.text)
        text = f"<bdi>{html_text(self.text)}</bdi>"
        if _ADDRESS.fullmatch(self.link):
            text = f'<a href="{html_text(self.link)}" rel="noreferrer">{text}</a>'
        return text + (
            f'<span class="sub"><bdi>{html_text(self.sub)}</bdi></span>' if self.sub else ""
        )


def amount(value: Decimal) -> Shown:
    """An amount of money."""
    return Shown(shown(value), value=f"{value:f}")


def percent(value: Decimal | None) -> Shown:
    """A percentage; what has none is sorted last."""
    if value is None:
        return Shown("–", value=LAST_WHEN_UNKNOWN)
    return Shown(f"{value:.1f} %", value=f"{value:f}")


@dataclass(frozen=True)
class SortedTable:
    """A table with a caption for those who do not see the heading above it."""

    name: str
    headings: Sequence[Heading]
    rows: Sequence[Sequence[Shown]]
    when_empty: str

    def html(self) -> str:
        """The table, or a word when it has no rows."""
        if not self.rows:
            return f'<p class="none">{html_text(self.when_empty)}</p>'
        head = "".join(f'<th scope="col"{one.classes}>{one.inner()}</th>' for one in self.headings)
        body = "\n".join(self.row_html(row) for row in self.rows)
        return (
            f'<div class="scroll"><table class="sorted" aria-label="{html_text(self.name)}">'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
        )

    def row_html(self, row: Sequence[Shown]) -> str:
        """One row; its first cell heads it."""
        cells = []
        for number, (cell, heading) in enumerate(zip(row, self.headings, strict=True)):
            tag, scope = ("th", ' scope="row"') if number == 0 else ("td", "")
            value = html_text(cell.value or cell.text)
            cells.append(
                f'<{tag}{scope}{heading.classes} data-value="{value}">{cell.inner()}</{tag}>'
            )
        return f'<tr class="body">{"".join(cells)}</tr>'


def points(numbers: Sequence[float], width: float, height: float) -> str:
    """The points of a line through numbers, zero at the bottom."""
    top = max([*numbers, 0.0]) or 1.0
    step = width / max(1, len(numbers) - 1)
    return " ".join(
        f"{at * step:.1f},{height - 1 - max(one, 0.0) / top * (height - 2):.1f}"
        for at, one in enumerate(numbers)
    )


def trend_line(numbers: Sequence[float], says: str) -> str:
    """A small line, with its meaning in words for those who cannot see it."""
    return (
        f'<svg class="trend" viewBox="0 0 120 26" preserveAspectRatio="none" role="img" '
        f'aria-label="{html_text(says)}"><polyline points="{points(numbers, 120, 26)}" fill="none" '
        f'stroke="{DIRECT}" stroke-width="1.5" vector-effect="non-scaling-stroke"/></svg>'
    )


def days_chart(numbers: Sequence[float], caption: str, says: str) -> str:
    """A line over the width of the page, with what it goes up to."""
    return (
        f'<figure class="days" role="img" aria-label="{html_text(says)}"><figcaption>{html_text(caption)}'
        f'</figcaption><svg viewBox="0 0 600 130" preserveAspectRatio="none">'
        f'<line x1="0" y1="129" x2="600" y2="129" stroke="{RULE}" vector-effect="non-scaling-stroke"/>'
        f'<polyline points="{points(numbers, 600, 130)}" fill="none" stroke="{DIRECT}" stroke-width="2" '
        f'vector-effect="non-scaling-stroke"/></svg></figure>'
    )
