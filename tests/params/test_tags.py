"""A tag value is read exactly, as an alias, or with what was declared not to matter; never silently."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.params.policy import NORMALIZATIONS
from chargeback.params.tags import TagReader, normalize

RULES = st.lists(st.sampled_from(NORMALIZATIONS), unique=True)
VALUES = st.text(st.sampled_from("aAbBßÄ19 -_\u2011\t"), max_size=8)
ALIASES = {("team", "Web Shop"): ("CC-1", "line 2"), ("team", "old"): ("CC-8", "line 3")}


def reader(*rules: str) -> TagReader:
    """Two cost centers and an alias of one; another alias means a cost center that ended."""
    return TagReader(["CC-1", "CC-2"], ALIASES, tuple(rules))


@given(VALUES, RULES)
def test_normalizing_again_changes_nothing(value, rules):
    once = normalize(value, rules)
    assert normalize(once, rules) == once


@given(VALUES, RULES)
def test_what_is_exact_or_an_alias_is_read_so_whatever_is_declared(value, rules):
    read = TagReader([value or "x"], {}, tuple(rules)).read("team", value or "x")
    assert (read.cost_center_id, read.how) == (value or "x", "exact")
    aliased = TagReader(["CC-1"], {("team", value): ("CC-1", "here")}, tuple(rules))
    assert aliased.read("team", value).how == ("exact" if value == "CC-1" else "alias")


@given(VALUES)
def test_nothing_is_normalized_that_was_not_declared(value):
    assert reader().read("team", value).how in ("exact", "alias", "unusable")


@pytest.mark.parametrize(
    ("value", "rules", "owner", "how"),
    [
        ("CC-1", (), "CC-1", "exact"),
        ("Web Shop", (), "CC-1", "alias"),
        ("web shop", (), None, "unusable"),
        ("web shop", ("case",), "CC-1", "normalized"),
        ("webshop", ("case",), None, "unusable"),
        ("WEBSHOP ", ("case", "spaces"), "CC-1", "normalized"),
        ("cc 2", ("case", "spaces", "hyphens"), "CC-2", "normalized"),
        ("CC_2", ("hyphens",), "CC-2", "normalized"),
        ("old", ("case",), None, "unusable"),
        ("OLD", ("case",), None, "unusable"),
        ("", ("case", "spaces", "hyphens"), None, "unusable"),
    ],
)
def test_a_value_is_read(value, rules, owner, how):
    read = reader(*rules).read("team", value)
    assert (read.cost_center_id, read.how) == (owner, how)


def test_an_alias_is_of_its_own_tag_key():
    assert reader("case").read("other", "web shop").how == "unusable"
    assert reader("case").read("other", "cc-1").cost_center_id == "CC-1"
