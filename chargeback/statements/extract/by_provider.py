"""Direct cost by provider, where a unit has some of another provider than AWS.

What always holds: where all of it is AWS's, nothing is said of providers, and the statement is what it was
before there were others. A provider follows from the account (chargeback/params/provider_accounts.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from chargeback.params.account_ids import AWS
from chargeback.params.provider_accounts import provider_of, providers_of
from chargeback.statements.extract.charges import Row
from chargeback.statements.extract.unit_rows import UnitRows, rows_by
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import ZERO, ProviderAmount


def tells_providers(inputs: StatementInputs, direct: UnitRows) -> bool:
    """Whether some of a unit's direct cost, now or in the last closed period, is another provider's."""
    ids = {row["account_id"] for row in (*direct.rows, *direct.previous)}
    return any(provider_of(one, inputs.params) != AWS for one in ids)


def by_provider(inputs: StatementInputs, direct: UnitRows) -> tuple[ProviderAmount, ...]:
    """Direct cost of each provider, the largest first; none where there is only AWS."""
    if not tells_providers(inputs, direct):
        return ()
    now, then = sums(inputs, direct.rows), sums(inputs, direct.previous)
    return tuple(
        ProviderAmount(
            one, now.get(one, ZERO), then.get(one, ZERO) if direct.previous_period else None
        )
        for one in sorted(now.keys() | then.keys(), key=lambda one: (-now.get(one, ZERO), one))
    )


def sums(inputs: StatementInputs, rows: Iterable[Row]) -> dict[str, Decimal]:
    """Amounts by the provider of their account."""
    found: dict[str, Decimal] = {}
    for row in rows:
        name = provider_of(row["account_id"], inputs.params)
        found[name] = found.get(name, ZERO) + row["amount"]
    return found


def providers_of_services(inputs: StatementInputs, direct: UnitRows) -> dict[str, str]:
    """Who sells each service of the unit, by its code; nothing where there is only AWS."""
    if not tells_providers(inputs, direct):
        return {}
    return {
        code: ", ".join(providers_of((row["account_id"] for row in rows), inputs.params))
        for code, rows in rows_by([*direct.rows, *direct.previous], "product_code").items()
    }
