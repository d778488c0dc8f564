"""Ruled: which rules for sharing cost began, ended or changed between two periods, and months under either.

In: the params of two periods, with the files of the keys that their pools are split by. Out: the changes with
what approved them; params that mix one month's line items and registers with the other month's rules; and
which direct cost a pool took from a unit, or gave back, because of a change.

A rule is tried on what it can be tried on: the earlier rules on the later month, whose statement it is, so that
a pool that begins is worth to each unit just what the unit is charged for it. Where that cannot be, and where
pools only end, the new rules are tried on the earlier month (`mixed`).

What always holds: under other rules a month comes to the same over all units, and what a pool takes from a
unit and gives to others is one event, under one name.

Known drawback: an end is approved nowhere in allocation.toml, so that it carries the reference of the
ratification that came with it, if there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from chargeback.allocation.pools import ALLOCATED, DIRECT
from chargeback.core.money import exact_units
from chargeback.params import Params
from chargeback.params.ratification import KeyFiles, change_number, sql_key_digest, sql_keys_used
from chargeback.params.rules import Pool
from chargeback.statements.bridge.charged import Amounts, Leaf

BEGINS, ENDS, FILLED, SPLIT, ORDER, POLICY = "begins", "ends", "filled", "split", "order", "policy"
DRIVER, SQL = "driver:", "sql:"


@dataclass(frozen=True)
class RuleChange:
    """A rule that is not what it was.

    Args:
        what: a pool BEGINS, ENDS, takes other cost (FILLED) or is SPLIT another way; ORDER of the pools, or
            POLICY, which name none.
        reference: what approved it; blank where nothing does.
    """

    what: str
    pool_id: str = ""
    name: str = ""
    reference: str = ""


def rule_changes(
    before: Params, now: Params, before_keys: KeyFiles = None, now_keys: KeyFiles = None
) -> tuple[RuleChange, ...]:
    """What decides another charge than before: pools that begin, change and end, then what all of them share.

    Args:
        before_keys, now_keys: the files of keys that each period was closed with.
    """
    was, held = ({pool.pool_id: pool for pool in one.pools} for one in (before, now))
    ratified = ratified_since(before, now)
    both = [one for one in held if one in was]
    found = [
        RuleChange(BEGINS, one, pool.name, pool.approved)
        for one, pool in held.items()
        if one not in was
    ]
    for one in both:
        whats = [FILLED] if filled_by(was[one]) != filled_by(held[one]) else []
        whats += [SPLIT] if split_by(was[one], before_keys) != split_by(held[one], now_keys) else []
        found += [RuleChange(what, one, held[one].name, held[one].approved) for what in whats]
    found += [
        RuleChange(ENDS, one, pool.name, ratified) for one, pool in was.items() if one not in held
    ]
    alike = set(both) - {one.pool_id for one in found}
    if [one for one in was if one in alike] != [one for one in held if one in alike]:
        found.append(RuleChange(ORDER, reference=ratified))
    if policy_of(before) != policy_of(now):
        found.append(RuleChange(POLICY, reference=ratified))
    return tuple(found)


def only_ends(changes: Iterable[RuleChange]) -> bool:
    """Whether pools end and none begins."""
    what = {one.what for one in changes}
    return ENDS in what and BEGINS not in what


def filled_by(pool: Pool) -> list[Any]:
    """What decides which cost a pool takes, to be compared."""
    return [pool.match, pool.overrides_tags]


def split_by(pool: Pool, keys: KeyFiles) -> list[Any]:
    """What decides who pays for a pool; an approval that is renewed decides nothing."""
    used = (pool.key, pool.fallback or "")
    in_sql = [key.removeprefix(SQL) for key in used if key.startswith(SQL)]
    return [
        pool.key, pool.shares, pool.recipients, pool.except_, pool.fallback,
        [sql_key_digest(name, keys) for name in in_sql],
    ]  # fmt: skip


def policy_of(params: Params) -> tuple[Any, ...]:
    """What of the policy decides a charge and can be tried on another month."""
    policy = params.policy
    return policy.cost_basis, policy.tag_value_normalization, policy.commitments_cost_center_id


def ratified_since(before: Params, now: Params) -> str:
    """The reference of a ratification that holds now and did not then; that of a change by its number."""
    held = now.ratification
    if held is None or held == before.ratification:
        return ""
    return change_number(held.reference) or held.reference


def with_rules(owners: Params, before: Params, now: Params) -> Params:
    """The earlier period with the policy and pools of now.

    Args:
        owners: the earlier period's params with the registers of now.
    """
    return replace(
        owners,
        policy=replace(
            now.policy,
            cost_center_tags=before.policy.cost_center_tags,
            invoicing=before.policy.invoicing,
        ),
        pools=now.pools,
        drivers=(*owners.drivers, *missing_drivers(before, now)),
    )


def with_earlier_rules(before: Params, now: Params) -> Params:
    """This period with the earlier policy and pools; its registers, tag keys and prices are its own."""
    holder = before.policy.commitments_cost_center_id
    if holder not in now.cost_centers:
        holder = now.policy.commitments_cost_center_id
    return replace(
        now,
        policy=replace(
            before.policy,
            commitments_cost_center_id=holder,
            cost_center_tags=now.policy.cost_center_tags,
            invoicing=now.policy.invoicing,
        ),
        pools=before.pools,
        drivers=(*now.drivers, *missing_drivers(now, before)),
        invoices={},
        adjustments=(),
    )


def missing_drivers(params: Params, other: Params) -> list[Any]:
    """The quantities of another period's drivers that one period has none of, of those who are there."""
    measured = {one.driver for one in params.drivers}
    return [
        one
        for one in other.drivers
        if one.driver not in measured and one.cost_center_id in params.cost_centers
    ]


