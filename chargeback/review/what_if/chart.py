"""One chart for the page: differences as bars to both sides of zero, as wide as the reader's screen.

Each row is a label and a small SVG whose places are percentages, so that a phone sees the whole of it and text
keeps its size. Where labels stand is up to the style in `reports/what-if.html`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from chargeback.core.money import MINUS
from chargeback.pages.charts import DIRECT, QUIET, RULE, SHARED, short_amount
from chargeback.pages.escaping import html_text

MORE, LESS = DIRECT, SHARED
ROOM = 16.0  # percent, for an amount beside its bar


@dataclass(frozen=True)
class DifferencesChart:
    """Bars in the order of their rows, to the right who pays more, to the left who pays less.

    Args:
        rows: label and difference.
        caption: what is shown, in words.
    """

    rows: Sequence[tuple[str, Decimal]]
    caption: str

    def html(self) -> str:
        """The chart as HTML."""
        amounts = [float(amount) for _, amount in self.rows]
        low, high = min([0.0, *amounts]), max([0.0, *amounts])
        left = ROOM if low < 0 else 0.0
        right = 100.0 - (ROOM if high > 0 else 0.0)
        scale = (right - left) / ((high - low) or 1.0)
        zero = left - low * scale
        rows = "\n".join(
            f"<div><bdi>{html_text(label)}</bdi>{bar(zero, float(amount) * scale, float(amount))}</div>"
            for label, amount in self.rows
        )
        return (
            f"<figure><figcaption>{html_text(self.caption)}</figcaption>\n"
            f'<div class="bars">\n{rows}\n</div></figure>'
        )


def bar(zero: float, length: float, amount: float) -> str:
    """One bar from zero, both in percent of the width, with its amount at its end."""
    start, colour = (zero, MORE) if amount >= 0 else (zero + length, LESS)
    away, anchor = (5, "start") if amount >= 0 else (-5, "end")
    return (
        f'<svg><rect x="{start:.2f}%" y="4" width="{abs(length):.2f}%" height="16" fill="{colour}"/>'
        f'<rect x="{zero:.2f}%" y="0" width="1" height="24" fill="{RULE}"/>'
        f'<text x="{zero + length:.2f}%" dx="{away}" y="17" text-anchor="{anchor}" fill="{QUIET}">'
        f"{signed_short(amount)}</text></svg>"
    )


def signed_short(amount: float) -> str:
    """A difference of three digits, with its sign; cents where it is less than one.

    >>> signed_short(-43751.7)
    '\u221243.8K'
    """
    shown = short_amount(amount) if abs(amount) >= 1 else f"{amount:.2f}".replace("-", MINUS)
    return shown if amount <= 0 else f"+{shown}"
