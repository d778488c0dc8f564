"""One chart for the page: differences as bars on both sides of zero, as wide as the reader's screen.

Each row is a label and a small SVG with positions in percent, so that all of it fits on a phone and text keeps
its size. The style in `reports/what-if.html` decides where labels stand, and in which colors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from chargeback.core.money import MINUS
from chargeback.pages.charts import short_amount
from chargeback.pages.shell import TemplatePart

ROOM = 16.0  # percent, for an amount beside its bar


@dataclass(frozen=True)
class Bar:
    """One bar from zero, in percent of the width, with its amount at its end.

    Args:
        direction: `more` to the right of zero, or `less` to the left.
        away: from the end of the bar to its amount, in pixels.
    """

    label: str
    direction: str
    start: str
    width: str
    end: str
    away: int
    amount: str


@dataclass(frozen=True)
class DifferencesChart(TemplatePart):
    """Bars in the order of their rows, to the right who pays more, to the left who pays less.

    Args:
        rows: label and difference.
        caption: what is shown, in words.
    """

    macro = "differences_chart"
    rows: Sequence[tuple[str, Decimal]]
    caption: str

    @property
    def scale(self) -> tuple[float, float]:
        """Where zero is, and how wide a unit of money is, both in percent of the width."""
        amounts = [float(amount) for _, amount in self.rows]
        low, high = min([0.0, *amounts]), max([0.0, *amounts])
        left = ROOM if low < 0 else 0.0
        right = 100.0 - (ROOM if high > 0 else 0.0)
        width = (right - left) / ((high - low) or 1.0)
        return left - low * width, width

    @property
    def zero(self) -> str:
        """Where zero is, in percent of the width."""
        return f"{self.scale[0]:.2f}"

    @property
    def bars(self) -> list[Bar]:
        """The bars as they are drawn."""
        zero, width = self.scale
        return [
            bar(label, float(amount), zero, float(amount) * width) for label, amount in self.rows
        ]


def bar(label: str, amount: float, zero: float, length: float) -> Bar:
    """A bar of a length with a sign."""
    direction, away = ("more", 5) if amount >= 0 else ("less", -5)
    start = min(zero, zero + length)
    return Bar(
        label, direction, f"{start:.2f}", f"{abs(length):.2f}", f"{zero + length:.2f}", away,
        signed_short(amount),
    )  # fmt: skip


def signed_short(amount: float) -> str:
    """A difference of three digits, with its sign; cents where it is less than one.

    >>> signed_short(-43751.7)
    '\u221243.8K'
    """
    shown = short_amount(amount) if abs(amount) >= 1 else f"{amount:.2f}".replace("-", MINUS)
    return shown if amount <= 0 else f"+{shown}"
