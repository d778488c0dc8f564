"""Growth verdict: whether a figure grew with the size of an axis, and how fast.

Three sizes are compared, each twice the one before. What every run costs is in all three and drops out of the
two increments: the second is twice the first where a figure is linear, a little more where it is n log n, and
four times as large where it is square. Increments within the noise of the machine prove nothing, so a figure
counts as MORE only where it would be with the noise taken off.
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


def verdict(size: int, figures: Sequence[float], noise: Noise) -> str:
    """How a figure grows: flat, linear, n log n or MORE.

    Args:
        size: of the axis at the first figure.
        figures: at that size, at twice and at four times as much.
    """
    small, middle, large = figures
    apart = noise.of(figures)
    if large - small <= 2 * apart:
        return FLAT
    first, second = middle - small + apart, large - middle - apart
    if second <= 2 * first:
        return LINEAR
    return N_LOG_N if second <= n_log_n(size) * first else MORE


def n_log_n(size: int) -> float:
    """How much larger the second increment is than the first where a figure grows by n log n."""
    small, middle, large = (times * size * math.log2(times * size) for times in (1, 2, 4))
    return (large - middle) / (middle - small)
