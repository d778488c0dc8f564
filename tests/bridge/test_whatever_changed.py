"""Whatever two months cost and whatever was decided in each: the parts sum to the change exactly."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chargeback.core.errors import Refusal
from chargeback.core.money import exact_units
from chargeback.params import Account, Adjustment, CostCenter, Driver, Invoice, Params, TagValue
from chargeback.params.ownership import OwnershipRule
from chargeback.params.rules import Pool
from chargeback.statements.bridge import Month, explain_change
from chargeback.statements.bridge.charged import total
from chargeback.statements.bridge.direct import Holder, exchange, explain_direct
from chargeback.statements.bridge.mixed import states
from tests.bridge.months import APRIL, MAY, explained, month, small_params, use
from tests.examples import examples
from tests.reports import ACCOUNT

pytestmark = pytest.mark.slow

PARAMS = small_params(MAY)
OWNERS = ("CC-1", "CC-2", "CC-3", "CC-9")
OTHER_ACCOUNT = "210987654321"
CENT = Decimal("0.01")

AMOUNTS = st.integers(-(10**12), 10**14).map(lambda units: Decimal(units).scaleb(-10))
QUANTITIES = st.one_of(
    st.just(Decimal(0)), st.integers(-(10**10), 10**13).map(lambda n: Decimal(n).scaleb(-10))
)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A row of a rollup among few keys, so that keys and owners meet."""
    cost = draw(AMOUNTS)
    return use(
        str(cost), str(draw(QUANTITIES)), draw(st.sampled_from((*OWNERS, "alias", "CC-404", None))),
        amortized_cost=draw(st.sampled_from((cost, Decimal(0), cost + 1))),
        account_id=draw(st.sampled_from((ACCOUNT, OTHER_ACCOUNT))),
        product_code=draw(st.sampled_from(("AmazonEC2", "Fees", ""))),
        line_item_type=draw(st.sampled_from(("Usage", "Usage", "SavingsPlanCoveredUsage",
                                             "SavingsPlanNegation", "Fee", "Credit"))),
        invoice_id=draw(st.sampled_from(("1", "2"))),
        ownership_rank=draw(st.sampled_from((None, None, 1, 2))),
    )  # fmt: skip


MONTHS = st.lists(rows(), max_size=12)


@st.composite
def organizations(draw: st.DrawFn, period: str) -> Params:
    """Params whose registers and rules may all differ from another month's; core's CC-9 always holds."""
    held = {*draw(st.sets(st.sampled_from(OWNERS))), "CC-9"}
    unit = st.sampled_from(("shop", "core"))
    centers = {one: CostCenter(one, one, draw(unit), "2026-01", "") for one in sorted(held)}
    some = st.sampled_from(sorted(held))
    accounts = {
        one: Account(one, one, "core", draw(st.one_of(st.none(), some)), "2026-01", "")
        for one in (ACCOUNT, OTHER_ACCOUNT)
    }
    rules = tuple(
        OwnershipRule(name, draw(some), {"operation": ("Run",)}, {}, "2026-01", "", "CHG", "known")
        for name in ("first", "second")
        if draw(st.booleans())
    )
    pools = (
        *(a_pool(draw, name, held) for name in ("p0", "p1") if draw(st.booleans())),
        replace(PARAMS.pools[0], key=draw(st.sampled_from(("even", "direct_spend"))), fallback="even"),
    )  # fmt: skip
    drivers = tuple(
        Driver("heads", one, Decimal(draw(st.integers(0, 5))), "HR")
        for one in sorted(held)
        if draw(st.booleans())
    )
    adjustments = tuple(
        Adjustment(
            draw(some), draw(some), Decimal(draw(st.integers(-500, 500))).scaleb(-2), "", "REF"
        )
        for _ in range(draw(st.integers(0, 2)))
    )
    policy = replace(
        PARAMS.policy,
        commitments_cost_center_id=draw(some),
        cost_basis=draw(st.sampled_from(("amortized", "unblended"))),
    )
    return replace(
        PARAMS, period=period, policy=policy, cost_centers=centers, accounts=accounts, pools=pools,
        tag_values=(TagValue("user_cost_center", "alias", draw(some), "REF"),), drivers=drivers,
        ownership=rules, adjustments=adjustments,
        invoices={"1": Invoice("1", "AWS", "USD", Decimal(draw(st.integers(-99, 99))))},
    )  # fmt: skip


def a_pool(draw: st.DrawFn, name: str, held: set[str]) -> Pool:
    """A pool of fees or of an account, with a key that a fallback may have to replace."""
    recipients = draw(st.sets(st.sampled_from((*sorted(held), "shop", "core", "*")), min_size=1))
    match = draw(st.sampled_from(({"product_code": ("Fees",)}, {"account_id": (OTHER_ACCOUNT,)})))
    return replace(
        PARAMS.pools[0], pool_id=name, name=name, match=match,
        overrides_tags=draw(st.booleans()), recipients=tuple(sorted(recipients)),
        key=draw(st.sampled_from(("even", "direct_spend", "driver:heads"))),
        fallback=draw(st.sampled_from(("even", "even", None))),
    )  # fmt: skip


