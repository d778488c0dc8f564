"""Whatever the rules: pools in chains, keys of every sort, refunds, nobody with a weight; no cent is lost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chargeback.allocation.pools import allocate
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.ledger.post import post_period
from chargeback.params import CostCenter, Driver, Params
from chargeback.params.rules import Pool
from tests.examples import examples
from tests.ledger.test_posting import PARAMS, costs_table, invoiced, leaf, total, unlike

CENT = Decimal("0.01")
OWNERS = ("CC-1", "CC-2", "CC-9")
POOLS = ("p0", "p1", "p2", "untagged")
INVOICES = st.sampled_from(("1", "2"))
KEYS = ("direct_spend", "even", "fixed", "driver:heads")


def a_pool(number: int, key: str, who: list[str], later: list[str], fallback: str | None) -> Pool:
    """One pool of a rule set; a fixed key shares in tenths."""
    recipients = (*sorted(set(who)), *sorted({one for one in later if one > POOLS[number]}))
    shares = {}
    if key == "fixed":
        shares = dict.fromkeys(recipients, Decimal("0.1"))
        shares[recipients[0]] = 1 - Decimal("0.1") * (len(recipients) - 1)
    return Pool(
        pool_id=POOLS[number], name=POOLS[number], match={}, overrides_tags=False, key=key,
        shares=shares, recipients=recipients, except_=(), fallback=fallback,
        valid_from="2026-01", valid_to="", approved="council", where=f"pool {number}",
    )  # fmt: skip


@st.composite
def rule_sets(draw) -> Params:
    """Four pools in order, each giving to some cost centers and some later pools; heads may be zero."""
    pools = tuple(
        a_pool(
            number,
            draw(st.sampled_from(KEYS)),
            draw(st.lists(st.sampled_from(OWNERS), min_size=1, max_size=3)),
            draw(st.lists(st.sampled_from(POOLS[1:]), max_size=3)),
            draw(st.sampled_from(("even", "direct_spend", "even"))),
        )
        for number in range(len(POOLS))
    )
    drivers = tuple(
        Driver("heads", one, Decimal(draw(st.integers(0, 5))), "test") for one in OWNERS
    )
    return replace(PARAMS, pools=pools, drivers=drivers)


LEAVES = st.builds(
    lambda direct, pooled: [row for row in unlike(direct + pooled) if row["exact_amount"]],
    st.lists(
        st.builds(leaf, INVOICES, st.just("direct"), st.sampled_from(OWNERS),
                  st.integers(-(10**12), 9 * 10**13), st.sampled_from(("EC2", "S3"))),
        max_size=6,
    ),
    st.lists(
        st.builds(leaf, INVOICES, st.just("pooled"), st.sampled_from(POOLS),
                  st.one_of(st.integers(-(10**13), 10**13), st.integers(-(10**8), 10**8))),
        min_size=1, max_size=6,
    ),
)  # fmt: skip


def post(leaves: list[dict], rules: Params) -> list[dict]:
    """The postings of leaves under rules; months that nobody has any weight in are another test's."""
    params = replace(invoiced(leaves), pools=rules.pools, drivers=rules.drivers)
    params = replace(params, cost_centers=rules.cost_centers)
    costs = costs_table(leaves)
    try:
        charges = allocate(costs, params)
    except Refusal as refusal:
        assert refusal.exit_code == CONTROL_FAILED
        assert "every weight is zero" in refusal.block()
        assume(False)
    return post_period(costs, charges, params).to_pylist()


@given(LEAVES, rule_sets())
@examples(80)
def test_every_step_conserves(leaves, rules):
    rows = post(leaves, rules)
    for entry_id in {row["entry_id"] for row in rows}:
        assert total(rows, "amount", entry_id=entry_id) == 0
        assert total(rows, "exact_amount", entry_id=entry_id) == 0
    for invoice_id in {row["invoice_id"] for row in rows}:
        for pool_id in POOLS:
            account = {"ledger_account": f"pool:{pool_id}", "invoice_id": invoice_id}
            assert total(rows, "amount", **account) == 0
            assert total(rows, "exact_amount", **account) == 0
        exact = sum(row["exact_amount"] for row in leaves if row["invoice_id"] == invoice_id)
        charged = [row for row in rows if row["cost_center_id"]]
        assert total(charged, "exact_amount", invoice_id=invoice_id) == exact
        assert abs(total(charged, invoice_id=invoice_id) - exact) < CENT
        for owner in OWNERS:
            mine = {"cost_center_id": owner, "invoice_id": invoice_id}
            assert abs(total(rows, **mine) - total(rows, "exact_amount", **mine)) < CENT
    for row in rows:
        if not row["ledger_account"].startswith("payable:"):
            assert abs(row["amount"] - row["exact_amount"]) < CENT, row


@given(LEAVES, rule_sets(), st.randoms(use_true_random=False))
@examples(25)
def test_the_order_of_rows_does_not_matter(leaves, rules, chance):
    mixed = list(leaves)
    chance.shuffle(mixed)
    others = list(rules.drivers)
    chance.shuffle(others)
    assert post(mixed, replace(rules, drivers=tuple(others))) == post(leaves, rules)


@given(LEAVES, rule_sets())
@examples(25)
def test_a_cost_center_without_weight_changes_nobody(leaves, rules):
    before = post(leaves, rules)
    assume(all(row["allocation_key"] != "even" for row in before))
    new = CostCenter("CC-0", "New", "shop", "2026-05", "")
    pools = tuple(replace(pool, recipients=("CC-0", *pool.recipients)) for pool in rules.pools)
    wider = replace(rules, cost_centers={**rules.cost_centers, "CC-0": new}, pools=pools)
    assert post(leaves, wider) == before


@given(LEAVES, rule_sets())
@examples(15)
def test_an_empty_pool_posts_nothing(leaves, rules):
    rows = post(leaves, rules)
    fed = {row["pool_id"] for row in leaves if row["pool_id"]}
    fed |= {row["ledger_account"].removeprefix("pool:") for row in rows if row["kind"] == "allocated"
            and row["ledger_account"].startswith("pool:")}  # fmt: skip
    for pool_id in set(POOLS) - fed:
        assert not [row for row in rows if row["pool_id"] == pool_id]


def test_nobody_with_a_weight_and_no_fallback_is_refused():
    rules = replace(
        PARAMS,
        pools=(a_pool(0, "driver:heads", ["CC-1"], [], None),),
        drivers=(Driver("heads", "CC-1", Decimal(0), "test"),),
    )
    costs = costs_table([leaf("1", "pooled", "p0", 10**10)])
    with pytest.raises(Refusal) as refusal:
        allocate(costs, rules)
    assert refusal.value.exit_code == CONTROL_FAILED
    assert "the pool 'p0' cannot be split: every weight is zero" in refusal.value.block()
