"""Rows of a FOCUS export for the recount: what each charge is, told a second time from the standard.

In: a row with FOCUS's columns. Out: the cells that the recount looks at, by CUR 2.0's names, and
`effective_cost`, what the row costs its owner, which FOCUS says itself. Nothing of the path that is checked is
used, so a charge that sql/sources/focus_report.sql takes for another kind shows as a posting that differs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from chargeback.review.audit.provider_rows import OWN_INVOICE, standard_row

#: The layouts as source records name them; written down here once more on purpose.
FOCUS = ("FOCUS 1.0", "FOCUS 1.0, CSV", "FOCUS 1.2", "FOCUS 1.2, CSV")
WITHOUT_INVOICES = FOCUS[:2]
FOCUS_CSV = ("FOCUS 1.0, CSV", "FOCUS 1.2, CSV")

COLUMNS = frozenset((
    "BilledCost", "BillingAccountId", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency",
    "CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountStatus", "CommitmentDiscountType",
    "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ResourceId", "ServiceName", "SkuMeter", "SubAccountId",
    "Tags", "x_CostCategories", "x_Discounts", OWN_INVOICE, "x_Operation", "x_ServiceCode", "x_UsageType",
))  # fmt: skip

#: What is charged as it is billed, whatever EffectiveCost says.
AS_BILLED = ("Tax", "Credit", "Adjustment")


def focus_cells(
    row: Mapping[str, Any], layout: str, exact: Callable[[Any], Decimal]
) -> dict[str, Any]:
    """The cells of a charge that the recount looks at; `invoice_issuer` where the layout names no invoice."""
    if layout in FOCUS_CSV:
        row = {name: None if cell in ("", "NULL") else cell for name, cell in row.items()}
    row = standard_row(row)
    billed = row.get("BilledCost")
    own = row.get("EffectiveCost")
    kind = kind_of(row)
    as_billed = own is None or row.get("ChargeCategory") in AS_BILLED or is_block(row, kind)
    cells = {
        "bill_invoice_id": row.get("InvoiceId"),
        "line_item_line_item_description": row.get("ChargeDescription"),
        "line_item_line_item_type": kind,
        "line_item_operation": row.get("x_Operation"),
        "line_item_product_code": row.get("x_ServiceCode") or row.get("ServiceName"),
        "line_item_resource_id": row.get("ResourceId"),
        "line_item_usage_account_id": row.get("SubAccountId") or row.get("BillingAccountId"),
        "line_item_usage_type": row.get("x_UsageType") or row.get("SkuMeter"),
        "line_item_unblended_cost": exact(billed),
        "effective_cost": exact(billed if as_billed else own),
        "resource_tags": map_of(row.get("Tags")),
        "cost_category": map_of(row.get("x_CostCategories")),
        "tags": {},
    }
    if layout in WITHOUT_INVOICES and cells["bill_invoice_id"] is None:
        cells["invoice_issuer"] = row.get("InvoiceIssuerName") or ""
    return cells


def map_of(cell: Any) -> dict[str, Any]:
    """A map as Parquet or JSON has it, of a key that is there twice the first value; else empty."""
    if isinstance(cell, str):
        cell = json.loads(cell or "{}", object_pairs_hook=first_of_each)
    return dict(cell or ())


def first_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The first value of each key: JSON may have a key twice."""
    return dict(reversed(pairs))


def kind_of(row: Mapping[str, Any]) -> str:
    """A charge's line item type as CUR 2.0 calls it, as far as FOCUS tells."""
    category = str(row.get("ChargeCategory"))
    if category in ("Tax", "Credit"):
        return category
    if category == "Adjustment":
        names = list(map_of(row.get("x_Discounts")))
        return names[0] if len(names) == 1 else "Discount"
    own, billed = (float(row.get(name) or 0) for name in ("EffectiveCost", "BilledCost"))
    if row.get("ChargeClass") == "Correction" and own in (billed, 0.0):
        return "Refund"
    if category == "Purchase":
        return purchase_of(row)
    return used_or_left(row) if category == "Usage" else category


def purchase_of(row: Mapping[str, Any]) -> str:
    """What was bought: a commitment, by the month or at once, or anything else."""
    own, plan = float(row.get("EffectiveCost") or 0), is_plan(row)
    if row.get("CommitmentDiscountId"):
        if row.get("ChargeFrequency") == "Recurring":
            return "SavingsPlanRecurringFee" if plan else "RIFee"
        if plan and not own:
            return "SavingsPlanUpfrontFee"
    return used_or_left(row) if own and is_spread(row) else "Fee"


def used_or_left(row: Mapping[str, Any]) -> str:
    """Usage that a commitment covers, or what was left unused of one; other usage."""
    plan = is_plan(row)
    match row.get("CommitmentDiscountStatus"):
        case "Used":
            return "SavingsPlanCoveredUsage" if plan else "DiscountedUsage"
        case "Unused":
            return "SavingsPlanRecurringFee" if plan else "RIFee"
    return "DiscountedUsage" if is_spread(row) else "Usage"


def is_block(row: Mapping[str, Any], kind: str) -> bool:
    """Whether a fee or refund is of a block of capacity or a reserved host: no usage bears it."""
    if kind not in ("Fee", "Refund"):
        return False
    if "CapacityBlock" in (row.get("x_UsageType") or row.get("SkuMeter") or ""):
        return True
    bought = row.get("CommitmentDiscountId") or row.get("ResourceId") or ""
    return not is_plan(row) and any(one in bought for one in (":capacity-", ":host-"))


def is_plan(row: Mapping[str, Any]) -> bool:
    """Whether a commitment is one of spend."""
    category = row.get("CommitmentDiscountCategory")
    if category is None:
        return "Savings Plan" in (row.get("CommitmentDiscountType") or "")
    return bool(category == "Spend")


def is_spread(row: Mapping[str, Any]) -> bool:
    """Whether a charge costs its owner something else than it is billed for."""
    own = row.get("EffectiveCost")
    return own is not None and float(own) != float(row.get("BilledCost") or 0)
