"""Bridge: why a unit is charged more or less than in the last closed period, in parts that sum to it exactly.

In: the last closed period with its evidence, and the period that is compared with it. Out: per business unit
the change of its total, in parts of whole cents. They are found in this order, because each is measured on
what the ones before it left:

1. owners: the period before, done again with this period's registers, less what was posted (`mixed`).
2. rules: what was posted now, less this period under the policy and pools of the one before. Where that
   cannot be, or pools only ended: the period before under this period's policy and pools as well, less step 1
   (`mixed`, `ruled`). What a pool that began charges, and what it takes from an owner, is all here.
3. direct cost between the two, both under the same owners and rules: tags (and owners, where ownership rules
   moved cost), new and ended services, usage, unit price, fees (`direct`).
4. pools: (what the pool gave now - before) x the unit's share before; weight: what the pool gave now x (share
   now - share before). The share is the unit's part of what the pool gave. Of a pool that gave nothing before
   all is growth, and of one whose totals are kept.
5. commitment, adjustment, correction, rounding: the change of these kinds of posting. What corrects an earlier
   period is posted as an adjustment, and is a part of its own.

Until here all is exact, in units of 1e-10. Each part is then rounded to cents once; what is missing from the
change of the posted totals is a part of its own, `cents`.

What always holds: the parts of a unit sum to its posted total now less its posted total before. A detail names
services, accounts and pools of the unit itself.

Known drawback: another order would give other parts. This one asks first what people decided, then what they
used.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from chargeback.allocation.pools import ALLOCATED, COMMITMENT, DIRECT
from chargeback.core.money import cents_amount, nearest_cents
from chargeback.ledger.post import ADJUSTMENT, ROUNDING
from chargeback.pages.vocabulary import CHANGES
from chargeback.statements.bridge.charged import (
    CORRECTION,
    Amounts,
    Charged,
    Leaf,
    difference,
    summed,
)
from chargeback.statements.bridge.direct import OWNERS, explain_direct, rounded
from chargeback.statements.bridge.mixed import Month, States, closed_month, states
from chargeback.statements.bridge.ruled import RuleChange

__all__ = ["Bridge", "Detail", "Month", "Part", "RuleChange", "closed_month", "explain_change"]

RULES, WHOLE_DIRECT, POOLS, WEIGHT, CENTS = "rules", "direct", "pools", "weight", "cents"
KEPT_POOLS = "kept-pools"
DETAILS = 12

#: Exact units by what they are for, by part.
Parts = dict[str, Amounts]


@dataclass(frozen=True)
class Detail:
    """What a part is for: a service in an account of the unit, or a pool; blank where it does not apply."""

    product_code: str
    account_id: str
    pool_id: str
    amount: Decimal


@dataclass(frozen=True)
class Part:
    """A part of a change in whole cents, and the largest of what it is for."""

    code: str
    amount: Decimal
    details: tuple[Detail, ...] = ()

    @property
    def label(self) -> str:
        """What a reader calls it."""
        return CHANGES[self.code][0]


@dataclass(frozen=True)
class Bridge:
    """A unit's change from the last closed period.

    Args:
        before, after: its totals in cents.
        parts: in the order in which they are shown; they sum to the change.
        remarks: codes of `pages.vocabulary.REMARKS`, why it is not taken apart further.
        rule_changes: the rules that are not what they were, the same for all units.
        rule_notes: codes of `pages.vocabulary.RULE_NOTES`, how that was measured or why it was not.
    """

    business_unit_id: str
    previous_period: str
    period: str
    before: Decimal
    after: Decimal
    parts: tuple[Part, ...]
    remarks: tuple[str, ...]
    rule_changes: tuple[RuleChange, ...] = ()
    rule_notes: tuple[str, ...] = ()

    @property
    def change(self) -> Decimal:
        """What all parts sum to."""
        return self.after - self.before


def explain_change(
    before: Month, now: Month, kept: Container[str] = frozenset()
) -> dict[str, Bridge]:
    """The bridge of every business unit of now's params.

    Args:
        before: of `closed_month`.
        now: with params; without its rollup the earlier rules cannot be tried on it.
        kept: pools whose totals statements do not show. By how much one of them grew would tell its total to
            whoever knows an earlier one, so that what it changes is not taken apart.
    """
    assert now.params is not None, "what is compared has params"
    found = states(before, now)
    base, later, direct = found.with_rules, found.earlier_rules, None
    if found.owned_costs is not None and found.later_owned_costs is not None:
        direct = explain_direct(
            found.owned_costs, base.unit_of, found.later_owned_costs, later.unit_of
        )
    bridges = {}
    for unit_id in now.params.business_units:
        if direct is None:
            services = {
                WHOLE_DIRECT: difference(later.of(unit_id, DIRECT), base.of(unit_id, DIRECT))
            }
        else:
            explained = direct.get(unit_id)
            services = {
                code: {Leaf(DIRECT, "", *service): units for service, units in one.items()}
                for code, one in (explained.parts.items() if explained else ())
            }
        exact = exact_parts(found, unit_id, services, kept)
        bridges[unit_id] = in_cents(before, now, found, unit_id, exact)
        if any(leaf.pool_id in kept and units for leaf, units in exact[POOLS].items()):
            remarks = (*bridges[unit_id].remarks, KEPT_POOLS)
            bridges[unit_id] = replace(bridges[unit_id], remarks=remarks)
    return bridges


def exact_parts(
    found: States, unit_id: str, direct: Parts, kept: Container[str] = frozenset()
) -> Parts:
    """A unit's parts in exact units, which sum to its exact change."""
    replayed = (DIRECT, ALLOCATED, COMMITMENT)
    posted, owners, base, earlier, later = (
        one.of(unit_id, *replayed)
        for one in (
            found.posted, found.with_owners, found.with_rules, found.earlier_rules, found.later,
        )
    )  # fmt: skip
    moved = difference(owners, posted)
    for leaf, units in direct.get(OWNERS, {}).items():
        moved[leaf] = moved.get(leaf, 0) + units
    rules = summed(
        difference(base, owners), difference(later, earlier), found.moved.get(unit_id, {})
    )
    growth, weight = explain_pools(found.with_rules, found.earlier_rules, unit_id, kept)
    for leaf in [one for one in growth if one.pool_id in found.switched]:
        rules = summed(rules, {leaf: growth.pop(leaf) + weight.pop(leaf)})
    parts = {
        **direct,
        OWNERS: moved,
        RULES: rules,
        POOLS: growth,
        WEIGHT: weight,
        COMMITMENT: difference(
            found.earlier_rules.of(unit_id, COMMITMENT), found.with_rules.of(unit_id, COMMITMENT)
        ),
    }
    for kind in (ADJUSTMENT, CORRECTION, ROUNDING):
        parts[kind] = difference(found.later.of(unit_id, kind), found.posted.of(unit_id, kind))
    change = sum(found.later.of(unit_id).values()) - sum(found.posted.of(unit_id).values())
    assert sum(sum(one.values()) for one in parts.values()) == change, unit_id
    return parts


