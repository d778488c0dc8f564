"""Columns: FOCUS's datasets of each version, and what a charge says in them.

The names and types are the specification's (CC-BY-4.0, tests/focus/specification.csv holds its list). Columns
that begin with x_ are ours, as FOCUS lets data generators add their own.

    BillingAccountId   the business unit, which gets the statement       SubAccountId  the cost center
    BilledCost         what was posted; sums to the ledger and the invoices
    EffectiveCost      the same, but 0 for what a commitment was prepaid or given back for later use
    ListCost, ContractedCost   what was posted: a ledger has no price list
    PricingQuantity    1 charge: the ledger bills amounts, not units

A column that a ledger knows nothing of is not there: FOCUS asks for it only of who supports it (regions, SKUs,
unit prices, resources, commitment discounts).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from chargeback.core.csv_files import plain_text
from chargeback.core.period import month_after
from chargeback.ledger.invoices import issuer_of
from chargeback.pages.vocabulary import KINDS, service_name
from chargeback.params import Params
from chargeback.review.focus.charges import Charge
from chargeback.review.focus.services import service_category, service_subcategory

VERSIONS = ("1.2", "1.3", "1.4")
COST_AND_USAGE, INVOICE_DETAIL, BILLING_PERIOD = "CostAndUsage", "InvoiceDetail", "BillingPeriod"
#: The datasets of each version.
DATASETS = {
    "1.2": (COST_AND_USAGE,),
    "1.3": (COST_AND_USAGE,),
    "1.4": (COST_AND_USAGE, INVOICE_DETAIL, BILLING_PERIOD),
}

MONEY = pa.decimal128(38, 10)
TEXT = pa.string()
MOMENT = pa.timestamp("us", tz="UTC")

USAGE, PURCHASE, TAX, CREDIT, ADJUSTMENT = "Usage", "Purchase", "Tax", "Credit", "Adjustment"
CORRECTION = "Correction"
ONE_TIME = "One-Time"
FREQUENCIES = {USAGE: "Usage-Based", PURCHASE: "Recurring"}
#: FOCUS's charge category by AWS's line item type; discounts, refunds and negations are adjustments.
CATEGORIES = {
    "Usage": USAGE, "DiscountedUsage": USAGE, "SavingsPlanCoveredUsage": USAGE,
    # Under amortized costs these lines are what of a commitment went unused in the period.
    "RIFee": USAGE, "SavingsPlanRecurringFee": USAGE,
    "Fee": PURCHASE, "SavingsPlanUpfrontFee": PURCHASE, "FlatRateSubscription": PURCHASE,
    "Tax": TAX, "Credit": CREDIT,
}  # fmt: skip

_BASE: tuple[tuple[str, pa.DataType], ...] = (
    ("BilledCost", MONEY), ("BillingAccountId", TEXT), ("BillingAccountName", TEXT),
    ("BillingAccountType", TEXT), ("BillingCurrency", TEXT), ("BillingPeriodEnd", MOMENT),
    ("BillingPeriodStart", MOMENT), ("ChargeCategory", TEXT), ("ChargeClass", TEXT),
    ("ChargeDescription", TEXT), ("ChargeFrequency", TEXT), ("ChargePeriodEnd", MOMENT),
    ("ChargePeriodStart", MOMENT), ("ContractedCost", MONEY), ("EffectiveCost", MONEY),
    ("InvoiceId", TEXT), ("InvoiceIssuerName", TEXT), ("ListCost", MONEY),
    ("PricingQuantity", MONEY), ("PricingUnit", TEXT), ("ServiceCategory", TEXT),
    ("ServiceName", TEXT), ("ServiceSubcategory", TEXT), ("SubAccountId", TEXT),
    ("SubAccountName", TEXT), ("SubAccountType", TEXT),
)  # fmt: skip
_PROVIDER = (("ProviderName", TEXT), ("PublisherName", TEXT))
_SPLIT = (
    ("AllocatedMethodDetails", TEXT), ("AllocatedMethodId", TEXT), ("AllocatedResourceId", TEXT),
    ("AllocatedResourceName", TEXT), ("AllocatedTags", TEXT), ("HostProviderName", TEXT),
    ("ServiceProviderName", TEXT),
)  # fmt: skip
_OURS: tuple[tuple[str, pa.DataType], ...] = (
    ("x_AccountId", TEXT), ("x_EntryId", TEXT), ("x_EntryLine", pa.int32()), ("x_Kind", TEXT),
    ("x_LineItemType", TEXT), ("x_OriginEntryId", TEXT), ("x_OriginEntryLine", pa.int32()),
    ("x_Pool", TEXT), ("x_ProductCode", TEXT), ("x_Rule", TEXT), ("x_Weight", MONEY),
)  # fmt: skip
_DETAIL: tuple[tuple[str, pa.DataType], ...] = (
    ("BilledCost", MONEY), ("BillingAccountId", TEXT), ("BillingCurrency", TEXT),
    ("BillingPeriodEnd", MOMENT), ("BillingPeriodStart", MOMENT), ("ChargeCategory", TEXT),
    ("InvoiceDetailCreated", MOMENT), ("InvoiceDetailDescription", TEXT),
    ("InvoiceDetailGrain", TEXT), ("InvoiceDetailId", TEXT), ("InvoiceDetailLastUpdated", MOMENT),
    ("InvoiceId", TEXT), ("InvoiceIssueDate", MOMENT), ("InvoiceIssuerName", TEXT),
    ("InvoiceIssueStatus", TEXT), ("PaymentCurrency", TEXT), ("PaymentCurrencyBilledCost", MONEY),
    ("PaymentDueDate", MOMENT), ("PaymentTerms", TEXT), ("ReferenceInvoiceId", TEXT),
)  # fmt: skip
_PERIOD = (
    ("BillingPeriodCreated", MOMENT), ("BillingPeriodEnd", MOMENT),
    ("BillingPeriodLastUpdated", MOMENT), ("BillingPeriodStart", MOMENT),
    ("BillingPeriodStatus", TEXT), ("InvoiceIssuerName", TEXT),
)  # fmt: skip
_COLUMNS = {
    ("1.2", COST_AND_USAGE): (*_BASE, *_PROVIDER),
    ("1.3", COST_AND_USAGE): (*_BASE, *_PROVIDER, *_SPLIT),
    ("1.4", COST_AND_USAGE): (*_BASE, ("InvoiceDetailId", TEXT), *_SPLIT),
    ("1.4", INVOICE_DETAIL): _DETAIL,
    ("1.4", BILLING_PERIOD): _PERIOD,
}


def schema_of(version: str, dataset: str) -> pa.Schema:
    """The columns of a dataset: FOCUS's by name, then ours."""
    ours = _OURS if dataset == COST_AND_USAGE else ()
    return pa.schema([*sorted(_COLUMNS[version, dataset]), *ours])


