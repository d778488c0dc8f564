"""Detect: walk through a group's days and find the runs that cost more than expected.

Each day gets two tests, which look only at earlier days, as if the day were today:

jump    the day is above what is expected of it (expected.py): by at least the policy's dollars and share, by
        `JUMP_NOISE` times the group's own noise, and by more than any day of the fourteen weeks before was.
climb   the last seven days are above a line through the weeks that ended three weeks ago, in the same four
        ways. This finds a slow ramp, in which each new day hides behind the one before. Without its two highest
        days the week must still be high: one spike is not a climb.

While a finding lasts, its days are compared with what was expected when it began, and are kept out of what
later days are compared with. It ends when a day (after a climb, two) is close to that again. After `NEW_LEVEL`
days it is no longer strange: it ends as the group's new level.

A cell whose ordinary days differ widely (`TOO_ERRATIC`) is not judged by itself, only within its cost center,
service and business unit. A wider group is reported only for what narrower ones do not explain.

Drawbacks: after a short event, a second one in the same group within fourteen weeks is seen only if it is
larger. A pattern that repeats less often than every week is found again each time, until two repetitions lie
within the window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from chargeback.daily.anomalies.expected import (
    CARRIED_ON,
    LEAST_DAYS,
    LEAST_NOISE,
    WEEK,
    Fit,
    Usual,
    dollars,
    fit,
    logarithm,
    robust_deviation,
    usual,
)
from chargeback.daily.anomalies.series import CELL, SCOPES, Floats, Group, History

JUMP, CLIMB = "jump", "climb"
ENDED, NEW_LEVEL_REACHED, OPEN = "ended", "new level", "open"

JUMP_NOISE = 5.5  # times the noise
CLIMB_NOISE = 4.0
MARGIN = float(np.log(1.25))  # farther than the farthest day before
TOO_ERRATIC = 0.2  # noise above which a cell is not judged by itself
NEW_LEVEL = 28  # days
SHORT = 3  # days: a finding this short is kept in what later days are compared with
LAG_WEEKS, LEAST_WEEKS, MOST_WEEKS = 3, 8, 13
STEEPEST_WEEK = 0.03  # of the logarithm a week, for the line through the weeks
STILL = 0.5  # of the least dollars and share: a day above this goes on with a finding
EXPLAINED = 0.5  # of a wider finding's dollars: from this on narrower ones explain it
LOOKS_STRANGE = 0.8  # of the least dollars and share above the same weekdays: less is no jump
LOOKED_BACK = 40  # days that are judged again on every run


@dataclass(frozen=True)
class Thresholds:
    """What is worth a person's time, from policy.toml.

    Args:
        dollars: least dollars above expected on a day.
        share: least share above expected, 0.3 for 30 percent.
    """

    dollars: float
    share: float


@dataclass(frozen=True)
class FoundDay:
    """A day of a finding."""

    day: date
    cost: Decimal
    expected: Decimal


@dataclass(frozen=True)
class Found:
    """A run of days of a group that cost more than expected.

    Args:
        kind: `jump` or `climb`.
        outcome: `open`, `ended` or `new level`.
    """

    group: Group
    kind: str
    days: tuple[FoundDay, ...]
    outcome: str = OPEN

    @property
    def first_day(self) -> date:
        return self.days[0].day

    @property
    def last_day(self) -> date:
        return self.days[-1].day

    @property
    def above(self) -> Decimal:
        """Dollars above expected, over all its days."""
        return sum((one.cost - one.expected for one in self.days), Decimal(0))


@dataclass
class Run:
    """A finding while it is walked through.

    Args:
        known: what was usual when it began.
        first: number of its first day.
        expected: dollars by number of day.
        quiet: days since the last one that went on with it.
    """

    kind: str
    known: Usual
    first: int
    expected: dict[int, float]
    quiet: int = 0


def find_anomalies(
    history: History,
    thresholds: Thresholds,
    looked_back: int = LOOKED_BACK,
    fitted: Callable[[Floats], Fit] = fit,
) -> list[Found]:
    """The findings of the last days of a history, the costliest first; each dollar in the narrowest group.

    Args:
        fitted: `expected.fit`, or what knows its answers.
    """
    last = len(history.days)
    first = max(LEAST_DAYS, last - looked_back)
    found = [
        one
        for group, costs in sorted(history.costs.items())
        if is_worth_judging(group, costs, history.days, first, thresholds, fitted)
        for one in walk(group, costs, history.days, first, thresholds, fitted)
    ]
    kept = unexplained(found)
    return sorted(kept, key=lambda one: (-one.above, one.group, one.first_day))


def is_worth_judging(
    group: Group, costs: Floats, days: tuple[date, ...], first: int, thresholds: Thresholds,
    fitted: Callable[[Floats], Fit] = fit,
) -> bool:  # fmt: skip
    """Whether a group can have a finding at all, and is steady enough to be judged by itself."""
    if costs[first:].max(initial=0.0) < thresholds.dollars:
        return False
    if group.scope != CELL:
        return True
    known = usual(costs, days, first, fitted)
    return known is not None and known.noise <= TOO_ERRATIC


def walk(
    group: Group, costs: Floats, days: tuple[date, ...], first: int, thresholds: Thresholds,
    fitted: Callable[[Floats], Fit] = fit,
) -> list[Found]:  # fmt: skip
    """A group's findings from day number `first` on, one day after the other."""
    series = Walked(costs, days, thresholds, costs.copy(), costs.copy(), fitted)
    found: list[Found] = []
    run: Run | None = None
    for at in range(first, len(costs)):
        if run is not None:
            outcome = series.carry_on(run, at)
            if outcome == OPEN:
                continue
            found.append(as_found(group, run, costs, days, outcome))
            series.settle(run, outcome)
            run = None
        run = series.begin(at)
    if run is not None:
        found.append(as_found(group, run, costs, days, OPEN))
    return found


