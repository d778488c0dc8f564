"""Belonging: which names and ids are whose, by the ledger and the params alone.

In: all that was read. Out: `Belongings`, for each text the business units and cost centers that it is of. A
text is a scope's own when the policy lets its readers see a row of one of them; else it is foreign. Nothing
that pages were made of is looked at, so that what a page has of others is not taken for its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from chargeback.core.text import plain
from chargeback.dashboards.gather import Gathered
from chargeback.dashboards.model import CLOSED
from chargeback.dashboards.months import KnownMonth
from chargeback.dashboards.scope import ALL, COST_CENTER, UNIT, Scope
from chargeback.delivery.disputes import standings
from chargeback.pages.vocabulary import key_name, service_name

#: A business unit and a cost center, as a row of the ledger has them.
Owner = tuple[str | None, str | None]

NOBODY: Owner = (None, None)

#: What is in one's own tags may be said, whatever else it is; somebody else's values are words like any other.
TAG_VALUE = "value of a tag"

COLUMNS = ("business_unit_id", "cost_center_id", "account_id")


@dataclass(frozen=True)
class Belongings:
    """Whose texts are.

    Args:
        what: by text, what it is, such as "account id".
        owners: by text.
        shared: texts that anybody may read: of pools, services, keys.
    """

    what: dict[str, str]
    owners: dict[str, set[Owner]]
    shared: frozenset[str]

    def own(self, scope: Scope) -> set[str]:
        """The texts that are of rows which the readers of a scope may see."""
        sight = scope.sight
        near: Iterable[Owner] = self._texts
        if scope.kind != ALL:
            near = self._near.get((scope.kind, scope.id), ())
        return {text for one in near if sight.covers(*one) for text in self._texts[one]}

    @cached_property
    def _texts(self) -> dict[Owner, list[str]]:
        """What is whose, the other way round."""
        found: dict[Owner, list[str]] = defaultdict(list)
        for text, owners in self.owners.items():
            for one in owners:
                found[one].append(text)
        return dict(found)

    @cached_property
    def _near(self) -> dict[tuple[str, str | None], list[Owner]]:
        """The owners that a page of a unit, or of a cost center, can be about; no others are gone through."""
        found: dict[tuple[str, str | None], list[Owner]] = defaultdict(list)
        for one in self._texts:
            found[UNIT, one[0]].append(one)
            found[COST_CENTER, one[1]].append(one)
        return dict(found)

    def foreign(self, scope: Scope) -> dict[str, str]:
        """The texts that are others' alone, with what they are."""
        own = self.own(scope) | self.shared
        return {text: what for text, what in self.what.items() if text not in own}


def belongings_of(found: Gathered) -> Belongings:
    """Whose the names and ids of all months are."""
    what: dict[str, str] = {}
    owners: dict[str, set[Owner]] = defaultdict(set)
    for text, kind, owner in all_texts(found):
        text = " ".join(plain(text).split())
        if text:
            owners[text].add(owner)
            if kind != TAG_VALUE:
                what.setdefault(text, kind)
    return Belongings(what, dict(owners), frozenset(shared_texts(found)))


def all_texts(found: Gathered) -> Iterator[tuple[str, str, Owner]]:
    """Every name and id, what it is, and whose."""
    for month in found.months.known:
        yield from ledger_texts(found, month)
        if month.params:
            yield from params_texts(month)
    yield from detail_texts(found)
    for dispute in standings(found.told.log).values():
        yield dispute.dispute_id, "dispute", (dispute.business_unit_id, None)


def ledger_texts(found: Gathered, month: KnownMonth) -> Iterator[tuple[str, str, Owner]]:
    """The ids of a month's rows, and what they are called."""
    rows = month.charged.select(COLUMNS).group_by(list(COLUMNS), use_threads=False).aggregate([])
    for row in rows.to_pylist():
        owner = (row["business_unit_id"], row["cost_center_id"])
        for column in COLUMNS:
            of = column.removesuffix("_id")
            if row[column]:
                words = of.replace("_", " ")
                yield row[column], f"{words} id", owner
                yield found.names.get((of, row[column]), ""), f"{words} name", owner


def params_texts(month: KnownMonth) -> Iterator[tuple[str, str, Owner]]:
    """The ids and names of a month's registers."""
    params = month.params
    assert params is not None
    for key, unit in params.business_units.items():
        for text, kind in ((key, "id"), (unit.name, "name"), (unit.owner, "owner")):
            yield text, f"business unit {kind}", (key, None)
    for key, center in params.cost_centers.items():
        owner = (center.business_unit_id, key)
        yield key, "cost center id", owner
        yield center.name, "cost center name", owner
    for key, account in params.accounts.items():
        default = params.cost_centers.get(account.default_cost_center_id or "")
        holder = (default.business_unit_id, default.cost_center_id) if default else NOBODY
        yield key, "account id", holder
        yield account.name, "account name", holder


def detail_texts(found: Gathered) -> Iterator[tuple[str, str, Owner]]:
    """The resources of the last closed month; and values of tags, which are whose line items have them."""
    centers = found.months.last_params.cost_centers

    def owner_of(center_id: str) -> Owner:
        center = centers.get(center_id)
        return (center.business_unit_id if center else None, center_id)

    for one in found.details.resources:
        yield one.resource_id, "resource", owner_of(one.cost_center_id)
    for tag in found.details.tags:
        yield tag.tag_value, TAG_VALUE, owner_of(tag.cost_center_id)


def shared_texts(found: Gathered) -> Iterator[str]:
    """What anybody may read: what pools, keys and services are called, months, and how a month stands."""
    yield from (CLOSED, "(other values)")
    for month in found.months.known:
        yield month.period
        codes = {one for one in month.charged["product_code"].unique().to_pylist() if one}
        for code in codes:
            yield from (code, service_name(code, month.product_names.get(code, "")))
        for pool in month.params.pools if month.params else ():
            assert month.params is not None
            yield from (pool.pool_id, pool.name, key_name(pool.key, month.params.key_names))
