"""Allocation: split every pool by its key, and find the cents of everybody who pays on each invoice.

In: `owner_costs` (exact, per invoice and owner), the params, and what keys written in SQL may read. Out:
`charges`, one row per invoice, source and recipient: a cost center's direct cost and commitments, what falls
into a pool, and every part of every pool, with exact amount and cents side by side.

Pools are split in the order of the file. A part may go to a later pool, which is then split with it
(step-down). So no order has to be worked out, and no dollar comes back to where it was.

What always holds, per invoice: the cents sum to the unblended cost rounded once; every charge, every cost
center's total and every pool's total is within one cent of its exact value; every pool gives what it was
given, exactly and in cents, whatever its sign. Negating all costs negates all charges of pools that are not
split by spend.

`direct_spend` weighs cost centers by their *posted* direct cost, and pools by what was posted to them from the
report, in cents and over all invoices of the period, so that a reader can check the share from the ledger
alone. But those cents are found together with the parts of the pools. The two are settled in rounds: exact
costs, rounded, are the first weights; the cents that follow are the next weights, and are then kept while the
cents of the parts are found beside them. If they cannot all be kept, there is another round.

Known drawback: it is not proved that the rounds settle, and a month of only a few cents can prevent it. Then
the weights used last stand in the ledger, and are a cent away from the posted direct cost of some cost center.
Every other promise holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

from chargeback.allocation.apportion import Arc, divide, round_flow
from chargeback.allocation.keys import SqlKeys
from chargeback.books.schema import CENTS, EXACT
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.money import cents_amount, exact_amount, exact_units, nearest_cents
from chargeback.engine import Engine
from chargeback.params import Params
from chargeback.params.rules import Pool

DIRECT, COMMITMENT, POOLED, ALLOCATED = "direct", "commitment", "pooled", "allocated"
COST_CENTER, POOL = "cost-center:", "pool:"  # as in ledger accounts
MOST_ROUNDS = 12

CHARGES = pa.schema(
    [
        ("invoice_id", pa.string()),
        ("kind", pa.string()),  # direct, commitment, pooled, allocated
        ("pool_id", pa.string()),  # pooled: the pool that receives; allocated: the pool that gives
        ("cost_center_id", pa.string()),  # who pays, unless a pool receives
        ("recipient_pool_id", pa.string()),  # allocated only: the later pool that receives
        ("allocation_key", pa.string()),  # allocated only: the key that was used
        ("weight", EXACT),  # allocated only
        ("exact_amount", EXACT),
        ("amount", CENTS),
    ]
)

#: One invoice's charges, from a source (a kind of cost or a pool) to a ledger account, in 1e-10 units or cents.
Flow = dict[Arc, int]


@dataclass(frozen=True)
class Key:
    """A pool's key in figures: weights in units of 1e-10, by ledger account, of those with a positive one."""

    name: str
    weights: dict[str, int]


def owner_costs(engine: Engine, owned_costs: pa.Table, params: Params) -> pa.Table:
    """Exact costs per invoice and owner, the leaves of the ledger (sql/allocation/owner_costs.sql)."""
    engine.register("owned_costs", owned_costs)
    return engine.query(
        "allocation", "owner_costs",
        {"commitments_cost_center_id": params.policy.commitments_cost_center_id,
         "open_invoice_id": params.stand_in},
    ).combine_chunks()  # fmt: skip


@dataclass(frozen=True)
class Shares:
    """Who pays what on each invoice, from which source, exactly, with the key of each pool.

    Args:
        exact: by invoice, in units of 1e-10.
        keys: of each pool that was split, by its ledger account.
        kept: cents that rounding must give again, by invoice: they are the weights of direct spend.
    """

    exact: dict[str, Flow]
    keys: dict[str, Key]
    kept: dict[str, Flow]

    def table(self) -> pa.Table:
        """The shares as a table of the columns of CHARGES, without cents."""
        return charges_table(self.exact, self.keys, None)


def allocate(costs: pa.Table, params: Params, sql_keys: SqlKeys | None = None) -> pa.Table:
    """The charges of a period: pools split, then rounded; see `split_pools` and `round_shares`."""
    return round_shares(split_pools(costs, params, sql_keys))


def split_pools(costs: pa.Table, params: Params, sql_keys: SqlKeys | None = None) -> Shares:
    """Every pool split by its key, exactly.

    The rounds in which cents and weights of direct spend are settled are carried out here; the exact shares and
    the cents to keep are those of the last one.

    Args:
        costs: the table of `owner_costs`.
        sql_keys: answers keys of the form sql:<name>; needed when a pool has one.

    Raises:
        Refusal: (exit 4) a pool cannot be split; (exit 2) a key's SQL is not what a key must be.
    """
    own: dict[str, Flow] = {}
    for row in costs.to_pylist():
        owner = POOL + row["pool_id"] if row["pool_id"] else COST_CENTER + row["cost_center_id"]
        flow = own.setdefault(row["invoice_id"], {})
        flow[row["kind"], owner] = flow.get((row["kind"], owner), 0) + exact_units(
            row["exact_amount"]
        )
    weighed = {POOL + one for pool in params.pools for one in params.pool_recipients(pool)}

    def weighing(flows: Mapping[str, Flow]) -> dict[str, Flow]:
        """The charges that may be weights of direct spend."""
        return {
            invoice: {arc: value for arc, value in flow.items()
                      if arc[0] == DIRECT or (arc[0] == POOLED and arc[1] in weighed)}
            for invoice, flow in flows.items()
        }  # fmt: skip

    weights = {one: nearest_cents(units) for one, units in totals(weighing(own)).items()}
    rounded: dict[str, Flow] = {}
    for _ in range(MOST_ROUNDS):
        exact, keys = exact_flows(own, params, weights, sql_keys)
        shares = Shares(exact, keys, weighing(rounded))
        rounded = round_flows(shares)
        posted = totals(weighing(rounded))
        if posted == weights:
            break
        weights = posted
    return shares


