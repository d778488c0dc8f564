"""What an estate's month comes to, worked out a second time: plainly, row by row, in Decimals and fractions.

Nothing of the product is used, on purpose: neither its constants nor the audit's recount, however alike they
look, because a mistake in what both share would not be seen. The steps are those of the method (docs/method):

1. `Rules`: what is in force in the period.
2. `cost_of`: what a line item costs its owner, by AWS's formulas.
3. `Rules.owner_of`: who owns it, and the rule that decided.
4. `exact_costs`: exact sums by invoice, kind, owner, account, product, type and rule.
5. `split_pools`: each pool in its order, divided by its weights in units of 1e-10, by largest remainder.

Why a month must be refused is in tests/estates/refusals.py. Cents are not found here: what they must satisfy is
in tests/estates/compare.py.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from tests.estates.estate import CENT, MARKETPLACE, PERIOD, Estate, Row, exact

ZERO, UNIT = Decimal(0), Decimal("1e-10")
COST_CENTER, POOL, UNTAGGED = "cost-center:", "pool:", "untagged"
USED = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")


class Leaf(NamedTuple):
    """What a posting of what line items cost is about."""

    invoice_id: str
    kind: str
    ledger_account: str
    account_id: str
    product_code: str
    line_item_type: str
    rule: str


class Part(NamedTuple):
    """A recipient's part of a pool on an invoice: key, weight and exact amount."""

    key: str
    weight: Decimal
    exact: Decimal


class NotSplit(Exception):
    """A pool has cost, and nobody who takes part has a weight."""


# 1. What is in force.


def holds(dated: Row) -> bool:
    """Whether a dated row holds in the period."""
    end = dated.get("valid_to", "")
    return dated["valid_from"] <= PERIOD and (not end or end >= PERIOD)


class Rules:
    """What people decided, as it holds in the period."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        basis = estate.policy["cost_basis"]
        if isinstance(basis, list):
            basis = next(one["value"] for one in basis if holds(one))
        self.amortized = basis == "amortized"
        self.units = {
            one["cost_center_id"]: one["business_unit_id"]
            for one in estate.cost_centers
            if holds(one)
        }
        self.defaults = {
            one["account_id"]: one["default_cost_center_id"]
            for one in estate.accounts
            if holds(one)
        }
        self.aliases = {
            (one["tag_key"], one["tag_value"]): one["cost_center_id"]
            for one in estate.tag_values if holds(one)
        }  # fmt: skip
        self.pools = [one for one in estate.pools if holds(one)]
        self.ownership = [one for one in estate.ownership if holds(one)]
        self.loosely = "tag_value_normalization" in estate.policy
        self.deferred = {one["invoice_id"] for one in estate.deferrals}
        self.totals = {
            one["invoice_id"]: Decimal(one["total"])
            for one in estate.invoices if one["invoice_id"] not in self.deferred
        }  # fmt: skip
        self.accepted = set(estate.accepted)
        self.invoicing = estate.policy.get("invoicing", "invoiced")
        self.stand_in = f"{'no-invoice' if self.invoicing == 'none' else 'pro-forma'}-{PERIOD}"

    # 3. Who owns a line item.

    def owner_of(self, row: Row) -> tuple[str, str]:
        """A line item's ledger account and the rule that decided; the first that applies."""
        fitting = [
            one["pool_id"] for one in self.pools if one["pool_id"] != UNTAGGED and fits(row, one)
        ]
        overriding = {one["pool_id"] for one in self.pools if one.get("overrides_tags")}
        for pool_id in fitting:
            if pool_id in overriding:
                return POOL + pool_id, f"pool:{pool_id}"
        for key in self.estate.policy["cost_center_tags"]:
            owner, how = self.named_by(key, row["resource_tags"].get(key))
            if owner:
                return COST_CENTER + owner, f"{how}:{key}"
        for rule in self.ownership:
            if described(row, rule["match"]):
                return COST_CENTER + rule["cost_center_id"], f"ownership:{rule['rule_id']}"
        if fitting:
            return POOL + fitting[0], f"pool:{fitting[0]}"
        default = self.defaults.get(row["line_item_usage_account_id"])
        if default in self.units:
            return COST_CENTER + str(default), "account-default"
        return POOL + UNTAGGED, f"pool:{UNTAGGED}"

    def named_by(self, key: str, value: str | None) -> tuple[str, str]:
        """The cost center that a tag value names, and how it was read; blank when nobody."""
        if not value or value == "NULL":
            return "", ""
        if value in self.units:
            return value, "tag"
        if (key, value) in self.aliases:
            owner = self.aliases[key, value]
            return (owner if owner in self.units else ""), "tag"
        if self.loosely:
            for (of, word), owner in self.aliases.items():
                if of == key and loose(word) == loose(value) and owner in self.units:
                    return owner, "tag-normalized"
            for owner in self.units:
                if loose(owner) == loose(value):
                    return owner, "tag-normalized"
        return "", ""


