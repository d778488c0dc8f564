"""Closed books of two years: December 2026 corrected in January and in March, January in March.

    closed                     as charged   about 2026-12   about 2027-01   as corrected
    2026-12                        130.00          130.00                         127.00
    2027-01                        136.00            6.00          130.00         150.00
    2027-02                        130.00                                         130.00
    2027-03                        141.00           -9.00           20.00         130.00

In March the unit `shop` is renamed, and CC-2 moves from it to `core`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.made_once import made_once
from tests.params_folder import ALWAYS
from tests.reports import line_item
from tests.restatement.months import Estate, Item, usual

DECEMBER, JANUARY, FEBRUARY, MARCH = "2026-12", "2027-01", "2027-02", "2027-03"
MONTHS = (DECEMBER, JANUARY, FEBRUARY, MARCH)
MEMO = "900000099"
BUDGETS = (
    "period,cost_center_id,amount,approved_by\n"
    "2027,CC-1,1200.00,CFO\n2027,CC-2,480.01,CFO\n2027-01,CC-2,30.00,CFO\n"
)


def invoice_of(period: str) -> str:
    """The month's own invoice."""
    return f"900{period[:4]}{period[5:]}"


def items(period: str, *more: Item) -> list[Item]:
    """The line items of a month, as usual and more, all on its own invoice."""
    return [{**one, "bill_invoice_id": invoice_of(period)} for one in (*usual(period), *more)]


def estate_of(folder: Path, totals: dict[str, str]) -> Estate:
    """Four months delivered as usual and entered, none closed."""
    estate = Estate(folder, {}, {"budgets_csv": BUDGETS})
    for period in MONTHS:
        estate.deliver(period, items(period))
        estate.enter(period, totals.get(period, "130.00"), invoice_of(period))
    return estate


def close_two_years(folder: Path) -> Estate:
    """The estate above."""
    estate = estate_of(folder, {MARCH: "130.02"})
    estate.close(DECEMBER)
    support = line_item(6.0, line_item_product_code="AWSSupportBusiness")
    estate.deliver(DECEMBER, items(DECEMBER, support), execution="e-2")
    estate.enter(DECEMBER, "136.00", invoice_of(DECEMBER))
    estate.close(JANUARY, FEBRUARY)
    refund = line_item(-9.0, "CC-1", bill_invoice_id=MEMO, line_item_line_item_type="Refund")
    estate.deliver(DECEMBER, items(DECEMBER, support), [refund], execution="e-3")
    estate.enter(DECEMBER, "-9.00", MEMO)
    more = line_item(20.0, "CC-2", line_item_product_code="AmazonS3")
    estate.deliver(JANUARY, items(JANUARY, more), execution="e-2")
    estate.enter(JANUARY, "150.00", invoice_of(JANUARY))
    estate.write(
        business_units_csv=ALWAYS["business_units.csv"].replace("Shop", "Stores & <b>web</b>"),
        cost_centers_csv=ALWAYS["cost_centers.csv"].replace(
            "CC-2,Stock,shop,2026-01,\n",
            "CC-2,Stock,shop,2026-01,2027-02\nCC-2,Warehouse,core,2027-03,\n",
        ),
    )
    estate.close(MARCH)
    return estate


@pytest.fixture(scope="session")
def two_years(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """The estate; nobody changes it."""
    return Estate(made_once(tmp_path_factory, "two-years", close_two_years), {}, {})
