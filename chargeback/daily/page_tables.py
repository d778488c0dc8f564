"""Page tables: tables that a reader sorts and filters in the browser, and lines that show a trend.

Rows come ranked, the worst first, so that the page also reads well without its script. Their HTML is in
reports/parts.html; the value that a cell is sorted by is in `data-value`. Links are made only to web addresses
and to files beside the page, because an address can be anything that somebody typed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.pages.shell import TemplatePart

_ADDRESS = re.compile(r"(https?://[^\s]+|\.\./outbox/[\w.-]+)")
LAST_WHEN_UNKNOWN, LAST_OF_DIFFERENCES = "-1", "-1e30"


@dataclass(frozen=True)
class Heading:
    """A column; figures are sorted as numbers, and those that are optional are left out on a phone."""

    label: str
    is_figure: bool = False
    is_optional: bool = False
    sorts: bool = True

    @property
    def classes(self) -> str:
        """The classes of its cells."""
        named = (("figure", self.is_figure), ("optional", self.is_optional))
        return " ".join(name for name, on in named if on)


@dataclass(frozen=True)
class SortedCell:
    """A cell.

    Args:
        text: as it is to be read.
        sub: a quieter second line.
        value: what it is sorted by; the text itself when empty.
        link: where the text leads; ignored unless it is a web address or a file of the outbox.
        trend: numbers that a line is drawn through, in the place of the text; `sub` says below it what the line
            reaches.
    """

    text: str
    sub: str = ""
    value: str = ""
    link: str = ""
    trend: Sequence[float] = ()

    @property
    def sorted_by(self) -> str:
        """What it is sorted by."""
        return self.value or self.text

    @property
    def address(self) -> str:
        """Where it leads; empty where that is no address that a page may link to."""
        return self.link if _ADDRESS.fullmatch(self.link) else ""

    @property
    def trend_points(self) -> str:
        """The line through its trend."""
        return points(self.trend, 120, 26)


def amount(value: Decimal | None, sub: str = "") -> SortedCell:
    """An amount of money; what has none is sorted last."""
    if value is None:
        return SortedCell("–", value=LAST_WHEN_UNKNOWN)
    return SortedCell(shown(value), sub=sub, value=f"{value:f}")


def signed(value: Decimal | None, sub: str = "") -> SortedCell:
    """A difference, with its sign; what has none is sorted last."""
    if value is None:
        return SortedCell("–", value=LAST_OF_DIFFERENCES)
    plus = "+" if value > 0 else ""
    return SortedCell(plus + shown(value), sub=sub, value=f"{value:f}")


def percent(value: Decimal | None) -> SortedCell:
    """A percentage; what has none is sorted last."""
    if value is None:
        return SortedCell("–", value=LAST_WHEN_UNKNOWN)
    return SortedCell(f"{value:.1f} %", value=f"{value:f}")


@dataclass(frozen=True)
class SortedTable(TemplatePart):
    """A table with a name for those who do not see the heading above it; a word when it has no rows.

    Args:
        foot: a last row that stays where it is however the others are sorted; none where it is empty.
    """

    macro = "sorted_table"
    name: str
    headings: Sequence[Heading]
    rows: Sequence[Sequence[SortedCell]]
    when_empty: str
    foot: Sequence[SortedCell] = ()


def points(
    numbers: Sequence[float], width: float, height: float, highest: float | None = None
) -> str:
    """The points of a line through numbers, zero at the bottom.

    Args:
        highest: what the top stands for; the highest number where it is not given.
    """
    top = highest or max([*numbers, 0.0]) or 1.0
    step = width / max(1, len(numbers) - 1)
    return " ".join(
        f"{at * step:.1f},{height - 1 - max(one, 0.0) / top * (height - 2):.1f}"
        for at, one in enumerate(numbers)
    )
