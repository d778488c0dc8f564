"""Small bars in a cell of a table: how an amount went from period to period.

An SVG of a few rectangles, without text and without ids: the amounts stand beside it, and a page may have any
number of them. What always holds: the same amounts give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from chargeback.pages.charts import DIRECT, PALE, PERIODS_SHOWN

#: In units of the drawing, which are pixels on a screen.
BAR, GAP, HEIGHT = 6, 2, 22

ZERO = Decimal(0)


def sparkline(amounts: Sequence[Decimal]) -> str:
    """Bars of the last periods, the last one in full colour; negative amounts hang below the line.

    >>> sparkline([Decimal("50.00"), Decimal("100.00")]).count("<rect ")
    2
    """
    shown = list(amounts[-PERIODS_SHOWN:])
    high, low = max([ZERO, *shown]), min([ZERO, *shown])
    scale = HEIGHT / ((high - low) or Decimal(1))
    colours = [PALE] * (len(shown) - 1) + [DIRECT]
    bars = "".join(
        f'<rect x="{number * (BAR + GAP)}" y="{_at(high - max(amount, ZERO), scale)}" width="{BAR}" '
        f'height="{_at(abs(amount), scale)}" fill="{colour}"/>'
        for number, (amount, colour) in enumerate(zip(shown, colours, strict=True))
    )
    width = len(shown) * (BAR + GAP) - GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" '
        f'height="{HEIGHT}" style="width: {width}px" aria-hidden="true">{bars}</svg>'
    )


def _at(amount: Decimal, scale: Decimal) -> str:
    """A length in the drawing, to a tenth of a pixel."""
    return f"{amount * scale:.1f}"
