"""What the allocation notebook shows: which pools there are, and who carries which part of them."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from chargeback.allocation.pools import ALLOCATED
from chargeback.pages.figures import Chart, bar, grouped
from chargeback.params import Params


def facts(charges: pa.Table) -> str:
    """Cents per pool."""
    sums = grouped(shares(charges), ["pool_id", "allocation_key"], "amount")
    lines = [
        f"pool {row.pool_id} by {row.allocation_key}: {row.amount}"
        for row in sums.itertuples(index=False)
    ]
    return "\n".join(sorted(lines)) or "no pools"


def shares(charges: pa.Table) -> pa.Table:
    """The charges that come from pools."""
    return charges.filter(pc.equal(charges["kind"], ALLOCATED))


def pools_table(charges: pa.Table, params: Params) -> pd.DataFrame:
    """Pools with name, key and amount."""
    sums = grouped(shares(charges), ["pool_id", "allocation_key"], "amount")
    names = {pool.pool_id: pool.name for pool in params.pools}
    sums.insert(1, "name", [names[one] for one in sums["pool_id"]])
    return sums


def weights_table(charges: pa.Table) -> pd.DataFrame:
    """Every share of every pool: key, weight, exact amount and cents."""
    frame: pd.DataFrame = shares(charges).to_pandas()
    return frame


def figure(charges: pa.Table, params: Params) -> Chart:
    """Pools by size."""
    sums = pools_table(charges, params)
    return bar(
        sums["name"].tolist(),
        sums["amount"].tolist(),
        "Shared cost by pool",
        params.policy.currency,
    )
