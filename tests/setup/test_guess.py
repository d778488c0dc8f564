"""Guesses: which key names cost centers, what may differ between values, and whom values name."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.params.registers import SAFE_ID
from chargeback.params.tags import TagReader
from chargeback.setup.guess import Ids, centers_of, guess_key, guess_mandatory, guess_normalization
from tests.examples import examples

ONE = Decimal(1)


def keys(**costs: int) -> dict[str, dict[str, Decimal]]:
    """Tag keys with one value each; two underscores stand for a colon."""
    return {key.replace("__", ":"): {"x": Decimal(cost)} for key, cost in costs.items()}


@pytest.mark.parametrize(
    "found, key",
    [
        (keys(user_team=90, user_environment=95), "user_team"),
        (keys(user_team=90, user_cost_center=50), "user_cost_center"),  # at least half as much
        (keys(user_team=90, user_cost_center=40), "user_team"),
        (keys(user_project=30, user_team=60), "user_team"),
        (keys(user_c_o_s_t_c_e_n_t_r_e=10), "user_c_o_s_t_c_e_n_t_r_e"),
        (keys(cost_category__team=10, user_name=80), "cost_category:team"),
        ({"tags:accountTag/CostCenter": {"a": ONE}}, "tags:accountTag/CostCenter"),
        (keys(aws_project=99, user_department=1), "user_department"),
        (keys(user_workload_type=99, user_name=80), ""),
        ({}, ""),
    ],
)
def test_the_key_is_called_after_a_cost_center_and_covers_most_cost(found, key):
    guess = guess_key(found)
    assert guess.key == key
    assert guess.why
    assert key not in dict(guess.others)


def test_the_others_are_named_with_their_cost():
    guess = guess_key(keys(user_team=90, user_cost_center=50, user_department=70, user_x=99))
    assert guess.others == (("user_team", Decimal(90)), ("user_department", Decimal(70)))


def test_mandatory_are_the_keys_that_people_write():
    found = keys(aws_created_by=9, user_a=8, user_name=7, user_team=6, user_b=5, user_c=4, user_d=3)
    assert guess_mandatory(found, "user_team") == ("user_team", "user_a", "user_b", "user_c")
    assert guess_mandatory({}, "") == ()


@pytest.mark.parametrize(
    "values, rules",
    [
        (["a", "b"], ()),
        (["a", "A"], ("case",)),
        (["a", "a "], ("spaces",)),
        (["CC-1", "CC1"], ("hyphens",)),
        (["CC-1", "cc 1"], ("case", "spaces", "hyphens")),
        (["data_science", "Data-Science", "b"], ("case", "hyphens")),
        (["1-11", "11-1", "a", "A"], ("case",)),  # without hyphens they would be one
        (["north 1", "nort h1", "b", "B"], ("case",)),
        ([], ()),
    ],
)
def test_values_may_differ_by_as_little_as_makes_them_one(values, rules):
    assert guess_normalization(values) == rules


def centers(values: list[str], reserved: tuple[str, ...] = ("tax", "untagged", "company")):
    """Cost centers of values, the dearest first, and the normalization."""
    ids = Ids()
    for one in reserved:
        ids.take(one)
    rules = guess_normalization(values)
    costs = {one: Decimal(len(values) - place) for place, one in enumerate(values)}
    return centers_of(costs, rules, ids, "user_team"), rules


def test_a_value_that_can_be_an_id_is_one_and_others_get_an_alias():
    found, rules = centers(["shop", "Shop", "Data & AI", "日本"])
    assert rules == ("case",)
    assert [(one.cost_center_id, one.name, one.aliases) for one in found.centers] == [
        ("Data-AI", "Data & AI", ("Data & AI",)),
        ("shop", "shop", ()),
        ("tag-value", "日本", ("日本",)),
    ]


def test_an_id_of_a_pool_or_of_another_value_is_not_taken():
    found, _ = centers(["tax", "Data AI", "Data-AI", "Data/AI"])
    assert {one.cost_center_id: one.aliases for one in found.centers} == {
        "tax-2": ("tax",),
        "Data-AI": (),
        "Data-AI-2": ("Data/AI",),
    }


def test_what_means_nobody_and_what_is_no_text_for_a_register_own_nothing():
    found, _ = centers(["none", "N/A", "---", "=1+1", "a\nb", "@team", "\u202eabc", "x"])
    assert found.nobody == ("none", "N/A", "---")
    assert found.unsafe == ("=1+1", "a\nb", "@team", "\u202eabc")
    assert [one.cost_center_id for one in found.centers] == ["x"]


TEXTS = st.text(st.sampled_from("aAbB1- _./=é\n"), min_size=1, max_size=6)


@examples(200)
@given(st.lists(TEXTS, max_size=8, unique=True))
def test_every_value_names_its_cost_center_and_no_two_values_contradict_each_other(values):
    found, rules = centers(values)
    ids = [one.cost_center_id for one in found.centers]
    assert len(set(ids)) == len(ids)
    assert all(SAFE_ID.fullmatch(one) for one in ids)
    aliases = {
        ("user_team", value): (one.cost_center_id, "")
        for one in found.centers
        for value in one.aliases
    }
    reader = TagReader(ids, aliases, rules)  # refuses values of two cost centers that are one
    for value in values:
        named = reader.read("user_team", value).cost_center_id
        assert (named is None) == (value in (*found.nobody, *found.unsafe))
