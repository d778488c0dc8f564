"""Fees: line items that come once a month, one row each.

Support, tax, negotiated discounts, credits and refunds, purchases of commitments, Marketplace
subscriptions. Tax is whole cents by account and product, some of them zero (CUR fact 2.13).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from chargeback.sample import plan
from chargeback.sample.commitments import (
    RESERVATIONS,
    RETURNED_PLAN,
    RETURNED_PLAN_PERIOD,
    RETURNED_PLAN_UNITS,
    SAVINGS_PLANS,
    Reservation,
    SavingsPlan,
)
from chargeback.sample.months import Month
from chargeback.sample.organization import BY_NAME, PAYER_NAME, Account, resource_tags
from chargeback.sample.plan import UNITS_PER_CENT, Bill, Extras
from chargeback.sample.series import Series, fee_series
from chargeback.sample.spread import UNITS_PER_DOLLAR, apportion_units
from chargeback.sample.workloads import Workload


@dataclass(frozen=True)
class Fee:
    """One row: its series, amount in units, interval code, and double columns of its own."""

    series: Series
    units: int
    interval: int
    usage: float = 1.0
    numbers: dict[str, float] = field(default_factory=dict)


#: Tiers of Enterprise support: description and permille of its fee.
SUPPORT_TIERS = (
    ("10% of monthly AWS usage for the first $0-$150K", 117),
    ("7% of monthly AWS usage from $150K-$500K", 192),
    ("5% of monthly AWS usage from $500K-$1M", 196),
    ("3% of monthly AWS usage over $1M", 495),
)

DISCOUNTED_PRODUCTS = ("AmazonEC2", "AmazonRDS", "AmazonS3", "AmazonSageMaker", "AmazonRedshift")
TAXED_PRODUCTS = ("AmazonConnect", "AmazonWorkSpaces", "AmazonQuickSight", "AmazonEC2", "awskms")
EXEMPT_PRODUCTS = ("awskms",)  # rows of zero


def support_fees(month: Month, bill: Bill, extras: Extras) -> list[Fee]:
    """AWS Support, charged to the payer on everybody's usage."""
    if not extras.support_cents:
        return []
    shares = apportion_units(
        extras.support_cents * UNITS_PER_CENT, [permille for _, permille in SUPPORT_TIERS]
    )
    return [
        Fee(
            fee_series(month, bill, BY_NAME[PAYER_NAME], "Fee", "AWSSupportEnterprise", description,
                       "Dollar"),
            units, month.fee_interval,
        )
        for (description, _), units in zip(SUPPORT_TIERS, shares, strict=True)
    ]  # fmt: skip


def money_by_account(
    workloads: Iterable[Workload], products: tuple[str, ...]
) -> dict[tuple[str, str], int]:
    """Weights of (account name, product) over the workloads, in a fixed order."""
    sums: dict[tuple[str, str], int] = {}
    for one in workloads:
        if one.kind.product_code in products:
            key = (one.account.name, one.kind.product_code)
            sums[key] = sums.get(key, 0) + one.money
    return sums


def tax_rows(month: Month, bill: Bill, extras: Extras, workloads: Iterable[Workload]) -> list[Fee]:
    """Sales tax: one row for each account and product, in whole cents."""
    weights = money_by_account(workloads, TAXED_PRODUCTS)
    for account, product in weights:
        if product in EXEMPT_PRODUCTS:
            weights[account, product] = 0
    cents = apportion_units(extras.tax_cents, list(weights.values()))
    return [
        Fee(
            fee_series(month, bill, BY_NAME[account], "Tax", product,
                       "Tax for product code " + product,
                       texts={"line_item_tax_type": "USSalesTax"}),
            amount * UNITS_PER_CENT, month.tax_interval,
        )
        for (account, product), amount in zip(weights, cents, strict=True)
    ]  # fmt: skip


def discount_rows(
    month: Month, bill: Bill, extras: Extras, workloads: Iterable[Workload]
) -> list[Fee]:
    """The negotiated discount (EdpDiscount): by account and product, without resource or tag."""
    weights = money_by_account(workloads, DISCOUNTED_PRODUCTS)
    shares = apportion_units(
        extras.negotiated_discount_cents * UNITS_PER_CENT, list(weights.values())
    )
    return [
        Fee(
            fee_series(month, bill, BY_NAME[account], "EdpDiscount", product,
                       "Enterprise Program Discount"),
            units, month.fee_interval,
        )
        for (account, product), units in zip(weights, shares, strict=True)
    ]  # fmt: skip


def credit_rows(month: Month, bill: Bill, extras: Extras) -> list[Fee]:
    """Credits and refunds on the usage invoice."""
    return [
        Fee(
            fee_series(month, bill, BY_NAME[account], line_item_type, product, description),
            cents * UNITS_PER_CENT, month.fee_interval,
        )
        for line_item_type, description, booked in (
            ("Credit", "AWS Migration Acceleration Program credit", extras.credits),
            ("Refund", "Refund for a service level agreement breach", extras.refunds),
        )
        for account, product, cents in booked
    ]  # fmt: skip


