"""Tag hygiene: what lacks a usable cost center tag, what it costs, and whose it probably is.

In: daily costs. Out: sums that the dashboard shows and that tickets are opened by. Definitions, in both bases:

- taggable: cost of line items that have a resource. What has none (taxes, support, fees) cannot carry a tag,
  and is shown apart as untaggable.
- untagged: taggable cost whose cost center tags name nobody. It is missing when there is no value, and
  unusable when the value is no cost center and no alias. Whether a pool or an account's default takes the cost
  is another question.
- overridden: cost with a resource that a pool with `overrides_tags` takes, whatever its tags say. No tag would
  change who pays, so that it is in no share and opens no ticket; it is shown apart.
- covered: taggable cost on which a mandatory tag has any value.
- not activated: a mandatory tag whose key no line item of the delivery has. Its coverage says nothing about
  tagging: AWS writes a key only after it was activated for cost allocation.

What always holds: taggable, overridden and untaggable together are all costs of the month up to the day,
however they are grouped. The bases differ: usage that a reservation covers is 0 unblended, so untagged work on
reservations shows only in amortized cost. What Savings Plans cover has its on-demand price as unblended cost,
because the negation that takes it back has no resource.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from chargeback.core.likeness import MOST_COMPARED, close_matches
from chargeback.daily.state import AccountDay
from chargeback.engine import Engine
from chargeback.engine.tables import table_of
from chargeback.params import Params
from chargeback.params.registers import read_register
from chargeback.params.tags import normalize
from chargeback.statements.accounts import accounts_of_units

if TYPE_CHECKING:
    from chargeback.daily.costs import DailyCosts

BASES = ("unblended", "amortized")

#: How alike two texts must be for one to be taken for the other, from 0 to 1; the same at both ends of difflib.
ALIKE = 0.8
LOOSELY = ("case", "spaces", "hyphens")


@dataclass(frozen=True)
class TagCosts:
    """Costs by what tags they have, in one basis; exact, in the policy's currency."""

    taggable: Decimal = Decimal(0)
    missing: Decimal = Decimal(0)
    unusable: Decimal = Decimal(0)
    untaggable: Decimal = Decimal(0)
    overridden: Decimal = Decimal(0)

    def __add__(self, other: TagCosts) -> TagCosts:
        return TagCosts(
            *(getattr(self, one.name) + getattr(other, one.name) for one in fields(self))
        )

    @property
    def untagged(self) -> Decimal:
        """Taggable cost that names nobody."""
        return self.missing + self.unusable

    @property
    def untagged_percent(self) -> Decimal | None:
        """Untagged cost of all taggable cost, in percent; nothing where credits outweigh cost."""
        return 100 * self.untagged / self.taggable if self.taggable > 0 else None


#: The columns of a row that are costs: the fields of one basis, then those of the other.
COLUMNS = tuple(f"{one.name}_{basis}_cost" for basis in BASES for one in fields(TagCosts))


@dataclass(frozen=True)
class BothBases:
    """The same costs by unblended and by amortized cost."""

    unblended: TagCosts = TagCosts()
    amortized: TagCosts = TagCosts()

    def __add__(self, other: BothBases) -> BothBases:
        return BothBases(self.unblended + other.unblended, self.amortized + other.amortized)

    def by(self, basis: str) -> TagCosts:
        """The costs of one basis."""
        return self.unblended if basis == "unblended" else self.amortized


@dataclass(frozen=True)
class Coverage:
    """How much of an account's taggable cost carries a mandatory tag; costs by basis."""

    account_id: str
    tag_key: str
    taggable: dict[str, Decimal]
    tagged: dict[str, Decimal]

    def percent(self, basis: str) -> Decimal | None:
        """Tagged of taggable cost, in percent."""
        taggable = self.taggable[basis]
        return 100 * self.tagged[basis] / taggable if taggable > 0 else None


@dataclass(frozen=True)
class UnusableValue:
    """A value that names nobody in an account, its cost by basis, and whom it probably means.

    Args:
        likely_cost_center_id: None where nothing known is alike, or two cost centers are equally so.
        likely_because: the known value that it is like, or why nobody is named.
    """

    account_id: str
    tag_value: str
    line_items: int
    costs: dict[str, Decimal]
    likely_cost_center_id: str | None
    likely_because: str


@dataclass(frozen=True)
class Hygiene:
    """The state of tags in the days of a month up to one of them.

    Args:
        accounts, services, units: costs of the month to date by account id, product code and business unit id;
            an account that is no one unit's is in the unit "".
        days: costs by day.
        account_days: costs by account and day, as the state keeps them.
        not_activated: mandatory tags that the whole delivery does not know.
        silent_accounts: accounts in force without a line item.
        unknown_accounts: accounts with line items that accounts.csv does not have.
    """

    day: date
    total: BothBases
    accounts: dict[str, BothBases]
    services: dict[str, BothBases]
    units: dict[str, BothBases]
    days: dict[date, BothBases]
    account_days: tuple[AccountDay, ...]
    coverage: tuple[Coverage, ...]
    unusable_values: tuple[UnusableValue, ...]
    not_activated: tuple[str, ...]
    silent_accounts: tuple[str, ...]
    unknown_accounts: tuple[str, ...]