def loose(value: str) -> str:
    """A tag value without case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_-]", "", value.casefold())


def like(text: str, pattern: str) -> bool:
    """SQL's like."""
    parts = {"%": ".*", "_": "."}
    return bool(
        re.fullmatch("".join(parts.get(one, re.escape(one)) for one in pattern), text, re.S)
    )


def described(row: Row, match: Mapping[str, Any]) -> bool:
    """Whether every condition holds; any value of a condition will do."""
    texts = {
        "account_id": row["line_item_usage_account_id"], "product_code": row["line_item_product_code"],
        "line_item_type": row["line_item_line_item_type"], "operation": row["line_item_operation"],
        "usage_type_like": row["line_item_usage_type"], "resource_like": row["line_item_resource_id"],
    }  # fmt: skip
    for condition, wanted in match.items():
        if condition == "has_resource":
            if bool(row["line_item_resource_id"]) != wanted:
                return False
        elif condition.endswith("_like"):
            if not any(like(texts[condition], one) for one in wanted):
                return False
        elif texts[condition] not in wanted:
            return False
    return True


def fits(row: Row, pool: Row) -> bool:
    """Whether a pool describes a line item."""
    return described(row, pool["match"])


# 2. What a line item costs.


def amount(row: Row, column: str) -> Decimal:
    """A column of money; zero where the line item has none."""
    return exact(row.get(column) or 0.0)


def unblended_of(row: Row) -> Decimal:
    """What AWS billed for a line item; a pod's second view of an instance bills nothing."""
    return (
        ZERO
        if row["line_item_operation"] == "EKSPod-EC2"
        else amount(row, "line_item_unblended_cost")
    )


def cost_of(row: Row, amortized: bool) -> Decimal:
    """What a line item charges its owner."""
    kind, billed = row["line_item_line_item_type"], unblended_of(row)
    if not amortized or row["line_item_operation"] == "EKSPod-EC2":
        return billed
    bought = row.get("reservation_reservation_a_r_n") or row.get("savings_plan_savings_plan_a_r_n")
    if kind == "DiscountedUsage":
        return amount(row, "reservation_effective_cost")
    if kind == "RIFee":
        upfront = amount(row, "reservation_unused_amortized_upfront_fee_for_billing_period")
        return upfront + amount(row, "reservation_unused_recurring_fee")
    if kind == "SavingsPlanCoveredUsage":
        return amount(row, "savings_plan_savings_plan_effective_cost")
    if kind == "SavingsPlanRecurringFee":
        committed = amount(row, "savings_plan_total_commitment_to_date")
        return committed - amount(row, "savings_plan_used_commitment")
    if kind in ("SavingsPlanNegation", "SavingsPlanUpfrontFee"):
        return ZERO
    if kind in ("Fee", "Refund") and bought:
        return ZERO
    return billed


# 4. Exact sums.


def invoice_of(row: Row, rules: Rules) -> str:
    """What a line item stands on."""
    return row["bill_invoice_id"] or (
        rules.stand_in if rules.invoicing != "invoiced" else "not-invoiced"
    )


def charged_items(rules: Rules) -> list[Row]:
    """The line items that the month charges: not those on invoices that are left to a later one."""
    return [one for one in rules.estate.items if one["bill_invoice_id"] not in rules.deferred]


def rows_totals(rules: Rules) -> dict[str, Decimal]:
    """What the line items of each invoice sum to, exactly."""
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in charged_items(rules):
        sums[invoice_of(row, rules)] += unblended_of(row)
    return dict(sums)


def exact_costs(rules: Rules) -> dict[Leaf, Decimal]:
    """Exact costs as they are posted; what sums to exactly nothing is not."""
    sums: dict[Leaf, Decimal] = defaultdict(lambda: ZERO)
    holder = COST_CENTER + rules.estate.policy["commitments_cost_center_id"]
    for row in charged_items(rules):
        place, rule = rules.owner_of(row)
        charged = cost_of(row, rules.amortized)
        of = (
            row["line_item_usage_account_id"],
            row["line_item_product_code"],
            row["line_item_line_item_type"],
        )
        kind = "pooled" if place.startswith(POOL) else "direct"
        invoice_id = invoice_of(row, rules)
        sums[Leaf(invoice_id, kind, place, *of, rule)] += charged
        sums[Leaf(invoice_id, "commitment", holder, *of, "commitment")] += (
            unblended_of(row) - charged
        )
    return {leaf: cost for leaf, cost in sums.items() if cost}


# 5. Pools.


