"""Attribution: each cost gets exactly one owner, and the rule that decided is kept.

In: the rollup and the params of the period. Out: `owned_costs`, the rollup with an owner, which is a cost
center or a pool; and `split_costs`, the second view that pods and tasks give of instances (CUR fact 2.14),
whose owners allocation keys use and which charges nothing. The order of the rules
(sql/attribution/owned_costs.sql):

1. the first matching pool that overrides tags (infrastructure that is shared on purpose);
2. the first usable tag, in the policy's order of trust: a cost center in force, an alias of one, or a
   value that becomes one of them by the normalization that the policy declares;
3. the first rule of ownership.toml that describes the line item;
4. the first other matching pool, in the order of the file;
5. the account's default cost center, if it is in force;
6. the pool `untagged`.

What always holds: rows and money in are rows and money out. A tag value that names nobody is kept beside the
cost as `unusable_tag_value`, so that it can be shown and corrected.

What the tags of a row say, and which pools would take it, are files of their own, read as views; the daily
flow reads the one of the tags too, so that there is one reading of them.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.engine import Engine, has_sql
from chargeback.engine.tables import table_of
from chargeback.params import Params
from chargeback.params.provider_accounts import by_account
from chargeback.params.rules import UNTAGGED
from chargeback.rollup.charged import charged_rollup

#: Views that the decision reads, in sql/attribution/.
READ_BEFORE = ("deciding_tags", "matching_pools")


def register_params(engine: Engine, params: Params) -> None:
    """Make the params of the period readable by SQL."""
    text, number, flag = pa.string(), pa.int64(), pa.bool_()
    ranked = list(enumerate(params.pools, start=1))
    matches = {rank: by_account(pool.match, params.accounts) for rank, pool in ranked}
    tables: dict[str, tuple[list[tuple[str, pa.DataType]], list[tuple]]] = {
        "pools": (
            [("pool_rank", number), ("pool_id", text), ("name", text), ("overrides_tags", flag),
             ("conditions", number), ("is_catch_all", flag)],
            [(rank, pool.pool_id, pool.name, pool.overrides_tags, len(matches[rank]),
              pool.pool_id == UNTAGGED) for rank, pool in ranked],
        ),
        "pool_conditions": (
            [("pool_rank", number), ("condition", text), ("condition_value", text)],
            [(rank, condition, value) for rank, match in matches.items()
             for condition, values in match.items() for value in values],
        ),
        "ownership_rules": (
            [("ownership_rank", number), ("rule_id", text), ("cost_center_id", text)],
            [(rank, rule.rule_id, rule.cost_center_id)
             for rank, rule in enumerate(params.ownership, start=1)],
        ),
        "cost_centers": (
            [("cost_center_id", text), ("business_unit_id", text)],
            [(one.cost_center_id, one.business_unit_id) for one in params.cost_centers.values()],
        ),
        "accounts": (
            [("account_id", text), ("default_cost_center_id", text)],
            [(one.account_id, one.default_cost_center_id) for one in params.accounts.values()],
        ),
    }  # fmt: skip
    for name, (columns, rows) in tables.items():
        engine.register(name, table_of(columns, rows))


def tag_readings(rollup: pa.Table, params: Params) -> pa.Table:
    """Whom each tag value of the rollup names, if anyone, and the rule that a posting will state."""
    rows: list[tuple] = []
    for rank, key in enumerate(params.policy.cost_center_tags, start=1):
        for value in pc.unique(rollup[f"cost_center_tag_{rank}"]).to_pylist():
            if value is not None:
                reading = params.tag_reader.read(key, value)
                rule = "tag-normalized" if reading.how == "normalized" else "tag"
                rows.append((rank, value, f"{rule}:{key}", reading.cost_center_id))
    text = pa.string()
    columns = [("tag_rank", pa.int64()), ("tag_value", text), ("rule", text)]
    return table_of([*columns, ("cost_center_id", text)], rows)


def attribute(engine: Engine, rollup: pa.Table, params: Params) -> tuple[pa.Table, pa.Table]:
    """The rollup with an owner and the rule that decided, in the order of the rollup.

    Returns:
        `owned_costs`, and `split_costs`: the same columns, rows that no invoice bills by themselves. Rows on
        invoices that are left to a later period are in neither.
    """
    rollup = charged_rollup(rollup, params)
    register_params(engine, params)
    engine.register("tag_readings", tag_readings(rollup, params))
    engine.register("rollup_costs", rollup)
    for name in READ_BEFORE:
        # An audit of books that an earlier version closed uses their SQL, which decides in one file.
        if has_sql("attribution", name):
            engine.create_view(name, "attribution", {})
    owned = engine.query("attribution", "owned_costs", {"cost_basis": params.policy.cost_basis})
    is_split = owned["is_split_view"]
    costs, views = (
        owned.filter(chosen).drop_columns("is_split_view").combine_chunks()
        for chosen in (pc.invert(is_split), is_split)
    )
    return costs, views
