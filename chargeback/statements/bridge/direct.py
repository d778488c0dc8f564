"""Direct cost of two periods taken apart: tags, owners, new and ended services, usage, unit price, fees.

In: owned costs of two periods, and which unit each cost center is of. Out: per unit exact parts, in units of
1e-10, that sum to the change of its direct cost, with what they are for.

A key is an account, product, operation and usage type. Usage that is measured belongs to one key whether it
was paid on demand, reserved or covered by a Savings Plan: what covers it changes its price, not its amount.
Fees, tax, credits and discounts count nothing and are keys of their own, by line item type. For each key, in
this order:

1. What moved. A cost is owned by a tag, by an ownership rule, or by neither (an account's default, a pool).
   When more of a key is owned by tags than before and less by the rest, over all units, the smaller of the two
   moved to tags: to the units whose tagged usage grew and from those whose other usage shrank, each in
   proportion. The other way round the same. What remains is looked at once more, between ownership rules and
   neither. Usage is compared where there is some, cost where not.
2. A key that the unit has on one side only, and of which nothing moved, began or ended.
3. Otherwise what did not move is usage, at the price before: (quantity now - quantity before - moved) x cost
   before / quantity before; and the rest of the key's change is unit price. The fraction is rounded once.
4. Where a quantity is missing on a side, and for keys that count nothing, the change stays whole.

Known drawbacks: what moved is the least that must have; a team that began to tag and grew in the same month
shows the growth as usage. What goes from one tag to another shows as usage of both. Resources are not told
apart: the rollup has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import pyarrow as pa

from chargeback.core.money import exact_units

#: Line items of measured usage; the last has a cost and measures nothing of its own.
MEASURED = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
NEGATION = "SavingsPlanNegation"

TAG, RULE, NEITHER = "tag", "rule", "neither"
NOBODY = ""  # the pools

USAGE, PRICE, NEW, ENDED, FEES, TAGS, OWNERS = (
    "usage", "price", "new", "ended", "fees", "tags", "owners",
)  # fmt: skip


class Key(NamedTuple):
    """What is compared between two periods."""

    account_id: str
    product_code: str
    operation: str
    usage_type: str
    uncounted: str  # the line item type of what counts nothing; blank for measured usage


class Holder(NamedTuple):
    """Who holds a part of a key, and why."""

    unit_id: str
    by: str  # tag, rule or neither


@dataclass
class Held:
    """A quantity and its cost, both in units of 1e-10."""

    quantity: int = 0
    cost: int = 0

    def add(self, other: Held) -> None:
        """Hold another's as well."""
        self.quantity += other.quantity
        self.cost += other.cost


Side = Mapping[Holder, Held]
Services = dict[tuple[str, str], int]


@dataclass
class Explained:
    """The parts of a unit's change of direct cost, in exact units, by part and by (account, product)."""

    parts: dict[str, Services] = field(default_factory=dict)

    def add(self, code: str, key: Key, units: int) -> None:
        """Put an amount into a part."""
        services = self.parts.setdefault(code, {})
        service = (key.account_id, key.product_code)
        services[service] = services.get(service, 0) + units


def explain_direct(
    before: pa.Table,
    before_units: Mapping[str, str],
    now: pa.Table,
    now_units: Mapping[str, str],
) -> dict[str, Explained]:
    """The parts of the change of every unit's direct cost.

    Args:
        before, now: owned costs.
        before_units, now_units: cost center -> business unit.
    """
    then, later = holdings(before, before_units), holdings(now, now_units)
    found: dict[str, Explained] = {}
    for key in sorted(then.keys() | later.keys()):
        old, new = then.get(key, {}), later.get(key, {})
        by_usage = not key.uncounted and any(
            one.quantity for side in (old, new) for one in side.values()
        )
        tags, owners = what_moved(old, new, by_usage)
        for unit_id in sorted({one.unit_id for one in (*old, *new)} - {NOBODY}):
            explained = found.setdefault(unit_id, Explained())
            explain_key(
                explained, key, held_by(old, unit_id), held_by(new, unit_id), by_usage,
                moved_to(tags, unit_id), moved_to(owners, unit_id),
            )  # fmt: skip
    return found


