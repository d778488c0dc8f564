"""The weights that stand in the ledger are the direct costs that were posted, to the cent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chargeback.allocation.pools import allocate
from tests.examples import examples
from tests.ledger.test_posting import OWNERS, PARAMS, costs_table, leaf

INVOICES = ("1", "2")


def a_month(direct: list[int], spend: list[int], shares: int) -> list[dict]:
    """Leaves of two invoices: every owner's direct cost, and two pools."""
    owners = [(invoice, owner) for invoice in INVOICES for owner in OWNERS]
    leaves = [
        leaf(invoice, "direct", owner, units)
        for (invoice, owner), units in zip(owners, direct, strict=True)
    ]
    leaves += [
        leaf(invoice, "pooled", "spend", units)
        for invoice, units in zip(INVOICES, spend, strict=True)
    ]
    return [row for row in [*leaves, leaf("1", "pooled", "shares", shares)] if row["exact_amount"]]


MONTHS = st.builds(
    a_month,
    st.lists(st.integers(10**12, 10**16), min_size=6, max_size=6),
    st.lists(st.integers(-(10**12), 10**15), min_size=2, max_size=2),
    st.integers(-(10**12), 10**15),
)


@given(MONTHS)
@examples(100)
def test_direct_spend_weighs_by_posted_direct_cost(leaves):
    charges = allocate(costs_table(leaves), PARAMS).to_pylist()
    direct: dict[str, int] = {}
    for row in charges:
        if row["kind"] == "direct":
            owner = row["cost_center_id"]
            direct[owner] = direct.get(owner, 0) + row["amount"]
    weights = {
        row["cost_center_id"]: row["weight"]
        for row in charges
        if row["pool_id"] == "spend" and row["kind"] == "allocated"
    }
    assert weights == {owner: direct[owner] for owner in weights}


@given(MONTHS)
@examples(50)
def test_every_charge_is_near_its_exact_value(leaves):
    charges = allocate(costs_table(leaves), PARAMS).to_pylist()
    totals: dict[tuple[str, str], list] = {}
    for row in charges:
        moved = row["amount"] - row["exact_amount"]
        assert abs(moved) * 100 < 1, row
        if row["cost_center_id"]:
            totals.setdefault((row["invoice_id"], row["cost_center_id"]), []).append(moved)
    for place, moves in totals.items():
        assert abs(sum(moves)) * 100 < 1, place