@dataclass(frozen=True)
class Period:
    """What every row of a period says alike.

    Args:
        closed_at: when the period was closed; what it posted has not changed since.
        names: what the report calls the products of AWS Marketplace.
        issuers: who sent an invoice of an earlier period that is corrected here.
    """

    period: str
    params: Params
    closed_at: datetime
    names: Mapping[str, str]
    issuers: Mapping[str, str]

    def issuer(self, invoice_id: str) -> str:
        """Who issued an invoice."""
        return self.issuers.get(invoice_id) or issuer_of(invoice_id, self.params)

    def provider(self, account_id: str | None) -> str:
        """Whose an account is, as accounts.csv has it; blank for AWS, whose invoices say it."""
        return self.params.providers.get(account_id or "", "")

    def service(self, product_code: str) -> str:
        """What a reader calls a product."""
        return service_name(product_code, self.names.get(product_code, ""))


def bounds(period: str) -> tuple[datetime, datetime]:
    """The first moment of a period, and of the one after it, in UTC."""
    return tuple(  # type: ignore[return-value]
        datetime.strptime(one, "%Y-%m").replace(tzinfo=UTC) for one in (period, month_after(period))
    )


def charge_category(charge: Charge) -> str:
    """FOCUS's category of a charge: by its line item type, or by what kind of posting has none."""
    if is_prepaid(charge):
        return PURCHASE
    kind = charge.said["line_item_type"]
    return CATEGORIES.get(kind, ADJUSTMENT) if kind else ADJUSTMENT


