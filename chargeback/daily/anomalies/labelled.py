"""Labelled: how good the search for anomalies is, on series in which we know where they are.

In: the sample's daily series, undisturbed, and seeds. Each seed draws groups of any scope that is judged, and
plants one thing in each: a spike (one to three days), a step (a week or more, at once), a ramp (two weeks or
more, a little each day), a weekly pattern, which is not an anomaly, or nothing. The search walks through each
series as it would have done day by day. A planted anomaly counts as found when a finding shares a day with it
or begins on the day after. Every other finding is false, even one made by the sample's own noise, which nobody
planted.

Sizes are shares of the group's mean day, drawn from the ranges below, and are not told to the search. The
constants of the search were chosen on estates made from other seeds than the sample's, with other seeds for
planting than those reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np

from chargeback.daily.anomalies.detect import (
    LOOKED_BACK,
    Found,
    Thresholds,
    is_worth_judging,
    walk,
)
from chargeback.daily.anomalies.expected import WEEK
from chargeback.daily.anomalies.series import Cell, Floats, Group, History, history, run_rate

SPIKE, STEP, RAMP, WEEKLY, NOTHING = "spike", "step", "ramp", "weekly pattern", "nothing"
ANOMALIES, KINDS = (SPIKE, STEP, RAMP), (SPIKE, STEP, RAMP, WEEKLY, NOTHING)
SEEDS = range(7001, 7013)  # those that are reported
EACH = 4  # series of each kind and seed
WORTH = Thresholds(dollars=250.0, share=0.3)
WALKED = 90  # days that are judged; anomalies are planted from ten days later on
LEAST_PLANTED = 1.5  # times the least dollars that are worth anything


@dataclass(frozen=True)
class Labelled:
    """A series with what was planted in it: dollars a day, 0 where nothing was."""

    group: Group
    kind: str
    costs: Floats
    planted: Floats

    @property
    def is_anomaly(self) -> bool:
        return self.kind in ANOMALIES


@dataclass
class Score:
    """What was planted and found, over all seeds."""

    planted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ANOMALIES, 0))
    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ANOMALIES, 0))
    false: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    series: int = 0
    dollars: float = 0.0
    dollars_missed: float = 0.0
    days_late: list[int] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Share of what was planted that was found."""
        return sum(self.found.values()) / max(1, sum(self.planted.values()))

    @property
    def precision(self) -> float:
        """Share of the findings that are of something planted; an anomaly counts once."""
        found = sum(self.found.values())
        return found / max(1, found + sum(self.false.values()))

    def lines(self) -> list[str]:
        """The score as it is printed."""
        kinds = ", ".join(f"{kind} {self.found[kind]}/{self.planted[kind]}" for kind in ANOMALIES)
        false = ", ".join(
            f"{number} beside {kind}" for kind, number in self.false.items() if number
        )
        late = sorted(self.days_late)[len(self.days_late) // 2] if self.days_late else 0
        return [
            f"  recall    {self.recall:.3f}  ({kinds})",
            f"  precision {self.precision:.3f}  ({false or 'nothing false'}; {self.series} series)",
            f"  dollars missed {self.dollars_missed:,.0f} of {self.dollars:,.0f} planted "
            f"({self.dollars_missed / max(1.0, self.dollars):.1%}); found after {late} days in the median",
        ]


def sample_history(report: Path, params_folder: Path, periods: Sequence[str]) -> History:
    """The daily series of some periods of the sample, as the daily flow sums them."""
    from chargeback.daily.costs import daily_costs
    from chargeback.params import read_params

    sums: dict[date, dict[Cell, Decimal]] = {}
    for period in periods:
        sums |= run_rate(daily_costs(report, read_params(params_folder, period)).table)
    return history(sums, max(sums))


def judged_groups(whole: History) -> list[Group]:
    """Groups large enough to plant something in, and steady enough to be judged."""
    first = len(whole.days) - WALKED
    return [
        group
        for group, costs in sorted(whole.costs.items())
        if costs[-2 * LOOKED_BACK :].mean() >= WORTH.dollars
        and is_worth_judging(group, costs, whole.days, first, WORTH)
    ]


def labelled(
    whole: History, groups: Sequence[Group], seed: int, each: int = EACH
) -> list[Labelled]:
    """The labelled series of a seed."""
    draw = np.random.default_rng(seed)
    found = []
    for kind in KINDS:
        for number in draw.choice(len(groups), each, replace=False):
            group = groups[int(number)]
            costs = whole.costs[group]
            planted = planting(draw, kind, costs, whole.days)
            found.append(Labelled(group, kind, costs + planted, planted))
    return found


def planting(draw: np.random.Generator, kind: str, costs: Floats, days: tuple[date, ...]) -> Floats:
    """Dollars to add to each day of a series."""
    whole, mean = len(costs), float(costs[-WALKED:].mean())
    least = LEAST_PLANTED * WORTH.dollars
    added = np.zeros(whole)
    if kind == NOTHING:
        return added
    if kind == WEEKLY:
        weekday = int(draw.integers(0, WEEK))
        busy = np.array([day.weekday() == weekday for day in days])
        added[busy] = mean * draw.uniform(0.5, 3.0) * draw.uniform(0.9, 1.1, int(busy.sum()))
        return added
    lasting = int(draw.integers(1, 4) if kind == SPIKE else draw.integers(7, 36))
    if kind == RAMP:
        lasting = int(draw.integers(14, 36))
    start = int(draw.integers(whole - WALKED + 10, whole - lasting))
    where = slice(start, start + lasting)
    if kind == SPIKE:
        added[where] = max(mean * draw.uniform(1.0, 4.0), least)
    elif kind == STEP:
        size = draw.uniform(0.6, 2.0)
        added[where] = np.maximum((costs[where] + mean) / 2 * size, least)
    else:
        top = max(mean * draw.uniform(0.8, 2.5), 2 * least)
        added[where] = top * np.arange(1, lasting + 1) / lasting
    return added


def score(whole: History, seeds: Iterable[int] = SEEDS, each: int = EACH) -> Score:
    """How much of what seeds plant is found, and how much of what is found was planted."""
    total, groups = Score(), judged_groups(whole)
    for seed in seeds:
        for one in labelled(whole, groups, seed, each):
            first = len(one.costs) - WALKED
            count(total, one, walk(one.group, one.costs, whole.days, first, WORTH), whole.days)
    return total


def count(total: Score, one: Labelled, found: Sequence[Found], days: tuple[date, ...]) -> None:
    """Add a series and its findings to a score."""
    total.series += 1
    planted = np.flatnonzero(one.planted) if one.is_anomaly else np.array([], dtype=int)
    number = {day: at for at, day in enumerate(days)}
    hits = [each for each in found if len(planted) and is_hit(each, planted, number)]
    total.false[one.kind] += len(found) - len(hits)
    if not one.is_anomaly:
        return
    total.planted[one.kind] += 1
    total.dollars += float(one.planted.sum())
    if hits:
        total.found[one.kind] += 1
        total.days_late.append(
            max(0, min(number[each.first_day] for each in hits) - int(planted[0]))
        )
    else:
        total.dollars_missed += float(one.planted.sum())


def is_hit(found: Found, planted: np.ndarray, number: dict[date, int]) -> bool:
    """Whether a finding is of what was planted."""
    return number[found.first_day] <= int(planted[-1]) + 1 and number[found.last_day] >= int(
        planted[0]
    )
