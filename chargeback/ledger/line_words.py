"""The words that name a line: those of the page, in any case, and ids and codes in their place.

In: the postings of a period, and what its ids are called. Out: `Named`, the lines that have words, and under
which words. A line's words are an owner and what the line is of, with a slash between:

    owner       a business unit, a cost center, for line items in a pool that pool; or nobody, for a line of
                any unit
    what        a service; an account; an account and a service; a pool; `commitments`, `rounding`,
                `adjustments` or `corrections`, alone or with what follows: service, invoice, reference, period

Each is named by its id or code, or by its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chargeback.allocation.pools import ALLOCATED, COMMITMENT, DIRECT, POOLED
from chargeback.core.period import period_title
from chargeback.ledger.post import ROUNDING
from chargeback.ledger.references import rule_reference
from chargeback.pages.vocabulary import commitment_name, service_name
from chargeback.params import Params

Row = Mapping[str, Any]
#: An owner (its kind and id), then what the line is of.
Name = tuple[str, ...]

UNIT, CENTER, IN_POOL, ALL = "unit", "center", "in pool", "all"
SLASH = "/"


@dataclass(frozen=True)
class LineNames:
    """What ids are called: each is a name by its id.

    Args:
        products: what the report calls products of AWS Marketplace, by their codes.
    """

    units: Mapping[str, str] = field(default_factory=dict)
    centers: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)
    pools: Mapping[str, str] = field(default_factory=dict)
    products: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, params: Params, products: Mapping[str, str] | None = None) -> LineNames:
        """The names of a period's params."""
        return cls(
            {key: one.name for key, one in params.business_units.items()},
            {key: one.name for key, one in params.cost_centers.items()},
            {key: one.name for key, one in params.accounts.items()},
            {one.pool_id: one.name for one in params.pools},
            products or {},
        )


def plain_words(text: str) -> str:
    """A text as it is compared: without case, with single spaces, and none around a slash.

    >>> plain_words("Claims  Operations / AWS Support")
    'claims operations/aws support'
    """
    return SLASH.join(" ".join(part.split()) for part in text.casefold().split(SLASH))


@dataclass(frozen=True)
class Named:
    """Lines by their words.

    Args:
        rows: the postings of each line.
        words: the lines that each text names, in the form of `plain_words`.
        shown: how each line is best named: by ids and codes.
    """

    rows: Mapping[Name, tuple[Row, ...]]
    words: Mapping[str, tuple[Name, ...]]
    shown: Mapping[Name, str]

    def units(self, name: Name) -> set[str]:
        """The business units that a line charges."""
        return {row["business_unit_id"] for row in self.rows[name] if row["business_unit_id"]}


def named_lines(rows: Iterable[Row], names: LineNames) -> Named:
    """The lines that postings make, with all their words. The rows are those that charge somebody or a pool."""
    found: dict[Name, list[Row]] = defaultdict(list)
    words: dict[str, dict[Name, None]] = defaultdict(dict)
    shown: dict[Name, str] = {}
    members: dict[tuple[Any, ...], dict[Name, None]] = {}
    for row in rows:
        group = tuple(row[one] for one in _GROUP)
        if group not in members:
            members[group] = {}
            for name, best, texts in names_of(row, names):
                shown.setdefault(name, best)
                members[group][name] = None
                for text in texts:
                    words[plain_words(text)][name] = None
        for name in members[group]:
            found[name].append(row)
    return Named(
        {name: tuple(those) for name, those in found.items()},
        {text: tuple(those) for text, those in words.items()},
        shown,
    )


#: What the words of a posting depend on.
_GROUP = (
    "kind", "business_unit_id", "cost_center_id", "pool_id", "account_id", "product_code", "line_item_type",
    "invoice_id", "rule", "original_period",
)  # fmt: skip


def names_of(row: Row, names: LineNames) -> Iterator[tuple[Name, str, set[str]]]:
    """Each line that a posting is in: its name, its best words, and all its words."""
    for owner, best_owner, owner_texts in owners_of(row, names):
        for what, best, texts in things_of(row, names):
            full = {f"{one}/{text}" if one else text for one in owner_texts for text in texts}
            yield (*owner, *what), f"{best_owner}/{best}" if best_owner else best, full
        if best_owner:
            yield (*owner, ALL), best_owner, set(owner_texts)


def owners_of(row: Row, names: LineNames) -> Iterator[tuple[Name, str, list[str]]]:
    """Who has a posting: its unit, which may be left out, its cost center, or the pool that it fell into."""
    if unit := row["business_unit_id"]:
        yield (UNIT, unit), unit, both(unit, names.units)
        yield ("", ""), "", [""]
    if center := row["cost_center_id"]:
        yield (CENTER, center), center, both(center, names.centers)
    elif row["kind"] == POOLED:
        yield (IN_POOL, row["pool_id"]), row["pool_id"], both(row["pool_id"], names.pools)


def things_of(row: Row, names: LineNames) -> Iterator[tuple[Name, str, list[str]]]:
    """What a posting is of, in all the ways in which pages sum it."""
    kind, code = row["kind"], row["product_code"] or ""
    products = [code, service_name(code, names.products.get(code, ""))]
    if row["original_period"]:
        period = row["original_period"]
        yield ("corrections",), "corrections", ["corrections", "correction"]
        yield from under("corrections", "correction", [period, period_title(period)])
    elif kind in (DIRECT, POOLED):
        account = row["account_id"] or ""
        accounts = both(account, names.accounts)
        pairs = [f"{one}/{product}" for one in accounts for product in products]
        yield ("account-service", account, code), f"{account}/{code}", pairs
        if kind == DIRECT:
            yield ("service", code), code, products
            yield ("account", account), account, accounts
    elif kind == ALLOCATED:
        pool_id = row["pool_id"]
        yield ("pool", pool_id), pool_id, both(pool_id, names.pools)
    elif kind == COMMITMENT:
        yield ("commitments",), "commitments", ["commitments", "commitment"]
        yield from under("commitments", "commitment", products)
        item_type = row["line_item_type"] or ""
        types = [item_type, commitment_name(item_type)]
        pairs = [f"{product}/{one}" for product in products for one in types]
        yield from under("commitments", "commitment", pairs)
    elif kind == ROUNDING:
        yield ("rounding",), "rounding", ["rounding", "roundings"]
        yield from under("rounding", "roundings", [row["invoice_id"] or ""])
    else:
        reference = rule_reference(row)
        yield ("adjustments",), "adjustments", ["adjustments", "adjustment"]
        yield from under("adjustments", "adjustment", [reference])
        yield ("adjustments", reference), f"adjustments/{reference}", [reference]


def under(word: str, other: str, texts: list[str]) -> Iterator[tuple[Name, str, list[str]]]:
    """A line among those of a kind: the kind's word, in both forms, then what tells it apart."""
    best = texts[0]
    yield (
        (word, best),
        f"{word}/{best}",
        [f"{one}/{text}" for one in (word, other) for text in texts],
    )


def both(key: str, names: Mapping[str, str]) -> list[str]:
    """An id and its name."""
    return [key, names[key]] if key in names else [key]
