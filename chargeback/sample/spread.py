"""Spreading money over rows, exactly: whole 1e-10 units in, whole units out, nothing lost on the
way.

Weights are whole numbers made by integer arithmetic alone, so that every machine writes the same
amounts. Floating point is used once, to find a first share that is never too large; the units it
leaves over are dealt out one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

UNITS_PER_DOLLAR = 10**10

#: Keeps a first share below its exact value whatever the double rounding did.
JUST_BELOW_ONE = 1.0 - 2.0**-48


def apportion_units(total: int, weights: Sequence[int]) -> list[int]:
    """Whole shares of a total in proportion to weights; what is left over goes to the first shares.

    Args:
        total: any whole number, in any unit; may be negative.
        weights: not negative, at least one of them positive.
    """
    whole = sum(weights)
    sign = -1 if total < 0 else 1
    shares = [abs(total) * weight // whole for weight in weights]
    left = abs(total) - sum(shares)
    for number, weight in enumerate(weights):
        if left and weight:
            shares[number] += 1
            left -= 1
    return [sign * share for share in shares]


def spread_rows(totals: Ints, weights: Ints, counts: Ints) -> Ints:
    """Row amounts of several series at once, in units; the rows of series s sum to totals[s].

    Args:
        totals: units of each series, not negative.
        weights: one positive whole number a row, the series one after another.
        counts: rows of each series, at least one.
    """
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    sums = np.add.reduceat(weights, starts)
    per_row = np.repeat(totals.astype(np.float64), counts)
    share = weights.astype(np.float64) / np.repeat(sums.astype(np.float64), counts)
    amounts = np.floor(per_row * share * JUST_BELOW_ONE).astype(np.int64)
    left = totals - np.add.reduceat(amounts, starts)
    position = np.arange(len(weights), dtype=np.int64) - np.repeat(starts, counts)
    each, rest = left // counts, left % counts
    return amounts + np.repeat(each, counts) + (position < np.repeat(rest, counts))


def scatter(numbers: NDArray[np.integer], salt: int) -> NDArray[np.uint64]:
    """Unpredictable but fixed 64-bit numbers, one for each number given (splitmix64)."""
    golden = np.uint64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        state = numbers.astype(np.uint64) * golden + np.uint64(salt & 0xFFFFFFFFFFFFFFFF)
        state ^= state >> np.uint64(30)
        state *= np.uint64(0xBF58476D1CE4E5B9)
        state ^= state >> np.uint64(27)
        state *= np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return state


def scattered(numbers: NDArray[np.integer], salt: int, below: int) -> Ints:
    """Whole numbers from 0 to below - 1, as `scatter` throws them."""
    return (scatter(numbers, salt) % np.uint64(below)).astype(np.int64)
