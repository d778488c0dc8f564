"""Each part of a change on its own, small enough to be checked by hand. All amounts are in dollars."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from chargeback.params import Driver, Invoice
from chargeback.params.adjustments import Adjustment
from chargeback.params.ownership import OwnershipRule
from chargeback.statements.bridge import Month, explain_change
from chargeback.statements.bridge.mixed import (
    NO_EVIDENCE,
    NO_QUANTITIES,
    OWNERS_WITH_RULES,
    RULES_WITH_REST,
    UNTIED,
)
from tests.bridge.months import APRIL, MAY, explained, month, parts, small_params, use
from tests.params_folder import ALWAYS, added, pool

PARAMS = small_params(MAY)
ARCHIVE = "111111111111"


def with_default(cost_center_id: str) -> str:
    """accounts.csv whose account has a default."""
    return ALWAYS["accounts.csv"].replace(",core,,", f",core,{cost_center_id},")


def test_more_hours_at_another_price():
    """100 hours for 100 become 120 for 132: 20 hours at 1.00, and 120 hours at 0.10 more."""
    found = explained([use("100", "100", "CC-1")], [use("132", "120", "CC-1")], PARAMS)
    assert parts(found["shop"]) == {"usage": "20.00", "price": "12.00"}
    assert parts(found["core"]) == {}
    [detail] = found["shop"].parts[0].details
    assert (detail.product_code, detail.account_id) == ("AmazonEC2", use("1")["account_id"])
    assert detail.amount == 20


def test_the_same_hours_now_covered_by_a_savings_plan_are_a_price():
    before = [use("100", "100", "CC-1")]
    now = [
        use("60", "60", "CC-1"),
        use("20", "40", "CC-1", line_item_type="SavingsPlanCoveredUsage"),
        use("0", "-40", "CC-1", line_item_type="SavingsPlanNegation"),
    ]
    assert parts(explained(before, now, PARAMS)["shop"]) == {"price": "-20.00"}


def test_what_was_not_there_before_and_what_is_not_there_any_more():
    """Another operation of a service is another kind of usage; another tag value of the unit is not."""
    before = [use("30", "3", "CC-1"), use("8", "1", "CC-2", operation="Stop")]
    now = [use("30", "3", "CC-2"), use("5", "1", "CC-2", product_code="AmazonS3")]
    found = explained(before, now, PARAMS)["shop"]
    assert parts(found) == {"new": "5.00", "ended": "-8.00"}


def test_fees_and_what_counts_nothing():
    before = [use("10", "1", "CC-1", line_item_type="Fee"), use("4", "0", "CC-1")]
    now = [use("70", "1", "CC-1", line_item_type="Fee"), use("5", "2", "CC-1")]
    assert parts(explained(before, now, PARAMS)["shop"]) == {"fees": "61.00"}


def test_a_free_hour_that_costs_something_now_is_a_price():
    before, now = [use("0", "10", "CC-1"), use("1", "1", "CC-9")], [use("6", "12", "CC-1")]
    assert parts(explained(before, now, PARAMS)["shop"]) == {"price": "6.00"}


def test_a_tag_moves_cost():
    """90 hours in the pool, of which 60 carry CC-1's tag now. The pool gives each cost center a third: the
    shop has two of them, and saves 40 of the 60 that it is charged directly."""
    before, now = [use("90", "90")], [use("60", "60", "CC-1"), use("30", "30")]
    found = explained(before, now, PARAMS)
    assert parts(found["shop"]) == {"tags": "60.00", "pools": "-40.00"}
    assert parts(found["core"]) == {"pools": "-20.00"}


def test_what_the_tagged_grew_by_on_its_own_is_usage():
    """10 tagged hours become 90; 60 of them came out of the pool, 20 are new."""
    before, now = [use("60", "60"), use("10", "10", "CC-1")], [use("90", "90", "CC-1")]
    assert parts(explained(before, now, PARAMS)["shop"]) == {
        "usage": "20.00", "tags": "60.00", "pools": "-40.00",
    }  # fmt: skip


def test_a_tag_on_what_was_the_units_own_by_default_moves_nothing():
    params = small_params(MAY, accounts_csv=with_default("CC-2"))
    found = explained([use("50", "50")], [use("50", "50", "CC-1")], params)
    assert parts(found["shop"]) == {}


def test_a_tag_that_was_lost_moves_cost_back():
    found = explained([use("90", "90", "CC-9")], [use("30", "30", "CC-9"), use("60", "60")], PARAMS)
    assert parts(found["core"]) == {"tags": "-60.00", "pools": "20.00"}
    assert parts(found["shop"]) == {"pools": "40.00"}


def test_several_units_that_gained_share_what_moved():
    """60 hours left the pool; tagged hours grew by 80 and by 40, so 40 and 20 of them moved."""
    before = [use("60", "60")]
    now = [use("80", "80", "CC-1"), use("40", "40", "CC-9")]
    found = explained(before, now, PARAMS)
    assert parts(found["shop"]) == {"tags": "40.00", "usage": "40.00", "pools": "-40.00"}
    assert parts(found["core"]) == {"tags": "20.00", "usage": "20.00", "pools": "-20.00"}


def test_from_one_tag_to_another_is_usage():
    found = explained([use("10", "10", "CC-1")], [use("10", "10", "CC-9")], PARAMS)
    assert parts(found["shop"]) == {"ended": "-10.00"}
    assert parts(found["core"]) == {"new": "10.00"}


def test_an_ownership_rule_that_began_moves_an_owner():
    """The rollup of April has no number for a rule of May, so that it is found by what it moved."""
    rule = OwnershipRule(
        "archive", "CC-1", {"account_id": (ARCHIVE,)}, {}, MAY, "", "CHG1", "known buckets"
    )
    before = [use("30", "30", account_id=ARCHIVE)]
    now = [use("33", "33", account_id=ARCHIVE, ownership_rank=1)]
    found = explained(before, now, PARAMS, replace(PARAMS, ownership=(rule,)))
    assert parts(found["shop"]) == {"usage": "3.00", "owners": "30.00", "pools": "-20.00"}


def test_an_ownership_rule_that_ended_or_changed_hands_is_replayed():
    rules = tuple(
        OwnershipRule(name, "CC-1", {"account_id": (ARCHIVE,)}, {}, APRIL, "", "CHG1", "known")
        for name in ("ended", "moved")
    )
    before = [
        use("30", "30", ownership_rank=1),
        use("5", "5", account_id=ARCHIVE, ownership_rank=2),
    ]
    now = [use("30", "30"), use("5", "5", account_id=ARCHIVE, ownership_rank=1)]
    held = (replace(rules[1], cost_center_id="CC-9"),)
    found = explained(
        before, now, replace(PARAMS, ownership=rules), replace(PARAMS, ownership=held)
    )
    assert parts(found["shop"]) == {"owners": "-15.00"}
    assert parts(found["core"]) == {"owners": "15.00"}
    assert found["shop"].remarks == ()


def test_a_cost_center_that_moved_between_units():
    moved = ALWAYS["cost_centers.csv"].replace("CC-2,Stock,shop", "CC-2,Stock,core")
    params = small_params(MAY, cost_centers_csv=moved)
    found = explained([use("10", "1", "CC-2")], [use("10", "1", "CC-2")], PARAMS, params)
    assert parts(found["shop"]) == {"owners": "-10.00"}
    assert parts(found["core"]) == {"owners": "10.00"}


def test_a_cost_center_that_ended_with_all_it_had():
    """It held commitments, had a driver, a fixed share, an alias and an adjustment; all fall to others."""
    rules = (
        pool("fees", '{ product_code = ["Fees"] }', "fixed",
             'shares = { "CC-1" = "0.25", "CC-2" = "0.25", "CC-9" = "0.50" }\n')
        + pool("heads", '{ product_code = ["Heads"] }', "driver:heads")
        + pool()
    )  # fmt: skip
    files = {
        "allocation_toml": rules,
        "cost_centers_csv": ALWAYS["cost_centers.csv"].replace("shop,2026-01,\n", "shop,2026-01,2026-04\n", 2)
        .replace("CC-1,Web,shop,2026-01,2026-04", "CC-1,Web,shop,2026-01,"),
        "tag_values_csv": added("tag_values.csv", "user_cost_center,stock,CC-2,2026-01,,REF"),
        "drivers_csv": ALWAYS["drivers.csv"]
        + "2026-04,heads,CC-1,3,HR\n2026-04,heads,CC-2,1,HR\n2026-05,heads,CC-1,3,HR\n",
        "policy_toml": ALWAYS["policy.toml"],
    }  # fmt: skip
    april = small_params(APRIL, **files)
    policy = replace(april.policy, commitments_cost_center_id="CC-2")
    moved = Adjustment("CC-2", "CC-9", Decimal("1.00"), "licences", "REF")
    april = replace(april, policy=policy, adjustments=(moved,))
    may = small_params(
        MAY,
        **{
            **files,
            "allocation_toml": rules.replace('"CC-1" = "0.25", "CC-2" = "0.25"', '"CC-1" = "0.50"'),
        },
    )
    rows = [
        use("10", "1", "CC-2", operation="own"), use("6", "1", "stock", operation="alias"),
        use("8", "1", product_code="Fees"), use("12", "1", product_code="Heads"),
        use("3", "1", "CC-1", amortized_cost=Decimal(1)),
    ]  # fmt: skip
    found = explained(rows, rows, april, may)
    assert found["shop"].remarks == ()
    # Core was charged half of 8, and an adjustment of 1. Without CC-2 the tagged 16 fall into the pool of two,
    # half of 8 is two thirds of it, and core holds commitments of 2: 15.33 less 4. The new shares make it 4
    # again, and nobody adjusted anything.
    assert parts(found["core"]) == {"owners": "11.33", "rules": "-1.33", "adjustment": "-1.00"}
    assert sum(one.change for one in found.values()) == 0


def test_a_pool_that_is_split_another_way():
    """40 by even thirds, now by fixed halves between CC-1 and CC-9."""
    fixed = pool("fees", '{ product_code = ["Fees"] }', "fixed",
                 'recipients = ["CC-1", "CC-9"]\nshares = { "CC-1" = "0.5", "CC-9" = "0.5" }\n')  # fmt: skip
    even = pool("fees", '{ product_code = ["Fees"] }')
    rows = [use("36", "1", product_code="Fees")]
    found = explained(
        rows, rows,
        small_params(MAY, allocation_toml=even + pool()), small_params(MAY, allocation_toml=fixed + pool()),
    )  # fmt: skip
    assert parts(found["shop"]) == {"rules": "-6.00"}
    assert parts(found["core"]) == {"rules": "6.00"}
    [detail] = next(part for part in found["core"].parts if part.code == "rules").details
    assert (detail.pool_id, detail.amount) == ("fees", 6)


def test_a_driver_that_was_not_measured_before_counts_as_it_does_now():
    heads = tuple(Driver("heads", one, Decimal(n), "HR") for one, n in (("CC-1", 1), ("CC-9", 3)))
    by_heads = small_params(
        MAY, allocation_toml=pool("fees", '{ product_code = ["Fees"] }', "driver:heads") + pool(),
        drivers_csv=ALWAYS["drivers.csv"] + "2026-05,heads,CC-1,1,HR\n2026-05,heads,CC-9,3,HR\n",
    )  # fmt: skip
    assert [replace(one) for one in by_heads.drivers] == list(heads)
    rows = [use("36", "1", product_code="Fees")]
    found = explained(rows, rows, PARAMS, by_heads)
    assert parts(found["shop"]) == {"rules": "-15.00"}
    assert found["shop"].remarks == ()


def test_pools_that_grew_and_a_weight_that_did():
    """A pool of 40 by 1 of 4 heads is 10; of 60 by 2 of 5 it is 24: 5 by growth at a quarter, 9 by weight."""
    rules = pool("fees", '{ product_code = ["Fees"] }', "driver:heads") + pool()
    drivers = ALWAYS["drivers.csv"] + "".join(
        f"{period},heads,{one},{heads},HR\n"
        for period, one, heads in (
            (APRIL, "CC-1", 1), (APRIL, "CC-9", 3), (MAY, "CC-1", 2), (MAY, "CC-9", 3),
        )
    )  # fmt: skip
    before, now = (
        small_params(period, allocation_toml=rules, drivers_csv=drivers) for period in (APRIL, MAY)
    )
    found = explained(
        [use("40", "1", product_code="Fees")], [use("60", "1", product_code="Fees")], before, now
    )
    assert parts(found["shop"]) == {"pools": "5.00", "weight": "9.00"}
    assert parts(found["core"]) == {"pools": "15.00", "weight": "-9.00"}


def test_a_pool_that_only_one_period_has_is_growth():
    rows = [use("9", "1", product_code="Fees"), use("1", "1", "CC-1")]
    assert parts(explained(rows[1:], rows, PARAMS)["core"]) == {"pools": "3.00"}
    assert parts(explained(rows, rows[1:], PARAMS)["core"]) == {"pools": "-3.00"}


def test_commitments_adjustments_and_rounding():
    """5 more prepaid than used, a licence of 2 moved, and an invoice that asks for a cent more."""
    before = [use("10", "1", "CC-9")]
    now = [use("10", "1", "CC-9"), use("5", "0", "CC-9", amortized_cost=Decimal(0))]
    may = replace(
        PARAMS,
        adjustments=(Adjustment("CC-1", "CC-9", Decimal("2.00"), "licences", "REF"),),
        invoices={"1": Invoice("1", "AWS", "USD", Decimal("15.01"))},
    )
    found = explained(before, now, PARAMS, may)
    assert parts(found["core"]) == {"commitment": "5.00", "adjustment": "2.00", "rounding": "0.01"}
    assert parts(found["shop"]) == {"adjustment": "-2.00"}


def test_a_period_that_costs_the_same_has_no_parts():
    rows = [use("10", "1", "CC-1"), use("7", "0"), use("3", "1", "CC-9", line_item_type="Fee")]
    found = explained(rows, rows, PARAMS)
    assert [parts(one) for one in found.values()] == [{}, {}]


def test_what_each_part_lost_in_cents_is_shown_at_last():
    """Two parts of 0.004 each are 0.00, and the total rose by a cent."""
    before = [use("1", "1000", "CC-1")]
    now = [use("1.004", "1004", "CC-1"), use("0.004", "1", "CC-1", product_code="AmazonS3")]
    assert parts(explained(before, now, PARAMS)["shop"]) == {"cents": "0.01"}


def test_an_account_that_is_not_the_units_own_is_not_named():
    """April's untagged cost would have been core's under May's default; it never was, and is gone."""
    params = small_params(MAY, accounts_csv=with_default("CC-9"))
    now = [use("1", "1", "CC-1", product_code="AmazonS3")]
    found = explained([use("30", "1")], now, PARAMS, params)["core"]
    assert parts(found) == {"owners": "20.00", "ended": "-30.00"}
    named = {one.account_id for part in found.parts for one in part.details}
    assert named == {""}


