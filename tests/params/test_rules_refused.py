"""Rules that cannot be carried out, each refused by name with its file and line."""

from __future__ import annotations

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.params import read_params
from tests.params_folder import ALWAYS, added, pool
from tests.reports import PERIOD

ANY = '{ product_code = ["A"] }'
HEADS = "2026-05,headcount,CC-1,7,HR"


BUCKETS = '{ resource_like = ["x-%"] }'


def rule(rule_id: str = "known", owner: str = "CC-1", match: str = BUCKETS, more: str = "") -> str:
    """One [[rule]] of ownership.toml."""
    return (
        f'[[rule]]\nrule_id = "{rule_id}"\ncost_center_id = "{owner}"\n'
        f"match = {match}\n"
        f'valid_from = "2026-01"\napproved = "CHG"\nreason = "known"\n{more}\n'
    )


def policy(line: str) -> str:
    """policy.toml with a line more, or instead of the one with its key."""
    key = line.partition(" ")[0]
    kept = [one for one in ALWAYS["policy.toml"].splitlines() if one.partition(" ")[0] != key]
    return "\n".join([*kept, line, ""])


REFUSED = {
    "unknown recipient": (
        {"allocation_toml": pool("a", ANY, more='recipients = ["shop", "logging"]') + pool()},
        ["the pool 'a' names an unknown recipient", "'logging'", "allocation.toml line 1, pool 1 (a)"],
    ),
    "pool that gives to itself": (
        {"allocation_toml": pool("a", ANY, more='recipients = ["*", "a"]') + pool()},
        ["pools give to each other in a circle", "a -> a", "allocation.toml line 1, pool 1 (a)"],
    ),
    "cycle": (
        {"allocation_toml": pool("a", ANY, more='recipients = ["b"]')
         + pool("b", ANY, more='recipients = ["c", "*"]') + pool("c", ANY, more='recipients = ["a"]')
         + pool()},
        ["pools give to each other in a circle", "a -> b -> c -> a", "line 1, pool 1 (a)",
         "line 9, pool 2 (b)", "line 17, pool 3 (c)"],
    ),
    "recipient that stands before": (
        {"allocation_toml": pool("a", ANY) + pool("b", ANY, more='recipients = ["*", "a"]') + pool()},
        ["the pool 'b' gives to a pool that stands before it", "'a'", "pool 2 (b)", "pool 1 (a)",
         "move 'b' above 'a'"],
    ),
    "pool with a cost center's id": (
        {"allocation_toml": pool("CC-1", ANY) + pool()},
        ["'CC-1' is a pool and a business unit or cost center", "allocation.toml line 1"],
    ),
    "shares of 0.999": (
        {"allocation_toml": pool(key="fixed", more='shares = { "CC-1" = "0.5", "CC-2" = "0.499" }')},
        ["the fixed shares do not sum to 1", "0.999", "+0.001", "allocation.toml line 1, pool 1"],
    ),
    "key without a file": (
        {"allocation_toml": pool(key="sql:support_bas")},
        ["the allocation key has no SQL file", "sql/keys/support_bas.sql", "did you mean 'support_base'?",
         "allocation.toml line 1"],
    ),
    "fallback without a file": (
        {"allocation_toml": pool(more='fallback = "sql:none"')},
        ["the allocation fallback has no SQL file", "sql/keys/none.sql"],
    ),
    "driver that was not measured": (
        {"allocation_toml": pool(key="driver:headcount", more='fallback = "even"'),
         "drivers_csv": added("drivers.csv", HEADS.replace("2026-05", "2026-04"))},
        ["the driver 'headcount' has no rows for 2026-05", "drivers.csv", "allocation.toml line 1"],
    ),
    "negative quantity": (
        {"drivers_csv": added("drivers.csv", HEADS.replace(",7,", ",-7,"))},
        ["a driver's quantity is negative", "-7", "drivers.csv line 2"],
    ),
    "driver of a retired cost center": (
        {"drivers_csv": added("drivers.csv", HEADS), "cost_centers_csv":
         ALWAYS["cost_centers.csv"].replace("shop,2026-01,", "shop,2026-01,2026-04", 1)},
        ["a driver counts a cost center that is not in force in 2026-05", "CC-1", "drivers.csv line 2"],
    ),
    "adjustment to a retired cost center": (
        {"adjustments_csv":
         added("adjustments.csv", "2026-05,CC-9,CC-1,2.00,licences,REF-2,Ann,Bob,2026-01-20"),
         "cost_centers_csv":
         ALWAYS["cost_centers.csv"].replace("shop,2026-01,", "shop,2026-01,2026-04", 1)},
        ["an adjustment names a cost center that is not in force in 2026-05", "'CC-1'",
         "adjustments.csv line 2"],
    ),
    "ownership by a retired cost center": (
        {"ownership_toml": "# one rule\n\n" + rule(owner="CC-3")},
        ["the ownership rule 'known' names an unknown cost center", "'CC-3'",
         "ownership.toml line 3, rule 1 (known)"],
    ),
    "ownership of everything": (
        {"ownership_toml": rule(match="{ }")},
        ["an ownership rule needs a condition", "ownership.toml line 1"],
    ),
    "misspelt condition of ownership": (
        {"ownership_toml": rule(match='{ resource = ["x"] }')},
        ["unknown key 'resource'", "did you mean 'resource_like'?", "ownership.toml line 1"],
    ),
    "tag that is no table": (
        {"ownership_toml": rule(match='{ tag = ["x"] }')},
        ["the condition 'tag' must be a table"],
    ),
    "ownership rules that overlap": (
        {"ownership_toml": rule() + rule(more="")},
        ["dated rows overlap in ownership.toml: known", "line 1, rule 1", "rule 2 (known)"],
    ),
    "two meanings of a normalized value": (
        {"tag_values_csv": added("tag_values.csv", "user_cost_center,Web Shop,CC-1,2026-01,,R",
                                 "user_cost_center,webshop,CC-2,2026-01,,R"),
         "policy_toml": policy('tag_value_normalization = ["case", "spaces"]')},
        ["two tag values are the same once they are normalized", "CC-1 and CC-2",
         "tag_values.csv line 2", "tag_values.csv line 3"],
    ),
    "unknown normalization": (
        {"policy_toml": policy('tag_value_normalization = ["dots"]')},
        ["unknown tag_value_normalization", "'dots'", "policy.toml line 8"],
    ),
    "policy with a gap": (
        {"policy_toml": policy(
            'cost_basis = [ { value = "unblended", valid_from = "2026-01", valid_to = "2026-02", '
            'approved = "A" },'
            ' { value = "amortized", valid_from = "2026-04", approved = "B" } ]')},
        ["dated rows leave a gap in policy.toml: cost_basis", "'unblended' from 2026-01",
         "'amortized' from 2026-04", "policy.toml line 7"],
    ),
    "policy that overlaps": (
        {"policy_toml": policy(
            'cost_basis = [ { value = "unblended", valid_from = "2026-01", approved = "A" },'
            ' { value = "amortized", valid_from = "2026-04", approved = "B" } ]')},
        ["dated rows overlap in policy.toml: cost_basis", "value 1", "value 2"],
    ),
    "policy that does not hold yet": (
        {"policy_toml": policy(
            'currency = [ { value = "USD", valid_from = "2026-06", approved = "A" } ]')},
        ["no value of currency is in force in 2026-05", "2026-06..", "policy.toml line 7"],
    ),
    "policy value that nobody approved": (
        {"policy_toml": policy('currency = [ { value = "USD", valid_from = "2026-01" } ]')},
        ["the key 'approved' is missing", "policy.toml line 7, currency value 1"],
    ),
    "digest that is none": (
        {"ratifications_csv": "rules_digest,valid_from,reference,approved_by,approved_on\n"
                              "abc,2026-01,minutes,council,2026-01-05\n"},
        ["rules_digest is not a digest", "'abc'", "ratifications.csv line 2"],
    ),
    "day that is none": (
        {"ratifications_csv": "rules_digest,valid_from,reference,approved_by,approved_on\n"
                              f"{'a' * 64},2026-01,minutes,council,5 January\n"},
        ["approved_on is not a date", "'5 January'", "ratifications.csv line 2"],
    ),
    "two ratifications from one period on": (
        {"ratifications_csv": "rules_digest,valid_from,reference,approved_by,approved_on\n"
                              f"{'a' * 64},2026-01,minutes,council,2026-01-05\n"
                              f"{'b' * 64},2026-01,minutes,council,2026-01-05\n"},
        ["ratifications.csv has two rows for 2026-01", "line 2", "line 3"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_rule_that_cannot_be_carried_out_is_named(name, make_params):
    files, words = REFUSED[name]
    with pytest.raises(Refusal) as raised:
        read_params(make_params(**files), PERIOD)
    block = raised.value.block()
    assert raised.value.exit_code == BAD_USAGE, block
    for one in words:
        assert one in block, block


def test_a_line_is_left_out_rather_than_wrong(make_params):
    """A header inside a text would shift the count of lines."""
    trick = "# rules\n" + pool("a", ANY, more='approved2 = """\n[[pool]]\n"""') + pool()
    with pytest.raises(Refusal) as raised:
        read_params(make_params(allocation_toml=trick), PERIOD)
    assert "allocation.toml, pool 1 (a)" in raised.value.block()


def test_a_policy_value_holds_between_its_dates(make_params):
    dated = policy(
        'cost_basis = [ { value = "unblended", valid_from = "2026-01", valid_to = "2026-03", approved = "A" },'
        ' { value = "amortized", valid_from = "2026-04", approved = "B" } ]'
    )
    folder = make_params(policy_toml=dated)
    assert read_params(folder, "2026-03").policy.cost_basis == "unblended"
    assert read_params(folder, "2026-04").policy.cost_basis == "amortized"


def test_a_pool_ends_and_its_cost_goes_where_the_rules_then_say(make_params):
    rules = pool("a", ANY, more='valid_to = "2026-04"') + pool()
    folder = make_params(allocation_toml=rules)
    assert [one.pool_id for one in read_params(folder, "2026-04").pools] == ["a", "untagged"]
    assert [one.pool_id for one in read_params(folder, "2026-05").pools] == ["untagged"]


def test_a_pool_gives_to_those_that_stand_later(make_params):
    rules = pool("a", ANY, more='recipients = ["b", "*"]\nexcept = ["c"]')
    rules += pool("b", ANY) + pool("c", ANY) + pool()
    params = read_params(make_params(allocation_toml=rules), PERIOD)
    assert params.pool_recipients(params.pools[0]) == ("b",)
    assert params.recipients(params.pools[0]) == ("CC-1", "CC-2", "CC-9")


def test_an_ownership_rule_holds_between_its_dates(make_params):
    folder = make_params(ownership_toml=rule(more='valid_to = "2026-04"') + rule("later"))
    assert [one.rule_id for one in read_params(folder, "2026-04").ownership] == ["known", "later"]
    assert [one.rule_id for one in read_params(folder, "2026-05").ownership] == ["later"]
