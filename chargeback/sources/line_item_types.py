"""The line item types for which somebody has decided how they are charged (CUR facts 2.1 and 2.2).

AWS's list is open: an unknown type stops the close by name, so that no cost falls through.
"""

from __future__ import annotations

from collections.abc import Collection

from chargeback.books.source_record import LEGACY_CSV, LEGACY_PARQUET
from chargeback.sources.report import COLUMNS

KNOWN = (
    "Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "SavingsPlanNegation",
    "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee", "RIFee", "Fee", "Tax", "Credit", "Refund",
    "Discount", "BundledDiscount", "EdpDiscount", "PrivateRateDiscount", "RiVolumeDiscount",
    "SppDiscount", "FlatRateSubscription",
)  # fmt: skip

#: The columns that the effective cost of a type is made of; without them it would silently be nothing, or the
#: whole fee. Whether a fee or refund is of a commitment is told by its ARN, and by its description where AWS
#: leaves the ARN of a returned Savings Plan blank (CUR fact 2.15).
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
    "Fee": ("reservation_reservation_a_r_n",),
    "Refund": (
        "reservation_reservation_a_r_n", "savings_plan_savings_plan_a_r_n",
        "line_item_line_item_description",
    ),
}  # fmt: skip

#: Types that occur without any commitment too, and the columns that the legacy report leaves out, all of a
#: group, in a month without such data (CUR fact 1.9): then there is nothing that a fee could be of.
OF_ANYTHING = ("Fee", "Refund")
GROUPS = ("reservation_", "savings_plan_")


def amortized_columns(layout: str, absent: Collection[str]) -> list[tuple[str, str]]:
    """Pairs of a line item type and a column that its effective cost cannot do without, in this delivery.

    Args:
        layout: as source records name it.
        absent: the columns that the close reads and the delivery lacks.
    """
    left_out = [
        group
        for group in GROUPS
        if layout in (LEGACY_CSV, LEGACY_PARQUET)
        and {one for one in COLUMNS if one.startswith(group)} <= set(absent)
    ]
    return [
        (kind, column)
        for kind, columns in AMORTIZED_COLUMNS.items()
        for column in columns
        if not (kind in OF_ANYTHING and column.startswith(tuple(left_out)))
    ]
