"""Focus rows: line items of the sample as AWS would write them in FOCUS 1.0 or 1.2.

In: tables of line items in the columns of CUR 2.0. Out: tables in FOCUS. What each kind becomes:

- usage, tax and credits: one row, whose BilledCost is its EffectiveCost;
- usage that a commitment covers: BilledCost 0, and EffectiveCost what it used of the commitment; a Savings
  Plan's negations, which take the price on demand off again, have no row;
- a recurring fee of a commitment: the purchase, whose EffectiveCost is 0, and apart from it what was left
  unused, whose BilledCost is 0; either is left out where it is nothing;
- what was paid upfront for a commitment: a purchase whose EffectiveCost is 0, and its refund likewise;
- other fees: purchases; refunds: corrections of usage; discounts on rows of their own: adjustments that
  x_Discounts names. AWS documents neither of the last two (docs/focus-in.md);
- cost of pods and tasks (split cost allocation data): no row, no version that AWS exports has it.

It models AWS, and so knows nothing of what reads it (chargeback/sources).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chargeback.sample.columns import type_name
from chargeback.sample.focus_columns import MAPS, SCHEMAS

AWS, PROVIDER = "Amazon Web Services, Inc.", "AWS"
SPLIT_OPERATIONS = ("EKSPod-EC2", "ECSTask-EC2")
FEES = ("SavingsPlanRecurringFee", "RIFee")
COVERED = ("SavingsPlanCoveredUsage", "DiscountedUsage")

#: Columns that are another column of CUR 2.0 as it is.
AS_IT_IS = {
    "AvailabilityZone": "line_item_availability_zone",
    "BillingAccountId": "bill_payer_account_id",
    "BillingAccountName": "bill_payer_account_name",
    "BillingCurrency": "line_item_currency_code",
    "ChargeDescription": "line_item_line_item_description",
    "InvoiceId": "bill_invoice_id",
    "InvoiceIssuerName": "bill_invoicing_entity",
    "PricingCurrency": "line_item_currency_code",
    "RegionId": "product_region_code",
    "RegionName": "product_location",
    "SkuId": "product_sku",
    "SkuMeter": "line_item_usage_type",
    "SkuPriceId": "pricing_rate_code",
    "SubAccountId": "line_item_usage_account_id",
    "SubAccountName": "line_item_usage_account_name",
    "x_Operation": "line_item_operation",
    "x_ServiceCode": "line_item_product_code",
    "x_UsageType": "line_item_usage_type",
}  # fmt: skip

Texts = NDArray[np.object_]
Numbers = NDArray[np.float64]


class Items:
    """Line items with what FOCUS rows are told by, and the rows that each becomes.

    Args:
        at: the line item of each row.
        left: whether the row is the unused part of a recurring fee.
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.kinds = self.texts("line_item_line_item_type")
        self.amortized = amortized_of(table, self.kinds)
        billed = self.numbers("line_item_unblended_cost")
        fees = np.isin(self.kinds, FEES)
        dropped = (self.kinds == "SavingsPlanNegation") | np.isin(
            self.texts("line_item_operation"), SPLIT_OPERATIONS
        )
        whole = np.flatnonzero(~dropped & ~(fees & (billed == 0)))
        unused = np.flatnonzero(fees & (self.amortized != 0))
        self.at = np.concatenate([whole, unused])
        self.left = np.concatenate([np.zeros(len(whole), bool), np.ones(len(unused), bool)])
        order = np.argsort(self.at, kind="stable")
        self.at, self.left = self.at[order], self.left[order]
        self.kind = self.kinds[self.at]
        plan, reservation = (
            self.texts(name)[self.at]
            for name in ("savings_plan_savings_plan_a_r_n", "reservation_reservation_a_r_n")
        )
        self.is_plan = plan != ""
        self.commitment = np.where(self.is_plan, plan, reservation)
        self.is_prepaid = (self.commitment != "") & np.isin(
            self.kind, ("SavingsPlanUpfrontFee", "Fee", "Refund", *FEES)
        )
        self.is_covered = np.isin(self.kind, COVERED)

    def texts(self, name: str) -> Texts:
        """A column of texts; null is blank."""
        column = self.table[name].combine_chunks()
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        found: Texts = pc.fill_null(column, "").to_numpy(zero_copy_only=False)
        return found

    def numbers(self, name: str) -> Numbers:
        """A column of numbers; null is nothing."""
        found: Numbers = pc.fill_null(self.table[name], 0.0).to_numpy()
        return found


