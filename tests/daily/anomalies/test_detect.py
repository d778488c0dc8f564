"""What is found on series made by hand, and what is not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from chargeback.daily.anomalies.detect import (
    CLIMB,
    ENDED,
    JUMP,
    NEW_LEVEL,
    NEW_LEVEL_REACHED,
    OPEN,
    Found,
    Thresholds,
    find_anomalies,
)
from chargeback.daily.anomalies.series import (
    BUSINESS_UNIT,
    CELL,
    COST_CENTER,
    SERVICE,
    Group,
    history,
)
from tests.daily.anomalies.series import DAYS, LAST, WEB, days, made, steady

WORTH = Thresholds(dollars=250.0, share=0.3)
WEB_GROUP = Group(CELL, "shop", "CC-1", "AmazonEC2")


def found_in(**cells) -> list[Found]:
    return find_anomalies(made(**cells), WORTH)


def test_an_ordinary_group_has_no_findings():
    for seed in range(5):
        assert found_in(web=steady(seed=seed), database=steady(3000, seed + 50)) == []


def test_a_spike_is_found_on_its_day_with_its_dollars_in_the_narrowest_group():
    costs = steady()
    costs[-10] += 2000
    [one] = found_in(web=costs, database=steady(3000, 2), other=steady(1000, 3))
    assert (one.group, one.kind, one.outcome) == (WEB_GROUP, JUMP, ENDED)
    assert (one.first_day, one.last_day) == (days()[-10], days()[-10])
    assert abs(one.above - 2000) < 150
    assert one.days[0].cost == Decimal(f"{costs[-10]:.2f}")


def test_a_step_is_one_finding_as_long_as_it_lasts():
    costs = steady()
    costs[-12:] *= 2
    [one] = found_in(web=costs)
    assert (one.outcome, one.first_day, one.last_day) == (OPEN, days()[-12], LAST)
    assert len(one.days) == 12
    assert abs(float(one.above) / (costs[-12:].sum() / 2) - 1) < 0.1


def test_what_stays_becomes_the_new_level_and_is_then_ordinary():
    costs = steady()
    costs[-40:] *= 2
    [one] = found_in(web=costs)
    assert (one.outcome, len(one.days)) == (NEW_LEVEL_REACHED, NEW_LEVEL)


def test_a_slow_ramp_is_found_before_it_is_over():
    costs = steady()
    costs[-28:] *= np.linspace(1.03, 2.2, 28)
    found = found_in(web=costs)
    assert found
    assert found[0].outcome == OPEN
    assert found[0].first_day < LAST - timedelta(7)
    assert CLIMB in {one.kind for one in found}


def test_a_weekly_pattern_is_expected():
    costs = steady()
    monday = np.array([day.weekday() == 0 for day in days()])
    costs[monday] *= 4
    assert found_in(web=costs) == []


@pytest.mark.parametrize("from_the_end", [False, True])
def test_what_comes_once_a_month_is_expected_when_it_comes_again(from_the_end):
    """A fee on the first day, or support some days before the last, in every month."""
    costs = steady(number=DAYS)
    for at, day in enumerate(days()):
        left = (day.replace(day=28) + timedelta(10)).replace(day=1) - day
        if left.days == 3 if from_the_end else day.day == 1:
            costs[at] += 3000
    assert found_in(web=costs) == []


def test_more_than_comes_every_month_is_found():
    costs = steady(number=DAYS)
    first = [at for at, day in enumerate(days()) if day.day == 1]
    costs[first] += 3000
    costs[first[-1]] += 4000
    [one] = found_in(web=costs)
    assert one.first_day == days()[first[-1]]
    assert abs(one.above - 4000) < 400


def test_a_new_service_is_found():
    costs = np.zeros(DAYS)
    costs[-5:] = 900.0
    [one] = found_in(web=costs)
    assert (one.outcome, one.above) == (OPEN, Decimal(4500))


def test_little_money_is_no_finding():
    costs = steady(200)
    costs[-10] += 240
    assert found_in(web=costs) == []


def test_a_small_share_is_no_finding():
    costs = steady(10_000)
    costs[-10] += 2500
    assert found_in(web=costs) == []


def test_too_few_days_judge_nothing():
    costs = steady(number=27)
    costs[-3] += 5000
    assert found_in(web=costs) == []


def test_an_erratic_cell_is_judged_only_within_wider_groups():
    draw = np.random.default_rng(4)
    erratic = 800 * draw.lognormal(0, 0.9, DAYS)
    erratic[-6] += 40_000
    found = found_in(web=erratic, database=steady(3000, 2))
    assert {one.group.scope for one in found} == {COST_CENTER}


def test_what_rises_everywhere_a_little_is_found_in_the_wider_group():
    cells = {"web": steady(700, 1), "database": steady(650, 2), "other": steady(10, 3)}
    for costs in cells.values():
        costs[-4:] *= 1.34
    found = found_in(**cells)
    assert [(one.group.scope, one.group.owner_id) for one in found] == [(COST_CENTER, "CC-1")]


def test_a_group_says_what_it_holds():
    assert Group(SERVICE, product_code="AmazonEC2").shares(Group(COST_CENTER, "shop", "CC-1"))
    assert Group(BUSINESS_UNIT, "shop").holds(WEB)
    assert not Group(BUSINESS_UNIT, "core").holds(WEB)
    assert not Group(CELL, "shop", "CC-1", "AmazonRDS").shares(WEB_GROUP)


def test_the_same_days_give_the_same_findings_whatever_comes_after():
    """What is found up to a day does not depend on later days: no finding looks ahead."""
    costs = steady()
    costs[-20:-15] *= 3
    whole = made(web=costs)
    for cut in (14, 16, 18):
        part = find_anomalies(
            type(whole)(whole.days[:-cut], {k: v[:-cut] for k, v in whole.costs.items()}), WORTH
        )
        full = find_anomalies(whole, WORTH)
        seen = {(one.group, day) for one in part for day in one.days}
        assert seen == {
            (one.group, day) for one in full for day in one.days if day.day <= whole.days[-cut - 1]
        }


def test_series_begin_after_the_last_gap():
    sums = {day: {WEB: Decimal(100)} for day in days(60) if day != LAST - timedelta(20)}
    assert history(sums, LAST).days == tuple(days(20))
