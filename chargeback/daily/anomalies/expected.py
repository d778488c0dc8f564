"""Expected: what a group would cost on a day if it went on as before.

In: a group's dollars on the days before. Out: an expectation, and how far the group's ordinary days are from
it. The days before, at most `WINDOW` of them, go through a robust STL decomposition (statsmodels) of the
logarithm: a trend, the pattern of the week, and a remainder. What is expected is the end of the trend, carried
on by half its slope, with its weekday, plus whatever came on top on the same day of every earlier month,
counted from the month's first day or from its last. So what a service charges once a month, and support late
in the month, are expected.

Logarithms, because costs grow and vary in proportion to themselves. Robust, so that one strange day neither
bends the trend nor changes the weekday. Drawback: a group needs four weeks of days before anything is expected
of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from chargeback.core.period import days_left
from chargeback.daily.anomalies.decomposition import stl
from chargeback.daily.anomalies.series import Floats

LONGEST_MONTH = 31
WINDOW = 98  # days: fourteen weeks, which hold three ends of months
LEAST_DAYS = 28
WEEK = 7
TREND_DAYS, WEEKS_OF_PATTERN = 29, 35  # how wide STL smooths; both odd
LEAST_NOISE = 0.04  # of the logarithm: no group is steadier than four percent
OUTER_ROUNDS = 5  # of STL, that make it robust
STEEPEST = 0.01  # of the logarithm a day, about a third more in a month
CARRIED_ON = 0.5  # of the slope: trends seldom last
MONTHLY = (
    0.2  # of the logarithm, by which a day of every month stands out to be one that comes again
)
ALMOST_NOTHING = 25.0  # dollars that are added before taking the logarithm, so that nothing has one

#: Of the standard normal distribution, below which three quarters lie: `scipy.stats.norm.ppf(0.75)`.
NORMAL_QUARTILE = 0.6744897501960817

Numbers = NDArray[np.int64]

#: A decomposition: trend, pattern of the week and remainder, each with a number a day.
Fit = tuple[Floats, Floats, Floats]


@dataclass(frozen=True)
class Usual:
    """What is usual for a group, learnt from its days before some day.

    Args:
        days: those it was learnt from, and `dates` of the whole series; `start` is the number of the first.
        level, slope: of the logarithm, at the last of them.
        week: the pattern of their last seven days, in the logarithm.
        above: dollars by which each of them lay above.
        noise: how far an ordinary day lies from what is expected, as a robust standard deviation of the
            logarithm.
        farthest: how far the farthest of them lay above it, in the logarithm; `most` the same in dollars.
    """

    dates: tuple[date, ...]
    start: int
    before: int
    level: float
    slope: float
    week: Floats
    above: Floats
    noise: float
    farthest: float
    most: float

    def cost(self, at: int) -> float:
        """Dollars to expect on day number `at`, which is not before the days it was learnt from have ended."""
        ahead = min(at - self.before + 1, 2 * WEEK)
        weekday = self.week[(at - self.before) % WEEK]
        level = self.level + CARRIED_ON * self.slope * ahead + weekday
        return float(dollars(level)) + self.monthly(at)

    def monthly(self, at: int) -> float:
        """Dollars that came on top on this day of every month before, from its first day on or to its last."""
        expected = 0.0
        for places in places_in_month(self.dates):
            same = self.above[places[self.start : self.before] == places[at]]
            expected = max(expected, float(same.min(initial=np.inf)) if len(same) else 0.0)
        return expected


def logarithm(costs: Floats | float) -> Floats:
    """The scale on which groups are judged."""
    return np.asarray(np.log(np.maximum(costs, 0.0) + ALMOST_NOTHING))


def dollars(level: Floats | float) -> Floats:
    """The inverse of `logarithm`."""
    return np.asarray(np.exp(level) - ALMOST_NOTHING)


def robust_deviation(values: Floats) -> float:
    """The median distance from the median, scaled to the standard deviation of a normal distribution."""
    return float(np.median(np.abs(values - np.median(values)) / NORMAL_QUARTILE))


def fit(seen: Floats) -> Fit:
    """The decomposition of the logarithm of some days' dollars."""
    found = stl()(
        logarithm(seen), period=WEEK, trend=TREND_DAYS, seasonal=WEEKS_OF_PATTERN, robust=True
    ).fit(inner_iter=1, outer_iter=OUTER_ROUNDS)
    return np.asarray(found.trend), np.asarray(found.seasonal), np.asarray(found.resid)


def usual(
    costs: Floats,
    dates: tuple[date, ...],
    before: int,
    fitted: Callable[[Floats], Fit] = fit,
) -> Usual | None:
    """What is usual, from the days before number `before`; None when they are too few.

    Args:
        fitted: `fit`, or what knows its answers.
    """
    start = max(0, before - WINDOW)
    seen = costs[start:before]
    if len(seen) < LEAST_DAYS:
        return None
    trend, week, left = fitted(seen)
    steps = min(LEAST_DAYS, len(trend) - 1)
    slope = float(np.clip((trend[-1] - trend[-1 - steps]) / steps, -STEEPEST, STEEPEST))
    above = seen - dollars(trend + week)
    places = [one[start:before] for one in places_in_month(dates)]
    again = every_month(left, places[0]) | every_month(left, places[1])
    strange = np.where(again, 0.0, left)
    return Usual(
        dates, start, before, float(trend[-1]), slope, week[-WEEK:], above,
        max(robust_deviation(strange), LEAST_NOISE), float(strange.max()),
        float(np.where(again, 0.0, above).max()),
    )  # fmt: skip


def every_month(left: Floats, places: Numbers) -> np.ndarray:
    """Which days have a place in the month on which something came on top every time, more than once."""
    least = np.full(LONGEST_MONTH, np.inf)
    np.minimum.at(least, places, left)
    return ((least > MONTHLY) & (np.bincount(places, minlength=LONGEST_MONTH) > 1))[places]


@functools.lru_cache(maxsize=8)
def places_in_month(dates: tuple[date, ...]) -> tuple[Numbers, Numbers]:
    """How many days of their month are over on some days, and how many are left."""
    return np.array([day.day - 1 for day in dates]), np.array([days_left(day) for day in dates])