def split_pools(
    rules: Rules, costs: Mapping[Leaf, Decimal], spend: Mapping[str, Decimal]
) -> dict[tuple[str, str, str], Part]:
    """The parts of every pool, by invoice, pool and the ledger account that receives.

    Args:
        spend: posted direct cost of cost centers, and what was posted to pools from the report, in cents: the
            weights of direct spend.

    Raises:
        NotSplit: nobody who takes part has a weight.
    """
    received: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for leaf, cost in costs.items():
        if leaf.kind == "pooled":
            received[leaf.ledger_account][leaf.invoice_id] += cost
    parts: dict[tuple[str, str, str], Part] = {}
    for pool in rules.pools:
        place = POOL + pool["pool_id"]
        if not any(received[place].values()):
            continue
        key, weights = weights_of(rules, pool, spend)
        for invoice_id, whole in sorted(received[place].items()):
            for taker, part in divided(whole, weights).items():
                received[taker][invoice_id] += part
                parts[invoice_id, place, taker] = Part(key, weights[taker], part)
    return parts


def weights_of(
    rules: Rules, pool: Row, spend: Mapping[str, Decimal]
) -> tuple[str, dict[str, Decimal]]:
    """The key that splits a pool, and the positive weights of those who take part."""
    names = set(pool["recipients"]), set(pool.get("except", ()))
    ids = [one["pool_id"] for one in rules.pools]
    takers = [POOL + one for one in ids if one in names[0] - names[1]]
    for one, unit in rules.units.items():
        if {"*", one, unit} & names[0] and not {"*", one, unit} & names[1]:
            takers.append(COST_CENTER + one)
    for key in (pool["key"], pool.get("fallback")):
        if key is None:
            continue
        found = found_weights(rules, pool, key, spend)
        weights = {one: found[one] for one in takers if found.get(one, ZERO) > 0}
        if weights:
            return key, weights
    raise NotSplit(pool["pool_id"])


def found_weights(
    rules: Rules, pool: Row, key: str, spend: Mapping[str, Decimal]
) -> Mapping[str, Decimal]:
    """What a key says, by ledger account."""
    ids = [one["pool_id"] for one in rules.pools]
    if key == "even":
        return {**{POOL + one: Decimal(1) for one in ids},
                **{COST_CENTER + one: Decimal(1) for one in rules.units}}  # fmt: skip
    if key == "direct_spend":
        return spend
    if key == "fixed":
        return {
            (POOL if one in ids else COST_CENTER) + one: Decimal(share)
            for one, share in pool["shares"].items()
        }
    if key == "driver:heads":
        return {
            COST_CENTER + one["cost_center_id"]: Decimal(one["quantity"])
            for one in rules.estate.drivers if one["billing_period"] == PERIOD
        }  # fmt: skip
    assert key == "sql:support_base"
    return support_base(rules)


def support_base(rules: Rules) -> dict[str, Decimal]:
    """Usage that AWS itself charges, by owner: neither the Marketplace's nor support."""
    found: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in charged_items(rules):
        is_support = row["line_item_product_code"].startswith("AWSSupport")
        is_its_own = row["bill_billing_entity"] != MARKETPLACE and not is_support
        if row["line_item_line_item_type"] in USED and is_its_own:
            found[rules.owner_of(row)[0]] += cost_of(row, rules.amortized)
    return found


def divided(whole: Decimal, weights: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """An exact amount by weights, in units of 1e-10: rounded down, and what is left to the largest rests."""
    units, every = abs(int(whole / UNIT)), Fraction(sum(weights.values()))
    shares = {one: units * Fraction(weight) / every for one, weight in weights.items()}
    whole_units = {one: share.numerator // share.denominator for one, share in shares.items()}
    left = units - sum(whole_units.values())
    for one in sorted(shares, key=lambda one: (whole_units[one] - shares[one], one))[:left]:
        whole_units[one] += 1
    sign = 1 if whole > 0 else -1
    return {one: sign * share * UNIT for one, share in whole_units.items()}


def wanted_totals(rules: Rules) -> dict[str, Decimal]:
    """What each invoice must come to in charges."""
    sums = rows_totals(rules)
    own = {one: sums[one].quantize(CENT, ROUND_HALF_UP) for one in (rules.stand_in,) if one in sums}
    return {**rules.totals, **own}


def moved(rules: Rules) -> dict[tuple[str, str], Decimal]:
    """What adjustments move, by rule and ledger account."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for one in rules.estate.adjustments:
        if one["billing_period"] == PERIOD:
            rule = f"adjustment:{one['reference']}"
            sums[rule, COST_CENTER + one["from_cost_center_id"]] -= Decimal(one["amount"])
            sums[rule, COST_CENTER + one["to_cost_center_id"]] += Decimal(one["amount"])
    return {place: cost for place, cost in sums.items() if cost}


def summed(rows: Iterable[Row], column: str) -> Decimal:
    """The sum of a column of postings."""
    return sum((row[column] for row in rows), ZERO)
