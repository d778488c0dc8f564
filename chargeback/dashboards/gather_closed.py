"""What a page says of the last closed month: shares of pools, what has no tag, unit cost, statements.

Everything is as the month was closed: its params, its owned costs, the data of its statements. A share in
percent is shown to a unit where its statement prints it, which the control on isolation has allowed; nobody but
who sees all is shown another one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.allocation.pools import ALLOCATED
from chargeback.books.checked import checked_bytes
from chargeback.books.manifest import recorded_files, recorded_sha256
from chargeback.core.books_folders import Books
from chargeback.core.money import exact_units
from chargeback.core.sums import sums_by
from chargeback.dashboards.gather_rows import CENT, Own
from chargeback.dashboards.model import Download, ResourceCost, Share, TagCost, UnitCost, Untagged
from chargeback.dashboards.scope import ALL, UNIT
from chargeback.pages.vocabulary import key_name, with_unit
from chargeback.params import Params
from chargeback.params.rules import UNTAGGED
from chargeback.statements.accounts import unit_accounts
from chargeback.statements.by_hand import DATA
from chargeback.statements.extract.untagged import cents_that_add_up
from chargeback.statements.model import Statement

ENDINGS = ("html", "pdf", "csv")

SHARE_PLACES = Decimal("0.000001")
UNIT_COST_PLACES = Decimal("0.000001")


def kept_statement(
    books: Books, period: str, unit_id: str, manifest: Mapping[str, Any]
) -> Statement | None:
    """The data of a unit's statement as it was closed; None where none is kept in a form that is read.

    Args:
        manifest: of the period, read once for all units.
    """
    name = DATA.format(unit_id)
    if not recorded_sha256(manifest, name):
        return None
    try:
        return Statement.from_json(checked_bytes(books, period, name, manifest).decode("utf-8"))
    except ValueError:
        return None


def shares_of(own: Own, statement: Statement | None) -> tuple[Share, ...]:
    """The scope's part of each pool in the last closed month, the largest first.

    Args:
        statement: of a unit, which says what its readers may be told; None of other scopes.
    """
    params = own.months.last_params
    names = {one.pool_id: one.name for one in params.pools}
    keys = {one.pool_id: key_name(one.key, params.key_names) for one in params.pools}
    told: dict[str, Decimal] = {}
    for pool in statement.pools if statement else ():
        keys[pool.pool_id] = with_unit(pool.split_by, pool.unit)
        if pool.share is not None:
            told[pool.pool_id] = pool.share
        elif pool.total_weight and pool.weight is not None:
            told[pool.pool_id] = (pool.weight / pool.total_weight).quantize(
                SHARE_PLACES, ROUND_HALF_EVEN
            )
    table = own.table(own.months.last)
    table = table.filter(pc.equal(table["kind"], ALLOCATED))
    amounts = {key: amount for (key,), amount in sums_by(table, ["pool_id"], "amount").items()}
    return tuple(
        Share(
            pool_id, names.get(pool_id, pool_id), keys.get(pool_id, ""), amount.quantize(CENT),
            Decimal(1) if own.scope.kind == ALL else told.get(pool_id),
        )
        for pool_id, amount in sorted(amounts.items(), key=lambda one: (-one[1], one[0]))
    )  # fmt: skip


def accounts_of(own: Own, params: Params, owned_costs: pa.Table) -> set[str]:
    """The accounts whose untagged cost the readers of a scope are asked to tag."""
    if own.scope.kind == ALL:
        return set(params.accounts) | set(owned_costs["account_id"].unique().to_pylist())
    if own.scope.kind == UNIT:
        return unit_accounts(params, owned_costs, own.scope.id)
    return {
        key for key, one in params.accounts.items() if one.default_cost_center_id == own.scope.id
    }


def without_tag(owned_costs: pa.Table) -> list[dict[str, Any]]:
    """The owned costs of all that no usable tag owns, as statements have them."""
    wanted = pc.or_(
        pc.fill_null(pc.equal(owned_costs["pool_id"], UNTAGGED), False),
        pc.match_substring_regex(owned_costs["rule"], "^(account-default$|ownership:)"),
    )
    found: list[dict[str, Any]] = owned_costs.filter(wanted).to_pylist()
    return found


def untagged_of(own: Own, accounts: set[str], rows: list[dict[str, Any]]) -> tuple[Untagged, ...]:
    """What has no usable tag in a scope's accounts, the largest first; what others own is left out.

    Args:
        rows: of `without_tag`.
    """
    params, month = own.months.last_params, own.months.last
    sums: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in rows:
        if row["account_id"] not in accounts:
            continue
        center = row["cost_center_id"]
        if center is not None and own.scope.kind != ALL and not own.covers(month, center):
            continue
        taken_by = "pool" if row["pool_id"] else row["rule"].partition(":")[0]
        key = (row["account_id"] or "", row["product_code"] or "", taken_by)
        sums[key] += exact_units(row[f"{params.policy.cost_basis}_cost"])
    ordered = sorted(sums.items(), key=lambda one: (-one[1], one[0]))
    amounts = cents_that_add_up([units for _, units in ordered])
    return tuple(
        Untagged(account, product, team_of(params, account), taken_by, amount)
        for ((account, product, taken_by), _), amount in zip(ordered, amounts, strict=True)
    )


def team_of(params: Params, account_id: str) -> str:
    """The team that owns an account."""
    account = params.accounts.get(account_id)
    return account.owning_team if account else ""


def unit_costs_of(own: Own) -> Iterator[UnitCost]:
    """What one of each driver's units cost the scope, month by month: sums divided, never ratios averaged."""
    for month in own.months.detailed:
        params = month.params
        if params is None or month is own.months.open:
            continue
        quantities: dict[str, Decimal] = {}
        for one in params.drivers:
            if own.covers(month, one.cost_center_id):
                quantities[one.driver] = quantities.get(one.driver, Decimal(0)) + one.quantity
        cost = own.amount(month)
        keys = {pool.key for pool in params.pools}
        for driver, quantity in sorted(quantities.items()):
            of_one = None
            if quantity:
                of_one = (cost / quantity).quantize(UNIT_COST_PLACES, ROUND_HALF_EVEN)
            yield UnitCost(month.period, driver, quantity, cost, of_one, f"driver:{driver}" in keys)


