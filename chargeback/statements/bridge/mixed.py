"""Mixed months: what a period would have cost under the other's owners, and then the other's rules.

In: a closed period with its evidence, and the period that is compared with it. Out: the charges of both in
their states. The earlier one as posted; with this period's owners (cost centers, units, account defaults,
aliases, the cost centers of ownership rules). Where rules changed, this period under the earlier policy and
pools, and as posted; or else the earlier one with this period's policy and pools as well (`ruled` says when).
What happened in a period, its line items, drivers and tag keys, stays what it was.

The two periods' params do not have to fit each other, so that a mixture is adapted: a cost center that ended
owns nothing, takes part in no pool and has no driver's quantity; an ownership rule that ended owns nothing; a
driver that only the other period has measured counts as it does there, and a note says so; who holds
commitments now holds them where who held them ended. Adjustments and the rounding of invoices decide no owner
and are not replayed.

Where a mixture cannot be carried out all the same, its step is taken together with the next one, and a remark
says so. Where the evidence is not there, or is not what the ledger was posted from, there is nothing to
replay: all states are what was posted. Evidence that is not what was closed is refused.

Known drawback: replays run with today's software and SQL. What a new version would have posted differently
shows as a change of owners or rules, and only when the params changed as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from chargeback.allocation.pools import DIRECT
from chargeback.books.checked import Changed, Gone, checked_postings, checked_table, kept_keys
from chargeback.books.closed_period import kept_params
from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal
from chargeback.core.money import exact_units
from chargeback.ledger.derive import Derived, derive_postings
from chargeback.params import Params
from chargeback.params.invoicing import PRO_FORMA
from chargeback.params.ratification import KeyFiles
from chargeback.statements.bridge.charged import Amounts, Charged, charged
from chargeback.statements.bridge.ruled import (
    BEGINS,
    ENDS,
    RuleChange,
    has_other_key_files,
    moved_cost,
    only_ends,
    rule_changes,
    unmeasured,
    with_earlier_rules,
    with_rules,
)

#: Why a change could not be taken apart as far as it should be.
NO_EVIDENCE, NO_QUANTITIES, UNTIED, OWNERS_WITH_RULES, RULES_WITH_REST, OTHER_PRICES = (
    "no-evidence", "no-quantities", "untied", "owners-with-rules", "rules-with-rest", "other-prices",
)  # fmt: skip

#: What is to be known of the rule changes alone: why the earlier rules were not tried on this period, and whose
#: quantities were taken from the other period (followed by ":" and the key).
RULES_UNKNOWN, EARLIER_KEY, EARLIER_REFUSED, EARLIER_ROLLUP, OLD_DRIVER, NEW_DRIVER = (
    "rules-unknown", "earlier-key", "earlier-refused", "earlier-rollup", "old-driver", "new-driver",
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
    """The charges of both periods in their states.

    Args:
        posted, later: of the earlier period and of this one, as in the ledger.
        with_owners: the earlier one with this period's owners.
        with_rules: the same with this period's rules as well, or as it is where `earlier_rules` differs.
        earlier_rules: this period under the earlier rules, or as posted.
        owned_costs, later_owned_costs: of the last two; None where direct cost cannot be taken apart.
        moved: business unit -> what pools took of its direct cost because of rules (`ruled.moved_cost`).
        changes: the rules that are not what they were.
        notes: what is to be known of how they were measured.
    """

    posted: Charged
    with_owners: Charged
    with_rules: Charged
    earlier_rules: Charged
    later: Charged
    owned_costs: pa.Table | None
    later_owned_costs: pa.Table | None
    remarks: tuple[str, ...] = ()
    moved: dict[str, Amounts] = field(default_factory=dict)
    changes: tuple[RuleChange, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def switched(self) -> frozenset[str]:
        """The pools whose every change is one of rules: they began, or ended and were not tried on now."""
        ended = () if self.earlier_rules is not self.later else (ENDS,)
        return frozenset(one.pool_id for one in self.changes if one.what in (BEGINS, *ended))


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


def states(before: Month, now: Month) -> States:
    """Both periods in their states.

    Args:
        now: with params; without its rollup the earlier rules cannot be tried on it.
    """
    assert now.params is not None, "what is compared has params"
    posted, later = charged(before.postings, before.params), charged(now.postings, now.params)
    owned, remarks = before.owned_costs, [before.remark] if before.remark else []
    later_owned = now.owned_costs
    if later_owned is not None and not ties(later_owned, later):
        later_owned = None
    kinds = {one.policy.invoicing for one in (before.params, now.params) if one}
    if PRO_FORMA in kinds and len(kinds) > 1:
        remarks.append(OTHER_PRICES)
    if owned is not None and not ties(owned, posted):
        owned, remarks = None, [*remarks, UNTIED]
    found = States(posted, posted, posted, later, later, owned, later_owned, tuple(remarks))
    if before.params is not None:
        changes = rule_changes(before.params, now.params, before.keys, now.keys)
        found = replace(found, changes=changes)
    if owned is None or before.rollup is None or before.params is None:
        is_known = before.params is not None and not found.changes
        return found if is_known else replace(found, notes=(RULES_UNKNOWN,))
    owners = with_owners(before.params, now.params)
    rollup = without_ended_rules(before.rollup, before.params, now.params)
    if deciding(owners) != deciding(before.params):
        made = derived(rollup, owners)
        if made is None:
            found = replace(found, remarks=(*found.remarks, OWNERS_WITH_RULES))
            return with_new_rules(found, before.params, now.params, rollup) or without_rules(found)
        first = charged(made.postings, owners)
        found = replace(found, with_owners=first, with_rules=first, owned_costs=made.owned_costs)
    if not found.changes:
        return found
    if only_ends(found.changes) and (
        ended := with_new_rules(found, before.params, now.params, rollup)
    ):
        return ended
    ruled = with_old_rules(found, before, now)
    if isinstance(ruled, States):
        return ruled
    second = with_new_rules(found, before.params, now.params, rollup)
    return replace(second, notes=(ruled, *second.notes)) if second else without_rules(found)


def derived(rollup: pa.Table, params: Params) -> Derived | None:
    """The postings of a mixture; nothing where it cannot be carried out."""
    try:
        return derive_postings(rollup, params)
    except Refusal:
        return None


def without_rules(found: States) -> States:
    """The states where rules can be tried on neither month."""
    return replace(found, remarks=(*found.remarks, RULES_WITH_REST))


def with_old_rules(found: States, before: Month, now: Month) -> States | str:
    """The states with this period under the earlier rules, or the note that says why not."""
    assert before.params is not None and now.params is not None
    if now.rollup is None or found.later_owned_costs is None:
        return EARLIER_ROLLUP
    if has_other_key_files(before.params, before.keys):
        return EARLIER_KEY
    rules = with_earlier_rules(before.params, now.params)
    made = derived(now.rollup, rules)
    if made is None:
        return EARLIER_REFUSED
    old = charged(made.postings, rules)
    sides = (made.owned_costs, old.unit_of), (found.later_owned_costs, found.later.unit_of)
    return replace(
        found,
        earlier_rules=old,
        later_owned_costs=made.owned_costs,
        moved=moved_cost(*sides, (one.pool_id for one in found.changes)),
        notes=tuple(f"{OLD_DRIVER}:{key}" for key in unmeasured(before.params, now.params)),
    )


def with_new_rules(found: States, before: Params, now: Params, rollup: pa.Table) -> States | None:
    """The states with the earlier period under the rules of now as well; nothing where they do not fit it."""
    rules = with_rules(with_owners(before, now), before, now)
    made = derived(rollup, rules)
    if made is None or found.owned_costs is None:
        return None
    new = charged(made.postings, rules)
    sides = (found.owned_costs, found.with_owners.unit_of), (made.owned_costs, new.unit_of)
    return replace(
        found,
        with_rules=new,
        owned_costs=made.owned_costs,
        moved=moved_cost(*sides, (one.pool_id for one in found.changes)),
        notes=tuple(f"{NEW_DRIVER}:{key}" for key in unmeasured(now, before)),
    )


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
