"""A refusal of params names the line to look at, in files as people write them, or no line at all."""

from __future__ import annotations

import sys

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.params import read_params
from chargeback.params.policy import NORMALIZATIONS
from chargeback.params.tags import TagReader, normalize
from tests.params_folder import ALWAYS, added, pool
from tests.reports import PERIOD

ANY = '{ product_code = ["A"] }'
RULE = (
    '[[rule]]\nrule_id = "known"\ncost_center_id = "CC-1"\nmatch = { resource_like = ["x%"] }\n'
    'valid_from = "2026-01"\napproved = "CHG"\nreason = "known"\n'
)
RATIFIED = "rules_digest,valid_from,reference,approved_by,approved_on\n" + "a" * 64
DATED = (
    ALWAYS["policy.toml"].replace('cost_basis = "amortized"\n', "")
    + "# since the council's first year\ncost_basis = [\n"
    '    { value = "unblended", valid_from = "2026-01", valid_to = "2026-02", approved = "A" },\n'
    "    # prepaid commitments from spring on\n"
    '    { value = "amortized", valid_from = "2026-0X", approved = "B" },\n]\n'
)

REFUSED = {
    "unknown key at the top of the policy": (
        {"policy_toml": ALWAYS["policy.toml"] + "\nrounding = 1\n"},
        ["unknown key 'rounding'", "policy.toml line 9"],
    ),
    "unknown table of the policy": (
        {"policy_toml": ALWAYS["policy.toml"] + "[tags]\ncase = 1\n"},
        ["unknown key 'tags'", "policy.toml line 8"],
    ),
    "unknown table of allocation": (
        {"allocation_toml": pool() + "[[pol]]\n"},
        ["unknown key 'pol'", "allocation.toml line 10", "did you mean 'pool'?"],
    ),
    "pools that are one table": (
        {"allocation_toml": "# one pool\n" + pool().replace("[[pool]]", "[pool]")},
        ["allocation.toml must hold [[pool]] tables", "allocation.toml line 2"],
    ),
    "unknown table of ownership": (
        {"ownership_toml": RULE + "[[rules]]\n"},
        ["unknown key 'rules'", "ownership.toml line 8", "did you mean 'rule'?"],
    ),
    "policy that names an unknown cost center": (
        {"policy_toml": ALWAYS["policy.toml"].replace('commitments_cost_center_id = "CC-9"',
                                                      'commitments_cost_center_id = "CC-8"')},
        ["commitments_cost_center_id names an unknown cost center", "policy.toml line 5"],
    ),
    "dated value on a line of its own": (
        {"policy_toml": DATED}, ["policy.toml line 11, cost_basis value 2", "'2026-0X'"],
    ),
    "overlap of dated values on lines of their own": (
        {"policy_toml": DATED.replace("2026-0X", "2026-02")},
        ["dated rows overlap in policy.toml: cost_basis", "policy.toml line 9, cost_basis value 1",
         "policy.toml line 11, cost_basis value 2"],
    ),
    "plain values among dated ones": (
        {"policy_toml": ALWAYS["policy.toml"].replace('"USD"', '["USD", { value = "EUR" }]')},
        ["currency must be text in quotes", "policy.toml line 1"],
    ),
    "row below a cell of two lines": (
        {"drivers_csv": added("drivers.csv", '2026-05,heads,CC-1,7,"HR,\nby hand"',
                              "2026-05,heads,CC-2,seven,HR")},
        ["quantity is not a plain decimal number", "drivers.csv line 4"],
    ),
    "quote that does not end": (
        {"drivers_csv": added("drivers.csv", "2026-05,heads,CC-1,7,HR", '2026-05,heads,CC-2,7,"HR')},
        ["drivers.csv is not well-formed CSV", "drivers.csv line 3"],
    ),
    "driver of a retired cost center": (
        {"drivers_csv": added("drivers.csv", "2026-05,heads,CC-2,7,HR"), "cost_centers_csv":
         ALWAYS["cost_centers.csv"].replace("Stock,shop,2026-01,", "Stock,shop,2026-01,2026-04")},
        ["counts a cost center that is not in force in 2026-05", "drivers.csv line 2",
         "cost_centers.csv line 3"],
    ),
    "invoice in another currency": (
        {"invoices_csv": ALWAYS["invoices.csv"].replace("USD", "EUR")},
        ["an invoice is in a different currency from the policy", "invoices.csv line 2"],
    ),
    "unit with a cost center's id": (
        {"business_units_csv": ALWAYS["business_units.csv"] + "CC-9,Nine,A,a@example.com,n\n"},
        ["'CC-9' is a business unit and a cost center", "business_units.csv line 4",
         "cost_centers.csv line 4"],
    ),
    "unit called as the index of a month": (
        {"business_units_csv": ALWAYS["business_units.csv"] + "Index.html,Nine,A,a@example.com,n\n"},
        ["business_unit_id is not a valid id", "index.html, which lies beside the units' folders",
         "business_units.csv line 4"],
    ),
    "pool that gives to one that ended": (
        {"allocation_toml": pool("a", ANY, more='recipients = ["b", "*"]')
         + pool("b", ANY, more='valid_to = "2026-04"') + pool()},
        ["the pool 'a' names an unknown recipient", "'b', a pool that is not in force then",
         "allocation.toml line 1, pool 1 (a)"],
    ),
    "approval that is empty": (
        {"ownership_toml": RULE.replace("CHG", " ")},
        ["the key 'approved' is empty", "ownership.toml line 1, rule 1 (known)"],
    ),
    "ownership of everything by no tag": (
        {"ownership_toml": RULE.replace('resource_like = ["x%"]', "tag = { }")},
        ["the condition 'tag' has no values", "ownership.toml line 1"],
    ),
    "ratification by nobody": (
        {"ratifications_csv": f"{RATIFIED},2026-01,minutes,,2026-01-05\n"},
        ["a ratification lacks its approved_by", "ratifications.csv line 2"],
    ),
    "day without hyphens": (
        {"ratifications_csv": f"{RATIFIED},2026-01,minutes,council,20260105\n"},
        ["approved_on is not a date", "'20260105'", "ratifications.csv line 2"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_names_the_line(name, make_params):
    files, words = REFUSED[name]
    with pytest.raises(Refusal) as raised:
        read_params(make_params(**files), PERIOD)
    block = raised.value.block()
    assert raised.value.exit_code == BAD_USAGE, block
    for one in words:
        assert one in block, block


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_lines_are_counted_as_editors_count_them(line_end, make_params):
    folder = make_params()
    text = "# a line\u2028separator\n" + ALWAYS["policy.toml"] + 'colour = "red"\n'
    (folder / "policy.toml").write_bytes(text.replace("\n", line_end).encode("utf-8-sig"))
    with pytest.raises(Refusal) as raised:
        read_params(folder, PERIOD)
    assert "policy.toml line 9" in raised.value.block()


def test_a_key_of_a_pool_is_not_taken_for_one_at_the_top(make_params):
    with pytest.raises(Refusal) as raised:
        read_params(make_params(allocation_toml='"fallback" = 1\n' + pool(more='fallback = "even"')),
                    PERIOD)  # fmt: skip
    assert raised.value.where == ["allocation.toml"]


def test_a_pool_that_is_left_out_again_receives_nothing(make_params):
    rules = pool("a", ANY) + pool("b", ANY, more='recipients = ["*", "a"]\nexcept = ["a"]') + pool()
    params = read_params(make_params(allocation_toml=rules), PERIOD)
    assert params.pool_recipients(params.pools[1]) == ()


def test_normalizing_any_character_again_changes_nothing():
    for code in range(sys.maxunicode + 1):
        once = normalize(chr(code), NORMALIZATIONS)
        assert normalize(once, NORMALIZATIONS) == once, hex(code)


def test_an_alias_of_which_nothing_is_left_means_only_itself():
    reader = TagReader(["CC-1"], {("team", "--"): ("CC-1", "line 2")}, NORMALIZATIONS)
    assert reader.read("team", "--").how == "alias"
    assert [reader.read("team", one).how for one in ("-", "_ -", " ")] == ["unusable"] * 3
