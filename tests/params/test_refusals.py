"""What a params folder can be refused for, all with exit code 2 and the words a person needs."""

from __future__ import annotations

import pytest

from chargeback.close import monthly as close
from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.params import read_params
from tests.params_folder import ALWAYS, added, pool
from tests.reports import PERIOD, line_item

REFUSED = {
    "overlapping dated rows": (
        {"accounts_csv": added("accounts.csv", "012345678901,again,core,,2026-04,")},
        ["dated rows overlap in accounts.csv: 012345678901", "both hold in 2026-04", "line 3"],
    ),
    "gap between dated rows": (
        {"cost_centers_csv": ALWAYS["cost_centers.csv"].replace("shop,2026-01,",
                                                                "shop,2026-01,2026-02")
         + "CC-1,Web,shop,2026-04,\n"},
        ["dated rows leave a gap in cost_centers.csv: CC-1", "begins in 2026-04"],
    ),
    "overlapping dated pools": (
        {"allocation_toml": pool() + pool()},
        ["dated rows overlap in allocation.toml: untagged"],
    ),
    "unknown cost center in a rule": (
        {"allocation_toml": pool(more='recipients = ["CC-1", "CC-22"]')},
        ["the pool 'untagged' names an unknown recipient", "'CC-22'", "did you mean 'CC-2'?"],
    ),
    "unknown cost center in shares": (
        {"allocation_toml": pool(key="fixed", more='shares = { "CC-8" = "1" }')},
        ["the pool 'untagged' names an unknown cost center", "'CC-8'"],
    ),
    "unknown cost center in the policy": (
        {"policy_toml": ALWAYS["policy.toml"].replace('rounding_cost_center_id = "CC-9"',
                                                      'rounding_cost_center_id = "CC-99"')},
        ["rounding_cost_center_id names an unknown cost center", "policy.toml", "'CC-9'?"],
    ),
    "unknown cost center in a register": (
        {"tag_values_csv": added("tag_values.csv", "user_cost_center,web,CC-7,2026-01,,ref")},
        ["tag_values.csv names an unknown cost center", "'CC-7'", "tag_values.csv line 2"],
    ),
    "pool nobody takes part in": (
        {"allocation_toml": pool(more='recipients = ["shop"]\nexcept = ["CC-1", "CC-2"]')},
        ["nobody takes part in the pool 'untagged' in 2026-05", "widen recipients"],
    ),
    "pool without recipients": (
        {"allocation_toml": pool(more="recipients = []")},
        ["nobody takes part in the pool 'untagged'"],
    ),
    "misspelt key of the policy": (
        {"policy_toml": ALWAYS["policy.toml"] + 'cost_center_tag = ["a"]\n'},
        ["unknown key 'cost_center_tag'", "did you mean 'cost_center_tags'?"],
    ),
    "misspelt key of a pool": (
        {"allocation_toml": pool(more='fallbak = "even"')},
        ["unknown key 'fallbak'", "did you mean 'fallback'?", "allocation.toml line 1, pool 1"],
    ),
    "misspelt condition": (
        {"allocation_toml": pool("ec2", '{ product_cod = ["AmazonEC2"] }') + pool()},
        ["unknown key 'product_cod'", "did you mean 'product_code'?"],
    ),
    "misspelt allocation key": (
        {"allocation_toml": pool(key="direct_spent")},
        ["the allocation key is not known", "'direct_spent'", "did you mean 'direct_spend'?"],
    ),
    "misspelt fallback": (
        {"allocation_toml": pool(more='fallback = "evn"')},
        ["the allocation fallback is not known", "did you mean 'even'?"],
    ),
    "misspelt column": (
        {"drivers_csv": ALWAYS["drivers.csv"].replace("quantity", "quantty")},
        ["drivers.csv has an unknown column 'quantty'", "did you mean 'quantity'?"],
    ),
    "account id that lost its zero": (
        {"accounts_csv": ALWAYS["accounts.csv"].replace("012345678901", "12345678901")},
        ["12345678901", "012345678901"],
    ),
    "account id that lost its zero in a rule": (
        {"allocation_toml": pool("one", '{ account_id = ["12345678901"] }') + pool()},
        ["an account id is not 12 digits", "012345678901"],
    ),
    "shares that do not sum to one": (
        {"allocation_toml": pool(key="fixed", more='shares = { "CC-1" = "0.5", "CC-2" = "0.4" }')},
        ["the fixed shares do not sum to 1", "0.9", "+0.1"],
    ),
    "share that is not text": (
        {"allocation_toml": pool(key="fixed", more='shares = { "CC-1" = 1.0 }')},
        ["a fixed share is not a decimal in quotes"],
    ),
    "no pool for what nobody owns": (
        {"allocation_toml": pool("ec2", '{ product_code = ["AmazonEC2"] }')},
        ["there is no pool 'untagged'"],
    ),
    "two rows for one invoice": (
        {"invoices_csv": added("invoices.csv", "900000001,2026-05,AWS,USD,1.00,f,PDF")},
        ["invoices.csv has two rows for 2026-05 900000001"],
    ),
    "invoice in another currency": (
        {"invoices_csv": ALWAYS["invoices.csv"].replace("USD", "EUR")},
        ["an invoice is in a different currency from the policy", "EUR"],
    ),
    "amount with a comma": (
        {"invoices_csv": ALWAYS["invoices.csv"].replace("100.00", '"1,00"')},
        ["total is not a plain decimal number", "'1,00'"],
    ),
    "row with too many cells": (
        {"invoices_csv": ALWAYS["invoices.csv"].replace("100.00", "1,000.00")},
        ["a row of invoices.csv has the wrong number of cells", "quote a cell"],
    ),
    "broken TOML": ({"policy_toml": "currency = \n"}, ["policy.toml is not readable TOML"]),
}  # fmt: skip


def test_the_folder_that_the_others_spoil_is_accepted(make_params):
    params = read_params(make_params(), PERIOD)
    assert list(params.cost_centers) == ["CC-1", "CC-2", "CC-9"]
    assert params.recipients(params.pools[0]) == ("CC-1", "CC-2", "CC-9")


@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_is_named(name, make_params):
    files, words = REFUSED[name]
    with pytest.raises(Refusal) as raised:
        read_params(make_params(**files), PERIOD)
    block = raised.value.block()
    assert raised.value.exit_code == BAD_USAGE, block
    for one in words:
        assert one in block, block


@pytest.mark.parametrize("name", ["overlapping dated rows", "misspelt allocation key"])
def test_bad_params_are_said_before_anything_is_written(
    name, make_report, make_params, make_closing
):
    report = make_report([line_item(100.0, "CC-1")])
    closing = make_closing(report, make_params(**REFUSED[name][0]))
    with pytest.raises(Refusal):
        close.monthly_close(closing, print)
    assert not closing.books.root.exists()


def test_a_month_is_closed_with_what_held_in_it(make_params):
    register = ALWAYS["cost_centers.csv"]
    ended = register.replace("CC-2,Stock,shop,2026-01,", "CC-2,Stock,shop,2026-01,2026-04")
    folder = make_params(cost_centers_csv=ended + "CC-2,Supply,core,2026-05,\n")
    assert read_params(folder, "2026-04").cost_centers["CC-2"].business_unit_id == "shop"
    assert read_params(folder, "2026-05").cost_centers["CC-2"].business_unit_id == "core"