BEFORE, NOW = (
    [use("90", "90", "CC-1"), use("30", "30")],
    [use("100", "100", "CC-1"), use("33", "33")],
)


@pytest.mark.parametrize(
    ("kept", "remark"),
    [
        ({"owned_costs": None, "rollup": None, "remark": NO_EVIDENCE}, NO_EVIDENCE),
        ({"owned_costs": None, "rollup": None, "remark": NO_QUANTITIES}, NO_QUANTITIES),
        ({"owned_costs": month(APRIL, NOW, PARAMS).owned_costs}, UNTIED),
    ],
)
def test_without_evidence_direct_cost_is_one_part(kept, remark):
    before = replace(month(APRIL, BEFORE, PARAMS), **kept)
    rules = small_params(MAY, allocation_toml=pool(key="direct_spend", more='fallback = "even"\n'))
    found = explain_change(before, month(MAY, NOW, rules))["shop"]
    assert found.remarks == (remark,)
    assert parts(found) == {"direct": "10.00", "pools": "2.00", "weight": "11.00"}


def test_a_month_without_its_params_is_not_replayed():
    before = replace(month(APRIL, BEFORE, PARAMS), params=None)
    rules = small_params(MAY, allocation_toml=pool(key="direct_spend", more='fallback = "even"\n'))
    found = explain_change(before, month(MAY, NOW, rules))["shop"]
    assert parts(found) == {"usage": "10.00", "pools": "2.00", "weight": "11.00"}


