"""Draws what AWS delivers: invoices of every kind, with their line items."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.estates.estate import (
    CENT,
    MARKETPLACE,
    OPERATIONS,
    PERIOD,
    PRODUCTS,
    TAGS,
    USAGE_TYPES,
    Chance,
    Estate,
    Row,
    exact,
)

KINDS = (
    "usual", "usual", "usual", "usual", "taxes", "credits", "zeros", "pairs", "dust", "commitments",
    "commitments", "no line items",
)  # fmt: skip


def draw_invoice(chance: Chance, estate: Estate, invoice_id: str, kind: str = "") -> None:
    """An invoice with its line items and its row of invoices.csv."""
    kind = kind or chance.one(KINDS)
    items = DRAWN.get(kind, lambda *_: [])(chance, estate)
    for one in items:
        one["bill_invoice_id"] = invoice_id
    estate.items += items
    rows = sum((exact(one["line_item_unblended_cost"]) for one in items), Decimal(0))
    total = rows.quantize(CENT, ROUND_HALF_UP)
    total += chance.one((0, 0, 0, 1, -1, 2, -7)) * CENT
    if kind == "no line items":
        total = Decimal(chance.one(("0.00", "0.01", "-0.60", "1.00", "-4321.09", "250000.00")))
    if chance.often(2):
        total += 5
    entered = not chance.often(2)
    if rows == 0 and kind != "no line items":
        entered = chance.often(60)
    if entered:
        estate.invoices.append(
            {"invoice_id": invoice_id, "billing_period": PERIOD,
             "issuer": chance.one(("AWS Inc.", "AWS EMEA SARL", "AWS India")),
             "currency": estate.policy["currency"], "total": f"{total:f}", "entered_by": "finance",
             "source": "PDF"}
        )  # fmt: skip
    if kind == "no line items" and chance.often(85):
        estate.accepted.append(("every_invoice_has_line_items", invoice_id))
    if items and chance.often(2):
        estate.deferrals.append(
            {"invoice_id": invoice_id, "billing_period": PERIOD, "deferred_to": "2026-06",
             "reference": "CHG5", "approved_by": "controller"}
        )  # fmt: skip


def item(chance: Chance, estate: Estate, cost: float, kind: str = "Usage", **cells: Any) -> Row:
    """A line item with tags, place and product by chance."""
    product = chance.one(PRODUCTS)
    row: Row = {
        "line_item_unblended_cost": cost,
        "line_item_line_item_type": kind,
        "line_item_currency_code": estate.policy["currency"],
        "line_item_usage_account_id": chance.one(estate.accounts)["account_id"],
        "line_item_product_code": product,
        "line_item_operation": chance.one(OPERATIONS),
        "line_item_usage_type": chance.one(USAGE_TYPES),
        "line_item_resource_id": chance.one(("", "i-1", "vol-2")),
        "bill_billing_entity": MARKETPLACE if product.startswith("prod-") else "AWS",
        "resource_tags": draw_tags(chance, estate),
    }
    return {**row, **cells}


def draw_tags(chance: Chance, estate: Estate) -> dict[str, str]:
    """Cost center tags: none, of somebody, an alias, written otherwise, or of nobody."""
    tags = {}
    for key in TAGS:
        aliases = [one["tag_value"] for one in estate.tag_values if one["tag_key"] == key]
        known = chance.one(estate.current)
        value = chance.one(
            [None, known, known, known, known.lower(), known.replace("-", " "), "CC-OLD", "nobody",
             "NULL", "", *aliases, *aliases]
        )  # fmt: skip
        if value is not None:
            tags[key] = value
    return tags


def usual(chance: Chance, estate: Estate) -> list[Row]:
    """Usage with taxes, credits and refunds, which may be larger than the usage."""
    found = [item(chance, estate, chance.cost()) for _ in range(chance.randint(1, 12))]
    for kind, sign in (("Tax", 1), ("Credit", -1), ("Refund", -1), ("EdpDiscount", -1), ("Fee", 1)):
        for _ in range(chance.one((0, 0, 1, 2))):
            found.append(item(chance, estate, sign * chance.cost(), kind))
    if chance.often(15):  # pods of an instance that is billed as well
        found.append(
            item(chance, estate, 0.0, line_item_operation="EKSPod-EC2",
                 split_line_item_split_cost=chance.cost(), split_line_item_unused_cost=0.01)
        )  # fmt: skip
    return found


def taxes(chance: Chance, estate: Estate) -> list[Row]:
    """Taxes only, in cents, with zeros among them; or the taxes of a refund."""
    sign = chance.one((1, 1, -1))
    return [
        item(chance, estate, sign * chance.one((0.0, 0.01, 0.07, 19.0, 1234.56)), "Tax",
             resource_tags={}, line_item_resource_id="")
        for _ in range(chance.randint(1, 6))
    ]  # fmt: skip


def memo(chance: Chance, estate: Estate) -> list[Row]:
    """A credit memo: only what AWS gives back."""
    kinds = ("Credit", "Refund", "Tax", "Usage")
    return [
        item(chance, estate, -chance.cost(), chance.one(kinds)) for _ in range(chance.randint(1, 6))
    ]


def zeros(chance: Chance, estate: Estate) -> list[Row]:
    """Line items that cost nothing, as the free tier writes them."""
    return [item(chance, estate, 0.0) for _ in range(chance.randint(1, 4))]


def pairs(chance: Chance, estate: Estate) -> list[Row]:
    """A charge and its reversal, of the same owner or of another."""
    found = []
    for _ in range(chance.randint(1, 3)):
        one = item(chance, estate, chance.cost())
        same = chance.often(50)
        back = {**one} if same else item(chance, estate, 0.0, chance.one(("Usage", "Credit")))
        found += [one, {**back, "line_item_unblended_cost": -one["line_item_unblended_cost"]}]
    return found


def dust(chance: Chance, estate: Estate) -> list[Row]:
    """Less than half a cent in all, of whatever sign."""
    return [
        item(chance, estate, chance.one((-1, 1)) * chance.randint(1, 10**7) / 10**10)
        for _ in range(chance.randint(1, 4))
    ]


def commitments(chance: Chance, estate: Estate) -> list[Row]:
    """What is paid for reservations and Savings Plans, given back, used and left unused."""
    account = "000000000012"
    reservation = f"arn:aws:rds:eu-central-1:{account}:reserved-instances/ri-{chance.randint(1, 3)}"
    plan = f"arn:aws:savingsplans::{account}:savingsplan/sp-{chance.randint(1, 3)}"
    of_reservation = {"reservation_reservation_a_r_n": reservation}
    of_plan = {"savings_plan_savings_plan_a_r_n": plan}
    covered = chance.cost()
    choices = (
        lambda: item(chance, estate, chance.cost(), "Fee", **of_reservation),
        lambda: item(chance, estate, -chance.cost(), "Refund", **of_reservation),
        lambda: item(chance, estate, chance.cost(), "RIFee", **of_reservation,
                     reservation_unused_amortized_upfront_fee_for_billing_period=chance.cost(),
                     reservation_unused_recurring_fee=chance.cost()),
        lambda: item(chance, estate, 0.0, "DiscountedUsage", **of_reservation,
                     reservation_effective_cost=chance.cost()),
        lambda: item(chance, estate, covered, "SavingsPlanCoveredUsage", **of_plan,
                     savings_plan_savings_plan_effective_cost=chance.cost()),
        lambda: item(chance, estate, -covered, "SavingsPlanNegation", **of_plan),
        lambda: item(chance, estate, chance.cost(), "SavingsPlanRecurringFee", **of_plan,
                     savings_plan_total_commitment_to_date=chance.cost(),
                     savings_plan_used_commitment=chance.cost()),
        lambda: item(chance, estate, chance.cost(), "SavingsPlanUpfrontFee", **of_plan),
        lambda: item(chance, estate, -chance.cost(), "Refund", **of_plan),
        lambda: item(chance, estate, chance.cost()),
    )  # fmt: skip
    return [chance.one(choices)() for _ in range(chance.randint(2, 12))]


DRAWN = {
    "usual": usual, "taxes": taxes, "credits": memo, "zeros": zeros, "pairs": pairs, "dust": dust,
    "commitments": commitments,
}  # fmt: skip


def draw_month_kind(chance: Chance, estate: Estate) -> None:
    """Months without invoices, pro forma ones, open ones, free ones, and free line items without an invoice."""
    kind = chance.randrange(100)
    if kind < 4:
        estate.policy["invoicing"] = "none"
        both = pairs(chance, estate)
        estate.items += [{**one, "bill_invoice_id": ""} for one in both]
    elif kind < 7:
        estate.policy["invoicing"] = "pro-forma"
        estate.items = [{**one, "bill_invoice_id": ""} for one in estate.items]
        estate.invoices, estate.deferrals, estate.accepted = [], [], []
    elif kind < 15:
        estate.items += [{**one, "bill_invoice_id": ""} for one in zeros(chance, estate)]
    elif kind < 16:
        estate.items += [{**one, "bill_invoice_id": ""} for one in dust(chance, estate)]
    elif kind < 19:
        make_free(estate)
    elif kind < 20:
        estate.items[0]["line_item_usage_account_id"] = ""


def make_free(estate: Estate) -> None:
    """Leave nothing that costs anything: every amount and total is zero."""
    for one in estate.items:
        one.update({name: 0.0 for name, cell in one.items() if isinstance(cell, float)})
    for one in estate.invoices:
        one["total"] = "0.00"