def explain_pools(
    base: Charged, later: Charged, unit_id: str, kept: Container[str] = frozenset()
) -> tuple[Amounts, Amounts]:
    """What a unit pays more because pools grew, and because its share of them did."""
    then, now = base.pool_parts(unit_id), later.pool_parts(unit_id)
    growth, weight = Amounts(), Amounts()
    for pool_id in sorted(then.keys() | now.keys()):
        leaf = Leaf(ALLOCATED, pool_id)
        part, change = then.get(pool_id, 0), now.get(pool_id, 0) - then.get(pool_id, 0)
        whole = base.pools.get(pool_id, 0)
        if whole and later.pools.get(pool_id, 0) and pool_id not in kept:
            grew = rounded(Fraction((later.pools[pool_id] - whole) * part, whole))
        else:
            grew = change
        growth[leaf], weight[leaf] = grew, change - grew
    return growth, weight


def in_cents(before: Month, now: Month, found: States, unit_id: str, exact: Parts) -> Bridge:
    """A unit's parts rounded once each, and what is then missing from the change of its posted total."""
    old, new = found.posted.cents.get(unit_id, 0), found.later.cents.get(unit_id, 0)
    own = {
        leaf.account_id for one in (found.posted, found.later) for leaf in one.of(unit_id, DIRECT)
    }
    rounded_parts = {
        code: nearest_cents(sum(exact.get(code, {}).values())) for code in CHANGES if code != CENTS
    }
    rounded_parts[CENTS] = new - old - sum(rounded_parts.values())
    return Bridge(
        unit_id, before.period, now.period, cents_amount(old), cents_amount(new),
        tuple(
            Part(code, cents_amount(size), details(exact.get(code, {}), own))
            for code in CHANGES
            if (size := rounded_parts[code]) or code not in (WHOLE_DIRECT, CENTS)
        ),
        found.remarks, found.changes, found.notes,
    )  # fmt: skip


def details(amounts: Amounts, own_accounts: Container[str]) -> tuple[Detail, ...]:
    """The largest of what a part is for, in cents; accounts that are not the unit's own are not named."""
    sums: dict[Leaf, int] = {}
    for leaf, units in amounts.items():
        named = leaf if leaf.account_id in own_accounts else leaf._replace(account_id="")
        sums[named] = sums.get(named, 0) + units
    largest = sorted(sums.items(), key=lambda item: (-abs(item[1]), item[0]))[:DETAILS]
    return tuple(
        Detail(leaf.product_code, leaf.account_id, leaf.pool_id, cents_amount(nearest_cents(units)))
        for leaf, units in largest
        if nearest_cents(units)
    )
