"""Allocation: split every pool by its key, and find the cents of every cost center on every invoice.

In: `owner_costs` (exact, per invoice and owner) and the params. Out: `charges`, one row per invoice, cost
center and source, where the source is its direct cost, its commitments, or its part of a pool; exact amount
and cents side by side.

What always holds, per invoice: the cents sum to the unblended cost rounded once; every charge, every cost
center's total and every pool's total is within one cent of its exact value; every pool is split completely,
whatever its sign. Negating all costs negates all charges of pools that are not split by spend.

`direct_spend` weighs cost centers by their *posted* direct cost, in cents and over all invoices of the
period, so that a reader can check the share from the ledger alone. The cents of direct costs in turn are
found together with those of the pools. The two are settled in rounds: exact direct costs, rounded, are the
first weights; the direct cents that follow are the next weights, and are then kept while the cents of the
pools are found beside them. Where they cannot all be kept, there is another round.

Known drawback: that the rounds settle is not proved, and a month of a few cents can keep them from it. Then
the weights that were used last stand in the ledger, and are a cent away from the posted direct cost of some
cost center; every other promise holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

from chargeback.apportion import divide, round_table
from chargeback.engine import Engine
from chargeback.errors import CONTROL_FAILED, Refusal
from chargeback.ledger_schema import CENTS, EXACT
from chargeback.money import cents_amount, exact_amount, exact_units, nearest_cents
from chargeback.params import Params
from chargeback.params.rules import Pool

OPEN_INVOICE_ID = "not-invoiced"  # drafts only: line items that AWS has not put on an invoice yet
DIRECT, COMMITMENT, ALLOCATED = "direct", "commitment", "allocated"
MOST_ROUNDS = 12

CHARGES = pa.schema(
    [
        ("invoice_id", pa.string()),
        ("kind", pa.string()),  # direct, commitment, allocated
        ("pool_id", pa.string()),  # allocated only
        ("cost_center_id", pa.string()),
        ("allocation_key", pa.string()),  # allocated only: the key that was used
        ("weight", EXACT),  # allocated only
        ("exact_amount", EXACT),
        ("amount", CENTS),
    ]
)

#: One invoice's charges: (cost center, source) -> 1e-10 units or cents. A source is "direct", "commitment" or
#: "allocated <pool id>".
Charges = dict[tuple[str, str], int]


@dataclass(frozen=True)
class Key:
    """A pool's key in figures: weights in units of 1e-10, of recipients with a positive weight."""

    name: str
    weights: dict[str, int]


def owner_costs(engine: Engine, owned_costs: pa.Table, params: Params) -> pa.Table:
    """Exact costs per invoice and owner, the leaves of the ledger (sql/allocation/owner_costs.sql)."""
    engine.register("owned_costs", owned_costs)
    return engine.query(
        "allocation", "owner_costs",
        {"commitments_cost_center_id": params.policy.commitments_cost_center_id,
         "open_invoice_id": OPEN_INVOICE_ID},
    ).combine_chunks()  # fmt: skip


def pool_weights(pool: Pool, params: Params, direct_cents: Mapping[str, int]) -> Key:
    """The weights of a pool's recipients under its key, or under its fallback when all are zero.

    Args:
        direct_cents: posted direct cost per cost center, in cents, over all invoices of the period.

    Raises:
        Refusal: (exit 4) no recipient has a positive weight and the pool has no fallback.
    """
    recipients = params.recipients(pool)
    for name in (pool.key, pool.fallback):
        if name is None:
            continue
        weights = key_weights(name, pool, params, recipients, direct_cents)
        positive = {one: weight for one, weight in weights.items() if weight > 0}
        if positive:
            return Key(name, positive)
    raise Refusal(
        CONTROL_FAILED, f"the pool {pool.pool_id!r} cannot be split: every weight is zero",
        "a recipient with a positive weight, or a fallback", f"key {pool.key}", "",
        [pool.where, "recipients: " + ", ".join(recipients)],
        ['add fallback = "even" to the pool, or correct the quantities its key uses'],
    )  # fmt: skip


def key_weights(
    name: str,
    pool: Pool,
    params: Params,
    recipients: Iterable[str],
    direct_cents: Mapping[str, int],
) -> dict[str, int]:
    """Weights under one key, in units of 1e-10 of what the key counts (currency, heads, shares)."""
    if name == "direct_spend":
        return {one: exact_units(cents_amount(direct_cents.get(one, 0))) for one in recipients}
    if name == "even":
        return {one: exact_units(Decimal(1)) for one in recipients}
    if name == "fixed":
        return {one: exact_units(pool.shares.get(one, Decimal(0))) for one in recipients}
    driver = name.removeprefix("driver:")
    quantities = {
        one.cost_center_id: exact_units(one.quantity)
        for one in params.drivers
        if one.driver == driver
    }
    return {one: quantities.get(one, 0) for one in recipients}


