"""Whatever a month costs: invoices tie, pools are emptied, entries balance, cents stay near."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.allocation.pools import allocate
from chargeback.books.schema import EXACT
from chargeback.books.tables import statement_total
from chargeback.core.money import exact_amount, rounded_once
from chargeback.ledger.post import post_period
from chargeback.params import Invoice, Params, read_params
from tests.examples import examples
from tests.params_folder import added, pool, write_params
from tests.reports import PERIOD

OWNERS = ("CC-1", "CC-2", "CC-9")
POOLS = ("shares", "spend", "untagged")
CENT = Decimal("0.01")

COSTS = pa.schema(
    [(name, pa.string()) for name in (
        "invoice_id", "kind", "cost_center_id", "pool_id", "account_id", "product_code",
        "line_item_type", "rule",
    )]
    + [("exact_amount", EXACT)]
)  # fmt: skip


def three_pools() -> Params:
    """Params with a pool by fixed shares, one by direct spend and one split evenly."""
    rules = (
        pool("shares", '{ product_code = ["A"] }', "fixed",
             'shares = { "CC-1" = "0.335", "CC-2" = "0.665" }\n')
        + pool("spend", '{ product_code = ["B"] }', "direct_spend", 'fallback = "even"\n')
        + pool("untagged", more='except = ["CC-9"]\n')
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        return read_params(write_params(Path(folder), allocation_toml=rules), PERIOD)


PARAMS = three_pools()


def leaf(invoice: str, kind: str, owner: str, units: int, product: str = "EC2") -> dict:
    """A row of owner costs."""
    pooled = kind == "pooled"
    return {
        "invoice_id": invoice, "kind": kind, "cost_center_id": None if pooled else owner,
        "pool_id": owner if pooled else None, "account_id": "012345678901",
        "product_code": product, "line_item_type": "Usage",
        "rule": f"pool:{owner}" if pooled else kind, "exact_amount": exact_amount(units),
    }  # fmt: skip


def unlike(leaves: list[dict]) -> list[dict]:
    """Leaves without those that post to the same line as an earlier one."""
    kept = {tuple(str(row[name]) for name in COSTS.names[:-1]): row for row in reversed(leaves)}
    return [row for row in leaves if any(row is one for one in kept.values())]


INVOICES = st.sampled_from(("1", "2"))
PRODUCTS = st.sampled_from(("EC2", "S3", ""))
DIRECT = st.builds(
    leaf, INVOICES, st.just("direct"), st.sampled_from(OWNERS),
    st.integers(3 * 10**10, 9 * 10**13), PRODUCTS,
)  # fmt: skip
OTHER = st.one_of(
    st.builds(leaf, INVOICES, st.just("commitment"), st.just("CC-9"),
              st.integers(-(10**13), 10**13), PRODUCTS),
    st.builds(leaf, INVOICES, st.just("pooled"), st.sampled_from(POOLS),
              st.integers(-(10**13), 10**13), PRODUCTS),
)  # fmt: skip
LEAVES = st.builds(
    lambda direct, other: [row for row in unlike(direct + other) if row["exact_amount"]],
    st.lists(DIRECT, min_size=1, max_size=6), st.lists(OTHER, max_size=6),
)  # fmt: skip


def costs_table(leaves: list[dict]) -> pa.Table:
    """Owner costs as the allocation stage hands them on."""
    return pa.Table.from_pylist(leaves, schema=COSTS)


def invoiced(leaves: list[dict], apart: int = 0) -> Params:
    """Params whose invoices ask for the rounded sums and so many cents more."""
    sums: dict[str, Decimal] = {}
    for row in leaves:
        sums[row["invoice_id"]] = sums.get(row["invoice_id"], Decimal(0)) + row["exact_amount"]
    invoices = {
        one: Invoice(one, "AWS", "USD", rounded_once(total) + apart * CENT)
        for one, total in sums.items()
    }
    return replace(PARAMS, invoices=invoices)


def post(leaves: list[dict], params: Params) -> list[dict]:
    """The postings of owner costs."""
    costs = costs_table(leaves)
    return post_period(costs, allocate(costs, params), params).to_pylist()


def total(rows: list[dict], column: str = "amount", **where: str) -> Decimal:
    """The sum of a column over the rows with these cells."""
    return sum(
        (row[column] for row in rows if all(row[name] == one for name, one in where.items())),
        Decimal(0),
    )


@given(LEAVES, st.integers(-3, 3))
@examples(60)
def test_every_month_ties_and_balances(leaves, apart):
    params = invoiced(leaves, apart)
    rows = post(leaves, params)
    charged = [row for row in rows if row["cost_center_id"]]
    for invoice in params.invoices.values():
        assert total(charged, invoice_id=invoice.invoice_id) == invoice.total
        payable = total(rows, ledger_account=f"payable:{invoice.invoice_id}")
        assert payable == -invoice.total
        for pool_id in POOLS:
            account = {"ledger_account": f"pool:{pool_id}", "invoice_id": invoice.invoice_id}
            assert total(rows, "amount", **account) == 0
            assert total(rows, "exact_amount", **account) == 0
        for owner in OWNERS:
            mine = {"cost_center_id": owner, "invoice_id": invoice.invoice_id}
            assert abs(total(rows, **mine) - total(rows, "exact_amount", **mine)) < CENT
    for entry_id in {row["entry_id"] for row in rows}:
        assert total(rows, "amount", entry_id=entry_id) == 0
        assert total(rows, "exact_amount", entry_id=entry_id) == 0
    for row in rows:
        if not row["ledger_account"].startswith("payable:"):
            assert abs(row["amount"] - row["exact_amount"]) < CENT, row


@given(LEAVES)
@examples(25)
def test_exact_costs_are_conserved(leaves):
    rows = post(leaves, invoiced(leaves))
    for row in leaves:
        kind, owner = row["kind"], row["pool_id"] or row["cost_center_id"]
        place = {"pool_id": owner} if kind == "pooled" else {"cost_center_id": owner}
        cells = {name: row[name] for name in ("invoice_id", "product_code", "kind")}
        assert total(rows, "exact_amount", **cells, **place) == row["exact_amount"]


@given(LEAVES, st.randoms(use_true_random=False))
@examples(25)
def test_the_order_of_costs_does_not_matter(leaves, chance):
    params = invoiced(leaves)
    mixed = list(leaves)
    chance.shuffle(mixed)
    pools = tuple(reversed(PARAMS.pools))
    assert post(mixed, replace(params, pools=pools)) == post(leaves, params)


@given(LEAVES)
@examples(25)
def test_negated_costs_are_negated_charges(leaves):
    """A refund of a month gives back what was charged; direct spend has no weight in a refund."""
    plain = [row for row in leaves if row["pool_id"] != "spend"]
    negated = [{**row, "exact_amount": -row["exact_amount"]} for row in plain]
    before, after = post(plain, invoiced(plain)), post(negated, invoiced(negated))
    assert [{**row, "exact_amount": -row["exact_amount"], "amount": -row["amount"]}
            for row in after] == before  # fmt: skip


def test_a_month_that_can_be_checked_by_hand():
    """CC-1 spends 30.00 and CC-2 10.00; 10.01 split by spend is 3:1, 7.5075 and 2.5025.

    The invoice asks for 50.05, four cents more than its line items: a rounding posting on CC-9.
    """
    dollar = 10**10
    leaves = [
        leaf("1", "direct", "CC-1", 30 * dollar),
        leaf("1", "direct", "CC-2", 10 * dollar),
        leaf("1", "pooled", "spend", 1001 * dollar // 100),
    ]
    params = replace(PARAMS, invoices={"1": Invoice("1", "AWS", "USD", Decimal("50.05"))})
    rows = post(leaves, params)
    shown = [
        (row["entry_id"], row["line"], row["ledger_account"], str(row["amount"])) for row in rows
    ]
    assert shown == [
        ("2026-05/allocated/1/spend", 1, "pool:spend", "-10.01"),
        ("2026-05/allocated/1/spend", 2, "cost-center:CC-1", "7.51"),
        ("2026-05/allocated/1/spend", 3, "cost-center:CC-2", "2.50"),
        ("2026-05/direct/1/CC-1", 1, "cost-center:CC-1", "30.00"),
        ("2026-05/direct/1/CC-1", 2, "payable:1", "-30.00"),
        ("2026-05/direct/1/CC-2", 1, "cost-center:CC-2", "10.00"),
        ("2026-05/direct/1/CC-2", 2, "payable:1", "-10.00"),
        ("2026-05/pooled/1/spend", 1, "pool:spend", "10.01"),
        ("2026-05/pooled/1/spend", 2, "payable:1", "-10.01"),
        ("2026-05/rounding/1", 1, "cost-center:CC-9", "0.04"),
        ("2026-05/rounding/1", 2, "payable:1", "-0.04"),
    ]
    exact = {row["line"]: str(row["exact_amount"]) for row in rows if row["kind"] == "allocated"}
    assert exact == {1: "-10.0100000000", 2: "7.5075000000", 3: "2.5025000000"}
    weights = [str(row["weight"]) for row in rows if row["weight"] is not None]
    assert weights == ["30.0000000000", "10.0000000000"]
    assert statement_total(post_table(leaves, params)) == Decimal("50.05")


def post_table(leaves: list[dict], params: Params) -> pa.Table:
    """The postings of owner costs as a table."""
    costs = costs_table(leaves)
    return post_period(costs, allocate(costs, params), params)


@pytest.mark.parametrize("amount", ["7.00", "-7.00"])
def test_an_adjustment_moves_a_charge_and_no_total(amount, tmp_path):
    moved = added("adjustments.csv", f"2026-05,CC-1,CC-2,{amount},moved,T-1,Ann,Bob,2026-01-20")
    params = read_params(write_params(tmp_path, adjustments_csv=moved), PERIOD)
    leaves = [leaf("900000001", "direct", "CC-1", 100 * 10**10)]
    rows = post(leaves, params)
    assert total(rows, cost_center_id="CC-2") == Decimal(amount)
    assert total(rows, cost_center_id="CC-1") == 100 - Decimal(amount)
    assert {row["rule"] for row in rows if row["kind"] == "adjustment"} == {"adjustment:T-1"}