def is_prepaid(charge: Charge) -> bool:
    """Whether a charge pays for use in other periods, or gives back what was paid for use in this one."""
    return charge.row["kind"] == "commitment"


def charge_row(charge: Charge, of: Period) -> dict[str, Any]:
    """A charge in the words of FOCUS, of all versions; a schema takes those it has."""
    row, said = charge.row, charge.said
    start, end = bounds(of.period)
    charged_start, charged_end = bounds(row["original_period"] or of.period)
    category = charge_category(charge)
    centers, units = of.params.cost_centers, of.params.business_units
    unit_id, center_id = row["business_unit_id"], row["cost_center_id"]
    issuer = of.issuer(row["invoice_id"] or "")
    provider = of.provider(said["account_id"]) or issuer
    service = service_category(said["product_code"])
    center = centers[center_id].name if center_id in centers else None
    found = {
        "BilledCost": charge.amount,
        "BillingAccountId": unit_id,
        "BillingAccountName": units[unit_id].name if unit_id in units else None,
        "BillingAccountType": "Business unit",
        "BillingCurrency": row["currency"],
        "BillingPeriodStart": start,
        "BillingPeriodEnd": end,
        "ChargeCategory": category,
        "ChargeClass": CORRECTION if row["original_period"] else None,
        "ChargeDescription": description(charge, of),
        "ChargeFrequency": FREQUENCIES.get(category, ONE_TIME),
        "ChargePeriodStart": charged_start,
        "ChargePeriodEnd": charged_end,
        "ContractedCost": charge.amount,
        "EffectiveCost": Decimal(0) if is_prepaid(charge) else charge.amount,
        "InvoiceId": row["invoice_id"],
        "InvoiceIssuerName": issuer,
        "ListCost": charge.amount,
        "PricingQuantity": None if category == TAX else Decimal(1),
        "PricingUnit": None if category == TAX else "Charges",
        "ProviderName": provider,
        "PublisherName": provider,
        "HostProviderName": provider,
        "ServiceProviderName": provider,
        "ServiceCategory": service,
        "ServiceName": of.service(said["product_code"] or ""),
        "ServiceSubcategory": service_subcategory(service),
        "SubAccountId": center_id,
        "SubAccountName": center,
        "SubAccountType": "Cost center",
        "InvoiceDetailId": detail_id(row["invoice_id"] or "", unit_id, category),
        "x_AccountId": said["account_id"],
        "x_EntryId": row["entry_id"],
        "x_EntryLine": row["line"],
        "x_Kind": row["kind"],
        "x_LineItemType": said["line_item_type"],
        "x_OriginEntryId": charge.origin["entry_id"] if charge.origin else None,
        "x_OriginEntryLine": charge.origin["line"] if charge.origin else None,
        "x_Pool": row["pool_id"],
        "x_ProductCode": said["product_code"],
        "x_Rule": row["rule"],
        "x_Weight": row["weight"],
    }
    return found | split_columns(charge, center)


def description(charge: Charge, of: Period) -> str:
    """A sentence that says what was charged, without other columns."""
    row, said = charge.row, charge.said
    what = str(KINDS.get(row["kind"], row["kind"]))
    if said["product_code"]:
        what = f"{of.service(said['product_code'])}, {said['line_item_type']}"
    if said["account_id"]:
        what += f", account {said['account_id']}"
    if row["pool_id"]:
        named = {one.pool_id: one.name for one in of.params.pools}
        pool = f"pool {named.get(row['pool_id'], row['pool_id'])} by {row['allocation_key']}"
        what = f"{what}, through {pool}" if charge.origin else f"Part of {pool}"
    return f"Correction of {row['original_period']}: {what}" if row["original_period"] else what