def unmeasured(rules: Params, measured: Params) -> list[str]:
    """The drivers that some rules split by and another period has no quantities of."""
    keys = {key for pool in rules.pools for key in (pool.key, pool.fallback or "")}
    known = {one.driver for one in measured.drivers}
    return sorted(
        key for key in keys if key.startswith(DRIVER) and key.removeprefix(DRIVER) not in known
    )


def has_other_key_files(params: Params, keys: KeyFiles) -> bool:
    """Whether a key in SQL that a period was closed with is not the one that runs today."""
    return any(
        sql_key_digest(one, keys) != sql_key_digest(one, None) for one in sql_keys_used(params)
    )


def moved_cost(
    old: tuple[pa.Table, Mapping[str, str]],
    new: tuple[pa.Table, Mapping[str, str]],
    pools: Iterable[str],
) -> dict[str, Amounts]:
    """Direct cost that pools took from units or gave back, said of the pool instead of the service.

    Args:
        old, new: owned costs of one rollup under two sets of rules; cost center -> business unit.
        pools: those whose rules are not what they were.

    Returns:
        business unit -> exact units, which sum to nothing: less of a service, more of a pool.
    """
    changed, found = frozenset(pools), dict[str, Amounts]()
    columns = (
        "rollup_id",
        "account_id",
        "product_code",
        "cost_center_id",
        "pool_id",
        "charged_cost",
    )
    rows = [one.select(columns).to_pylist() if changed else [] for one, _ in (old, new)]
    later = {row["rollup_id"]: row for row in rows[1]}
    for row in rows[0]:
        after = later[row["rollup_id"]]
        for here, there, units, sign in ((row, after, old[1], -1), (after, row, new[1], 1)):
            unit_id = units.get(here["cost_center_id"] or "", "")
            if unit_id and there["pool_id"] in changed:
                amount = sign * exact_units(here["charged_cost"])
                service = Leaf(DIRECT, "", here["account_id"] or "", here["product_code"] or "")
                add(found.setdefault(unit_id, {}), service, -amount)
                add(found[unit_id], Leaf(ALLOCATED, there["pool_id"]), amount)
    return found


def add(amounts: Amounts, leaf: Leaf, units: int) -> None:
    """Put exact units to what they are for."""
    amounts[leaf] = amounts.get(leaf, 0) + units