def tag_hygiene(costs: DailyCosts, params: Params) -> Hygiene:
    """The hygiene of a month up to the day of its daily costs."""
    engine = Engine()
    engine.register("daily_costs", costs.table)
    columns = [("tag_key", pa.string()), ("tag_position", pa.int64())]
    keys = [(key, number) for number, key in enumerate(params.policy.mandatory_tags, start=1)]
    engine.register("mandatory_tags", table_of(columns, keys))
    rows, coverage, values = (
        engine.query("daily", name).to_pylist()
        for name in ("tag_hygiene", "tag_coverage", "unusable_tag_values")
    )
    engine.close()
    owners = account_units(costs.table, params)
    seen = {row["account_id"] for row in rows}
    likely = likely_cost_centers(params)
    return Hygiene(
        day=costs.day,
        total=grouped(rows, lambda row: "").get("", BothBases()),
        accounts=grouped(rows, lambda row: str(row["account_id"])),
        services=grouped(rows, lambda row: str(row["product_code"])),
        units=grouped(rows, lambda row: owners.get(row["account_id"], "")),
        days=grouped(rows, lambda row: row["usage_date"]),
        account_days=tuple(account_days(rows)),
        coverage=tuple(
            Coverage(row["account_id"], row["tag_key"], by_basis(row, "taggable_"),
                     by_basis(row, "tagged_"))
            for row in coverage if row["tag_key"] not in costs.absent_tags
        ),
        unusable_values=tuple(
            UnusableValue(row["account_id"], row["tag_value"], row["line_items"], by_basis(row, ""),
                          *likely(row["tag_value"]))
            for row in values
        ),
        not_activated=costs.absent_tags,
        silent_accounts=tuple(sorted(set(params.accounts) - seen)),
        unknown_accounts=tuple(sorted(seen - set(params.accounts))),
    )  # fmt: skip


def by_basis(row: Mapping[str, Any], prefix: str) -> dict[str, Decimal]:
    """The costs of a row by basis; `prefix` is what their columns begin with."""
    return {basis: row[f"{prefix}{basis}_cost"] for basis in BASES}


def costs_of(row: Mapping[str, Any]) -> BothBases:
    """The costs of a row of tag_hygiene, or of an account's day in the state.

    A state that was written before there was a figure does not have it: it is nothing then.
    """
    return both_bases([row.get(name, Decimal(0)) for name in COLUMNS])


def both_bases(figures: Sequence[Decimal]) -> BothBases:
    """Figures in the order of `COLUMNS`."""
    half = len(COLUMNS) // len(BASES)
    return BothBases(TagCosts(*figures[:half]), TagCosts(*figures[half:]))


def grouped(
    rows: Iterable[Mapping[str, Any]], group: Callable[[Mapping[str, Any]], Any]
) -> dict[Any, BothBases]:
    """The sums of rows by group, in order of the groups."""
    sums: dict[Any, list[Decimal]] = {}
    of_columns = itemgetter(*COLUMNS)
    for row in rows:
        name = group(row)
        figures = sums.get(name)
        if figures is None:
            figures = sums[name] = [Decimal(0)] * len(COLUMNS)
        for at, cost in enumerate(of_columns(row)):
            figures[at] += cost
    return {name: both_bases(figures) for name, figures in sorted(sums.items())}


def account_days(rows: Sequence[Mapping[str, Any]]) -> list[AccountDay]:
    """The sums of rows by account and day, with the number of line items."""
    sums: dict[tuple[date, str], dict[str, Decimal]] = {}
    summed = [name for name in (rows[0] if rows else ()) if name.endswith(("_cost", "line_items"))]
    for row in rows:
        figures = sums.setdefault((row["usage_date"], row["account_id"]), {})
        for name in summed:
            figures[name] = figures.get(name, Decimal(0)) + row[name]
    return [AccountDay(account, day, sums[day, account]) for day, account in sorted(sums)]


def account_units(table: pa.Table, params: Params) -> dict[str, str]:
    """The business unit of each account that is one unit's, as statements see it."""
    accounts = accounts_of_units(params, table)
    return {
        account_id: unit_id
        for unit_id in params.business_units
        for account_id in accounts.get(unit_id, ())
    }


def likely_cost_centers(params: Params) -> Callable[[str], tuple[str | None, str]]:
    """A function that says whom an unusable value probably means, and why.

    What is a known value (a cost center's id, its name, an alias) but for case, spaces and hyphens means it.
    Otherwise the closest known value does (difflib), unless one of another cost center is as close. A cost
    center that ended is named as that, and nobody is guessed.
    """
    known = [(one, one) for one in params.cost_centers]
    known += [(one.name, one.cost_center_id) for one in params.cost_centers.values()]
    known += [(one.tag_value, one.cost_center_id) for one in params.tag_values]
    loose: dict[str, set[tuple[str, str]]] = {}
    for value, owner in known:
        if owner in params.cost_centers:
            loose.setdefault(normalize(value, LOOSELY), set()).add((owner, value))
    ended = {
        row["cost_center_id"]: row["valid_to"]
        for row in read_register(params.folder, "cost_centers.csv")
        if row["cost_center_id"] not in params.cost_centers
    }
    ended |= {value: ended[owner] for value, owner in known if owner in ended}

    @functools.cache
    def likely(value: str) -> tuple[str | None, str]:
        if value in ended:
            return None, f"a cost center that is not in force; its last period is {ended[value]}"
        meant = sorted(
            pair for one in closest(normalize(value, LOOSELY), loose) for pair in loose[one]
        )
        owners = sorted({owner for owner, _ in meant})
        if len(owners) > 1:
            return None, "as close to one as to another: " + ", ".join(owners)
        return (owners[0], f"like {meant[0][1]!r}") if owners else (None, "like no known value")

    return likely


def closest(text: str, known: Iterable[str]) -> list[str]:
    """The known texts that a text is most like; none when it is like none of them."""
    alike = close_matches(text, known, MOST_COMPARED, ALIKE)
    scores = [difflib.SequenceMatcher(None, one, text).ratio() for one in alike]
    return [one for one, score in zip(alike, scores, strict=True) if score == scores[0]]
