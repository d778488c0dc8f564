"""Compares the postings of an estate's month with the plain recomputation, and says everything that differs.

Exact amounts must be equal. Cents must satisfy what the method promises: each posting and each cost center's
total on an invoice within a cent of its exact amount, each invoice's charges its total, each pool empty, each
entry zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.estates.estate import CENT, Row
from tests.estates.plain import (
    POOL,
    ZERO,
    Leaf,
    NotSplit,
    Rules,
    exact_costs,
    moved,
    rows_totals,
    split_pools,
    summed,
    wanted_totals,
)

COST_KINDS = ("direct", "pooled", "commitment")


def differences(rules: Rules, postings: list[Row]) -> list[str]:
    """What in a month's postings is not as it must be."""
    found: list[str] = []
    costs = exact_costs(rules)
    charged = [row for row in postings if row["cost_center_id"]]
    found += unequal("exact cost", costs, posted_costs(postings))
    found += unequal("part of a pool", plain_parts(rules, costs, postings), posted_parts(postings))
    found += unequal("adjustment", moved(rules), posted_adjustments(postings))
    found += unequal(
        "invoice", nonzero(wanted_totals(rules)), nonzero(by(charged, "amount", "invoice_id"))
    )
    found += unequal("rounding", plain_roundings(rules), posted_roundings(postings))
    payable = [row for row in postings if row["ledger_account"].startswith("payable:")]
    owed = {f"payable:{one}": -total for one, total in wanted_totals(rules).items()}
    found += unequal("owed", nonzero(owed), nonzero(by(payable, "amount", "ledger_account")))
    for column in ("amount", "exact_amount"):
        pools = [row for row in postings if row["ledger_account"].startswith(POOL)]
        for what, sums in (("entry", by(postings, column, "entry_id")),
                           ("pool", by(pools, column, "ledger_account", "invoice_id"))):  # fmt: skip
            found += unequal(f"{what}, {column}", {}, nonzero(sums))
    found += further_than_a_cent(postings, charged)
    found += wrong_cells(rules, postings)
    return found


def posted_costs(postings: list[Row]) -> dict[Leaf, Decimal]:
    """Exact amounts of what line items cost, as posted; each posting is another leaf."""
    found: dict[Leaf, Decimal] = {}
    for row in postings:
        if row["kind"] in COST_KINDS and not row["ledger_account"].startswith("payable:"):
            leaf = Leaf(*(row[name] or "" for name in Leaf._fields))
            found[leaf] = found.get(leaf, ZERO) + row["exact_amount"]
    return found


def plain_parts(rules: Rules, costs: dict[Leaf, Decimal], postings: list[Row]) -> dict[Any, Any]:
    """Every part of a pool with key, weight and exact amount; weights of direct spend are those posted."""
    direct = [
        row for row in postings
        if row["kind"] in ("direct", "pooled") and not row["ledger_account"].startswith("payable:")
    ]  # fmt: skip
    try:
        parts = split_pools(rules, costs, by(direct, "amount", "ledger_account"))
    except NotSplit as pool:
        return {"nobody has a weight": str(pool)}
    return {place: tuple(part) for place, part in parts.items() if part.exact}


def posted_parts(postings: list[Row]) -> dict[Any, Any]:
    """Every part of a pool, as posted."""
    return {
        (row["invoice_id"], POOL + row["pool_id"], row["ledger_account"]): (
            row["allocation_key"], row["weight"], row["exact_amount"],
        )
        for row in postings
        if row["kind"] == "allocated" and row["ledger_account"] != POOL + row["pool_id"]
    }  # fmt: skip


def posted_adjustments(postings: list[Row]) -> dict[tuple[str, str], Decimal]:
    """What was moved by people, as posted."""
    rows = [row for row in postings if row["kind"] == "adjustment"]
    return nonzero(by(rows, "amount", "rule", "ledger_account"))


def plain_roundings(rules: Rules) -> dict[Any, Decimal]:
    """What each invoice asks for beyond its line items, and who takes it."""
    taker = f"cost-center:{rules.estate.policy['rounding_cost_center_id']}"
    rows = rows_totals(rules)
    return nonzero(
        {(one, taker): total - rows.get(one, ZERO).quantize(CENT, ROUND_HALF_UP)
         for one, total in wanted_totals(rules).items()}
    )  # fmt: skip


def posted_roundings(postings: list[Row]) -> dict[Any, Decimal]:
    """The rounding of invoices, as posted."""
    rows = [row for row in postings if row["kind"] == "rounding" and row["cost_center_id"]]
    return nonzero(by(rows, "amount", "invoice_id", "ledger_account"))


def further_than_a_cent(postings: list[Row], charged: list[Row]) -> list[str]:
    """Postings and totals of cost centers that rounding moved by more than a cent."""
    apart = {
        f"{row['entry_id']} line {row['line']}": row["amount"] - row["exact_amount"]
        for row in postings if not row["ledger_account"].startswith("payable:")
    }  # fmt: skip
    exact = by(charged, "exact_amount", "cost_center_id", "invoice_id")
    for place, cents in by(charged, "amount", "cost_center_id", "invoice_id").items():
        apart[" on ".join(map(str, place))] = cents - exact[place]
    return [
        f"{one} is {by_:f} away from its exact amount"
        for one, by_ in apart.items()
        if abs(by_) > CENT
    ]


def wrong_cells(rules: Rules, postings: list[Row]) -> list[str]:
    """Postings of another unit, currency or period than they should be, and ledger accounts of nobody."""
    found = []
    for row in postings:
        owner = row["cost_center_id"]
        wanted = (rules.units.get(owner) if owner else None, rules.estate.policy["currency"], None)
        cells = (row["business_unit_id"], row["currency"], row["original_period"])
        if cells != wanted or (owner and row["ledger_account"] != f"cost-center:{owner}"):
            found.append(f"{row['entry_id']} line {row['line']}: {cells}, not {wanted}")
    return found


def by(rows: list[Row], column: str, *names: str) -> dict[Any, Decimal]:
    """The sum of a column for all rows with the same cells."""
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        key = tuple(row[name] for name in names)
        groups[key if len(key) > 1 else key[0]].append(row)
    return {key: summed(group, column) for key, group in groups.items()}


def nonzero(sums: dict[Any, Decimal]) -> dict[Any, Decimal]:
    """The sums that are not zero; without what is on no invoice."""
    return {key: cost for key, cost in sums.items() if cost and key is not None}


def unequal(what: str, wanted: dict[Any, Any], found: dict[Any, Any]) -> list[str]:
    """What is other than it must be, what is missing and what is too much."""
    order: Callable[[Any], str] = str
    return [
        f"{what} {key}: must be {wanted.get(key)}, is {found.get(key)}"
        for key in sorted(wanted.keys() | found.keys(), key=order)
        if wanted.get(key) != found.get(key)
    ]