def holdings(owned: pa.Table, units: Mapping[str, str]) -> dict[Key, dict[Holder, Held]]:
    """Owned costs by key and by who holds them."""
    found: dict[Key, dict[Holder, Held]] = {}
    columns = (
        "account_id", "product_code", "operation", "usage_type", "line_item_type", "rule",
        "cost_center_id", "usage_amount", "charged_cost",
    )  # fmt: skip
    for row in owned.select(columns).to_pylist():
        kind = row["line_item_type"]
        counts = kind in MEASURED
        key = Key(
            row["account_id"], row["product_code"] or "", row["operation"], row["usage_type"],
            "" if counts or kind == NEGATION else kind,
        )  # fmt: skip
        unit_id = units.get(row["cost_center_id"], NOBODY)
        by = NEITHER
        if unit_id != NOBODY:
            by = {"tag": TAG, "tag-normalized": TAG, "ownership": RULE}.get(
                row["rule"].partition(":")[0], NEITHER
            )
        held = Held(
            exact_units(row["usage_amount"]) if counts else 0, exact_units(row["charged_cost"])
        )
        found.setdefault(key, {}).setdefault(Holder(unit_id, by), Held()).add(held)
    return found


def held_by(side: Side, unit_id: str) -> Held:
    """What a unit holds, for whatever reason."""
    found = Held()
    for holder, held in side.items():
        if holder.unit_id == unit_id:
            found.add(held)
    return found


def moved_to(moved: Mapping[Holder, Fraction], unit_id: str) -> Fraction:
    """What moved to a unit, less what moved away."""
    return sum((part for one, part in moved.items() if one.unit_id == unit_id), Fraction(0))


def what_moved(
    old: Side, new: Side, by_usage: bool
) -> tuple[dict[Holder, Fraction], dict[Holder, Fraction]]:
    """What a key's holders won (or lost) because tags moved it, and because ownership rules did."""

    def measure(held: Held) -> int:
        return held.quantity if by_usage else held.cost

    changes = {
        one: Fraction(measure(new.get(one, Held())) - measure(old.get(one, Held())))
        for one in old.keys() | new.keys()
    }

    def of(*reasons: str) -> dict[Holder, Fraction]:
        return {one: change for one, change in changes.items() if one.by in reasons}

    tags = exchange(of(TAG), of(RULE, NEITHER))
    for one, part in tags.items():
        changes[one] -= part
    return tags, exchange(of(RULE), of(NEITHER))


def exchange(
    some: Mapping[Holder, Fraction], others: Mapping[Holder, Fraction]
) -> dict[Holder, Fraction]:
    """The least that must have gone from some holders to others, or back; sums to nothing."""
    some_total, others_total = sum(some.values(), Fraction(0)), sum(others.values(), Fraction(0))
    if some_total * others_total >= 0:
        return {}
    size = min(abs(some_total), abs(others_total))
    moved: dict[Holder, Fraction] = {}
    for changes, total in ((some, some_total), (others, others_total)):
        sign = 1 if total > 0 else -1
        same = {one: change for one, change in changes.items() if change * sign > 0}
        whole = sum(same.values(), Fraction(0))
        moved |= {one: sign * size * change / whole for one, change in same.items()}
    return moved


def explain_key(
    explained: Explained,
    key: Key,
    old: Held,
    new: Held,
    by_usage: bool,
    tags: Fraction,
    owners: Fraction,
) -> None:
    """Put the change of a unit's key into its parts."""
    then, later = price_of(old), price_of(new)
    price = (later if then is None else then) if by_usage else Fraction(1)
    rest = new.cost - old.cost
    for code, moved in ((TAGS, tags), (OWNERS, owners)):
        part = rounded(moved * price) if price is not None else 0
        explained.add(code, key, part)
        rest -= part
    some_moved = bool(tags or owners)
    if key.uncounted:
        explained.add(FEES, key, rest)
    elif not some_moved and old == Held():
        explained.add(NEW, key, rest)
    elif not some_moved and new == Held():
        explained.add(ENDED, key, rest)
    elif then is not None and (later is not None or new == Held()):
        usage = rounded((new.quantity - old.quantity - tags - owners) * then)
        explained.add(USAGE, key, usage)
        explained.add(PRICE, key, rest - usage)
    elif some_moved and old == Held():
        explained.add(USAGE, key, rest)
    else:
        explained.add(FEES, key, rest)


def price_of(held: Held) -> Fraction | None:
    """Cost per unit of usage; None where nothing was counted."""
    return Fraction(held.cost, held.quantity) if held.quantity else None


def rounded(amount: Fraction) -> int:
    """Rounded once to a whole unit of 1e-10, halves away from zero."""
    whole, rest = divmod(abs(amount.numerator), amount.denominator)
    size = whole + (2 * rest >= amount.denominator)
    return size if amount >= 0 else -size
