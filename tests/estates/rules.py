"""Draws what people decide: units, accounts, policy, registers and pools."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.estates.estate import (
    BEFORE,
    LIMIT,
    OPERATIONS,
    PERIOD,
    PRODUCTS,
    START,
    TAGS,
    Chance,
    Estate,
    Row,
)

KEYS = ("direct_spend", "direct_spend", "even", "fixed", "driver:heads", "sql:support_base")


def draw_units(chance: Chance, estate: Estate, numbers: bool) -> None:
    """Units and their cost centers, one of which may have ended."""
    ids = ["4711", "100", "5", "0815", "12", "2026", "99"] if numbers else [
        f"CC-{one}" for one in ("10", "11", "20", "21", "30", "40", "41")
    ]  # fmt: skip
    for number in range(chance.randint(1, 4)):
        unit = f"unit-{'abcd'[number]}"
        name = ("Alpha", "Beta & Söhne", "Gamma 100", "Delta")[number]
        estate.business_units.append(
            {"business_unit_id": unit, "name": name, "owner": "Ann", "email": f"{unit}@example.com",
             "idp_group": unit}
        )  # fmt: skip
        for _ in range(chance.randint(1, 3)):
            if ids:
                estate.cost_centers.append(cost_center(ids.pop(0), unit))
    if chance.often(30):
        estate.cost_centers.append(cost_center("CC-OLD", "unit-a", BEFORE))


def cost_center(cost_center_id: str, unit: str, valid_to: str = "") -> Row:
    """A row of cost_centers.csv."""
    return {
        "cost_center_id": cost_center_id, "name": f"Center {cost_center_id}",
        "business_unit_id": unit, "valid_from": START, "valid_to": valid_to,
    }  # fmt: skip


def draw_accounts(chance: Chance, estate: Estate) -> None:
    """Accounts, some without a default cost center, some whose default has ended or changed."""
    every = [one["cost_center_id"] for one in estate.cost_centers]
    for number in range(chance.randint(1, 4)):
        account = {
            "account_id": f"00000000{number}12{number}", "name": f"account {number}",
            "owning_team": "team", "default_cost_center_id": chance.one(["", "", *every]),
            "valid_from": START, "valid_to": "",
        }  # fmt: skip
        if chance.often(20):
            earlier = {**account, "default_cost_center_id": chance.one(every), "valid_to": BEFORE}
            estate.accounts.append(earlier)
            account["valid_from"] = PERIOD
        estate.accounts.append(account)


def draw_policy(chance: Chance, estate: Estate) -> None:
    """The policy; the cost basis is a dated one now and then."""
    basis = chance.one(("amortized", "amortized", "unblended"))
    other = "unblended" if basis == "amortized" else "amortized"
    estate.policy = {
        "currency": chance.one(("USD", "USD", "USD", "EUR")),
        "cost_basis": basis if chance.often(80) else [
            {"value": other, "valid_from": START, "valid_to": BEFORE, "approved": "CHG1"},
            {"value": basis, "valid_from": PERIOD, "approved": "CHG2"},
        ],
        "cost_center_tags": list(TAGS[: chance.randint(1, 2)]),
        "mandatory_tags": [TAGS[0]],
        "commitments_cost_center_id": chance.one(estate.current),
        "rounding_cost_center_id": chance.one(estate.current),
        "invoice_rounding_limit": str(LIMIT),
    }  # fmt: skip
    if chance.often(25):
        estate.policy["tag_value_normalization"] = ["case", "spaces", "hyphens"]


def draw_tag_values(chance: Chance, estate: Estate) -> None:
    """Aliases of cost centers, some of which hold no more, or mean a cost center that has ended."""
    for number in range(chance.randint(0, 4)):
        estate.tag_values.append(
            {"tag_key": chance.one(TAGS), "tag_value": f"team-{'uvwx'[number]}",
             "cost_center_id": chance.one(estate.cost_centers)["cost_center_id"], "valid_from": START,
             "valid_to": chance.one(("", "", BEFORE)), "reference": "REF"}
        )  # fmt: skip


def draw_drivers(chance: Chance, estate: Estate) -> None:
    """Heads of some cost centers, of this month and of the one before; often nobody has any."""
    for period in (BEFORE, PERIOD):
        nobody = chance.often(15)
        for one in chance.some(estate.current):
            quantity = Decimal(0 if nobody else chance.one((0, 1, 3, 7, 1000))) + Decimal(
                chance.one(("0", "0", "0.5")) if not nobody else "0"
            )
            estate.drivers.append(
                {"billing_period": period, "driver": "heads", "cost_center_id": one,
                 "quantity": str(quantity), "source": "HR"}
            )  # fmt: skip


def draw_pools(chance: Chance, estate: Estate) -> None:
    """Pools in order, each giving to cost centers, units and later pools; the last takes what nobody owns."""
    count = chance.randint(0, 5)
    ids = [f"pool-{'vwxyz'[number]}" for number in range(count)] + ["untagged"]
    if chance.often(20):
        ids.insert(0, ids.pop())  # what nobody owns may stand first
    for number, pool_id in enumerate(ids):
        pool = draw_pool(chance, estate, pool_id, ids[number + 1 :])
        if chance.often(15):
            earlier = draw_pool(chance, estate, pool_id, [])
            estate.pools.append({**earlier, "valid_to": BEFORE})
            pool["valid_from"] = PERIOD
        estate.pools.append(pool)


def draw_pool(chance: Chance, estate: Estate, pool_id: str, later: list[str]) -> Row:
    """One pool."""
    units = [one["business_unit_id"] for one in estate.business_units]
    inhabited = [
        one for one in units
        if any(c["business_unit_id"] == one and not c["valid_to"] for c in estate.cost_centers)
    ]  # fmt: skip
    recipients = ["*"] if chance.often(50) else chance.some([*inhabited, *estate.current])
    if chance.often(40):
        recipients += chance.some(later, 0)
    pool: Row = {
        "pool_id": pool_id, "name": f"Pool {pool_id[-1]}", "match": draw_match(chance, estate),
        "key": chance.one(KEYS),
        "recipients": recipients, "valid_from": START, "approved": "CHG3",
    }  # fmt: skip
    if recipients[0] == "*" and len(estate.current) > 2 and chance.often(30):
        pool["except"] = [chance.one(estate.current)]
    if chance.often(92):
        pool["fallback"] = (
            "even" if chance.often(85) else chance.one(("direct_spend", "driver:heads"))
        )
    if pool_id == "untagged":
        pool["match"] = {}
    else:
        pool["overrides_tags"] = chance.often(30)
    if pool["key"] == "fixed":
        pool["shares"] = draw_shares(chance, estate, pool, later)
    return pool


def draw_match(chance: Chance, estate: Estate) -> Row:
    """What falls into a pool: one condition or two, rarely everything."""
    conditions: dict[str, Any] = {
        "account_id": chance.some(sorted({one["account_id"] for one in estate.accounts})),
        "product_code": chance.some([one for one in PRODUCTS if one]),
        "line_item_type": chance.some(("Tax", "Credit", "Refund", "Usage", "RIFee", "Fee")),
        "operation": chance.some([one for one in OPERATIONS if one]),
        "usage_type_like": chance.some(("%Bytes", "BoxUsage%", "%_ataTransfer%")),
        "has_resource": chance.often(50),
    }
    kinds = chance.sample(sorted(conditions), chance.one((0, 1, 1, 1, 1, 2, 2)))
    return {kind: conditions[kind] for kind in sorted(kinds)}


def draw_shares(chance: Chance, estate: Estate, pool: Row, later: list[str]) -> Row:
    """Shares of some recipients that sum to exactly 1; one may have none."""
    who = [one for one in members(estate, pool) if one in estate.current or one in later]
    who = chance.some(who)
    left, shares = Decimal(1), {}
    for one in who[:-1]:
        shares[one] = min(
            left, Decimal(chance.choice(("0", "0.1", "0.3333333333", "0.0000000001")))
        )
        left -= shares[one]
    shares[who[-1]] = left
    return {one: f"{share:f}" for one, share in shares.items()}


def members(estate: Estate, pool: Row) -> list[str]:
    """The cost centers in force and the later pools that take part in a pool."""
    found = []
    for one in estate.cost_centers:
        names = {"*", one["cost_center_id"], one["business_unit_id"]}
        taken = not one["valid_to"] and names & set(pool["recipients"])
        if taken and not names & set(pool.get("except", [])):
            found.append(one["cost_center_id"])
    return found + [one for one in pool["recipients"] if one.startswith(("pool-", "untagged"))]


def draw_ownership(chance: Chance, estate: Estate) -> None:
    """A rule or two for what has no tag, now and then."""
    for number in range(chance.one((0, 0, 0, 1, 2))):
        estate.ownership.append(
            {"rule_id": f"rule-{number}", "cost_center_id": chance.one(estate.current),
             "match": chance.one((
                 {"product_code": ["AmazonS3"]}, {"resource_like": ["vol-%"]},
                 {"usage_type_like": ["%Bytes"], "line_item_type": ["Usage"]},
             )),
             "valid_from": START, "valid_to": chance.one(("", "", BEFORE)), "approved": "CHG4",
             "reason": "known"}
        )  # fmt: skip


def draw_adjustments(chance: Chance, estate: Estate) -> None:
    """Charges that people moved, some under one reference, some of an earlier month."""
    if len(estate.current) < 2:
        return
    for number in range(chance.one((0, 0, 1, 2, 4))):
        giver, taker = chance.sample(estate.current, 2)
        estate.adjustments.append(
            {"billing_period": chance.one((PERIOD, PERIOD, BEFORE)), "from_cost_center_id": giver,
             "to_cost_center_id": taker, "amount": f"{chance.randint(-10**6, 10**9) / 100:.2f}",
             "reason": f"moved {number}", "reference": chance.one(("REF-1", "REF-1", f"REF-{number}")),
             "entered_by": "finance", "approved_by": "controller", "approved_on": "2026-01-20"}
        )  # fmt: skip
