"""Mixed months: what the period before would have cost under this period's owners, and then its rules.

In: a closed period with its evidence, and the period that is compared with it. Out: its charges in three
states: as posted; with this period's owners (cost centers, units, account defaults, aliases, the cost centers
of ownership rules); and with this period's policy and pools as well. What happened in the period, its line
items, drivers and tag keys, stays what it was.

The two periods' params do not have to fit each other, so that the mixture is adapted: a cost center that ended
owns nothing, takes part in no pool and has no driver's quantity; an ownership rule that ended owns nothing; a
driver that nobody had measured yet counts as it does now; who holds commitments now holds them where who held
them ended. Adjustments and the rounding of invoices decide no owner and are not replayed.

Where a mixture cannot be carried out all the same, its step is taken together with the next one, and a remark
says so. Where the evidence is not there, or is not what the ledger was posted from, there is nothing to
replay: all three states are what was posted. Evidence that is not what was closed is refused.

Known drawback: replays run with today's software and SQL. What a new version would have posted differently
shows as a change of owners or rules, and only when the params changed as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from chargeback.allocation.pools import DIRECT
from chargeback.books.checked import Changed, Gone, checked_postings, checked_table, kept_keys
from chargeback.books.closed_period import kept_params
from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal
from chargeback.core.money import exact_units
from chargeback.ledger.derive import derive_postings
from chargeback.params import Params
from chargeback.params.invoicing import PRO_FORMA
from chargeback.params.ratification import KeyFiles, sql_key_digest, sql_keys_used
from chargeback.statements.bridge.charged import Charged, charged

#: Why a change could not be taken apart as far as it should be.
NO_EVIDENCE, NO_QUANTITIES, UNTIED, OWNERS_WITH_RULES, RULES_WITH_REST, OTHER_PRICES = (
    "no-evidence", "no-quantities", "untied", "owners-with-rules", "rules-with-rest", "other-prices",
)  # fmt: skip


@dataclass(frozen=True)
class Month:
    """A period as its change is measured.

    Args:
        owned_costs: None where direct cost cannot be taken apart; `remark` says why.
        rollup, params: None where there is nothing to replay.
        keys: the files of keys that it was made with.
    """

    period: str
    postings: pa.Table
    owned_costs: pa.Table | None
    rollup: pa.Table | None = None
    params: Params | None = None
    keys: KeyFiles = None
    remark: str = ""


@dataclass(frozen=True)
class States:
    """The charges of the period before: posted, with new owners, with new rules as well.

    Args:
        owned_costs: of the last state; None where direct cost cannot be taken apart.
    """

    posted: Charged
    with_owners: Charged
    with_rules: Charged
    owned_costs: pa.Table | None
    remarks: tuple[str, ...]


def closed_month(books: Books, period: str) -> Month:
    """A closed period with as much of its evidence as is there.

    Raises:
        Changed: (exit 4) something of it is not what was closed.
    """
    postings = checked_postings(books, period)
    try:
        owned, rollup = (
            checked_table(books, period, name) for name in ("owned_costs.parquet", "rollup.parquet")
        )
    except Gone:
        return Month(period, postings, None, remark=NO_EVIDENCE)
    if "usage_amount" not in owned.column_names or "usage_amount" not in rollup.column_names:
        return Month(period, postings, None, remark=NO_QUANTITIES)
    try:
        params = kept_params(books, period)
    except Changed:
        raise
    except Refusal:  # gone, or of a version that this one cannot read
        params = None
    return Month(period, postings, owned, rollup, params, kept_keys(books, period))


def states(before: Month, now: Params) -> States:
    """The period before in its three states."""
    posted = charged(before.postings, before.params)
    owned, remarks = before.owned_costs, [before.remark] if before.remark else []
    kinds = {one.policy.invoicing for one in (before.params, now) if one}
    if PRO_FORMA in kinds and len(kinds) > 1:
        remarks.append(OTHER_PRICES)
    if owned is not None and not ties(owned, posted):
        owned, remarks = None, [*remarks, UNTIED]
    if owned is None or before.rollup is None or before.params is None:
        return States(posted, posted, posted, owned, tuple(remarks))
    owners = with_owners(before.params, now)
    rules = with_rules(owners, before.params, now)
    rollup = without_ended_rules(before.rollup, before.params, now)
    first = second = posted
    if deciding(owners) != deciding(before.params):
        try:
            made = derive_postings(rollup, owners)
            first = second = charged(made.postings, owners)
            owned = made.owned_costs
        except Refusal:
            remarks.append(OWNERS_WITH_RULES)
    changed = ruling(before.params, before.keys) != ruling(now, None)
    if changed or OWNERS_WITH_RULES in remarks:
        try:
            made = derive_postings(rollup, rules)
            second, owned = charged(made.postings, rules), made.owned_costs
        except Refusal:
            remarks.append(RULES_WITH_REST)
    return States(posted, first, second, owned, tuple(remarks))


def ties(owned: pa.Table, posted: Charged) -> bool:
    """Whether owned costs are what a ledger's direct charges were posted from, unit by unit, exactly."""
    direct = {unit_id: sum(posted.of(unit_id, DIRECT).values()) for unit_id in posted.leaves}
    found: dict[str, int] = {}
    owners = zip(
        owned["cost_center_id"].to_pylist(), owned["charged_cost"].to_pylist(), strict=True
    )
    for cost_center_id, cost in owners:
        if cost_center_id is not None:
            unit_id = posted.unit_of.get(cost_center_id, "")
            found[unit_id] = found.get(unit_id, 0) + exact_units(cost)
    return all(
        found.get(unit_id, 0) == direct.get(unit_id, 0) for unit_id in found.keys() | direct.keys()
    )