def purchase_rows(month: Month, bill: Bill) -> list[Fee]:
    """What was bought upfront in the period; the bill is a Purchase invoice."""
    bought = [
        Fee(
            upfront_series(month, bill, one.arn, one.product_code, one.term),
            one.hourly_units * 8760, month.fee_interval,
        )
        for one in SAVINGS_PLANS
        if not one.recurring and one.first_period == month.period
    ]  # fmt: skip
    if month.period == RETURNED_PLAN_PERIOD:
        returned = upfront_series(month, bill, RETURNED_PLAN, "ComputeSavingsPlans", "1yr")
        bought.append(Fee(returned, RETURNED_PLAN_UNITS, month.fee_interval))
    return bought + [
        Fee(
            reservation_series(
                month, bill, one, "Fee", f"Sign up charge for subscription: {one.name}",
                f"HeavyUsage:{one.kind.instance_type}",
            ),
            one.upfront_value_units, month.fee_interval, float(one.count),
        )
        for one in RESERVATIONS
        if one.purchased == month.period
    ]  # fmt: skip


def upfront_series(month: Month, bill: Bill, arn: str, product_code: str, term: str) -> Series:
    """The one-time fee of a Savings Plan."""
    return fee_series(
        month, bill, BY_NAME[PAYER_NAME], "SavingsPlanUpfrontFee", product_code,
        f"{term} All Upfront Compute Savings Plan", "ComputeSP:1yrAllUpfront",
        texts={
            "savings_plan_savings_plan_a_r_n": arn,
            "savings_plan_payment_option": "All Upfront",
            "savings_plan_purchase_term": term,
            "savings_plan_offering_type": "ComputeSavingsPlans",
        },
    )  # fmt: skip


def refund_rows(month: Month, bill: Bill) -> list[Fee]:
    """What a credit memo gives back: the returned Savings Plan, or a refund for an outage."""
    if month.period == RETURNED_PLAN_PERIOD:
        plan_id = RETURNED_PLAN.rpartition("/")[2]
        series = fee_series(
            month, bill, BY_NAME[PAYER_NAME], "Refund", "ComputeSavingsPlans",
            f"Refund for one-time fee for Savings Plan ID: {plan_id}", "ComputeSP:1yrAllUpfront",
            texts={"savings_plan_savings_plan_a_r_n": RETURNED_PLAN},
        )  # fmt: skip
        return [Fee(series, -RETURNED_PLAN_UNITS, month.fee_interval)]
    account, product, cents = plan.OUTAGE_REFUND
    series = fee_series(
        month,
        bill,
        BY_NAME[account],
        "Refund",
        product,
        "Refund for the outage of the month before",
    )
    return [Fee(series, cents * UNITS_PER_CENT, month.fee_interval)]


def reservation_series(
    month: Month,
    bill: Bill,
    one: Reservation,
    line_item_type: str,
    description: str,
    usage_type: str,
) -> Series:
    """A series of fees of a reservation, booked on the account that bought it."""
    return fee_series(
        month, bill, BY_NAME[one.buyer], line_item_type, one.kind.product_code, description,
        usage_type, one.kind.operation, texts=reservation_texts(month, one),
        numbers={"reservation_upfront_value": one.upfront_value_units / UNITS_PER_DOLLAR},
    )  # fmt: skip


def reservation_arn(one: Reservation) -> str:
    """The ARN of a reservation in the account that bought it."""
    service = {"AmazonRDS": "rds", "AmazonElastiCache": "elasticache", "AmazonES": "es"}
    return (
        f"arn:aws:{service[one.kind.product_code]}:us-east-1:{BY_NAME[one.buyer].account_id}:"
        f"reserved-instances/{one.name}"
    )


def reservation_texts(month: Month, one: Reservation) -> dict[str, str | None]:
    """The reservation columns that fees and discounted usage share."""
    hours = month.hours
    return {
        "pricing_lease_contract_length": "1yr",
        "pricing_offering_class": "standard",
        "pricing_purchase_option": one.payment_option,
        "pricing_term": "Reserved",
        "product_instance_type": one.kind.instance_type,
        "product_region_code": "us-east-1",
        "reservation_end_time": one.end,
        "reservation_modification_status": "Original",
        "reservation_number_of_reservations": str(one.count),
        "reservation_reservation_a_r_n": reservation_arn(one),
        "reservation_start_time": one.start,
        "reservation_subscription_id": str(1_000_000_000 + sum(map(ord, one.name)) * 7_919),
        "reservation_total_reserved_units": f"{one.count * hours}.0000000000",
        "reservation_units_per_reservation": f"{hours}.0000000000",
    }


