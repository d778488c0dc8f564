"""A pool or key that begins, ends or changes is one event, said under rules with what approved it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chargeback.core.errors import Refusal
from chargeback.params import Params, Ratification
from chargeback.params.rules import Pool
from chargeback.statements.bridge import Bridge, Month, RuleChange, explain_change
from chargeback.statements.bridge.mixed import (
    EARLIER_KEY,
    EARLIER_REFUSED,
    EARLIER_ROLLUP,
    NEW_DRIVER,
    OLD_DRIVER,
    RULES_UNKNOWN,
)
from tests.bridge.months import APRIL, MAY, explained, month, parts, small_params, use
from tests.examples import examples
from tests.params_folder import ALWAYS

CLUSTER = "222222222222"
PARAMS = small_params(MAY)
UNTAGGED = PARAMS.pools[-1]
#: Core runs a cluster of its own; the shop uses it.
APRIL_ROWS = [use("100", "100", "CC-9", account_id=CLUSTER), use("50", "50", "CC-1")]
MAY_ROWS = [use("120", "120", "CC-9", account_id=CLUSTER), use("50", "50", "CC-1")]


def a_pool(pool_id: str = "cluster", **how: Any) -> Pool:
    """A pool of the cluster's account, approved by a change of its own."""
    known = {"match": {"account_id": (CLUSTER,)}, "overrides_tags": True, "key": "even",
             "recipients": ("CC-1",), "approved": f"CHG-{pool_id}", "name": pool_id.title()}  # fmt: skip
    return replace(UNTAGGED, pool_id=pool_id, **{**known, **how})


def under(*pools: Pool) -> Params:
    """The small params with these pools before that of untagged cost."""
    return replace(PARAMS, pools=(*pools, UNTAGGED))


def named(bridge: Bridge, code: str) -> dict[str, Decimal]:
    """What a part is for, by pool."""
    [part] = [one for one in bridge.parts if one.code == code]
    return {one.pool_id: one.amount for one in part.details}


def test_a_pool_that_begins_is_worth_what_it_charges_now_and_what_it_takes_now():
    """The cluster grew by 20 in core's hands; all 120 of it go to the shop since the pool began."""
    found = explained(APRIL_ROWS, MAY_ROWS, PARAMS, under(a_pool()))
    assert parts(found["shop"]) == {"rules": "120.00"}
    assert parts(found["core"]) == {"usage": "20.00", "rules": "-120.00"}
    for one in found.values():
        assert one.rule_changes == (RuleChange("begins", "cluster", "Cluster", "CHG-cluster"),)
        assert one.rule_notes == one.remarks == ()
    assert named(found["shop"], "rules") == {"cluster": 120}
    assert named(found["core"], "rules") == {"cluster": -120}


def test_a_pool_that_ends_is_worth_what_it_charged_before():
    """What the owner has back in May as the owner of it, grew in the owner's hands."""
    held = Ratification("digest", MAY, "servicenow:CHG7", "council", "2026-04-01")
    now = replace(PARAMS, ratifications=(held,))
    found = explained(APRIL_ROWS, MAY_ROWS, under(a_pool()), now)
    assert parts(found["shop"]) == {"rules": "-100.00"}
    assert parts(found["core"]) == {"usage": "20.00", "rules": "100.00"}
    assert found["core"].rule_changes == (RuleChange("ends", "cluster", "Cluster", "CHG7"),)
    assert named(found["core"], "rules") == {"cluster": 100}


def test_a_key_that_is_changed_in_place():
    """120 go half and half instead of all to the shop; that the pool grew by 20 is another thing."""
    halves = a_pool(recipients=("CC-1", "CC-9"), approved="CHG2")
    found = explained(APRIL_ROWS, MAY_ROWS, under(a_pool()), under(halves))
    assert parts(found["shop"]) == {"pools": "20.00", "rules": "-60.00"}
    assert parts(found["core"]) == {"rules": "60.00"}
    assert found["shop"].rule_changes == (RuleChange("split", "cluster", "Cluster", "CHG2"),)


