"""Estates: a report and params of a wanted size along each axis, made so that a close of them ties out.

In: a `Size`. Out: a folder with `cur`, as Data Exports delivers it, `again`, where the last closed period was
delivered once more with other amounts, and `params`. Line items go round the resources, resources round the
series, and series round accounts, invoices, tag values and cost centers. So the number of series bounds the
rollup, and an axis that is doubled doubles itself and nothing else. Of ten series two carry no tag. Each pool
takes the line items of a product of its own. An invoice's last line item brings it to whole cents, so that its
total is what its line items come to.

The last closed period is `LAST`, and the open one after it has come half way. Drawback: amounts are spread
evenly, which no estate's are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import numpy as np

from chargeback.core.period import month_after, month_before
from chargeback.sample.columns import SCHEMA, type_name
from chargeback.sample.months import OPEN_PERIOD, Month
from chargeback.sample.rows import Rows, SeriesColumns, Things
from chargeback.sample.series import Series
from chargeback.sample.spread import scattered
from chargeback.sample.writer import BUCKET, EXPORT, Chunks, file_name

LAST = month_before(OPEN_PERIOD)
UNITS_PER_CENT = 10**8

PRODUCTS = ("AmazonEC2", "AmazonS3", "AmazonRDS", "AWSLambda", "AmazonDynamoDB", "AmazonVPC")

#: A line item costs so many ten-billionths of a dollar at most: 50 dollars.
DEAREST = 500_000_000_000


@dataclass(frozen=True)
class Size:
    """How large an estate is along each axis.

    Args:
        line_items: of each period.
        tag_values: aliases that stand for cost centers, beside the cost centers' own ids.
        periods: closed ones; the open period comes on top.
        adjustments: of each closed period.
        series: line items that differ only in resource, time and amount.
    """

    line_items: int = 20_000
    accounts: int = 20
    cost_centers: int = 20
    units: int = 2
    pools: int = 3
    invoices: int = 3
    tag_values: int = 50
    resources: int = 400
    periods: int = 2
    adjustments: int = 5
    series: int = 800

    @cached_property
    def closed_periods(self) -> tuple[str, ...]:
        """The closed periods, the last of them `LAST`."""
        found = [LAST]
        while len(found) < self.periods:
            found.insert(0, month_before(found[0]))
        return tuple(found)

    @property
    def first_period(self) -> str:
        """The first closed period."""
        return self.closed_periods[0]

    @property
    def open_period(self) -> str:
        """The period after the last closed one."""
        return month_after(LAST)

    def account_id(self, number: int) -> str:
        """The id of an account, counted from 0."""
        return f"{100_000_000_000 + number:012d}"

    def invoice_id(self, period: str, number: int) -> str:
        """The id of an invoice of a period; blank while the period is open."""
        return "" if period == self.open_period else f"{period.replace('-', '')}{number:06d}"

    def cost_center_id(self, number: int) -> str:
        """The id of a cost center; numbers go round."""
        return f"CC-{1000 + number % self.cost_centers}"

    def unit_id(self, number: int) -> str:
        """The id of a business unit; numbers go round."""
        return f"unit-{number % self.units:03d}"


#: How far along each axis growth is measured, and again at twice as much; so far that what grows with the axis
#: outweighs what every run takes, and no further.
FAR: Mapping[str, int] = {
    "line_items": 300_000,
    "accounts": 400,
    "cost_centers": 160,
    "units": 10,
    "pools": 30,
    "invoices": 60,
    "tag_values": 480,
    "resources": 8_000,
    "periods": 4,
    "adjustments": 400,
}

#: What an estate needs beside an axis to hold so much along it; also where it is small.
BESIDE: Mapping[str, Mapping[str, int]] = {"tag_values": {"series": 2_400}}


def sizes_along(axis: str) -> tuple[Size, Size, Size]:
    """The estates of an axis: small along it as along all others, far along it, and twice as far."""
    small = replace(Size(), **BESIDE.get(axis, {}))
    return small, replace(small, **{axis: FAR[axis]}), replace(small, **{axis: 2 * FAR[axis]})


def write_report(folder: Path, size: Size) -> dict[str, Decimal]:
    """All periods of an estate; the totals of their invoices, by invoice id."""
    totals: dict[str, Decimal] = {}
    for period in (*size.closed_periods, size.open_period):
        totals |= write_period(folder, size, period)
    return {invoice: total for invoice, total in totals.items() if invoice}


def write_period(folder: Path, size: Size, period: str, delivery: int = 0) -> dict[str, Decimal]:
    """A period's data files and manifest; the totals of its invoices, by invoice id.

    Args:
        delivery: each has other amounts.
    """
    month, name = Month(period, 1), f"BILLING_PERIOD={period}"
    series = [one_series(size, period, number) for number in range(size.series)]
    series += [pool_series(size, period, number) for number in range(size.pools)]
    rows, totals = line_items(size, month, series, delivery)
    data = folder / "data" / name
    data.mkdir(parents=True)
    with Chunks(data, len(rows)) as chunks:
        chunks.write(SeriesColumns(series, month).table(rows, 0, len(rows)))
    manifest = {
        "executionId": hashlib.sha256(f"{size}/{period}/{delivery}".encode()).hexdigest()[:32],
        "exportName": EXPORT,
        "billingPeriod": period,
        "columns": [{"name": one.name, "type": type_name(one.type)} for one in SCHEMA],
        "dataFiles": [
            f"{BUCKET}/{EXPORT}/data/{name}/{file_name(number)}"
            for number in range(1, chunks.files + 1)
        ],
    }
    place = folder / "metadata" / name
    place.mkdir(parents=True)
    (place / f"{EXPORT}-Manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    return totals


def line_items(
    size: Size, month: Month, series: list[Series], delivery: int
) -> tuple[Rows, dict[str, Decimal]]:
    """A period's line items, and what each invoice's come to in dollars."""
    count, kinds = size.line_items, len(series)
    number = np.arange(count, dtype=np.int64)
    resource = number % max(size.resources, kinds)
    units = 1 + scattered(number, sum(map(ord, month.period)) + 1_000 * delivery, DEAREST)
    owner = resource % kinds
    invoices = [one.texts["bill_invoice_id"] or "" for one in series]
    totals: dict[str, Decimal] = {}
    for invoice in dict.fromkeys(invoices):
        on_it = np.isin(owner, [place for place, one in enumerate(invoices) if one == invoice])
        billed = np.flatnonzero(on_it)
        units[billed[-1]] += -int(units[billed].sum()) % UNITS_PER_CENT
        totals[invoice] = Decimal(int(units[billed].sum())).scaleb(-10)
    names = Things()
    for index in range(count):
        digits = hashlib.sha256(f"{size.first_period}/{index}".encode()).hexdigest()
        names.ids.append(digits[:52])
        named = f"i-{int(resource[index]):017x}" if series[int(owner[index])].resource else ""
        names.resources.append(named)
        names.parents.append(None)
    cost = units.astype(np.float64) / 10**10
    columns = {
        "line_item_blended_cost": cost,
        "line_item_unblended_cost": cost,
        "line_item_usage_amount": np.ones(count),
        "pricing_public_on_demand_cost": cost,
    }
    return Rows(owner, number, number % month.elapsed_slots, columns, names), totals


def one_series(size: Size, period: str, number: int) -> Series:
    """A series of ordinary usage: without a tag, with a cost center's id, or with an alias."""
    tag = None
    if number % 10 < 8:
        turn = number // 2
        own = size.cost_center_id(turn)
        tag = own if number % 2 else f"team-{turn % size.tag_values:05d}"
    product = PRODUCTS[number % len(PRODUCTS)]
    return series_of(size, period, number, product, "i-{hex16}", tag)