def amortized_of(table: pa.Table, kinds: Texts) -> Numbers:
    """What AWS says of a commitment's line item beside its cost: what was used of it, or left unused."""

    def numbers(name: str) -> Numbers:
        found: Numbers = pc.fill_null(table[name], 0.0).to_numpy()
        return found

    found = numbers("line_item_unblended_cost").copy()
    used_or_left = {
        "SavingsPlanCoveredUsage": numbers("savings_plan_savings_plan_effective_cost"),
        "DiscountedUsage": numbers("reservation_effective_cost"),
        "SavingsPlanRecurringFee": numbers("savings_plan_total_commitment_to_date")
        - numbers("savings_plan_used_commitment"),
        "RIFee": numbers("reservation_unused_amortized_upfront_fee_for_billing_period")
        + numbers("reservation_unused_recurring_fee"),
    }
    for kind, amounts in used_or_left.items():
        found = np.where(kinds == kind, np.round(amounts, 10), found)
    return found


def focus_table(table: pa.Table, form: str) -> pa.Table:
    """A table of line items as FOCUS has them.

    Args:
        form: "focus-1.0" or "focus-1.2".
    """
    items = Items(table)
    cells = {**told_apart(items), **amounts_of(items), **named(items), **mapped(items, form)}
    for name, of in AS_IT_IS.items():
        cells.setdefault(name, blank_as_null(items.texts(of)[items.at]))
    for name, of in (
        ("BillingPeriodEnd", "bill_billing_period_end_date"),
        ("BillingPeriodStart", "bill_billing_period_start_date"),
        ("ChargePeriodEnd", "line_item_usage_end_date"),
        ("ChargePeriodStart", "line_item_usage_start_date"),
    ):
        cells[name] = table[of].take(pa.array(items.at)).cast(pa.timestamp("ms"))
    schema = SCHEMAS[form]
    arrays = [
        cells[one.name].cast(one.type) if one.name in cells else pa.nulls(len(items.at), one.type)
        for one in schema
    ]
    return pa.table(arrays, schema=schema)


def told_apart(items: Items) -> dict[str, Any]:
    """What kind of charge each row is, and of which commitment."""
    kind, left = items.kind, items.left
    is_refund = kind == "Refund"
    is_purchase = np.isin(kind, ("SavingsPlanUpfrontFee", "Fee", *FEES)) & ~left
    category = chosen(
        ("Tax", kind == "Tax"), ("Credit", kind == "Credit"),
        ("Adjustment", np.char.endswith(kind.astype(str), "Discount")),
        ("Purchase", is_purchase | (is_refund & items.is_prepaid)), ("Usage", kind != ""),
    )  # fmt: skip
    frequency = chosen(
        ("Recurring", is_purchase & np.isin(kind, FEES)),
        ("Recurring", is_purchase & (kind == "Fee") & (items.commitment == "")),
        ("One-Time", ~np.isin(category, ("Usage",)) | is_refund), ("Usage-Based", kind != ""),
    )  # fmt: skip
    of_one = items.commitment != ""
    status = chosen(("Used", items.is_covered), ("Unused", left))
    return {
        "ChargeCategory": pa.array(category, pa.string()),
        "ChargeClass": blank_as_null(chosen(("Correction", is_refund))),
        "ChargeFrequency": pa.array(frequency, pa.string()),
        "CommitmentDiscountId": blank_as_null(items.commitment),
        "CommitmentDiscountCategory": blank_as_null(
            chosen(("Spend", of_one & items.is_plan), ("Usage", of_one))
        ),
        "CommitmentDiscountType": blank_as_null(
            chosen(("Savings Plan", of_one & items.is_plan), ("Reserved Instance", of_one))
        ),
        "CommitmentDiscountStatus": blank_as_null(status),
        "PricingCategory": blank_as_null(
            chosen(
                ("Committed", status != ""), ("", np.isin(category, ("Tax", "Credit", "Adjustment"))),
                ("Standard", kind != ""),
            )
        ),
    }  # fmt: skip