def test_a_pool_that_is_split_in_two():
    """Storage leaves the pool for one of its own, which core pays: that is 30 of May, with 20 of growth."""
    april = [*APRIL_ROWS, use("10", "1", "CC-9", account_id=CLUSTER, product_code="AmazonS3")]
    may = [*APRIL_ROWS, use("30", "3", "CC-9", account_id=CLUSTER, product_code="AmazonS3")]
    storage = a_pool("storage", match={"product_code": ("AmazonS3",)}, recipients=("CC-9",))
    rest = a_pool(match={"account_id": (CLUSTER,), "product_code": ("AmazonEC2",)})
    found = explained(april, may, under(a_pool()), under(storage, rest))
    assert parts(found["shop"]) == {"pools": "20.00", "rules": "-30.00"}
    assert parts(found["core"]) == {"rules": "30.00"}
    assert named(found["shop"], "rules") == {"cluster": -30}
    assert named(found["core"], "rules") == {"storage": 30}
    assert [(one.what, one.pool_id) for one in found["core"].rule_changes] == [
        ("begins", "storage"), ("filled", "cluster"),
    ]  # fmt: skip


def test_an_approval_that_is_renewed_changes_nothing():
    renewed = a_pool(approved="CHG9", valid_from=MAY)
    for one in explained(APRIL_ROWS, MAY_ROWS, under(a_pool()), under(renewed)).values():
        assert one.rule_changes == one.rule_notes == ()
        assert "rules" not in parts(one)


def test_another_order_and_another_policy_are_named_without_a_pool():
    two = a_pool("a"), a_pool("b", recipients=("CC-9",))
    now = under(*reversed(two))
    now = replace(now, policy=replace(now.policy, tag_value_normalization=("case",)))
    found = explained(APRIL_ROWS, APRIL_ROWS, under(*two), now)
    assert [one.what for one in found["shop"].rule_changes] == ["order", "policy"]
    assert parts(found["shop"]) == {"rules": "-100.00"}


HEADS = a_pool(key="driver:heads", recipients=("*",))
QUANTITIES = {
    period: small_params(
        period,
        drivers_csv=ALWAYS["drivers.csv"]
        + f"{period},heads,CC-1,1,HR\n{period},heads,CC-9,{others},HR\n",
    ).drivers
    for period, others in ((APRIL, 1), (MAY, 3))
}


def test_a_driver_that_is_not_measured_any_more_counts_as_it_did_and_the_line_says_so():
    april = replace(under(HEADS), drivers=QUANTITIES[APRIL])
    found = explained(APRIL_ROWS, MAY_ROWS, april, under(a_pool(recipients=("CC-9",))))
    assert parts(found["shop"]) == {"pools": "10.00", "rules": "-60.00"}
    assert found["shop"].rule_notes == (f"{OLD_DRIVER}:driver:heads",)


def without_weight() -> tuple[Params, Params]:
    """CC-1's heads are measured in April only, so that its pool cannot be split in May."""
    only = [one for one in QUANTITIES[APRIL] if one.cost_center_id == "CC-1"]
    others = [one for one in QUANTITIES[MAY] if one.cost_center_id == "CC-9"]
    before = replace(under(replace(HEADS, recipients=("CC-1",))), drivers=tuple(only))
    return before, replace(
        under(a_pool("new", match={"product_code": ("Fees",)}), a_pool(recipients=("CC-9",))),
        drivers=tuple(others),
    )


def test_what_cannot_be_tried_on_this_month_is_tried_on_the_one_before():
    """And the pool that began is under rules all the same, whole."""
    before, now = without_weight()
    fees = [use("8", "1", product_code="Fees")]
    found = explained(APRIL_ROWS, [*MAY_ROWS, *fees], before, now)
    assert found["shop"].rule_notes == (EARLIER_REFUSED,)
    assert parts(found["shop"]) == {"rules": "-92.00"}
    assert parts(found["core"]) == {"pools": "20.00", "rules": "100.00"}
    assert named(found["shop"], "rules") == {"cluster": -100, "new": 8}