def failing(remark: str) -> tuple[Month, Month]:
    """Months whose mixture cannot be carried out: nobody who takes part in a pool has a weight."""
    heads = pool("fees", '{ product_code = ["Fees"] }', "driver:heads", 'recipients = ["CC-2"]\n')
    even = pool("fees", '{ product_code = ["Fees"] }')
    drivers = ALWAYS["drivers.csv"] + f"{APRIL},heads,CC-2,1,HR\n{MAY},heads,CC-1,1,HR\n"
    ended = ALWAYS["cost_centers.csv"].replace(
        "CC-2,Stock,shop,2026-01,", f"CC-2,Stock,shop,2026-01,{APRIL}"
    )
    rows = [use("30", "1", product_code="Fees")]
    if remark == OWNERS_WITH_RULES:  # the old pool has nobody left
        before = small_params(
            APRIL, allocation_toml=heads + pool(), drivers_csv=drivers, cost_centers_csv=ended
        )
        now = small_params(
            MAY, allocation_toml=even + pool(), drivers_csv=drivers, cost_centers_csv=ended
        )
    else:  # each pool's recipient was not among those who were measured in the other month
        before = small_params(APRIL, allocation_toml=heads + pool(), drivers_csv=drivers)
        only = heads.replace("CC-2", "CC-1")
        now = small_params(MAY, allocation_toml=only + pool(), drivers_csv=drivers)
    return month(APRIL, rows, before), month(MAY, rows, now)


def test_owners_that_cannot_be_told_apart_are_among_the_rules():
    found = explain_change(*failing(OWNERS_WITH_RULES))
    assert {one.remarks for one in found.values()} == {(OWNERS_WITH_RULES,)}
    assert parts(found["core"]) == {"rules": "15.00"}
    assert parts(found["shop"]) == {"rules": "-15.00"}


def test_rules_that_cannot_be_carried_out_are_among_the_rest():
    """CC-1 and CC-2 are both the shop's, so that it pays the same; nothing is called a change of rules."""
    found = explain_change(*failing(RULES_WITH_REST))
    assert {one.remarks for one in found.values()} == {(RULES_WITH_REST,)}
    assert [parts(one) for one in found.values()] == [{}, {}]
