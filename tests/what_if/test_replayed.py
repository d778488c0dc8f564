"""What other rules would have charged: nothing else under the same rules, and never another total."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.review.what_if import replayed
from chargeback.review.what_if.sums import by_payer, by_unit, moved, summed
from tests.examples import examples
from tests.params_folder import ALWAYS, added, pool
from tests.what_if.estate import (
    ALL,
    APRIL,
    BY_SPEND,
    MAY,
    PERIODS,
    WITH_STORAGE,
    ask,
    differences,
    fixed,
    propose,
)

ZERO = Decimal(0)


def test_the_rules_in_force_make_no_difference(three):
    what_if = ask(three, three.params)
    assert [one.period for one in what_if.periods] == list(PERIODS)
    assert len(what_if.differences) == 3 * 6 + 2
    assert {one.difference for one in what_if.differences} == {ZERO}
    assert not any(one.changes for one in what_if.periods)
    for one in what_if.periods:
        assert one.before.equals(one.after)


def test_another_key_moves_what_it_should(three, tmp_path):
    """30.00 by 60 : 30 : 10 is 18.00, 9.00 and 3.00 instead of 10.00 each."""
    what_if = ask(three, propose(tmp_path / "proposed", allocation_toml=BY_SPEND))
    for period in PERIODS:
        assert differences(what_if, period) == {
            "CC-1 untagged": "8.00", "CC-2 untagged": "-1.00", "CC-9 untagged": "-7.00",
        }  # fmt: skip
    units = {
        one.key[0]: (one.before, one.after, one.difference)
        for one in summed(what_if.differences, by_unit)
    }
    assert units == {"shop": (330, 351, 21), "core": (60, 39, -21)}
    assert moved(summed(what_if.differences, by_payer)) == 24
    assert what_if.periods[0].changes == (
        "pool 'untagged' (untagged): key even → direct_spend",
    )  # fmt: skip


def test_other_shares_move_what_they_should(three, tmp_path):
    """30.00 by 0.50, 0.25 and 0.25 is 15.00, 7.50 and 7.50."""
    proposed = propose(tmp_path / "proposed", allocation_toml=fixed("0.50", "0.25", "0.25"))
    again = propose(tmp_path / "again", allocation_toml=fixed("0.50", "0.20", "0.30"))
    assert differences(ask(three, proposed)) == {
        "CC-1 untagged": "5.00", "CC-2 untagged": "-2.50", "CC-9 untagged": "-2.50",
    }  # fmt: skip
    assert differences(ask(three, again)) == {
        "CC-1 untagged": "5.00", "CC-2 untagged": "-4.00", "CC-9 untagged": "-1.00",
    }  # fmt: skip


def test_a_new_pool_takes_direct_cost_and_gives_it(three, tmp_path):
    what_if = ask(three, propose(tmp_path / "proposed", allocation_toml=WITH_STORAGE))
    assert differences(what_if) == {"CC-2 direct": "-30.00", "CC-9 storage": "30.00"}


def test_a_cost_center_that_only_the_proposal_has_is_shown(three, tmp_path):
    """30.00 over four is 7.50 each."""
    centers = added("cost_centers.csv", "CC-5,New,core,2026-01,")
    what_if = ask(three, propose(tmp_path / "proposed", cost_centers_csv=centers))
    assert differences(what_if) == {
        "CC-1 untagged": "-2.50", "CC-2 untagged": "-2.50", "CC-9 untagged": "-2.50", "CC-5 untagged": "7.50",
    }  # fmt: skip
    assert what_if.periods[0].changes == ("cost_centers.csv: new: CC-5",)


def test_a_cost_center_that_moves_is_on_both_sides(three, tmp_path):
    """CC-2 goes from one unit to the other, with everything."""
    centers = ALWAYS["cost_centers.csv"].replace("CC-2,Stock,shop", "CC-2,Stock,core")
    what_if = ask(three, propose(tmp_path / "proposed", cost_centers_csv=centers))
    payers = {one.key: one.difference for one in summed(what_if.differences, by_payer)}
    assert payers == {
        ("shop", "CC-1"): 0, ("shop", "CC-2"): -122, ("core", "CC-2"): 122, ("core", "CC-9"): 0,
    }  # fmt: skip


def test_invoices_and_adjustments_are_facts(three, tmp_path):
    """A proposal that has others, or none, is replayed with those of the close."""
    proposed = propose(
        tmp_path / "proposed",
        invoices_csv=ALWAYS["invoices.csv"], adjustments_csv=ALWAYS["adjustments.csv"],
    )  # fmt: skip
    what_if = ask(three, proposed)
    assert {one.difference for one in what_if.differences} == {ZERO}
    assert [
        (one.cost_center_id, one.after) for one in what_if.differences if one.kind == "adjustment"
    ] == [("CC-1", -2), ("CC-2", 2)]


def test_a_rule_that_begins_later_is_named(three, tmp_path):
    later = pool("later", '{ product_code = ["AmazonS3"] }').replace("2026-01", "2026-07")
    what_if = ask(three, propose(tmp_path / "proposed", allocation_toml=later + pool()))
    assert [one.pool_id for one in what_if.later_pools] == ["later"]
    assert {one.difference for one in what_if.differences} == {ZERO}


def test_the_delivery_is_rolled_up_again_when_rules_look_at_other_tags(three, tmp_path):
    """By user_team, the untagged 30.00 are CC-2's; the kept rollup does not have that tag."""
    keys = '["user_cost_center", "user_team"]'
    policy = ALWAYS["policy.toml"].replace('["user_cost_center"]', keys, 1)
    what_if = ask(three, propose(tmp_path / "proposed", policy_toml=policy))
    assert differences(what_if) == {
        "CC-1 untagged": "-10.00", "CC-2 direct": "30.00", "CC-2 untagged": "-10.00",
        "CC-9 untagged": "-10.00",
    }  # fmt: skip