def test_the_line_says_why_the_earlier_rules_were_not_tried_on_this_month():
    def note(before: Month, now: Month) -> tuple[str, ...]:
        return explain_change(before, now)["shop"].rule_notes

    april, may = month(APRIL, APRIL_ROWS, PARAMS), month(MAY, MAY_ROWS, under(a_pool()))
    assert note(april, may) == ()
    assert note(april, replace(may, rollup=None)) == (EARLIER_ROLLUP,)
    assert note(replace(april, rollup=None), may) == (RULES_UNKNOWN,)
    assert note(replace(april, params=None), may) == (RULES_UNKNOWN,)
    assert note(replace(april, rollup=None), month(MAY, MAY_ROWS, PARAMS)) == ()
    in_sql = replace(may.params, pools=(a_pool(key="sql:support_base", fallback="even"), UNTAGGED))
    kept = replace(month(APRIL, APRIL_ROWS, in_sql), keys={"support_base": "of another version"})
    assert note(kept, may) == (EARLIER_KEY,)
    heads = replace(under(HEADS), drivers=QUANTITIES[MAY])
    ended = month(APRIL, APRIL_ROWS, under(a_pool("gone"), a_pool(recipients=("CC-9",))))
    assert note(ended, month(MAY, MAY_ROWS, heads)) == (f"{NEW_DRIVER}:driver:heads",)


def test_a_pool_that_began_is_no_weight_even_where_nothing_can_be_tried():
    """What it took from core looks like what a tag lost, and the note says that it is in the other parts."""
    april = replace(month(APRIL, APRIL_ROWS, PARAMS), rollup=None)
    found = explain_change(april, month(MAY, MAY_ROWS, under(a_pool())))
    assert parts(found["shop"]) == {"rules": "120.00"}
    assert parts(found["core"]) == {"tags": "-100.00"}


CONDITIONS = (
    {"account_id": (CLUSTER,)}, {"product_code": ("Fees",)},
    {"account_id": (CLUSTER,), "product_code": ("Fees",)}, {"product_code": ("AmazonEC2",)},
)  # fmt: skip


@st.composite
def rules(draw: st.DrawFn) -> Params:
    """Some of four pools, in some order, each as either of the periods may have it."""
    some = draw(st.lists(st.sampled_from("abcd"), max_size=4, unique=True))
    return under(
        *(
            a_pool(
                one, match=draw(st.sampled_from(CONDITIONS)), overrides_tags=draw(st.booleans()),
                key=draw(st.sampled_from(("even", "direct_spend"))), fallback="even",
                recipients=draw(st.sampled_from((("CC-1",), ("CC-9",), ("*",), ("shop",)))),
            )
            for one in some
        )
    )  # fmt: skip


ROWS = st.lists(
    st.builds(
        use, st.integers(0, 10**9).map(lambda n: str(Decimal(n).scaleb(-6))),
        st.integers(0, 999).map(str), st.sampled_from(("CC-1", "CC-2", "CC-9", None)),
        account_id=st.sampled_from((CLUSTER, ALWAYS["accounts.csv"].split("\n")[1][:12])),
        product_code=st.sampled_from(("AmazonEC2", "Fees")),
    ),
    max_size=8,
)  # fmt: skip


@pytest.mark.slow
@examples(60)
@given(ROWS, ROWS, rules(), rules())
def test_whatever_begins_ends_or_changes_the_parts_sum_and_no_ghost_is_left(april, may, was, held):
    """Both ways. A pool that began is under rules alone, and over all units rules come to nothing."""
    for first, second, before, now in ((april, may, was, held), (may, april, held, was)):
        try:
            found = explained(first, second, before, now)
        except Refusal:
            assume(False)
        began = {one.pool_id for one in now.pools} - {one.pool_id for one in before.pools}
        for bridge in found.values():
            amounts = {part.code: part.amount for part in bridge.parts}
            assert sum(amounts.values()) == bridge.after - bridge.before
            assert bridge.remarks == bridge.rule_notes == ()
            for code in ("pools", "weight"):
                assert not began & named(bridge, code).keys()
            assert bridge.rule_changes or not amounts["rules"]
        rest = sum(Decimal(parts(one).get("rules", "0")) for one in found.values())
        assert abs(rest) <= Decimal("0.01")