def with_owners(before: Params, now: Params) -> Params:
    """The period before with the registers of now that decide owners."""
    owners = {rule.rule_id: rule.cost_center_id for rule in now.ownership}
    holder = before.policy.commitments_cost_center_id
    if holder not in now.cost_centers:
        holder = now.policy.commitments_cost_center_id
    return replace(
        before,
        policy=replace(before.policy, commitments_cost_center_id=holder),
        business_units=now.business_units,
        cost_centers=now.cost_centers,
        accounts=now.accounts,
        tag_values=now.tag_values,
        ownership=tuple(
            replace(rule, cost_center_id=owners[rule.rule_id])
            for rule in before.ownership
            if rule.rule_id in owners
        ),
        drivers=tuple(one for one in before.drivers if one.cost_center_id in now.cost_centers),
        invoices={},
        adjustments=(),
    )


def with_rules(owners: Params, before: Params, now: Params) -> Params:
    """The period before with the owners of now, and its policy and pools as well."""
    measured = {one.driver for one in before.drivers}
    return replace(
        owners,
        policy=replace(
            now.policy,
            cost_center_tags=before.policy.cost_center_tags,
            invoicing=before.policy.invoicing,
        ),
        pools=now.pools,
        drivers=(*owners.drivers, *(one for one in now.drivers if one.driver not in measured)),
    )


def without_ended_rules(rollup: pa.Table, before: Params, now: Params) -> pa.Table:
    """The rollup with the numbers of those ownership rules that still hold, in the order they had."""
    held = {rule.rule_id for rule in now.ownership}
    ranks: dict[int | None, int] = {}
    for rank, rule in enumerate(before.ownership, start=1):
        if rule.rule_id in held:
            ranks[rank] = len(ranks) + 1
    if len(ranks) == len(before.ownership):
        return rollup
    place = rollup.column_names.index("ownership_rank")
    numbers = pa.array([ranks.get(one) for one in rollup["ownership_rank"].to_pylist()], pa.int64())
    return rollup.set_column(place, "ownership_rank", numbers.cast(rollup.schema.field(place).type))


def deciding(params: Params) -> list[Any]:
    """What of the registers decides an owner, to be compared."""
    return [
        {one.cost_center_id: one.business_unit_id for one in params.cost_centers.values()},
        {one.account_id: one.default_cost_center_id for one in params.accounts.values()},
        {(one.tag_key, one.tag_value): one.cost_center_id for one in params.tag_values},
        [(rule.rule_id, rule.cost_center_id) for rule in params.ownership],
    ]


def ruling(params: Params, keys: KeyFiles) -> list[Any]:
    """What of policy and pools decides a charge, to be compared."""
    policy = params.policy
    return [
        (policy.cost_basis, policy.tag_value_normalization, policy.commitments_cost_center_id),
        [
            (
                pool.pool_id, pool.match, pool.overrides_tags, pool.key, pool.shares,
                pool.recipients, pool.except_, pool.fallback,
            )
            for pool in params.pools
        ],
        {name: sql_key_digest(name, keys) for name in sql_keys_used(params)},
    ]  # fmt: skip
