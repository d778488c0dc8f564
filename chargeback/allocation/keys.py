"""Keys in SQL: the weights of a pool's recipients, answered by a reviewed file in sql/keys/.

In: the period's costs with their owners, the drivers and registers, and the charges found so far. Out: a
weight for each recipient. A key's file is checked before it is used: it is one select, may read only the tables
named here and no file or setting (chargeback/engine/select_only.py), and must answer (cost_center_id, weight)
with one row per recipient, exact weights, none of them negative, and nobody unknown. A pool that receives
appears in cost_center_id with its pool id. A recipient that is not in the answer has no weight.

Drawback: a key sees the rows of the rollup, not single line items.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pyarrow as pa

from chargeback.attribution.owners import register_params
from chargeback.books.schema import EXACT
from chargeback.core.errors import Refusal, bad_params, naming
from chargeback.core.money import exact_amount, exact_units
from chargeback.engine import Engine, fault_in, read_sql
from chargeback.engine.select_only import NO_TABLE
from chargeback.engine.tables import table_of
from chargeback.params import Params
from chargeback.params.rules import Pool

#: The tables that a key may read; docs/method/allocation.md lists their columns.
READABLE = (
    "owned_costs", "split_costs", "charges_so_far", "drivers", "recipients", "pools",
    "cost_centers", "accounts",
)  # fmt: skip
ANSWERS = ["cost_center_id", "weight"]


class SqlKeys:
    """Answers the keys in SQL of one period.

    Args:
        owned_costs, split_costs: of `attribution.attribute`.
    """

    def __init__(
        self, engine: Engine, owned_costs: pa.Table, split_costs: pa.Table, params: Params
    ) -> None:
        self.engine = engine
        self.params = params
        register_params(engine, params)
        engine.register("owned_costs", owned_costs)
        engine.register("split_costs", split_costs)
        text = pa.string()
        rows = [(one.driver, one.cost_center_id, one.quantity) for one in params.drivers]
        columns = [("driver", text), ("cost_center_id", text), ("quantity", EXACT)]
        engine.register("drivers", table_of(columns, rows))

    def weights(
        self, name: str, pool: Pool, charges_so_far: Sequence[tuple[str, str, int]]
    ) -> dict[str, int]:
        """Weights in units of 1e-10 by ledger account ("cost-center:…" or "pool:…").

        Args:
            name: of the file in sql/keys/, without ".sql".
            charges_so_far: source, ledger account and exact units of what was found before this pool.

        Raises:
            Refusal: (exit 2) the file reads what a key must not, or does not answer as a key must.
        """
        where = [f"sql/keys/{name}.sql", pool.where]
        check_reads(read_sql("keys", name), where)
        text = pa.string()
        self.engine.register(
            "charges_so_far",
            table_of(
                [("source", text), ("ledger_account", text), ("exact_amount", EXACT)],
                [
                    (source, account, exact_amount(units))
                    for source, account, units in charges_so_far
                ],
            ),
        )
        ids = [*self.params.recipients(pool), *self.params.pool_recipients(pool)]
        self.engine.register(
            "recipients", table_of([("recipient_id", text)], [(one,) for one in ids])
        )
        found = self.engine.query(
            "keys", name, {"pool_id": pool.pool_id, "period": self.params.period}
        )
        return self.check_answer(found, where)

    def check_answer(self, found: pa.Table, where: list[str]) -> dict[str, int]:
        """An answer's weights, refused when it is not what a key must answer."""
        if found.column_names != ANSWERS:
            raise bad_key(
                "answers other columns", ", ".join(ANSWERS), ", ".join(found.column_names), where
            )
        kind = found.schema.field("weight").type
        if not (pa.types.is_decimal(kind) or pa.types.is_integer(kind)):
            raise bad_key("answers inexact weights", "cast(… as decimal(38, 10))", str(kind), where)
        weights: dict[str, int] = {}
        for one, weight in zip(*(found[name].to_pylist() for name in ANSWERS), strict=True):
            if one in self.params.cost_centers:
                account = f"cost-center:{one}"
            elif any(pool.pool_id == one for pool in self.params.pools):
                account = f"pool:{one}"
            else:
                raise bad_key(
                    "names an unknown recipient", f"cost centers and pools in force in {self.params.period}",
                    repr(one), where,
                )  # fmt: skip
            if account in weights:
                raise bad_key("answers a recipient twice", "one row for each", repr(one), where)
            if weight is None or weight < 0:
                raise bad_key(
                    "answers a weight that is negative or null",
                    "0 or more",
                    f"{one}: {weight}",
                    where,
                )
            weights[account] = whole_units(Decimal(weight), where)
        return weights


def whole_units(weight: Decimal, where: list[str]) -> int:
    """A weight in units of 1e-10."""
    try:
        return exact_units(weight)
    except ValueError as error:
        raise bad_key(
            "answers inexact weights", "at most ten decimals", str(error), where
        ) from None


def check_reads(sql: str, where: list[str]) -> None:
    """Refuse a key that is not one select from the tables that keys have (exit 2)."""
    with naming(where[0]), naming(where[1]):
        fault = fault_in(sql, frozenset(READABLE))
    if fault:
        what = fault.what.replace(NO_TABLE, "reads a table that keys do not have")
        raise bad_key(what, fault.expected, fault.found, where)


def bad_key(what: str, expected: str, found: str, where: list[str]) -> Refusal:
    """A refusal (exit 2) of a key's file."""
    return bad_params(
        f"the allocation key {what}",
        expected,
        found,
        where,
        ["correct the file, or choose another key"],
    )