shares = st.lists(st.integers(0, 1000), min_size=2, max_size=2).map(sorted)


@examples(12)
@given(cuts=shares, key=st.sampled_from(["even", "direct_spend"]), storage=st.booleans())
def test_nothing_is_lost_under_any_shares(three, cuts, key, storage):
    """The differences sum to zero, and everybody pays the share that is proposed, to the cent."""
    parts = (cuts[0], cuts[1] - cuts[0], 1000 - cuts[1])
    rules = fixed(*(f"{part / 1000:.3f}" for part in parts))
    if storage:
        rules = pool("storage", '{ product_code = ["AmazonS3"] }', key, "overrides_tags = true\n"
                     'recipients = ["*"]') + rules  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        what_if = ask(three, propose(Path(folder), allocation_toml=rules), APRIL)
    assert sum(one.difference for one in what_if.differences) == 0
    assert sum(one.after for one in what_if.differences) == 130
    untagged = {
        one.cost_center_id: one.after for one in what_if.differences if one.pool_id == "untagged"
    }
    for owner, part in zip(("CC-1", "CC-2", "CC-9"), parts, strict=True):
        assert abs(untagged.get(owner, ZERO) - Decimal(part) * 30 / 1000) < Decimal("0.01")


def test_differences_that_lose_a_cent_are_not_shown(three, tmp_path, monkeypatch):
    """A defect that charges a cent less is found, whatever made it."""
    found = replayed.compare

    def lose_a_cent(period, before, after):
        first, *rest = found(period, before, after)
        cent = Decimal("0.01")
        return (replayed.replace(first, after=first.after - cent), *rest)

    monkeypatch.setattr(replayed, "compare", lose_a_cent)
    with pytest.raises(replayed.Refusal) as refused:
        ask(three, three.params, APRIL)
    assert refused.value.what == f"the differences of {APRIL} do not sum to zero"
    assert refused.value.difference == "0.01 too little"


def test_single_periods_and_ranges_are_the_same(three, tmp_path):
    proposed = propose(tmp_path / "proposed", allocation_toml=BY_SPEND)
    alone = ask(three, proposed, MAY)
    [inside] = [one for one in ask(three, proposed, ALL).periods if one.period == MAY]
    assert alone.periods[0].differences == inside.differences
