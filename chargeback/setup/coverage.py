"""Coverage: who would own what under the rules, and which rules match nothing.

In: what was derived of a period. Out: lines of plain text, amounts in columns that end at 100 characters. Sums
are of charged cost, by the cost basis of the policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.allocation.pools import ALLOCATED
from chargeback.core.money import shown
from chargeback.core.sums import sums_by
from chargeback.core.text import plain
from chargeback.params import Account, Params
from chargeback.params.invoicing import ISSUERS
from chargeback.params.rules import UNTAGGED
from chargeback.rollup.charged import AHEAD, invoice_totals, on_no_invoice
from chargeback.setup.derived import Tried

LABEL, AMOUNT, PERCENT = 68, 18, 9
MOST_ROWS = 15
NOTHING = Decimal(0)

BY_ACCOUNT = "default cost center of the account"

Costs = Mapping[str, Decimal]


def coverage_lines(tried: Tried, params: Params) -> Iterator[str]:
    """What owns the cost, what the units own directly, and what is nobody's."""
    total = sum(by_rule(tried, params).values(), NOTHING)
    currency = params.policy.currency
    yield from table("What owns the cost", by_rule(tried, params), total, currency, in_order=True)
    yield from table("Owned directly, by business unit", by_unit(tried, params), total, currency)
    yield from table(
        "Accounts with cost that nobody owns", unowned_accounts(tried, params), total, currency
    )
    yield from table(
        "Values of the tags that name no cost center", unusable_values(tried), total, currency
    )


def by_rule(tried: Tried, params: Params) -> dict[str, Decimal]:
    """Charged cost by what owns it: tags and how their value was read, rules, accounts, pools."""
    keys = params.policy.cost_center_tags
    columns = [f"cost_center_tag_{rank}" for rank, _ in enumerate(keys, start=1)]
    sums: dict[str, Decimal] = {}
    for cells, cost in sums_by(tried.owned, ["rule", *columns], "charged_cost").items():
        rule, values = cells[0], dict(zip(keys, cells[1:], strict=True))
        label = rule_label(rule, values, params)
        sums[label] = sums.get(label, NOTHING) + (cost or NOTHING)
    pools = [pool_label(one.pool_id) for one in params.pools]
    order = [*(one for one in sorted(sums) if one.startswith("tag ")),
             *(f"ownership rule {one.rule_id}" for one in params.ownership), BY_ACCOUNT, *pools]  # fmt: skip
    return {label: sums[label] for label in order if label in sums}


def rule_label(rule: str, values: Mapping[str, str | None], params: Params) -> str:
    """What owns a cost, as a reader knows it."""
    kind, _, name = rule.partition(":")
    if kind == "pool":
        return pool_label(name)
    if kind == "ownership":
        return f"ownership rule {name}"
    if kind in ("tag", "tag-normalized"):
        how = params.tag_reader.read(name, values.get(name) or "").how
        return f"tag {name}" + {"alias": ", by an alias", "normalized": ", normalized"}.get(how, "")
    return BY_ACCOUNT


def pool_label(pool_id: str) -> str:
    """A pool, as a reader knows it."""
    return f"pool {pool_id}" + (": nobody's" if pool_id == UNTAGGED else "")


def by_unit(tried: Tried, params: Params) -> dict[str, Decimal]:
    """What the cost centers of each unit own directly; units that own nothing too."""
    sums = dict.fromkeys(params.business_units, NOTHING)
    for (center,), cost in sums_by(tried.owned, ["cost_center_id"], "charged_cost").items():
        if center is not None:
            sums[params.cost_centers[center].business_unit_id] += cost or NOTHING
    return {f"{one} ({params.business_units[one].name})": cost for one, cost in sums.items()}


def unowned_accounts(tried: Tried, params: Params) -> dict[str, Decimal]:
    """What falls to the pool untagged, by account."""
    sums = sums_by(tried.owned, ["pool_id", "account_id"], "charged_cost")
    return {
        account_label(account, params.accounts.get(account)): cost
        for (pool, account), cost in sums.items()
        if pool == UNTAGGED and cost
    }


def account_label(account_id: str, known: Account | None) -> str:
    """An account, and why nobody owns what no tag does."""
    if known is None:
        return f"{account_id}, not in accounts.csv"
    name = f" ({known.name})" if known.name != account_id else ""
    default = known.default_cost_center_id
    return f"{account_id}{name}, " + (
        f"default {default} is not in force" if default else "no default cost center"
    )


def fallback_lines(tried: Tried, params: Params) -> Iterator[str]:
    """Pools that were split by their fallback, because nobody had any weight by their own key."""
    keys = {pool.pool_id: pool.key for pool in params.pools}
    sums: dict[str, Decimal] = {}
    for cells, amount in (
        sums_by(tried.postings, FALLBACK_COLUMNS, "exact_amount").items() if tried.postings else ()
    ):
        kind, pool, account, key = cells
        if kind == ALLOCATED and account != f"pool:{pool}" and key != keys.get(pool):
            label = f"pool {pool}, by {key} instead of {keys.get(pool)}"
            sums[label] = sums.get(label, NOTHING) + amount
    total = sum(by_rule(tried, params).values(), NOTHING)
    yield from table("Split by a fallback", sums, total, params.policy.currency)


