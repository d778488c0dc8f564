"""Series: line items that differ only in resource, time and amount.

Everything that decides who owns a cost (account, product, type, operation, usage type, invoice,
tags) is the same for all rows of a series, so the number of series bounds the size of a rollup
however many rows there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from chargeback.sample.catalog import PRODUCT_NAMES, Kind
from chargeback.sample.months import Month
from chargeback.sample.organization import PAYER_ID, PAYER_NAME, Account, resource_tags
from chargeback.sample.plan import Bill

AWS = "Amazon Web Services, Inc."
REGION_NAMES = {"us-east-1": "US East (N. Virginia)", "us-west-2": "US West (Oregon)"}


@dataclass(frozen=True)
class Series:
    """What the rows of a series have in common.

    Args:
        texts, numbers: columns by name; a column left out is blank or null.
        resource: form of the resource ids, "" for none.
        rate_units: 1e-10 dollars for one unit of usage; 0 for fees.
        profile: name of a usage profile.
        twin: number of the series among those that are alike but for their resources.
    """

    texts: Mapping[str, str | None]
    numbers: Mapping[str, float] = field(default_factory=dict)
    product: Mapping[str, str | None] = field(default_factory=dict)
    resource_tags: Mapping[str, str | None] = field(default_factory=dict)
    cost_category: Mapping[str, str | None] = field(default_factory=dict)
    resource: str = ""
    rate_units: int = 0
    profile: str = "steady"
    twin: int = 0


def token(*parts: object, length: int) -> str:
    """Fixed but arbitrary lower-case hexadecimal digits for what the parts name."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:length]


def bill_texts(
    month: Month, bill: Bill, account: Account, line_item_type: str
) -> dict[str, str | None]:
    """The columns that every line item of an account on a bill has."""
    return {
        "bill_bill_type": bill.bill_type,
        "bill_billing_entity": bill.billing_entity,
        "bill_invoice_id": bill.invoice_id,
        "bill_invoicing_entity": AWS,
        "bill_payer_account_id": PAYER_ID,
        "bill_payer_account_name": PAYER_NAME,
        "line_item_currency_code": "USD",
        "line_item_legal_entity": AWS,
        "line_item_line_item_type": line_item_type,
        "line_item_usage_account_id": account.account_id,
        "line_item_usage_account_name": account.name,
        "pricing_currency": "USD" if line_item_type in ("Usage", "SavingsPlanCoveredUsage") else "",
    }


def usage_series(
    month: Month,
    bill: Bill,
    account: Account,
    kind: Kind,
    cost_center: str | None,
    line_item_type: str = "Usage",
    texts: Mapping[str, str | None] | None = None,
    numbers: Mapping[str, float] | None = None,
) -> Series:
    """A series of usage of one kind in one account under one tag value.

    A kind without resources has no tags either: that cost is untaggable.
    """
    region = account.region
    usage_type = kind.usage_type
    if region == "us-west-2":
        usage_type = "USW2-" + usage_type.removeprefix("USE1-")
    service = "AWSDataTransfer" if "DataTransfer" in usage_type else kind.product_code
    sku = token("sku", kind.product_code, usage_type, length=16).upper()
    tags = resource_tags(account, cost_center) if kind.resource else {}
    on_demand = line_item_type in ("Usage", "SavingsPlanCoveredUsage")
    return Series(
        texts={
            **bill_texts(month, bill, account, line_item_type),
            "line_item_availability_zone": f"{region}a" if kind.instance_type else "",
            "line_item_blended_rate": kind.rate,
            "line_item_line_item_description": kind.description
            or f"${kind.rate} per {kind.unit} of {kind.family} in {REGION_NAMES[region]}",
            "line_item_operation": kind.operation,
            "line_item_product_code": kind.product_code,
            "line_item_unblended_rate": kind.rate if on_demand else "0.0000000000",
            "line_item_usage_type": usage_type,
            "pricing_public_on_demand_rate": kind.rate,
            "pricing_rate_code": f"{sku}.JRTCKXETXF.6YS6EN2CT7",
            "pricing_rate_id": str(int(token("rate", sku, length=9), 16)),
            "pricing_term": "OnDemand" if on_demand else "Reserved",
            "pricing_unit": kind.unit,
            "product_instance_family": "General purpose" if kind.instance_type else "",
            "product_instance_type": kind.instance_type,
            "product_location": REGION_NAMES[region],
            "product_location_type": "AWS Region",
            "product_operation": kind.operation,
            "product_pricing_unit": kind.unit,
            "product_product_family": kind.family,
            "product_region_code": region,
            "product_servicecode": service,
            "product_sku": sku,
            "product_usagetype": usage_type,
            **(texts or {}),
        },
        numbers=numbers or {},
        product={
            **({"instance_type": kind.instance_type} if kind.instance_type else {}),
            "product_name": PRODUCT_NAMES[kind.product_code],
            "region": region,
            "servicename": PRODUCT_NAMES[kind.product_code],
        },
        resource_tags=tags,
        cost_category=cost_category(account),
        resource=kind.resource.replace("{region}", region)
        .replace("{account}", account.account_id).replace("{app}", account.application),
        rate_units=int(Decimal(kind.rate).scaleb(10)),
        profile=kind.profile,
    )  # fmt: skip


def cost_category(account: Account) -> dict[str, str | None]:
    """A rule by account that somebody made in the console; development accounts fell through it."""
    return {"stage": "production"} if account.environment_tag == "prod" else {}


def fee_series(
    month: Month,
    bill: Bill,
    account: Account,
    line_item_type: str,
    product_code: str,
    description: str,
    usage_type: str = "",
    operation: str = "",
    texts: Mapping[str, str | None] | None = None,
    numbers: Mapping[str, float] | None = None,
    tags: Mapping[str, str | None] | None = None,
    product_name: str = "",
) -> Series:
    """A series of fees, taxes, credits and the like: no resource, mostly no tags."""
    name = product_name or PRODUCT_NAMES.get(product_code, product_code)
    return Series(
        texts={
            **bill_texts(month, bill, account, line_item_type),
            "line_item_line_item_description": description,
            "line_item_operation": operation,
            "line_item_product_code": product_code,
            "line_item_usage_type": usage_type,
            "product_servicecode": product_code,
            **(texts or {}),
        },
        numbers=numbers or {},
        product={"product_name": name},
        resource_tags=tags or {},
    )  # fmt: skip