def allocate(costs: pa.Table, params: Params) -> pa.Table:
    """The charges of a period: who pays what on each invoice, from which source, exactly and in cents.

    Args:
        costs: the table of `owner_costs`.

    Returns:
        A table of the schema CHARGES, sorted by invoice, kind, pool and cost center.
    """
    own: dict[str, Charges] = {}
    pooled: dict[str, dict[str, int]] = {}  # invoice -> pool -> units
    for row in costs.to_pylist():
        units = exact_units(row["exact_amount"])
        if row["pool_id"] is not None:
            pools = pooled.setdefault(row["invoice_id"], {})
            pools[row["pool_id"]] = pools.get(row["pool_id"], 0) + units
        else:
            cells = own.setdefault(row["invoice_id"], {})
            cell = (row["cost_center_id"], row["kind"])
            cells[cell] = cells.get(cell, 0) + units
    used = {pool_id for pools in pooled.values() for pool_id in pools}
    pools_used = [pool for pool in params.pools if pool.pool_id in used]
    invoices = sorted(set(own) | set(pooled))

    weights = {
        one: nearest_cents(units) for one, units in totals_by_cost_center(own, DIRECT).items()
    }
    rounded: dict[str, Charges] = {}
    for _ in range(MOST_ROUNDS):
        keys = {pool.pool_id: pool_weights(pool, params, weights) for pool in pools_used}
        exact = {
            invoice: exact_charges(own.get(invoice, {}), pooled.get(invoice, {}), keys)
            for invoice in invoices
        }
        rounded = {
            one: round_table(
                exact[one], nearest_cents(sum(exact[one].values())), direct_only(rounded, one)
            )
            for one in invoices
        }
        posted = totals_by_cost_center(rounded, DIRECT)
        if posted == weights:
            break
        weights = posted
    return charges_table(exact, rounded, keys)


def direct_only(charges: Mapping[str, Charges], invoice_id: str) -> Charges:
    """An invoice's charges of direct cost."""
    charges_of_one = charges.get(invoice_id, {})
    return {cell: cents for cell, cents in charges_of_one.items() if cell[1] == DIRECT}


def totals_by_cost_center(charges: Mapping[str, Charges], kind: str) -> dict[str, int]:
    """Charges of one kind, summed over invoices per cost center."""
    totals: dict[str, int] = {}
    for cells in charges.values():
        for (cost_center_id, source), value in cells.items():
            if source.startswith(kind):
                totals[cost_center_id] = totals.get(cost_center_id, 0) + value
    return totals


def exact_charges(own: Charges, pools: Mapping[str, int], keys: Mapping[str, Key]) -> Charges:
    """An invoice's own costs beside the parts of its pools, all in units of 1e-10."""
    charges = dict(own)
    for pool_id, units in pools.items():
        for cost_center_id, part in divide(units, keys[pool_id].weights).items():
            charges[cost_center_id, f"{ALLOCATED} {pool_id}"] = part
    return charges


def charges_table(
    exact: Mapping[str, Charges], rounded: Mapping[str, Charges], keys: Mapping[str, Key]
) -> pa.Table:
    """Charges as a table; a charge that is exactly nothing is left out."""
    rows = []
    for invoice_id in sorted(exact):
        for (cost_center_id, source), units in exact[invoice_id].items():
            kind, _, pool_id = source.partition(" ")
            if not units:
                continue
            key = keys.get(pool_id)
            rows.append(
                {
                    "invoice_id": invoice_id,
                    "kind": kind,
                    "pool_id": pool_id or None,
                    "cost_center_id": cost_center_id,
                    "allocation_key": key.name if key else None,
                    "weight": exact_amount(key.weights[cost_center_id]) if key else None,
                    "exact_amount": exact_amount(units),
                    "amount": cents_amount(rounded[invoice_id][cost_center_id, source]),
                }
            )
    rows.sort(
        key=lambda row: (
            row["invoice_id"],
            row["kind"],
            row["pool_id"] or "",
            row["cost_center_id"],
        )
    )
    return pa.Table.from_pylist(rows, schema=CHARGES)
