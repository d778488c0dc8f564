"""The line item types for which somebody has decided how they are charged (CUR facts 2.1 and 2.2).

AWS's list is open: an unknown type stops the close by name, so that no cost falls through.
"""

from __future__ import annotations

KNOWN = (
    "Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "SavingsPlanNegation",
    "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee", "RIFee", "Fee", "Tax", "Credit", "Refund",
    "Discount", "BundledDiscount", "EdpDiscount", "PrivateRateDiscount", "RiVolumeDiscount",
    "SppDiscount", "FlatRateSubscription",
)  # fmt: skip

#: The columns that the effective cost of a type is made of; without them it would silently be nothing.
AMORTIZED_COLUMNS = {
    "SavingsPlanCoveredUsage": ("savings_plan_savings_plan_effective_cost",),
    "SavingsPlanRecurringFee": (
        "savings_plan_total_commitment_to_date", "savings_plan_used_commitment",
    ),
    "DiscountedUsage": ("reservation_effective_cost",),
    "RIFee": (
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        "reservation_unused_recurring_fee",
    ),
}  # fmt: skip
