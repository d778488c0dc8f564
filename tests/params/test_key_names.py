"""The [[key]] tables of allocation.toml: optional, refused where they name nothing, no part of the rules."""

from __future__ import annotations

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.params import read_params
from chargeback.params.key_names import KeyName
from chargeback.params.ratification import rules_digest
from chargeback.review.rules import rules_prose
from tests.params_folder import ALWAYS, pool
from tests.reports import PERIOD

HEADS = ALWAYS["drivers.csv"] + "2026-05,headcount,CC-1,7,HR\n"
POOLS = pool("a", '{ product_code = ["A"] }', "driver:headcount", 'fallback = "even"') + pool()


def key(name: str = "driver:headcount", more: str = 'name = "Headcount"') -> str:
    return f'[[key]]\nkey = "{name}"\n{more}\n\n'


def test_names_are_read_and_their_units_may_be_left_out(make_params):
    """Also of a key that is only a fallback, and of one whose pool has ended."""
    ended = pool("old", '{ product_code = ["B"] }', "direct_spend").replace(
        'valid_from = "2026-01"', 'valid_from = "2026-01"\nvalid_to = "2026-02"'
    )
    text = key(more='name = "People"\nunit = "persons"') + key("even", 'name = "Equal"') + key(
        "direct_spend", 'name = "Spend"'
    )  # fmt: skip
    folder = make_params(allocation_toml=text + ended + POOLS, drivers_csv=HEADS)
    assert read_params(folder, PERIOD).key_names == {
        "driver:headcount": KeyName("People", "persons"),
        "even": KeyName("Equal", ""),
        "direct_spend": KeyName("Spend", ""),
    }


def test_rules_without_names_are_as_they_were_and_names_change_no_digest(make_params):
    plain = read_params(make_params(allocation_toml=POOLS, drivers_csv=HEADS), PERIOD)
    named = read_params(make_params(allocation_toml=key() + POOLS, drivers_csv=HEADS), PERIOD)
    assert plain.key_names == {} and named.key_names
    assert rules_digest(plain) == rules_digest(named)


def test_the_rules_as_prose_say_what_statements_call_a_key(make_params):
    text = key(more='name = "People"\nunit = "persons"') + POOLS
    prose = rules_prose(read_params(make_params(allocation_toml=text, drivers_csv=HEADS), PERIOD))
    assert "statements call it “People (persons)”" in " ".join(prose.split())


REFUSED = {
    "of no pool": (
        key("driver:head_count", 'name = "Headcount"'),
        ["a key is named that no pool uses", "driver:head_count", "did you mean", "line 1, key 1"],
    ),
    "twice": (key() + key(), ["an allocation key is named twice", "driver:headcount", "line 5, key 2"]),
    "no name": (key(more=""), ["the key 'name' is missing", "line 1, key 1 (driver:headcount)"]),
    "empty name": (key(more='name = " "'), ["the key 'name' is empty"]),
    "unit that is no text": (key(more='name = "a"\nunit = 5'), ["unit must be text in quotes"]),
    "unknown word": (key(more='name = "a"\nunits = "TB"'), ["unknown key 'units'", "unit"]),
    "no key": ('[[key]]\nname = "a"\n\n', ["the allocation key is not known", "None"]),
    "of no kind": (key("spend"), ["the allocation key is not known", "'spend'"]),
    "no table": ('key = "even"\n', ["allocation.toml must hold [[key]] tables"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "seen"), REFUSED.values(), ids=REFUSED)
def test_a_name_of_nothing_is_refused_by_file_and_line(make_params, text, seen):
    folder = make_params(allocation_toml=text + POOLS, drivers_csv=HEADS)
    with pytest.raises(Refusal) as raised:
        read_params(folder, PERIOD)
    assert raised.value.exit_code == BAD_USAGE
    for one in seen:
        assert one in raised.value.block(), raised.value.block()
