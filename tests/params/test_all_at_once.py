"""Everything that is wrong in params is said at once: one wrong file hides nothing that others say."""

from __future__ import annotations

import pytest

from chargeback.core.errors import Refusal, apart, bad_params, keeping, together
from chargeback.params import params_problems, read_params
from tests.params_folder import ALWAYS, accepted, added, pool, write_params

PERIOD = "2026-05"


def whats(folder) -> list[str]:
    """The first lines of all that is wrong; `read_params` says one of them."""
    params, problems = params_problems(folder, PERIOD)
    assert params is None and problems
    with pytest.raises(Refusal) as first:
        read_params(folder, PERIOD)
    assert first.value.block() in {one.block() for one in problems}
    assert all(one.exit_code == 2 and one.where for one in problems)
    return [one.what for one in problems]


def test_good_params_are_read_and_have_no_problems(make_params):
    params, problems = params_problems(make_params(), PERIOD)
    assert params == read_params(params.folder, PERIOD)
    assert problems == []


def test_two_cells_of_a_row_and_several_rows(make_params):
    folder = make_params(
        accounts_csv=added(
            "accounts.csv",
            "12345,a,b,,May-26,",
            "012345678902,x,y,CC-7,2026-01,",
            "0123,c,d,,2026-01,",
        )
    )
    assert sorted(whats(folder)) == [
        "accounts.csv names an unknown cost center",
        "an account id is not 12 digits",
        "an account id is not 12 digits",
        "this is not a billing period",
    ]


def test_each_register_and_each_rule_says_what_is_wrong_in_it(make_params):
    folder = make_params(
        business_units_csv="business_unit_id;name;owner;email;idp_group\nshop;Shop;A;a;b\n",
        accounts_csv=added("accounts.csv", "1,a,b,,2026-01,"),
        tag_values_csv=added("tag_values.csv", "user_x,y,CC-9,2026-01,2026-02,r,s"),
        invoices_csv=added("invoices.csv", '900000002,2026-05,AWS,USD,"1,00",f,PDF'),
        policy_toml=ALWAYS["policy.toml"].replace('"amortized"', '"blended"').replace("USD", "usd")
        + "limit = 1\n[daily]\nuntagged_minimum = 5\nticket_due_days = \"x\"\n",
        allocation_toml=pool("tax", '{ line_item_type = [] }', "share") + pool(),
        acceptances_csv=accepted(pools_are_emptied="untagged"),
        ownership_toml='[[rule]]\nrule_id = "r"\ncost_center_id = "CC-1"\nmatch = {}\n',
    )  # fmt: skip
    assert sorted(whats(folder)) == [
        "a row of tag_values.csv has the wrong number of cells",
        "an account id is not 12 digits",
        "an ownership rule needs a condition",
        "business_units.csv is separated by semicolons, not by commas",
        "the allocation key is not known",
        "the condition 'line_item_type' has no values",
        "the currency is not a code of three capital letters",
        "the key 'approved' is missing",
        "the key 'reason' is missing",
        "the key 'valid_from' is missing",
        "this is no control that can be accepted",
        "ticket_due_days is not a number of days",
        "total is not a plain decimal number",
        "unknown cost_basis",
        "unknown key 'limit'",
        "untagged_minimum must be text in quotes",
    ]


def test_what_contradicts_what_is_said_although_a_file_is_wrong(make_params):
    folder = make_params(
        accounts_csv=added("accounts.csv", "1,a,b,,2026-01,"),
        policy_toml=ALWAYS["policy.toml"].replace(
            'rounding_cost_center_id = "CC-9"', 'rounding_cost_center_id = "CC-8"'
        ),
        allocation_toml=pool("tax", more='recipients = ["shop", "nobody"]')
        + pool("support", key="driver:headcount", more='except = ["*"]')
        + pool("CC-1")
        + pool(),
        adjustments_csv=added(
            "adjustments.csv", "2026-05,CC-1,CC-2,1.234,why,ref,Ann,Bob,2026-01-20"
        ),
    )
    assert sorted(whats(folder)) == [
        "'CC-1' is a pool and a business unit or cost center",
        "amount has more than 2 decimals",
        "an account id is not 12 digits",
        "nobody takes part in the pool 'support' in 2026-05",
        "rounding_cost_center_id names an unknown cost center",
        "the driver 'headcount' has no rows for 2026-05",
        "the pool 'tax' names an unknown recipient",
    ]


def test_a_register_that_cannot_be_read_is_not_told_of_again_by_those_that_refer_to_it(make_params):
    folder = make_params(cost_centers_csv="nonsense\n")
    assert whats(folder) == ["cost_centers.csv does not begin with its columns"]
    folder.joinpath("business_units.csv").unlink()
    assert sorted(whats(folder)) == [
        "cost_centers.csv does not begin with its columns",
        "the params folder has no business_units.csv",
    ]


def test_a_pool_that_cannot_be_read_leaves_the_others_checked(make_params):
    folder = make_params(
        allocation_toml=pool(key="evenly") + pool("tax", more='recipients = ["x"]')
    )
    assert sorted(whats(folder)) == [
        "the allocation key is not known", "the pool 'tax' names an unknown recipient",
    ]  # fmt: skip


def test_a_period_or_a_folder_that_is_none_is_all_there_is_to_say(tmp_path):
    assert [one.what for one in params_problems(tmp_path / "no", PERIOD)[1]] == [
        "the params folder does not exist"
    ]
    folder = write_params(tmp_path / "params")
    assert [one.what for one in params_problems(folder, "May")[1]] == [
        "this is not a billing period"
    ]


def test_a_blank_total_is_one_that_nobody_has_entered_yet(make_params):
    folder = make_params(invoices_csv=added("invoices.csv", "900000002,2026-05,AWS,USD,,,"))
    assert set(read_params(folder, PERIOD).invoices) == {"900000001"}


def fail(what: str) -> None:
    raise bad_params(what)


def test_outside_of_keeping_the_first_refusal_is_raised():
    with pytest.raises(Refusal) as raised, together():
        with apart():
            fail("one")
        with apart():
            fail("two")
    assert raised.value.what == "one"


def test_what_is_kept_is_kept_once_and_what_needs_it_is_left_out():
    with keeping() as found:
        with together():
            for what in ("one", "two", "one"):
                with apart():
                    fail(what)
        fail("never")
    assert [one.what for one in found] == ["one", "two"]
    with keeping() as found:
        fail("alone")
    assert [one.what for one in found] == ["alone"]
    with pytest.raises(Refusal), apart():
        fail("raised again")