def amounts_of(items: Items) -> dict[str, Any]:
    """The costs and quantities of each row."""
    at, is_usage = items.at, ~np.isin(items.kind, ("Tax", "Credit", "Refund"))
    unblended = items.numbers("line_item_unblended_cost")[at]
    amortized = items.amortized[at]
    nothing = items.is_covered | items.left
    billed = np.where(nothing, 0.0, unblended)
    effective = np.where(
        items.is_prepaid & ~items.left, 0.0, np.where(nothing, amortized, unblended)
    )
    quantity = items.numbers("line_item_usage_amount")[at]
    listed = items.numbers("pricing_public_on_demand_cost")[at]
    consumed = np.isin(items.kind, ("Usage", *COVERED))
    rate = items.texts("line_item_unblended_rate")[at]
    price = np.array([float(one) if one else np.nan for one in rate])
    return {
        "BilledCost": pa.array(billed),
        "EffectiveCost": pa.array(effective),
        "PricingCurrencyEffectiveCost": pa.array(effective),
        "ContractedCost": pa.array(np.where(items.left, 0.0, unblended)),
        "ListCost": pa.array(np.where(consumed & (listed != 0), listed, billed)),
        "ContractedUnitPrice": pa.array(price, from_pandas=True),
        "ListUnitPrice": pa.array(price, from_pandas=True),
        "PricingCurrencyContractedUnitPrice": pa.array(price, from_pandas=True),
        "PricingCurrencyListUnitPrice": pa.array(price, from_pandas=True),
        "PricingQuantity": pa.array(quantity, mask=~is_usage),
        "ConsumedQuantity": pa.array(quantity, mask=~consumed),
        "ConsumedUnit": blank_as_null(
            np.where(consumed, items.texts("pricing_unit")[at], "")
        ),
        "PricingUnit": blank_as_null(items.texts("pricing_unit")[at]),
    }  # fmt: skip


def named(items: Items) -> dict[str, Any]:
    """Who provides and publishes, and what it is called."""
    at = items.at
    market = items.texts("bill_billing_entity")[at] == "AWS Marketplace"
    seller = items.texts("line_item_legal_entity")[at]
    count = len(at)
    resource = np.where(items.left, "", items.texts("line_item_resource_id")[at])
    names = first_of(items.table["product"], "product_name").take(pa.array(at))
    code = pa.array(items.texts("line_item_product_code")[at], pa.string())
    return {
        "ProviderName": pa.array([PROVIDER] * count),
        "PublisherName": pa.array(np.where(market & (seller != ""), seller, AWS), pa.string()),
        "ResourceId": blank_as_null(resource),
        "ServiceName": pc.coalesce(names, code),
        "ServiceCategory": pa.array(["Other"] * count),
        "ServiceSubcategory": pa.array(["Other (Other)"] * count),
        "BillingAccountType": pa.array(["Payer"] * count),
        "SubAccountType": pa.array(["Linked"] * count),
    }


def mapped(items: Items, form: str) -> dict[str, Any]:
    """Tags, cost categories and discounts."""
    at = pa.array(items.at)
    tags, categories = items.table["resource_tags"], items.table["cost_category"]
    unblended = items.numbers("line_item_unblended_cost")[items.at]
    is_discount = np.char.endswith(items.kind.astype(str), "Discount")
    discounts = [
        [(kind, amount)] if own else []
        for kind, amount, own in zip(items.kind, unblended, is_discount, strict=True)
    ]
    cells: dict[str, Any] = {"x_Discounts": pa.array(discounts, MAPS["x_Discounts"])}
    if form == "focus-1.0":
        cells["Tags"], cells["x_CostCategories"] = tags.take(at), categories.take(at)
    else:
        cells["Tags"] = with_categories(tags, categories).take(at)
    return cells


def with_categories(tags: pa.ChunkedArray, categories: pa.ChunkedArray) -> pa.Array:
    """Tags with cost categories among them, as 1.2 has them."""
    entries = [
        [*(own or []), *((f"costCategory/{key}", value) for key, value in more or [])]
        for own, more in zip(tags.to_pylist(), categories.to_pylist(), strict=True)
    ]
    return pa.array(entries, MAPS["Tags"])


def first_of(maps: pa.ChunkedArray, key: str) -> pa.Array:
    """The value of a key in each map; null where it has none."""
    return pc.map_lookup(maps.combine_chunks(), pa.scalar(key), "first")


def chosen(*choices: tuple[str, Any]) -> Texts:
    """The first text whose condition holds, row by row; blank where none does."""
    found: Texts = np.select(
        [condition for _, condition in choices],
        [np.array(name, object) for name, _ in choices],
        np.array("", object),
    )
    return found


def blank_as_null(texts: Sequence[str] | Texts) -> pa.Array:
    """Texts, blank ones null: FOCUS has no blank cells."""
    values = np.asarray(texts, object)
    return pa.array(values, pa.string(), mask=values == "")


def manifest_columns(form: str) -> list[Mapping[str, str]]:
    """The columns as a manifest lists them."""
    return [
        {"name": one.name, "type": "timestamp_milliseconds" if pa.types.is_timestamp(one.type)
         else type_name(one.type)}
        for one in SCHEMAS[form]
    ]  # fmt: skip
