"""Tag hygiene: what is untagged by both bases, however it is grouped, and whom unusable values mean."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.daily.cases import UNTAGGED
from chargeback.daily.costs import daily_costs
from chargeback.daily.drift import (
    drift_window,
    drifting_accounts,
    find_drift,
    untagged_resources,
    window_costs,
    window_days,
)
from chargeback.daily.hygiene import (
    BASES,
    BothBases,
    Hygiene,
    TagCosts,
    likely_cost_centers,
    tag_hygiene,
)
from chargeback.daily.ticket_texts import account_finding
from chargeback.params import read_params
from tests.daily.month import DRIFTING, PERIOD, SMALL, day, item, owned, write_month
from tests.examples import examples
from tests.params_folder import ALWAYS, added, write_params
from tests.reports import ACCOUNT, write_report

POLICY = ALWAYS["policy.toml"].replace(
    'mandatory_tags = ["user_cost_center"]',
    'mandatory_tags = ["user_cost_center", "user_application", "user_environment"]',
)
RESERVED = {"line_item_line_item_type": "DiscountedUsage", "reservation_effective_cost": 30.0}


@pytest.fixture
def hygiene_of(make_report, make_params):
    """The hygiene of some line items up to the last day."""

    def make(items, **params: str) -> Hygiene:
        read = read_params(make_params(**{"policy_toml": POLICY, **params}), PERIOD)
        return tag_hygiene(daily_costs(make_report(items), read, day(5)), read)

    return make


def test_untagged_work_on_reservations_shows_by_amortized_cost(hygiene_of):
    found = hygiene_of(
        [
            owned(5, 90.0, reservation_effective_cost=None),
            item(5, 0.0, **RESERVED),
            item(5, 10.0, {"user_cost_center": "nobody"}),
            item(5, 7.0, line_item_resource_id=""),
        ]
    )
    assert found.total.unblended == TagCosts(Decimal(100), Decimal(0), Decimal(10), Decimal(7))
    assert found.total.amortized == TagCosts(Decimal(130), Decimal(30), Decimal(10), Decimal(7))
    assert found.total.unblended.untagged_percent == 10
    assert round(found.total.amortized.untagged_percent, 1) == Decimal("30.8")


def test_a_share_of_nothing_is_no_share():
    assert TagCosts(taggable=Decimal(-5), missing=Decimal(1)).untagged_percent is None
    assert TagCosts().untagged_percent is None


def test_coverage_and_a_key_that_is_not_activated(hygiene_of):
    found = hygiene_of([owned(1, 30.0), item(5, 10.0, {"user_application": "web"})])
    covered = {one.tag_key: one.percent("amortized") for one in found.coverage}
    assert covered == {"user_cost_center": 75, "user_application": 100}
    assert found.not_activated == ("user_environment",)


def test_a_key_without_a_value_is_activated_and_covers_nothing(hygiene_of):
    found = hygiene_of([item(5, 10.0, {"user_environment": ""})])
    assert {one.tag_key: one.percent("amortized") for one in found.coverage} == {
        "user_environment": 0
    }
    assert found.not_activated == ("user_cost_center", "user_application")


def test_accounts_that_are_silent_or_unknown(hygiene_of):
    found = hygiene_of(
        [owned(5, 1.0, line_item_usage_account_id="999999999999")],
        accounts_csv=added("accounts.csv", "000000000042,ended,team,,2026-01,2026-04"),
    )
    assert (found.silent_accounts, found.unknown_accounts) == ((ACCOUNT,), ("999999999999",))


def test_an_account_s_unit_is_that_of_its_default(hygiene_of):
    accounts = added("accounts.csv", "111111111111,prod,team,CC-2,2026-01,")
    found = hygiene_of(
        [item(5, 5.0, line_item_usage_account_id="111111111111"), owned(5, 3.0, "CC-9"),
         owned(5, 2.0, "CC-1")],
        accounts_csv=accounts,
    )  # fmt: skip
    assert {one: both.unblended.taggable for one, both in found.units.items()} == {"shop": 5, "": 5}


tag = st.sampled_from([{}, {"user_cost_center": "CC-1"}, {"user_cost_center": "CC-x"}])
line_items = st.lists(
    st.builds(
        lambda number, cents, tags, cells: item(number, cents / 100, tags, **cells),
        st.integers(1, 4), st.integers(-900, 900), tag,
        st.fixed_dictionaries({
            "line_item_usage_account_id": st.sampled_from([ACCOUNT, "111111111111"]),
            "line_item_product_code": st.sampled_from(["AmazonEC2", "AmazonS3"]),
            "line_item_resource_id": st.sampled_from(["", "i-1", "i-2"]),
        }),
    ),
    max_size=12,
)  # fmt: skip


@examples(12)
@given(items=line_items)
def test_however_it_is_grouped_it_is_all_cost(tmp_path_factory, items):
    folder = tmp_path_factory.mktemp("month")
    report = write_report(folder / "report", [*items, owned(5, 1.0)])
    params = read_params(write_params(folder / "params", policy_toml=POLICY), PERIOD)
    costs = daily_costs(report, params, day(5))
    found = tag_hygiene(costs, params)
    groups = (found.accounts, found.services, found.units, found.days)
    for sums in (*groups, window_costs(found.account_days)):
        assert sum(sums.values(), BothBases()) == found.total
    for basis in BASES:
        total = found.total.by(basis)
        whole = sum(costs.table[f"{basis}_cost"].to_pylist(), Decimal(0))
        assert total.taggable + total.untaggable == whole
    listed = sum((one.costs["amortized"] for one in found.unusable_values), Decimal(0))
    assert listed == found.total.amortized.unusable
    resources = untagged_resources(
        report, costs, params, list(found.accounts), drift_window(day(5), params)
    )
    for account, sums in found.accounts.items():
        worst = [one["cost"] for one in resources[account]]
        assert worst == sorted(worst, reverse=True)
        assert sum(worst, Decimal(0)) == sums.amortized.untagged


@pytest.mark.parametrize(
    ("value", "owner", "because"),
    [
        ("cc-1", "CC-1", "like 'CC-1'"),
        ("CC_2", "CC-2", "like 'CC-2'"),
        (" web ", "CC-1", "like 'Web'"),
        ("Platfrom", "CC-9", "like 'Platform'"),
        ("storefront-teem", "CC-1", "like 'storefront-team'"),
        ("CC-7", None, "a cost center that is not in force; its last period is 2026-04"),
        ("old-team", None, "a cost center that is not in force; its last period is 2026-04"),
        ("CC-10", "CC-1", "like 'CC-1'"),
        ("warehousE", None, "as close to one as to another: CC-1, CC-2"),
        ("<script>", None, "like no known value"),
        ("", None, "like no known value"),
    ],
)
def test_whom_an_unusable_value_probably_means(make_params, value, owner, because):
    aliases = (
        "user_cost_center,storefront-team,CC-1,2026-01,,CHG1",
        "user_cost_center,old-team,CC-7,2026-01,,CHG2",
        "user_cost_center,warehouse1,CC-1,2026-01,,CHG3",
        "user_cost_center,warehouse2,CC-2,2026-01,,CHG4",
    )
    folder = make_params(
        cost_centers_csv=added("cost_centers.csv", "CC-7,Old,shop,2026-01,2026-04"),
        tag_values_csv=added("tag_values.csv", *aliases),
    )
    assert likely_cost_centers(read_params(folder, PERIOD))(value) == (owner, because)


def test_drift_needs_both_the_share_and_the_money(tmp_path):
    write_month(tmp_path, days=6)
    params = read_params(tmp_path / "params", PERIOD)
    costs = daily_costs(tmp_path / "report", params, day(5))
    found = tag_hygiene(costs, params)
    sums = window_costs(window_days(found, drift_window(day(5), params)))
    assert sums[SMALL].amortized.untagged_percent > 5
    assert drifting_accounts(sums, params) == [DRIFTING]
    seen = find_drift(
        tmp_path / "report", costs, found, window_days(found, drift_window(day(5), params)), params
    )
    [account] = seen.accounts
    drift = account_finding(account, seen.window, params, {})
    assert (drift.rule, drift.subject, drift.team, drift.amount) == (
        UNTAGGED, DRIFTING, "shop-team", Decimal("150.00"),
    )  # fmt: skip
    assert [one["resource_id"] for one in drift.details["worst_resources"]] == ["i-untagged"]


def test_exactly_at_the_threshold_is_not_past_it(make_params):
    params = read_params(make_params(), PERIOD)
    at, past = (BothBases(one, one) for one in (
        TagCosts(Decimal(4000), Decimal(200)), TagCosts(Decimal(4000), Decimal("200.01")),
    ))  # fmt: skip
    assert drifting_accounts({"a": at, "b": past}, params) == ["b"]
    less = BothBases(past.unblended, TagCosts(Decimal(100), Decimal("99.99")))
    assert drifting_accounts({"a": less}, params) == []