def reservation_fee(month: Month, bill: Bill, one: Reservation, used_thousandths: int) -> Fee:
    """The monthly RIFee row with what was left unused; all-upfront reservations have one too, of
    $0.

    Args:
        used_thousandths: instance-hours used so far, in thousandths.
    """
    reserved = one.count * month.hours * 1000
    unused = reserved - used_thousandths
    recurring, upfront = one.recurring_units // 1000, one.upfront_units // 1000
    series = reservation_series(
        month, bill, one, "RIFee",
        f"USD {one.recurring_units / UNITS_PER_DOLLAR:.4f} hourly fee per {one.kind.instance_type}",
        f"HeavyUsage:{one.kind.instance_type}",
    )  # fmt: skip
    return Fee(
        series,
        reserved * recurring,
        month.reservation_interval,
        reserved / 1000,
        {
            "reservation_amortized_upfront_fee_for_billing_period": reserved
            * upfront
            / UNITS_PER_DOLLAR,
            "reservation_unused_amortized_upfront_fee_for_billing_period": unused
            * upfront
            / UNITS_PER_DOLLAR,
            "reservation_unused_quantity": unused / 1000,
            "reservation_unused_recurring_fee": unused * recurring / UNITS_PER_DOLLAR,
        },
    )


def savings_plan_texts(one: SavingsPlan) -> dict[str, str | None]:
    """The Savings Plan columns that its fees, covered usage and negations share."""
    return {
        "savings_plan_end_time": one.end,
        "savings_plan_offering_type": one.offering,
        "savings_plan_payment_option": one.payment_option,
        "savings_plan_purchase_term": one.term,
        "savings_plan_savings_plan_a_r_n": one.arn,
        "savings_plan_start_time": one.start,
    }


@dataclass(frozen=True)
class Subscription:
    """A Marketplace product: who buys it, whose it is, and how it is billed."""

    product_code: str
    name: str
    seller: str
    account: str
    cost_center: str | None
    weight: int
    metered: bool


SUBSCRIPTIONS: tuple[Subscription, ...] = (
    Subscription("4wq1lakehouse9pxt2c7d0m5ehs", "Lakehouse Platform (pay as you go)",
                 "Northlake Data, Inc.", "warehouse-prod", "CC-4002", 520, True),
    Subscription("8zk3observability1vb6n4yq0r", "Observability Pro", "Beacon Metrics LLC",
                 "shared-logging", None, 210, True),
    Subscription("2hd7identityguardx5tw8j1pu", "Identity Guard Enterprise", "Keystone & Sons, Ltd.",
                 "insurer-payer", None, 120, False),
    Subscription("6mc0codingvalidator3rk9fzl", "ICD-10 Coding Validator", "MedCode \"Plus\" GmbH",
                 "claims-prod", "CC-1002", 95, False),
    Subscription("1yb5drugcompendium7sg2qn4o", "Drug Compendium API", "Formulary Partners S.A.",
                 "pharmacy-pricing", "CC-5003", 55, True),
)  # fmt: skip


def subscription_texts(one: Subscription) -> dict[str, str | None]:
    """Marketplace columns: the seller of record differs from the issuer (CUR fact 2.7)."""
    return {"line_item_legal_entity": one.seller, "product_fee_description": one.name}


def marketplace_fees(month: Month, bill: Bill, left_units: int) -> list[Fee]:
    """Subscriptions by the month, in proportion to their weights; metered ones are rows of usage.

    Args:
        left_units: the invoice's line items without the annual contract.
    """
    shares = apportion_units(left_units, [one.weight for one in SUBSCRIPTIONS])
    fees = [
        Fee(marketplace_series(month, bill, one, "Fee", one.name + " monthly subscription"), units,
            month.fee_interval)
        for one, units in zip(SUBSCRIPTIONS, shares, strict=True)
        if not one.metered
    ]  # fmt: skip
    if month.period == plan.ANNUAL_CONTRACT_PERIOD:
        lakehouse = SUBSCRIPTIONS[0]
        series = marketplace_series(
            month, bill, lakehouse, "Fee", lakehouse.name + " annual contract"
        )
        fees.append(Fee(series, plan.ANNUAL_CONTRACT_CENTS * UNITS_PER_CENT, month.fee_interval))
    return fees


def marketplace_series(
    month: Month, bill: Bill, one: Subscription, line_item_type: str, description: str
) -> Series:
    """A series of a subscription, tagged when somebody owns it."""
    account: Account = BY_NAME[one.account]
    return fee_series(
        month, bill, account, line_item_type, one.product_code, description,
        "MP:units" if one.metered else "MP:subscription", texts=subscription_texts(one),
        tags=resource_tags(account, one.cost_center) if one.cost_center else {},
        product_name=one.name,
    )  # fmt: skip
