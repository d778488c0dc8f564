"""Columns of AWS's FOCUS exports, FOCUS_1_0_AWS and FOCUS_1_2_AWS, as Data Exports' table dictionary has them.

1.0 has 43 columns of FOCUS and five of AWS; 1.2 has 57 and three: SkuMeter stands for x_UsageType, and cost
categories are among the tags. Costs and quantities are doubles, times are in milliseconds, tags and discounts
are maps.
"""

from __future__ import annotations

import pyarrow as pa

from chargeback.sample.columns import NUMBER_MAP, TEXT_MAP

IN_BOTH = (
    "AvailabilityZone", "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency",
    "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription",
    "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart", "CommitmentDiscountCategory",
    "CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountStatus",
    "CommitmentDiscountType", "ConsumedQuantity", "ConsumedUnit", "ContractedCost",
    "ContractedUnitPrice", "EffectiveCost", "InvoiceIssuerName", "ListCost", "ListUnitPrice",
    "PricingCategory", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "RegionId",
    "RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory", "ServiceName",
    "SkuId", "SkuPriceId", "SubAccountId", "SubAccountName", "Tags", "x_Discounts", "x_Operation",
    "x_ServiceCode",
)  # fmt: skip
ONLY_1_0 = ("x_CostCategories", "x_UsageType")
ONLY_1_2 = (
    "BillingAccountType", "CapacityReservationId", "CapacityReservationStatus",
    "CommitmentDiscountQuantity", "CommitmentDiscountUnit", "InvoiceId", "PricingCurrency",
    "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice", "ServiceSubcategory", "SkuMeter", "SkuPriceDetails",
    "SubAccountType",
)  # fmt: skip

NUMBERS = frozenset((
    "BilledCost", "CommitmentDiscountQuantity", "ConsumedQuantity", "ContractedCost",
    "ContractedUnitPrice", "EffectiveCost", "ListCost", "ListUnitPrice", "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice", "PricingQuantity",
))  # fmt: skip
TIMES = frozenset(
    ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
)
MAPS = {
    "SkuPriceDetails": TEXT_MAP,
    "Tags": TEXT_MAP,
    "x_CostCategories": TEXT_MAP,
    "x_Discounts": NUMBER_MAP,
}


def kind_of(name: str) -> pa.DataType:
    """The type of a column."""
    if name in NUMBERS:
        return pa.float64()
    if name in TIMES:
        return pa.timestamp("ms")
    return MAPS.get(name, pa.string())


def schema_of(names: tuple[str, ...]) -> pa.Schema:
    """The columns in the order of the alphabet, as an export's query lists them."""
    return pa.schema([(name, kind_of(name)) for name in sorted(names, key=str.casefold)])


#: By what the option --as calls them.
SCHEMAS = {
    "focus-1.0": schema_of(IN_BOTH + ONLY_1_0),
    "focus-1.2": schema_of(IN_BOTH + ONLY_1_2),
}
TABLES = {"focus-1.0": "FOCUS_1_0_AWS", "focus-1.2": "FOCUS_1_2_AWS"}