def pool_series(size: Size, period: str, number: int) -> Series:
    """A series of what a pool takes, without tags and resources."""
    return series_of(size, period, number, f"SharedService{number:03d}", "", None)


def series_of(
    size: Size, period: str, number: int, product: str, resource: str, tag: str | None
) -> Series:
    """A series of one account on one invoice."""
    account = number % size.accounts
    return Series(
        texts={
            "bill_bill_type": "Anniversary",
            "bill_billing_entity": "AWS",
            "bill_invoice_id": size.invoice_id(period, number % size.invoices),
            "bill_invoicing_entity": "Amazon Web Services, Inc.",
            "bill_payer_account_id": size.account_id(0),
            "bill_payer_account_name": "payer",
            "line_item_currency_code": "USD",
            "line_item_legal_entity": "Amazon Web Services, Inc.",
            "line_item_line_item_description": f"usage of {product}",
            "line_item_line_item_type": "Usage",
            "line_item_operation": "Run",
            "line_item_product_code": product,
            "line_item_usage_account_id": size.account_id(account),
            "line_item_usage_account_name": f"account {account}",
            "line_item_usage_type": f"Usage:{number % 7}",
            "pricing_currency": "USD",
            "product_servicecode": product,
        },
        product={"product_name": product},
        resource_tags={"user_cost_center": tag} if tag else {},
        resource=resource,
    )
