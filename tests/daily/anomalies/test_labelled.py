"""How good the search is on series in which anomalies were planted, measured as make bench does."""

from __future__ import annotations

import numpy as np
import pytest

from chargeback.core.paths import PARAMS
from chargeback.daily.anomalies.labelled import (
    ANOMALIES,
    KINDS,
    NOTHING,
    SEEDS,
    WALKED,
    WEEKLY,
    Score,
    judged_groups,
    labelled,
    planting,
    sample_history,
    score,
)
from chargeback.sample import PERIODS
from tests.daily.anomalies.series import days, made, steady


@pytest.mark.slow
def test_nine_of_ten_planted_anomalies_are_found_and_nine_of_ten_findings_are_planted(sample):
    whole = sample_history(sample / "cur", PARAMS, PERIODS)
    assert len(judged_groups(whole)) > 100
    found = score(whole, SEEDS[:5])
    assert found.series == 5 * 4 * len(KINDS)
    assert found.recall >= 0.9
    assert found.precision >= 0.9
    assert found.dollars_missed <= 0.05 * found.dollars


def small_history():
    return made(web=steady(1000, 1), database=steady(2000, 2), other=steady(800, 3))


def test_everything_is_found_where_there_is_little_noise():
    found = score(small_history(), range(3), each=2)
    assert found.recall == found.precision == 1
    assert found.dollars_missed == 0


def test_a_seed_plants_the_same_things_again():
    whole = small_history()
    groups = judged_groups(whole)
    first, second, other = (labelled(whole, groups, seed, 2) for seed in (1, 1, 2))
    assert all(np.array_equal(a.planted, b.planted) for a, b in zip(first, second, strict=True))
    assert not all(np.array_equal(a.planted, b.planted) for a, b in zip(first, other, strict=True))
    assert [one.kind for one in first] == [kind for kind in KINDS for _ in range(2)]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_planted_is_what_its_name_says(kind):
    costs, draw = steady(), np.random.default_rng(3)
    for _ in range(20):
        planted = planting(draw, kind, costs, tuple(days()))
        there = np.flatnonzero(planted)
        assert (planted >= 0).all()
        if kind == NOTHING:
            assert not len(there)
        elif kind == WEEKLY:
            assert set(np.diff(there)) == {7}
        else:
            assert set(np.diff(there)) <= {1}
            assert there[0] >= len(costs) - WALKED
            assert planted.max() >= 375


def test_a_false_finding_and_a_miss_count_against_the_score():
    one = Score()
    assert (one.recall, one.precision) == (0, 0)
    one.planted[ANOMALIES[0]], one.found[ANOMALIES[0]] = 4, 3
    one.false[WEEKLY] = 1
    assert (one.recall, one.precision) == (0.75, 0.75)
    assert "1 beside weekly pattern" in "\n".join(one.lines())