def round_flows(shares: Shares) -> dict[str, Flow]:
    """The cents of every charge, by invoice; together they are what the invoice's own costs round to."""
    return {
        invoice: round_flow(flow, nearest_cents(own_total(flow)), shares.kept.get(invoice))
        for invoice, flow in shares.exact.items()
    }


def own_total(flow: Flow) -> int:
    """What an invoice comes to, exactly: what was charged on it before any pool was split."""
    return sum(units for (giver, _), units in flow.items() if not giver.startswith(POOL))


def round_shares(shares: Shares) -> pa.Table:
    """The charges of a period: exact amount and cents of every share.

    Returns:
        A table of the schema CHARGES, sorted by its columns.
    """
    return charges_table(shares.exact, shares.keys, round_flows(shares))


def totals(flows: Mapping[str, Flow]) -> dict[str, int]:
    """What each ledger account receives over all invoices."""
    found: dict[str, int] = {}
    for flow in flows.values():
        for (_, taker), value in flow.items():
            found[taker] = found.get(taker, 0) + value
    return found


def exact_flows(
    own: Mapping[str, Flow], params: Params, weights: Mapping[str, int], sql_keys: SqlKeys | None
) -> tuple[dict[str, Flow], dict[str, Key]]:
    """Every invoice's own costs and the parts of its pools, in units of 1e-10, and the keys that split them.

    Args:
        weights: posted direct cost by ledger account, in cents, over all invoices of the period.
    """
    flows = {invoice: dict(own[invoice]) for invoice in sorted(own)}
    keys: dict[str, Key] = {}
    received: dict[str, dict[str, int]] = {POOL + pool.pool_id: {} for pool in params.pools}

    def receive(invoice: str, taker: str, units: int) -> None:
        """What each pool has got on each invoice so far, so that nobody looks for it among all shares."""
        if taker in received:
            received[taker][invoice] = received[taker].get(invoice, 0) + units

    for invoice, flow in flows.items():
        for (_, taker), units in flow.items():
            receive(invoice, taker, units)
    for pool in params.pools:
        place = POOL + pool.pool_id
        if not any(received[place].values()):
            continue
        keys[place] = pool_key(pool, params, weights, sql_keys, flows)
        for invoice, units in received[place].items():
            if units:
                for recipient, part in divide(units, keys[place].weights).items():
                    flows[invoice][place, recipient] = part
                    receive(invoice, recipient, part)
    return flows, keys


def pool_key(
    pool: Pool,
    params: Params,
    weights: Mapping[str, int],
    sql_keys: SqlKeys | None,
    so_far: Mapping[str, Flow],
) -> Key:
    """The weights of a pool's recipients under its key, or under its fallback when all are zero.

    A negative weight counts as zero.

    Raises:
        Refusal: (exit 4) no recipient has a positive weight and the pool has no fallback.
    """
    recipients = [COST_CENTER + one for one in params.recipients(pool)]
    recipients += [POOL + one for one in params.pool_recipients(pool)]
    for name in (pool.key, pool.fallback):
        if name is None:
            continue
        if name.startswith("sql:"):
            assert sql_keys is not None, "a pool has a key in SQL, and nothing answers it"
            found = sql_keys.weights(name.removeprefix("sql:"), pool, charges_so_far(so_far))
        else:
            found = key_weights(name, pool, params, recipients, weights)
        positive = {one: found[one] for one in recipients if found.get(one, 0) > 0}
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
        by_id = {one: one.partition(":")[2] for one in recipients}
        return {one: exact_units(pool.shares.get(by_id[one], Decimal(0))) for one in recipients}
    driver = name.removeprefix("driver:")
    return {
        COST_CENTER + one.cost_center_id: exact_units(one.quantity)
        for one in params.drivers
        if one.driver == driver
    }


def charges_so_far(flows: Mapping[str, Flow]) -> list[tuple[str, str, int]]:
    """Exact charges as keys in SQL may read them: source, ledger account, units over all invoices."""
    found: dict[Arc, int] = {}
    for flow in flows.values():
        for arc, units in flow.items():
            found[arc] = found.get(arc, 0) + units
    return [(giver, taker, units) for (giver, taker), units in sorted(found.items())]


def charges_table(
    exact: Mapping[str, Flow], keys: Mapping[str, Key], rounded: Mapping[str, Flow] | None
) -> pa.Table:
    """Charges as a table, with cents where there are any; a charge that is exactly nothing is left out."""
    rows = []
    for invoice_id, flow in exact.items():
        for (giver, taker), units in flow.items():
            if not units:
                continue
            key = keys.get(giver)
            to_pool = taker.removeprefix(POOL) if taker.startswith(POOL) else None
            rows.append(
                {
                    "invoice_id": invoice_id,
                    "kind": ALLOCATED if key else giver,
                    "pool_id": giver.removeprefix(POOL) if key else to_pool,
                    "cost_center_id": None if to_pool else taker.removeprefix(COST_CENTER),
                    "recipient_pool_id": to_pool if key else None,
                    "allocation_key": key.name if key else None,
                    "weight": exact_amount(key.weights[taker]) if key else None,
                    "exact_amount": exact_amount(units),
                    "amount": cents_amount(rounded[invoice_id][giver, taker])
                    if rounded is not None
                    else None,
                }
            )
    rows.sort(key=lambda row: tuple(row[name] or "" for name in CHARGES.names[:5]))
    table = pa.Table.from_pylist(rows, schema=CHARGES)
    return table if rounded is not None else table.drop_columns("amount")
