"""Which accounts are a business unit's: those whose untagged cost it is asked to tag.

An account is a unit's when its default cost center is; or, where an account has no default, when
every cost in it that has an owner is this unit's. An account that several units spend in, and a
shared one that nobody owns, is no unit's.
"""

from __future__ import annotations

import pyarrow as pa

from chargeback.params import Params


def unit_accounts(params: Params, owned_costs: pa.Table, unit_id: str) -> set[str]:
    """The ids of a unit's accounts; `owned_costs` has account_id and cost_center_id, in any grain."""
    centers = {key for key, one in params.cost_centers.items() if one.business_unit_id == unit_id}
    defaults = {key: one.default_cost_center_id for key, one in params.accounts.items()}
    owners: dict[str, set[str]] = {}
    for row in owned_costs.select(["account_id", "cost_center_id"]).to_pylist():
        if row["cost_center_id"] is not None:
            owners.setdefault(row["account_id"], set()).add(row["cost_center_id"])
    by_default = {key for key, center in defaults.items() if center in centers}
    alone = {key for key, found in owners.items() if not defaults.get(key) and found <= centers}
    return by_default | (alone & defaults.keys())