def all_downloads(manifests: Iterable[Mapping[str, Any]]) -> tuple[Download, ...]:
    """The statements of all units in closed months.

    Args:
        manifests: of the months, in the order in which they are to be shown.
    """
    found = []
    for manifest in manifests:
        for name in sorted(recorded_files(dict(manifest), "statements")):
            unit, _, file = name.removeprefix("statements/").partition("/")
            ending = file.removeprefix("statement.")
            if file == f"statement.{ending}" and ending in ENDINGS:
                found.append(Download(manifest["billing_period"], unit, ending))
    return tuple(found)


def downloads_by_unit(downloads: Iterable[Download]) -> dict[str, tuple[Download, ...]]:
    """Each unit's own, in their order."""
    found: dict[str, list[Download]] = defaultdict(list)
    for one in downloads:
        found[one.business_unit_id].append(one)
    return {unit: tuple(own) for unit, own in found.items()}


def resources_of(own: Own, details: Any, most: int) -> tuple[ResourceCost, ...]:
    """The scope's dearest resources in the last closed month, in cents."""
    mine = [one for one in details.resources if own.covers(own.months.last, one.cost_center_id)]
    mine.sort(key=lambda one: (-one.cost, one.resource_id, one.account_id, one.cost_center_id))
    return tuple(
        ResourceCost(
            one.resource_id, one.account_id, one.product_code, one.cost_center_id,
            one.cost.quantize(CENT, ROUND_HALF_EVEN),
            None if one.previous is None else one.previous.quantize(CENT, ROUND_HALF_EVEN),
        )
        for one in mine[:most]
    )  # fmt: skip


def tags_of(own: Own, details: Any) -> tuple[TagCost, ...]:
    """The scope's direct cost by the values of tags, the largest first, in cents that add up."""
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for one in details.tags:
        if own.covers(own.months.last, one.cost_center_id):
            sums[one.tag_key][one.tag_value] += one.cost
    found = []
    for key, values in sums.items():
        ordered = sorted(values.items(), key=lambda one: (-one[1], one[0]))
        amounts = cents_that_add_up([exact_units(cost) for _, cost in ordered])
        found += [
            TagCost(key, value, amount) for (value, _), amount in zip(ordered, amounts, strict=True)
        ]
    return tuple(found)