FALLBACK_COLUMNS = ("kind", "pool_id", "ledger_account", "allocation_key")


def unusable_values(tried: Tried) -> dict[str, Decimal]:
    """What the line items with a value cost that names no cost center."""
    sums = sums_by(tried.owned, ["unusable_tag_value"], "charged_cost")
    return {repr(value): cost or NOTHING for (value,), cost in sums.items() if value is not None}


def table(
    title: str, costs: Costs, total: Decimal, currency: str, in_order: bool = False
) -> Iterator[str]:
    """Costs with their part of the total, the dearest first; nothing where there are none."""
    rows = list(costs.items())
    if not in_order:
        rows.sort(key=lambda item: (-item[1], item[0]))
    if not rows:
        return
    yield ""
    yield f"{title:<{LABEL}}{currency:>{AMOUNT}}{'%':>{PERCENT}}"
    for label, cost in rows[:MOST_ROWS] if not in_order else rows:
        yield row(label, cost, total)
    rest = [cost for _, cost in rows[MOST_ROWS:]] if not in_order else []
    if rest:
        yield row(f"and {len(rest)} more", sum(rest, NOTHING), total)
    if in_order:
        yield row("all", total, total)


def row(label: str, cost: Decimal, total: Decimal) -> str:
    """A row of a table."""
    part = f"{100 * cost / total:.1f}" if total > 0 else ""
    return f"  {cut(plain(label), LABEL - 3):<{LABEL - 2}}{shown(cost):>{AMOUNT}}{part:>{PERCENT}}"


def cut(text: str, width: int) -> str:
    """A text that is not longer than there is room for."""
    return text if len(text) <= width else text[: width - 1] + "…"


def unmatched_lines(tried: Tried, params: Params) -> list[str]:
    """Pools, rules, aliases, drivers and accounts that nothing in the period needs, by where they stand."""
    # Pods and tasks charge nothing, but rules and tags say whose they are, and pools are split by that.
    owned = pa.concat_tables([tried.owned, tried.split])
    rules = set(owned["rule"].to_pylist())
    lines = [
        f"{place(pool.where)}: the pool {pool.pool_id} takes nothing"
        for pool in params.pools
        if f"pool:{pool.pool_id}" not in rules and pool.pool_id != UNTAGGED
    ]  # fmt: skip
    lines += [
        f"{place(rule.where)}: the ownership rule {rule.rule_id} owns nothing"
        for rule in params.ownership if f"ownership:{rule.rule_id}" not in rules
    ]  # fmt: skip
    carried = {
        (key, value)
        for rank, key in enumerate(params.policy.cost_center_tags, start=1)
        for value in owned[f"cost_center_tag_{rank}"].unique().to_pylist()
    }
    lines += [
        f"{place(one.where)}: no line item has the alias {one.tag_value!r} of {one.tag_key}"
        for one in params.tag_values if (one.tag_key, one.tag_value) not in carried
    ]  # fmt: skip
    used = {key for pool in params.pools for key in (pool.key, pool.fallback or "")}
    lines += [
        f"drivers.csv: no pool is split by the driver {one}"
        for one in sorted({driver.driver for driver in params.drivers}) if f"driver:{one}" not in used
    ]  # fmt: skip
    billed = set(owned["account_id"].to_pylist())
    lines += [
        f"accounts.csv: {one.account_id} ({one.name}) has no line items"
        for one in params.accounts.values() if one.account_id not in billed
    ]  # fmt: skip
    return [plain(line) for line in lines]


def place(where: str) -> str:
    """File and line of where something stands."""
    return where.partition(":")[0].partition(",")[0]


def invoice_lines(tried: Tried, params: Params) -> Iterator[str]:
    """Each invoice: what its line items sum to, what is entered, and the difference."""
    sums = invoice_totals(tried.rollup)
    known = {one: invoice.total for one, invoice in params.invoices.items()}
    unbilled = on_no_invoice(tried.rollup.filter(pc.invert(tried.rollup[AHEAD])))
    ids = sorted({*sums, *known})
    if not ids and not unbilled:
        return
    yield ""
    yield f"{'Invoices':<40}{'line items':>20}{'entered':>20}{'difference':>20}"
    deferred = {one.invoice_id: f"left to {one.deferred_to}" for one in params.deferrals}
    for one in ids:
        exact, entered = sums.get(one, NOTHING), known.get(one)
        total = shown(entered) if entered is not None else deferred.get(one, "no total")
        difference = shown(entered - exact) if entered is not None else ""
        yield f"  {cut(one, 37):<38}{shown(exact):>20}{total:>20}{difference:>20}".rstrip()
    if unbilled:
        yield f"  {ISSUERS[params.policy.invoicing]:<38}{shown(unbilled):>20}"


def invoice_sums(tried: Tried, params: Params) -> dict[str, str]:
    """What the line items of each invoice with a cost sum to, in words; of those that the period charges."""
    return {
        one: f"line items sum to {cost:,.2f} {params.policy.currency}"
        for one, cost in sorted(invoice_totals(tried.rollup).items())
        if cost and one not in params.deferred_ids
    }