@dataclass(frozen=True)
class Walked:
    """A group's days while they are walked through.

    Args:
        seen: what a jump is compared with: costs, and what was expected on the days of longer findings.
        calm: what a climb is compared with: costs, and what was expected on the days of all findings.
    """

    costs: Floats
    days: tuple[date, ...]
    thresholds: Thresholds
    seen: Floats
    calm: Floats
    fitted: Callable[[Floats], Fit] = fit

    def begin(self, at: int) -> Run | None:
        """The finding that begins on a day, if one does."""
        weeks_before = [self.seen[at - WEEK * week] for week in range(1, 5) if at >= WEEK * week]
        before = middle(weeks_before)
        if not self.is_worth(float(self.costs[at]) - before, before, STILL):
            return None  # nothing to look at, which saves most of the work
        looks_strange = self.is_worth(float(self.costs[at]) - before, before, LOOKS_STRANGE)
        return (self.jumped(at) if looks_strange else None) or self.climbed(at)

    def jumped(self, at: int) -> Run | None:
        """The finding of a day that lies above what is expected of it, if it does."""
        known = usual(self.seen, self.days, at, self.fitted)
        if known is None:
            return None
        expected = known.cost(at)
        above = self.costs[at] - expected
        far = logarithm(self.costs[at]) - logarithm(expected)
        if (
            self.is_worth(above, expected)
            and above >= known.most
            and far >= max(JUMP_NOISE * known.noise, known.farthest + MARGIN)
        ):
            self.expect_instead(at, expected)
            return Run(JUMP, known, at, {at: expected})
        return None

    def climbed(self, at: int) -> Run | None:
        """The finding of a week that lies above the line of weeks before, if it does."""
        weeks = min(MOST_WEEKS, (at + 1) // WEEK)
        if weeks < LEAST_WEEKS:
            return None
        ends = at + 1 - WEEK * np.arange(weeks)
        means = np.array([self.calm[end - WEEK : end].mean() for end in ends])
        levels, number = logarithm(means), -np.arange(weeks, dtype=float)
        old, old_number = levels[LAG_WEEKS:], number[LAG_WEEKS:]
        slope = middle_slope(old, old_number)
        slope = CARRIED_ON * float(np.clip(slope, -STEEPEST_WEEK, STEEPEST_WEEK))
        level = float(np.median(old - slope * old_number))
        left = old - level - slope * old_number
        expected = float(dollars(level))
        above = float(means[0]) - expected
        without_highest = float(np.sort(self.calm[at + 1 - WEEK : at + 1])[:-2].mean())
        if (
            self.is_worth(above, expected)
            and levels[0] - level
            >= max(CLIMB_NOISE * max(robust_deviation(left), LEAST_NOISE), left.max() + MARGIN)
            and without_highest - expected >= STILL * above
        ):
            known = usual(self.seen, self.days, at + 1 - LAG_WEEKS * WEEK, self.fitted)
            first = at + 1 - WEEK
            days = range(first, at + 1)
            return Run(CLIMB, known, first, dict.fromkeys(days, expected)) if known else None
        return None

    def is_worth(self, above: float, expected: float, part: float = 1.0) -> bool:
        """Whether so many dollars above expected are worth a person's time."""
        least = max(self.thresholds.dollars, self.thresholds.share * expected)
        return above >= part * least

    def carry_on(self, run: Run, at: int) -> str:
        """What becomes of a finding on the next day; a day that goes on with it is noted in it."""
        if at - run.first >= NEW_LEVEL:
            return NEW_LEVEL_REACHED
        expected = run.known.cost(at)
        if self.is_worth(self.costs[at] - expected, expected, STILL):
            run.quiet = 0
            run.expected[at] = expected
            self.expect_instead(at, expected)
            return OPEN
        run.quiet += 1
        return ENDED if run.quiet >= (1 if run.kind == JUMP else 2) else OPEN

    def expect_instead(self, at: int, expected: float) -> None:
        """Have later days compared with what was expected of a day, not with what it cost."""
        self.seen[at] = self.calm[at] = max(expected, 0.0)

    def settle(self, run: Run, outcome: str) -> None:
        """Decide what days after a finding are compared with: a new level, and a short jump, as they were."""
        days = sorted(run.expected)
        if outcome == NEW_LEVEL_REACHED:
            self.calm[days] = self.costs[days]
        if outcome == NEW_LEVEL_REACHED or len(days) <= SHORT:
            self.seen[days] = self.costs[days]


def middle(values: Sequence[float]) -> float:
    """The median of a few values, as numpy takes it, which takes longer for so few."""
    ordered = sorted(map(float, values))
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def middle_slope(levels: Floats, numbers: Floats) -> float:
    """The median slope of all pairs of points (Theil and Sen), which no single point bends."""
    apart = numbers[:, np.newaxis] - numbers
    later = apart > 0
    return float(np.median((levels[:, np.newaxis] - levels)[later] / apart[later]))


def as_found(group: Group, run: Run, costs: Floats, days: tuple[date, ...], outcome: str) -> Found:
    """A finding as it is reported."""
    return Found(
        group, run.kind,
        tuple(
            FoundDay(days[at], in_cents(costs[at]), in_cents(max(expected, 0.0)))
            for at, expected in sorted(run.expected.items())
        ),
        outcome,
    )  # fmt: skip


def in_cents(amount: float) -> Decimal:
    """An estimate in dollars, to the cent."""
    return Decimal(f"{amount:.2f}")


def unexplained(found: Iterable[Found]) -> list[Found]:
    """Findings without the wider ones that narrower ones explain."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda each: (SCOPES.index(each.group.scope), each.group)):
        narrower = [other for other in kept if other.group != one.group and overlap(one, other)]
        explained = sum((other.above for other in narrower), Decimal(0))
        if not narrower or explained < one.above * Decimal(str(EXPLAINED)):
            kept.append(one)
    return kept


def overlap(one: Found, other: Found) -> bool:
    """Whether two findings share days and can share dollars."""
    days = {each.day for each in one.days} & {each.day for each in other.days}
    return bool(days) and one.group.shares(other.group)
