"""What the allocation notebook shows: which pools there are, what splits them, and who carries which part."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from chargeback.allocation.pools import ALLOCATED, Shares
from chargeback.core.period import period_title
from chargeback.pages.figures import Chart, bars, grouped
from chargeback.pages.vocabulary import key_name
from chargeback.params import Params


def keys_table(params: Params) -> pd.DataFrame:
    """The pools in the order in which they are split: key, who takes part, and what approved it."""
    rows = [
        (order, pool.pool_id, pool.key, pool.fallback or "none", pool.approved, pool.valid_from,
         ", ".join(pool.recipients), ", ".join(pool.except_), pool.name)
        for order, pool in enumerate(params.pools, start=1)
    ]  # fmt: skip
    columns = [
        "order", "pool", "key", "fallback", "approved", "from", "recipients", "except", "name",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def drivers_table(params: Params) -> pd.DataFrame:
    """The quantities that keys of the form driver:<name> weigh by, with their sources."""
    rows = [
        (one.driver, one.cost_center_id, params.cost_centers[one.cost_center_id].name, one.quantity,
         one.source)
        for one in params.drivers if one.cost_center_id in params.cost_centers
    ]  # fmt: skip
    columns = ["driver", "cost center", "name", "quantity", "source"]
    return pd.DataFrame(rows, columns=columns).sort_values(["driver", "cost center"])


def fixed_table(params: Params) -> pd.DataFrame:
    """The shares that are written in allocation.toml."""
    rows = [
        (pool.pool_id, recipient, share, pool.approved)
        for pool in params.pools
        for recipient, share in pool.shares.items()
    ]
    return pd.DataFrame(rows, columns=["pool", "recipient", "share", "approved"])


def facts(charges: pa.Table) -> str:
    """Cents per pool."""
    sums = grouped(shares(charges), ["pool_id", "allocation_key"], "amount")
    lines = [
        f"pool {row.pool_id} by {row.allocation_key}: {row.amount:,f}"
        for row in sums.itertuples(index=False)
    ]
    return "\n".join(sorted(lines)) or "no pools"


def split_facts(found: Shares) -> str:
    """How many parts each pool was split into, by which key, and the sum of its weights."""
    lines = [
        f"{account.removeprefix('pool:')} by {key.name}: {len(key.weights)} recipients, weights "
        f"{Decimal(sum(key.weights.values())).scaleb(-10):,f}"
        for account, key in found.keys.items()
    ]
    return "\n".join(lines) or "no pools"


def rounding_facts(charges: pa.Table) -> str:
    """How far cents are from exact shares: never a whole cent."""
    away = [
        abs(exact - amount)
        for exact, amount in zip(
            charges["exact_amount"].to_pylist(), charges["amount"].to_pylist(), strict=True
        )
    ]
    whole = sum(charges["amount"].to_pylist(), Decimal(0)) - sum(
        charges["exact_amount"].to_pylist(), Decimal(0)
    )
    return (
        f"{charges.num_rows} charges, the farthest from its exact amount by {max(away, default=0):f}\n"
        f"all cents less all exact amounts: {whole:f}"
    )


def shares(charges: pa.Table) -> pa.Table:
    """The charges that come from pools."""
    return charges.filter(pc.equal(charges["kind"], ALLOCATED))


def pools_table(charges: pa.Table, params: Params) -> pd.DataFrame:
    """Pools with name, key and amount."""
    sums = grouped(shares(charges), ["pool_id", "allocation_key"], "amount")
    pools = {pool.pool_id: pool for pool in params.pools}
    sums.insert(1, "name", [pools[one].name for one in sums["pool_id"]])
    return sums.assign(approved=[pools[one].approved for one in sums["pool_id"]])


def weights_table(charges: pa.Table) -> pd.DataFrame:
    """Every share of every pool: key, weight, exact amount and cents where they are found already."""
    frame: pd.DataFrame = shares(charges).to_pandas().drop(columns="kind")
    return frame


def figure(charges: pa.Table, params: Params) -> Chart:
    """Pools by size, and what of each a business unit carries."""
    taken = shares(charges)
    taken = taken.filter(pc.is_valid(taken["cost_center_id"]))
    centers = params.cost_centers
    units = [centers[one].business_unit_id for one in taken["cost_center_id"].to_pylist()]
    sums = grouped(
        taken.append_column("unit", pa.array(units, pa.string())), ["pool_id", "unit"], "amount"
    )
    table = sums.pivot(index="pool_id", columns="unit", values="amount").fillna(Decimal(0))
    order = sorted(table.index, key=lambda one: -abs(sum(table.loc[one])))
    names = {
        pool.pool_id: f"{pool.name} ({key_name(pool.key, params.key_names)})"
        for pool in params.pools
    }
    parts = [
        (unit.name, [table.loc[one].get(unit_id, Decimal(0)) for one in order])
        for unit_id, unit in params.business_units.items()
    ]
    return bars(
        [names[one] for one in order], parts,
        f"Shared cost by pool and who carries it, {period_title(params.period)}", params.policy.currency,
    )  # fmt: skip
