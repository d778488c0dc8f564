"""Attribution: each cost gets exactly one owner, and the rule that decided is kept.

In: the rollup and the params of the period. Out: `owned_costs`, the rollup with an owner: a cost center or a
pool. The order of the rules (sql/attribution/owned_costs.sql):

1. the first matching pool that overrides tags (deliberately shared infrastructure);
2. the first usable tag, in the policy's order of trust: a cost center in force, or an alias of one;
3. the first other matching pool, in the order of the file;
4. the account's default cost center, when it is in force;
5. the pool `untagged`.

What always holds: rows and money in are rows and money out. A tag value that names nobody is kept beside the
cost as `unusable_tag_value`, so that it can be shown and mended.
"""

from __future__ import annotations

import pyarrow as pa

from chargeback.engine import Engine
from chargeback.params import Params
from chargeback.params.rules import UNTAGGED


def register_params(engine: Engine, params: Params) -> None:
    """Make the params of the period readable by SQL."""
    text, number, flag = pa.string(), pa.int64(), pa.bool_()
    ranked = list(enumerate(params.pools, start=1))
    tables: dict[str, tuple[list[tuple[str, pa.DataType]], list[tuple]]] = {
        "pools": (
            [("pool_rank", number), ("pool_id", text), ("name", text), ("overrides_tags", flag),
             ("conditions", number), ("is_catch_all", flag)],
            [(rank, pool.pool_id, pool.name, pool.overrides_tags, len(pool.match),
              pool.pool_id == UNTAGGED) for rank, pool in ranked],
        ),
        "pool_conditions": (
            [("pool_rank", number), ("condition", text), ("condition_value", text)],
            [(rank, condition, value) for rank, pool in ranked
             for condition, values in pool.match.items() for value in values],
        ),
        "cost_center_tags": (
            [("tag_rank", number), ("tag_key", text)],
            list(enumerate(params.policy.cost_center_tags, start=1)),
        ),
        "tag_values": (
            [("tag_key", text), ("tag_value", text), ("cost_center_id", text)],
            [(one.tag_key, one.tag_value, one.cost_center_id) for one in params.tag_values],
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
        schema = pa.schema(columns)
        cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
        engine.register(
            name,
            pa.table([pa.array(one, field.type) for one, field in zip(cells, schema, strict=True)],
                     schema=schema),
        )  # fmt: skip


def attribute(engine: Engine, rollup: pa.Table, params: Params) -> pa.Table:
    """The rollup with an owner and the rule that decided, in the order of the rollup."""
    register_params(engine, params)
    engine.register("rollup_costs", rollup)
    return engine.query(
        "attribution", "owned_costs", {"cost_basis": params.policy.cost_basis}
    ).combine_chunks()
