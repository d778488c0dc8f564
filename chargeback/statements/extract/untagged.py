"""What had no usable tag in the unit's accounts: exact costs of line items, shown in cents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

import pyarrow.compute as pc

from chargeback.core.money import cents_amount, exact_units, nearest_cents
from chargeback.statements.extract.charges import Row
from chargeback.statements.extract.unit_rows import account_name, listed
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import (
    Account,
    CostCenter,
    Untagged,
    UntaggedCost,
    UnusableValue,
    total_of,
)

ROWS_OF_UNTAGGED = 20


def without_usable_tag(inputs: StatementInputs) -> list[Row]:
    """The owned costs of all units that no usable tag owns."""
    owned = inputs.owned_costs
    wanted = pc.or_(
        pc.fill_null(pc.equal(owned["pool_id"], "untagged"), False),
        pc.match_substring_regex(owned["rule"], "^(account-default$|ownership:)"),
    )
    found: list[Row] = owned.filter(wanted).to_pylist()
    return found


def untagged_of(
    inputs: StatementInputs, accounts: Iterable[str], centers: Iterable[str], rows: list[Row]
) -> Untagged:
    """What has no usable tag in a unit's accounts, and what to do about it.

    The amounts are cents of the exact sums, and the shown total is the sum of what is shown.

    Args:
        accounts: the unit's.
        centers: the unit's cost centers, sorted.
        rows: of `without_usable_tag`, those in the unit's accounts.
    """
    params = inputs.params
    costs = _costs(inputs, rows)
    by_owner = {
        owner: total_of(one for one in costs if one.owner == owner)
        for owner in ("pool", "account-default", "ownership")
    }
    return Untagged(
        accounts=tuple(Account(key, params.accounts[key].name) for key in sorted(accounts)),
        total=total_of(costs),
        pooled=by_owner["pool"],
        defaulted=by_owner["account-default"],
        ruled=by_owner["ownership"],
        rows=listed(costs, ROWS_OF_UNTAGGED),
        values=listed(_unusable_values(inputs, rows), ROWS_OF_UNTAGGED),
        tag_key=params.policy.cost_center_tags[0] if params.policy.cost_center_tags else "",
        cost_centers=tuple(CostCenter(key, params.cost_centers[key].name) for key in centers),
    )


def _costs(inputs: StatementInputs, rows: list[Row]) -> list[UntaggedCost]:
    """By account, service and who got it, the largest first."""
    groups: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in rows:
        owner = "pool" if row["pool_id"] else row["rule"].partition(":")[0]
        groups[row["account_id"], row["product_code"] or "", owner] += _units(inputs, row)
    ordered = sorted(groups.items(), key=lambda item: (-item[1], item[0]))
    amounts = cents_that_add_up([units for _, units in ordered])
    return [
        UntaggedCost(
            account_id,
            account_name(inputs.params, account_id),
            code,
            inputs.product_names.get(code, ""),
            owner,
            amount,
        )
        for ((account_id, code, owner), _), amount in zip(ordered, amounts, strict=True)
    ]


def _unusable_values(inputs: StatementInputs, rows: list[Row]) -> list[UnusableValue]:
    """By tag, value and account, the largest first."""
    costs: dict[tuple[str, str, str], int] = defaultdict(int)
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in rows:
        if row["unusable_tag_value"]:
            key = (_tag_key(inputs, row), row["unusable_tag_value"], row["account_id"])
            costs[key] += _units(inputs, row)
            counts[key] += row["line_items"]
    ordered = sorted(costs.items(), key=lambda item: (-item[1], item[0]))
    amounts = cents_that_add_up([units for _, units in ordered])
    return [
        UnusableValue(*key, counts[key], amount)
        for (key, _), amount in zip(ordered, amounts, strict=True)
    ]


def _units(inputs: StatementInputs, row: Row) -> int:
    """A row's cost by the basis of the policy, in exact units."""
    return exact_units(row[f"{inputs.params.policy.cost_basis}_cost"])


def _tag_key(inputs: StatementInputs, row: Row) -> str:
    """Which tag holds the unusable value: the columns follow the policy's order of trust."""
    for number, key in enumerate(inputs.params.policy.cost_center_tags, start=1):
        if row.get(f"cost_center_tag_{number}") == row["unusable_tag_value"]:
            return key
    return ""


def cents_that_add_up(exact: list[int]) -> list[Decimal]:
    """Exact units in cents, each within one cent, whose sum is the sum of the exact units rounded
    once.

    >>> cents_that_add_up([333_333_333, 333_333_333, 333_333_334])
    [Decimal('0.03'), Decimal('0.04'), Decimal('0.03')]
    """
    found, running, before = [], 0, 0
    for units in exact:
        running += units
        found.append(cents_amount(nearest_cents(running) - before))
        before = nearest_cents(running)
    return found