def closed(period: str, rows_of_month: list[dict[str, Any]], params: Params) -> Month:
    """A month; one whose pools cannot be split was never closed."""
    try:
        return month(period, rows_of_month, params)
    except Refusal:
        assume(False)
        raise


@examples(40)
@given(MONTHS, MONTHS, organizations(APRIL), organizations(MAY))
def test_the_parts_sum_to_the_change(before, now, april, may):
    """Exactness before cents is an assertion of `exact_parts`, which every example passes through."""
    months = closed(APRIL, before, april), closed(MAY, now, may)
    for unit_id, found in explain_change(*months).items():
        totals = [
            sum((row["amount"] for row in one.postings.to_pylist() if row["business_unit_id"] == unit_id),
                Decimal(0))
            for one in months
        ]  # fmt: skip
        assert [found.before, found.after] == totals
        assert sum((part.amount for part in found.parts), Decimal(0)) == totals[1] - totals[0]
        assert len({part.code for part in found.parts}) == len(found.parts)


@examples(30)
@given(MONTHS, MONTHS, organizations(APRIL), organizations(MAY))
def test_what_owners_and_rules_give_to_one_they_take_from_another(before, now, april, may):
    """A replay charges the same month, so that over all units it changes nothing."""
    found = states(closed(APRIL, before, april), closed(MAY, now, may))
    kinds = ("direct", "allocated", "commitment")
    for replays in (
        (found.posted, found.with_owners, found.with_rules), (found.earlier_rules, found.later),
    ):  # fmt: skip
        sums = {total(one.of(unit_id, *kinds) for unit_id in one.leaves) for one in replays}
        assert len(sums) == 1
    assert found.with_rules is found.with_owners or found.earlier_rules is found.later
    assert all(sum(one.values()) == 0 for one in found.moved.values())


@examples(20)
@given(MONTHS, organizations(MAY))
def test_the_same_month_again_has_no_parts(rows_of_month, may):
    """But for adjustments and rounding, which are the same too."""
    closed(MAY, rows_of_month, may)
    for found in explained(rows_of_month, rows_of_month, may).values():
        assert [part.amount for part in found.parts if part.amount] == []


@examples(12)
@given(MONTHS, MONTHS, organizations(APRIL), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(before, now, params, chance):
    closed(APRIL, before, params), closed(MAY, now, params)
    first = explained(before, now, params)
    chance.shuffle(before)
    chance.shuffle(now)
    assert explained(before, now, params) == first


OWNED = st.lists(
    st.fixed_dictionaries({
        "account_id": st.just(ACCOUNT), "product_code": st.sampled_from(("AmazonEC2", "AmazonS3")),
        "operation": st.just(""), "usage_type": st.sampled_from(("a", "b")),
        "line_item_type": st.sampled_from(("Usage", "DiscountedUsage", "Tax")),
        "rule": st.sampled_from(("tag:key", "tag-normalized:key", "ownership:x", "account-default", "pool:p")),
        "cost_center_id": st.sampled_from(OWNERS), "usage_amount": QUANTITIES, "charged_cost": AMOUNTS,
    }),
    max_size=14,
)  # fmt: skip
UNITS = {"CC-1": "shop", "CC-2": "shop", "CC-3": "core", "CC-9": "core"}


def owned_table(owned: list[dict[str, Any]]) -> pa.Table:
    """Owned costs; what a pool owns has no cost center."""
    kinds = {"usage_amount": pa.decimal128(38, 10), "charged_cost": pa.decimal128(38, 10)}
    names = (
        "account_id", "product_code", "operation", "usage_type", "line_item_type", "rule",
        "cost_center_id", "usage_amount", "charged_cost",
    )  # fmt: skip
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in names])
    pooled = [
        row if not row["rule"].startswith("pool:") else {**row, "cost_center_id": None}
        for row in owned
    ]
    return pa.Table.from_pylist(pooled, schema=schema)


@examples(300)
@given(OWNED, OWNED)
def test_direct_parts_sum_to_the_change_of_direct_cost_exactly(before, now):
    changes: dict[str, int] = {}
    for sign, table in ((-1, owned_table(before)), (1, owned_table(now))):
        for row in table.to_pylist():
            if row["cost_center_id"]:
                unit_id = UNITS[row["cost_center_id"]]
                changes[unit_id] = changes.get(unit_id, 0) + sign * exact_units(row["charged_cost"])
    found = explain_direct(owned_table(before), UNITS, owned_table(now), UNITS)
    assert {
        unit_id: sum(sum(services.values()) for services in one.parts.values())
        for unit_id, one in found.items()
    } == changes


CHANGES = st.dictionaries(
    st.builds(Holder, st.sampled_from(("shop", "core", "")), st.sampled_from(("tag", "neither"))),
    st.fractions(-100, 100),
    max_size=4,
)


@given(CHANGES, CHANGES)
def test_an_exchange_takes_what_it_gives_and_overdraws_nobody(some, others):
    others = {Holder(one.unit_id, "rule"): change for one, change in others.items()}
    moved = exchange(some, others)
    assert sum(moved.values()) == 0
    for one, part in moved.items():
        change = some.get(one, others.get(one, 0))
        assert 0 < abs(part) <= abs(change) and part * change > 0
    size = sum(moved.get(one, 0) for one in some)
    assert abs(size) <= min(abs(sum(some.values())), abs(sum(others.values())))