def split_columns(charge: Charge, center: str | None) -> dict[str, Any]:
    """The columns of FOCUS 1.3 on split cost; nothing where a charge is no part of a pool."""
    row = charge.row
    if not row["pool_id"] or not row["allocation_key"]:
        return {}
    details = None
    if charge.ratio is not None:
        # Written by hand: a ratio is a JSON number with all its decimals, which no float holds.
        unit, weight = json.dumps(row["allocation_key"]), plain_text(row["weight"])
        details = (
            f'{{"Elements": [{{"AllocatedRatio": {charge.ratio:f}, "UsageQuantity": {weight}, '
            f'"UsageUnit": {unit}}}]}}'
        )
    tags = {"business_unit": row["business_unit_id"], "cost_center": row["cost_center_id"]}
    return {
        "AllocatedMethodId": f"{row['pool_id']}/{row['allocation_key']}",
        "AllocatedMethodDetails": details,
        "AllocatedResourceId": row["cost_center_id"],
        "AllocatedResourceName": center,
        "AllocatedTags": json.dumps(tags, ensure_ascii=False),
    }


def detail_id(invoice_id: str, unit_id: str, category: str) -> str:
    """The id of a line of an invoice's detail: what a unit is charged of it in a category."""
    return f"{invoice_id}/{unit_id}/{category}"


@dataclass
class Details:
    """The dataset InvoiceDetail: each invoice by business unit and category; it sums to its charges."""

    of: Period
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row of CostAndUsage."""
        key = row["InvoiceDetailId"]
        if key not in self.rows:
            self.rows[key] = self.begun(row)
        for name in ("BilledCost", "PaymentCurrencyBilledCost"):
            self.rows[key][name] += row["BilledCost"]

    def begun(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A line of an invoice's detail that nothing has been added to yet."""
        grain = {"ChargeCategory": row["ChargeCategory"], "x_BusinessUnit": row["BillingAccountId"]}
        return {name: row[name] for name in SHARED_WITH_DETAIL} | {
            "BilledCost": Decimal(0),
            "InvoiceDetailCreated": self.of.closed_at,
            "InvoiceDetailDescription": f"{row['BillingAccountName']}: {row['ChargeCategory']}",
            "InvoiceDetailGrain": json.dumps(grain, ensure_ascii=False),
            "InvoiceDetailId": row["InvoiceDetailId"],
            "InvoiceDetailLastUpdated": self.of.closed_at,
            "InvoiceIssueStatus": "Issued",
            "PaymentCurrency": row["BillingCurrency"],
            "PaymentCurrencyBilledCost": Decimal(0),
            "PaymentTerms": "Charged to the cost center in the period",
            "ReferenceInvoiceId": row["InvoiceId"],
        }

    def sorted_rows(self) -> list[dict[str, Any]]:
        """The rows in the order of their ids."""
        return [self.rows[key] for key in sorted(self.rows)]


SHARED_WITH_DETAIL = (
    "BillingAccountId", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "InvoiceId", "InvoiceIssuerName",
)  # fmt: skip


def period_rows(issuers: Iterable[str], of: Period) -> list[dict[str, Any]]:
    """The dataset BillingPeriod: the closed period, once for each issuer."""
    start, end = bounds(of.period)
    return [
        {
            "BillingPeriodCreated": of.closed_at,
            "BillingPeriodEnd": end,
            "BillingPeriodLastUpdated": of.closed_at,
            "BillingPeriodStart": start,
            "BillingPeriodStatus": "Closed",
            "InvoiceIssuerName": issuer,
        }
        for issuer in sorted(set(issuers))
    ]
