"""A scope's own rows: what it is charged, by all that a page can be filtered by, and what ids are called.

In: months, and a scope. Out: parts of its `Dashboard`. What always holds: rows are taken from the ledger by
`visible_rows`, and nothing else of a month is looked at; names are those of ids that stand in the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

from chargeback.books.visible import visible_rows
from chargeback.core.sums import sum_of, sums_by
from chargeback.dashboards.model import ChargeRow, Month, Name
from chargeback.dashboards.months import KnownMonth, Months
from chargeback.dashboards.scope import Scope
from chargeback.pages.vocabulary import service_name

#: What rows are summed by, in the order of `ChargeRow`.
BY = (
    "billing_period", "business_unit_id", "cost_center_id", "kind", "pool_id", "account_id",
    "product_code", "original_period",
)  # fmt: skip

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Own:
    """The rows of a scope, month by month.

    Args:
        tables: visible rows of each known month, in their order.
    """

    scope: Scope
    months: Months
    tables: tuple[pa.Table, ...]

    @classmethod
    def of(cls, months: Months, scope: Scope) -> Own:
        """What a scope may see of all months."""
        return cls(
            scope, months, tuple(visible_rows(one.charged, scope.sight) for one in months.known)
        )

    def table(self, month: KnownMonth) -> pa.Table:
        """The rows of one of the months."""
        pairs = zip(self.months.known, self.tables, strict=True)
        return next(table for known, table in pairs if known is month)

    def amount(self, month: KnownMonth) -> Decimal:
        """What the scope is charged in a month."""
        return sum_of(self.table(month), "amount").quantize(CENT)

    def covers(self, month: KnownMonth, cost_center_id: str) -> bool:
        """Whether a cost center was the scope's in a month, as its params have it."""
        center = month.params.cost_centers.get(cost_center_id) if month.params else None
        return center is not None and self.scope.sight.covers(
            center.business_unit_id, cost_center_id
        )


def months_of(own: Own) -> tuple[Month, ...]:
    """Every month with what the scope is charged."""
    return tuple(
        Month(one.period, one.status, one.as_of, own.amount(one)) for one in own.months.known
    )


def rows_of(own: Own) -> tuple[ChargeRow, ...]:
    """The rows of the months that are shown in detail, sorted."""
    found = []
    for month in own.months.detailed:
        for key, amount in sums_by(own.table(month), BY, "amount").items():
            cells = dict(zip(BY, (one or "" for one in key), strict=True))
            found.append(ChargeRow(**cells, amount=amount.quantize(CENT)))
    return tuple(sorted(found, key=lambda one: [getattr(one, name) for name in BY]))


def unit_ids(months: Months) -> list[str]:
    """The units that there are, or were charged something."""
    found = set(months.last_params.business_units)
    for one in months.known:
        found |= set(one.charged["business_unit_id"].unique().to_pylist())
    return sorted(one for one in found if one)


def known_names(months: Months) -> dict[tuple[str, str], str]:
    """What ids are called by the last month that knows them, by what they are of and the id."""
    found: dict[tuple[str, str], str] = {}
    for month in months.detailed:
        params = month.params
        assert params is not None
        found |= {("business_unit", key): one.name for key, one in params.business_units.items()}
        found |= {("cost_center", key): one.name for key, one in params.cost_centers.items()}
        found |= {("account", key): one.name for key, one in params.accounts.items()}
        found |= {("pool", one.pool_id): one.name for one in params.pools}
        found |= {("product", key): name for key, name in month.product_names.items()}
    return found


def names_of(known: dict[tuple[str, str], str], ids: Iterable[tuple[str, str]]) -> tuple[Name, ...]:
    """What some ids are called; ids without a name stand for themselves."""
    found = []
    for of, key in sorted({one for one in ids if one[1]}):
        if of == "service":
            name = service_name(key, known.get(("product", key), ""))
        else:
            name = known.get((of, key), key)
        found.append(Name(of, key, name))
    return tuple(found)


def ids_in(rows: Iterable[object]) -> Iterator[tuple[str, str]]:
    """The ids that stand in parts of a page, with what they are of."""
    columns = {
        "business_unit_id": "business_unit", "cost_center_id": "cost_center", "account_id": "account",
        "product_code": "service", "pool_id": "pool",
    }  # fmt: skip
    for row in rows:
        for column, of in columns.items():
            if key := getattr(row, column, ""):
                yield of, key
