"""Which accounts are a business unit's: those whose untagged cost it is asked to tag.

An account is a unit's when its default cost center is; or, where an account has no default, when
every cost in it that has an owner is this unit's. An account that several units spend in, and a
shared one that nobody owns, is no unit's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import pyarrow as pa

from chargeback.params import Params


def accounts_of_units(params: Params, owned_costs: pa.Table) -> dict[str, set[str]]:
    """The ids of the accounts of every unit that has one, in one pass over all units.

    Args:
        owned_costs: has account_id and cost_center_id, in any grain.
    """
    unit_of = {key: one.business_unit_id for key, one in params.cost_centers.items()}
    owners: dict[str, set[str | None]] = {}
    pairs = owned_costs.select(["account_id", "cost_center_id"])
    for row in pairs.group_by(pairs.column_names).aggregate([]).to_pylist():
        if row["cost_center_id"] is not None:
            owners.setdefault(row["account_id"], set()).add(unit_of.get(row["cost_center_id"]))
    found: dict[str, set[str]] = {}
    for key, account in params.accounts.items():
        default = account.default_cost_center_id
        units = {unit_of.get(default)} if default else owners.get(key, set())
        if len(units) == 1 and (unit_id := next(iter(units))) is not None:
            found.setdefault(unit_id, set()).add(key)
    return found


def unit_accounts(params: Params, owned_costs: pa.Table, unit_id: str) -> set[str]:
    """The ids of one unit's accounts; whoever asks for many units takes `accounts_of_units`."""
    return accounts_of_units(params, owned_costs).get(unit_id, set())


def values_by_unit(tables: Iterable[pa.Table], column: str) -> dict[str, set[str]]:
    """What each business unit's ledger lines have in a column; what is blank is left out."""
    found: dict[str, set[str]] = defaultdict(set)
    for table in tables:
        pairs = table.select(["business_unit_id", column])
        for row in pairs.group_by(pairs.column_names).aggregate([]).to_pylist():
            if row["business_unit_id"] is not None and row[column]:
                found[row["business_unit_id"]].add(row[column])
    return dict(found)
