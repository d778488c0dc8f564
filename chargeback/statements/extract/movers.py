"""What moved most from the last closed period: services in accounts and pools, as the two ledgers have them.

Here nothing is replayed: these are differences of exact charges, each rounded to cents once, as the parts of
the change are (`change`), which say why. So one can differ by a cent or two from what two statements show.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from chargeback.core.money import cents_amount, exact_units, nearest_cents
from chargeback.pages.vocabulary import service_name
from chargeback.statements.extract.unit_rows import UnitRows, account_name, pool_names
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import ChangeDetail, Movers

MOST_MOVERS = 3


def movers(inputs: StatementInputs, mine: UnitRows) -> Movers | None:
    """The largest differences of direct cost, and of shared cost those that are among the largest of both."""
    if not mine.previous_period:
        return None
    params, names, pools = inputs.params, inputs.product_names, pool_names(inputs.params)
    services = [
        ChangeDetail(in_account(service_name(code, names.get(code, "")), account_name(params, account)), amount)
        for (account, code), amount in _moved(mine.of_kind("direct"), "account_id", "product_code")
    ]  # fmt: skip
    shared = [
        ChangeDetail(pools.get(pool_id, pool_id), amount)
        for (pool_id,), amount in _moved(mine.of_kind("allocated"), "pool_id")
    ]
    largest = _largest([*services, *shared])
    if not largest:
        return None
    return Movers(tuple(_largest(services)), tuple(one for one in largest if one in shared))


def in_account(service: str, account: str) -> str:
    """A service in an account, as a sentence names it."""
    return f"{service} in {account}"


def _moved(mine: UnitRows, *columns: str) -> list[tuple[tuple[str, ...], Decimal]]:
    found: dict[tuple[str, ...], int] = defaultdict(int)
    for rows, sign in ((mine.rows, 1), (mine.previous, -1)):
        for row in rows:
            key = tuple(row[column] or "" for column in columns)
            found[key] += sign * exact_units(row["exact_amount"])
    moved = [(key, cents_amount(nearest_cents(units))) for key, units in sorted(found.items())]
    return [(key, amount) for key, amount in moved if amount]


def _largest(details: list[ChangeDetail]) -> list[ChangeDetail]:
    return sorted(details, key=lambda one: (-abs(one.amount), one.label))[:MOST_MOVERS]
