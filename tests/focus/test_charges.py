"""What postings are taken apart into: sums both ways, and ratios, for whatever pools there are."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chargeback.review.focus.charges import Charge, charges_of, line_of

INVOICE = "900000005"
CENTERS = ("CC-1", "CC-2", "CC-3")
Row = dict[str, Any]


def row(kind: str, entry: str, line: int, account: str, amount: str, **cells: Any) -> Row:
    """A posting with the columns that are looked at."""
    empty = dict.fromkeys(
        ("business_unit_id", "cost_center_id", "pool_id", "account_id", "product_code",
         "line_item_type", "rule", "allocation_key", "weight", "original_period")
    )  # fmt: skip
    center = account.removeprefix("cost-center:") if account.startswith("cost-center:") else None
    fixed = {
        "entry_id": entry, "line": line, "kind": kind, "ledger_account": account,
        "invoice_id": INVOICE, "amount": Decimal(amount), "cost_center_id": center,
    }  # fmt: skip
    return {**empty, **fixed, **cells}


def pool_rows(pool: str, put_in: list[int], given: dict[str, int]) -> list[Row]:
    """A pool's two entries, of cents that went in and of cents that recipients take."""
    pooled = [
        row("pooled", f"pooled/{pool}", number, f"pool:{pool}", f"{cents / 100:.2f}", pool_id=pool,
            product_code=f"P{number}")
        for number, cents in enumerate(put_in, 1)
    ]  # fmt: skip
    whole = sum(given.values())
    return [
        *pooled,
        row("allocated", f"allocated/{pool}", 1, f"pool:{pool}", f"{-whole / 100:.2f}", pool_id=pool),
        *(
            row("allocated", f"allocated/{pool}", number, account, f"{cents / 100:.2f}", pool_id=pool,
                allocation_key="even", weight=Decimal(number))
            for number, (account, cents) in enumerate(given.items(), 2)
        ),
    ]  # fmt: skip


def cut(total: int, shares: list[int]) -> list[int]:
    """A total in whole cents by shares, the last taking the rest."""
    whole = sum(shares) or 1
    parts = [total * one // whole for one in shares[:-1]]
    return [*parts, total - sum(parts)]


@st.composite
def ledgers(draw: st.DrawFn) -> list[Row]:
    """Pools that give to cost centers, and the first to the second as well."""
    amounts = st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=6)
    shares = st.lists(st.integers(1, 50), min_size=4, max_size=4)
    first, second = draw(amounts), draw(amounts)
    takers = [*(f"cost-center:{one}" for one in CENTERS), "pool:second"]
    given_first = dict(zip(takers, cut(sum(first), draw(shares)), strict=True))
    passed = given_first["pool:second"]
    given_second = dict(zip(takers[:3], cut(sum(second) + passed, draw(shares)[:3]), strict=True))
    direct = row("direct", "direct/1", 1, "cost-center:CC-1", "12.34", product_code="AmazonS3")
    return [
        direct, *pool_rows("second", second, given_second), *pool_rows("first", first, given_first)
    ]  # fmt: skip


@given(ledgers())
def test_charges_of_every_posting_sum_to_it_and_those_of_every_origin_to_it(
    rows: list[Row],
) -> None:
    charges = list(charges_of(rows))
    posted = {line_of(one): one["amount"] for one in rows if one["cost_center_id"]}
    assert summed(charges, "row") == posted
    whole = {line_of(one): one["amount"] for one in rows if one["kind"] == "pooled"}
    from_origins = [one for one in charges if one.origin]
    if len(from_origins) == len([one for one in charges if one.row["kind"] == "allocated"]):
        assert summed(from_origins, "origin") == whole


@given(ledgers())
def test_ratios_of_an_origin_sum_to_one(rows: list[Row]) -> None:
    ratios: defaultdict[Any, Decimal] = defaultdict(Decimal)
    for one in charges_of(rows):
        if one.origin and one.ratio is not None:
            ratios[line_of(one.origin)] += one.ratio
    first = [one for one in ratios if one[0] == "pooled/first"]
    assert all(ratios[one] == 1 for one in ratios if one not in first)
    # What the first pool passed on is nobody's where the second holds 0.00.
    assert all(ratios[one] <= 1 for one in first)


def test_an_amount_is_what_its_part_of_the_pool_is():
    """30.00 and 10.00, of which CC-1 takes a quarter: 7.50 and 2.50."""
    rows = pool_rows("p", [3000, 1000], {"cost-center:CC-1": 1000, "cost-center:CC-2": 3000})
    found = {
        (one.row["cost_center_id"], one.said["product_code"]): one.amount
        for one in charges_of(rows)
    }
    assert found == {
        ("CC-1", "P1"): Decimal("7.5"), ("CC-1", "P2"): Decimal("2.5"),
        ("CC-2", "P1"): Decimal("22.5"), ("CC-2", "P2"): Decimal("7.5"),
    }  # fmt: skip


def test_an_origin_keeps_its_words_through_two_pools():
    rows = [
        *pool_rows("second", [], {"cost-center:CC-2": 500}),
        *pool_rows("first", [1000], {"cost-center:CC-1": 500, "pool:second": 500}),
    ]
    found = [
        (one.row["cost_center_id"], one.said["product_code"], one.amount)
        for one in charges_of(rows)
    ]
    assert sorted(found) == [("CC-1", "P1", Decimal(5)), ("CC-2", "P1", Decimal(5))]
    assert sum(one.ratio or 0 for one in charges_of(rows)) == 1


def test_a_pool_of_nothing_is_not_taken_apart():
    """10.00 and -10.00 give 0.01 and -0.01: nothing there is in proportion to which lines could be told."""
    rows = pool_rows("p", [1000, -1000], {"cost-center:CC-1": 1, "cost-center:CC-2": -1})
    assert [(one.amount, one.origin) for one in charges_of(rows)] == [
        (Decimal("0.01"), None), (Decimal("-0.01"), None)
    ]  # fmt: skip


def summed(charges: list[Charge], what: str) -> dict[Any, Decimal]:
    """Amounts by the line of the ledger that a charge is of, or that it comes from."""
    found: defaultdict[Any, Decimal] = defaultdict(Decimal)
    for one in charges:
        found[line_of(getattr(one, what))] += one.amount
    return dict(found)
