"""Resources: what is behind the findings, from a second, narrow query of the month's report.

In: findings and the daily costs that they come from. Out: for each finding the resources that cost more on its
days than in the week before it, the worst first. Only the days, accounts and products of the findings are
read. Owners are decided by the attribution of the close, so a resource is listed under the group that it is
counted in.

Drawbacks: days before the month are not read. A finding that began earlier shows only its days of this month,
and one that began on the month's first days has little or nothing to be compared with; then `before` is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from sqlglot import exp

from chargeback.attribution.owners import attribute
from chargeback.daily.anomalies.detect import Found
from chargeback.daily.anomalies.series import USED, Cell
from chargeback.daily.costs import DailyCosts
from chargeback.engine import Engine
from chargeback.params import Params
from chargeback.rollup.roll_up import numbered, open_line_items

SHOWN = 10
DAYS_BEFORE = 7


@dataclass(frozen=True)
class Resource:
    """One resource behind a finding.

    Args:
        resource_id: blank for usage that has no resource.
        cost: amortized, on the finding's days of the month.
        before: the same of as many days at the rate of the week before; None when the month has no such day.
    """

    resource_id: str
    account_id: str
    product_code: str
    cost: Decimal
    before: Decimal | None

    @property
    def rise(self) -> Decimal:
        """What the resource costs more than before."""
        return self.cost - (self.before or Decimal(0))


def resources_behind(
    found: Sequence[Found], costs: DailyCosts, report: Path, params: Params
) -> list[tuple[Resource, ...]]:
    """The worst resources of each finding, in step with the findings."""
    wanted = [one for each in found if (one := condition(each, costs)) is not None]
    if not wanted:
        return [() for _ in found]
    engine = Engine()
    open_line_items(engine, report, costs.record, params)
    rollup = numbered(
        engine.query("daily", "finding_resources", {"wanted": exp.or_(*wanted, dialect="athena")})
    )
    owned, _ = attribute(engine, rollup, params)
    engine.close()
    units = {one.cost_center_id: one.business_unit_id for one in params.cost_centers.values()}
    rows = list(owned_rows(rollup, owned, units))
    return [worst(one, rows, costs.period) for one in found]


def condition(found: Found, costs: DailyCosts) -> exp.Expr | None:
    """The line items that can be behind a finding, as an expression; None when the month has none."""
    first, last = span(found, costs.period)
    if first > last:
        return None
    used = zip(
        costs.table["usage_date"].to_pylist(), costs.table["account_id"].to_pylist(),
        costs.table["business_unit_id"].to_pylist(), costs.table["cost_center_id"].to_pylist(),
        costs.table["pool_id"].to_pylist(), costs.table["product_code"].to_pylist(), strict=True,
    )  # fmt: skip
    seen = {
        (account, product)
        for day, account, unit, center, pool, product in used
        if first <= day <= last
        and found.group.holds(Cell(unit or "", center or f"pool:{pool}", product))
    }
    if not seen:
        return None
    begins, ends = (exp.cast(exp.Literal.string(str(day)), "date") for day in (first, last))
    return exp.and_(
        exp.column("usage_date").between(begins, ends),
        among("account_id", {account for account, _ in seen}),
        among("product_code", {product for _, product in seen}),
    )


def among(column: str, values: Iterable[str]) -> exp.Expr:
    """Whether a column has one of some values."""
    return exp.column(column).isin(*(exp.Literal.string(one) for one in sorted(values)))


def span(found: Found, period: str) -> tuple[date, date]:
    """The finding's days of a month and the week before them, as far as the month has them."""
    start = date.fromisoformat(f"{period}-01")
    return max(start, found.first_day - timedelta(DAYS_BEFORE)), found.last_day


#: Day, cell, resource, account and amortized cost.
Row = tuple[date, Cell, str, str, Decimal]


def owned_rows(rollup: pa.Table, owned: pa.Table, units: dict[str, str]) -> Iterable[Row]:
    """What was used, by day, cell and resource."""
    days, resources = rollup["usage_date"].to_pylist(), rollup["resource_id"].to_pylist()
    names = (
        "rollup_id", "line_item_type", "cost_center_id", "pool_id", "product_code", "account_id",
        "amortized_cost",
    )  # fmt: skip
    columns = [owned[name].to_pylist() for name in names]
    for number, kind, center, pool, product, account, cost in zip(*columns, strict=True):
        if kind in USED:
            cell = Cell(units.get(center or "", ""), center or f"pool:{pool}", product)
            yield days[number - 1], cell, resources[number - 1], account, cost


def worst(found: Found, rows: Iterable[Row], period: str) -> tuple[Resource, ...]:
    """The resources of a finding that rose most."""
    first, _ = span(found, period)
    days = {one.day for one in found.days if f"{one.day:%Y-%m}" == period}
    earlier = (found.first_day - first).days
    now: dict[tuple[str, str, str], Decimal] = {}
    before: dict[tuple[str, str, str], Decimal] = {}
    for day, cell, resource, account, cost in rows:
        if found.group.holds(cell):
            key = (resource, account, cell.product_code)
            if day in days:
                now[key] = now.get(key, Decimal(0)) + cost
            elif first <= day < found.first_day:
                before[key] = before.get(key, Decimal(0)) + cost
    resources = [
        Resource(
            *key, cost,
            before.get(key, Decimal(0)) * len(days) / earlier if earlier > 0 else None,
        )
        for key, cost in now.items()
    ]  # fmt: skip
    resources.sort(key=lambda one: (-one.rise, one.resource_id, one.account_id))
    return tuple(one for one in resources if one.rise > 0)[:SHOWN]
