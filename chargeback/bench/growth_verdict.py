"""Growth verdict: whether a figure grew with the size of an axis, and how fast.

An estate that is small along an axis is compared with two that are far along it, one twice as far as the
other. What every run takes is in all three: the small one's figure is taken off the two others, and its size
off theirs. The slopes up to the two are alike where a figure is linear, the second is a little steeper where
it is n log n, and nearly twice as steep where it is square. A difference within the noise of the machine
proves nothing, so a figure counts as MORE only where it would be with the noise given to the one in the middle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

FLAT, LINEAR, N_LOG_N, MORE = "flat", "linear", "n log n", "MORE"

#: How a verdict is marked behind a ratio.
MARKS = {FLAT: " ", LINEAR: "l", N_LOG_N: "n", MORE: "!"}


@dataclass(frozen=True)
class Noise:
    """What two runs of the same work may differ by: so much, and such a share of the largest figure."""

    least: float
    share: float

    def of(self, figures: Sequence[float]) -> float:
        """The noise of some figures, in their unit."""
        return max(self.least, self.share * max(figures))


#: Of CPU seconds, and of megabytes.
SECONDS, MEGABYTES = Noise(0.12, 0.05), Noise(12, 0.04)


def verdict(sizes: Sequence[int], figures: Sequence[float], noise: Noise) -> str:
    """How a figure grows: flat, linear, n log n or MORE.

    Args:
        sizes: of an estate along an axis: small, far along it, and twice as far.
        figures: at those sizes.
    """
    small, far, twice = figures
    apart = noise.of(figures)
    if twice - small <= 2 * apart:
        return FLAT
    grown = steeper(sizes, (small, far + apart, twice))
    if grown <= 1:
        return LINEAR
    return N_LOG_N if grown <= steeper(sizes, [n_log_n(one) for one in sizes]) else MORE


def net_ratio(sizes: Sequence[int], figures: Sequence[float]) -> float:
    """How much more twice the size takes, without what is fixed: 2 where it is linear, near 4 where square.

    What the small estate takes is taken off both figures, and the sizes are counted from there as well.
    """
    small, far, _ = figures
    return 2 * steeper(sizes, figures) if far > small else math.inf


def steeper(sizes: Sequence[int], figures: Sequence[float]) -> float:
    """The slope up to twice the size, over the slope up to the size: 1 where a figure is linear."""
    far, twice = ((figures[at] - figures[0]) / (sizes[at] - sizes[0]) for at in (1, 2))
    return twice / far if far > 0 else math.inf


def n_log_n(size: int) -> float:
    """n log n of a size."""
    return size * math.log2(size)
