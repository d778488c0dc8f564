"""The CSV files of a year: every charge, and every invoice beside what is charged for it.

Amounts are exact decimals without separators. What always holds: what is written can be read back as it was.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from chargeback.core.csv_files import write_csv
from chargeback.core.text import from_spreadsheet_text
from chargeback.pages.vocabulary import service_name
from chargeback.review.year.gather import KEYS, Charge, Gathered
from chargeback.review.year.views import Tied

CHARGES, INVOICES = "year.csv", "invoices.csv"

CHARGE_COLUMNS = (
    "billing_period", "original_period", "about_period", "business_unit_id", "business_unit_name",
    "cost_center_id", "cost_center_name", "kind", "product_code", "service", "pool_id", "pool_name",
    "invoice_id", "amount", "currency",
)  # fmt: skip
INVOICE_COLUMNS = (
    "billing_period", "invoice_id", "issuer", "invoiced", "charged_at_close", "corrected_since", "charged",
    "difference", "rounding", "currency",
)  # fmt: skip


def write_charges(gathered: Gathered, path: Path) -> None:
    """One row for each charge of the years' months, and about them."""
    names = gathered.names
    write_csv(
        path,
        CHARGE_COLUMNS,
        (
            (
                one.billing_period,
                one.original_period,
                one.about_period,
                one.business_unit_id,
                names.units.get(one.business_unit_id, ""),
                one.cost_center_id,
                names.cost_centers.get(one.cost_center_id, ""),
                one.kind,
                one.product_code,
                service_name(one.product_code, names.products.get(one.product_code, ""))
                if one.product_code
                else "",
                one.pool_id,
                names.pools.get(one.pool_id, ""),
                one.invoice_id,
                one.amount,
                gathered.currency,
            )
            for one in gathered.charges
        ),
    )


def write_invoices(tied: list[Tied], currency: str, path: Path) -> None:
    """One row for each invoice of the years' closed months."""
    write_csv(
        path,
        INVOICE_COLUMNS,
        (
            (
                one.invoiced.billing_period,
                one.invoiced.invoice_id,
                one.invoiced.issuer,
                one.invoiced.total,
                one.at_close,
                one.corrected,
                one.charged,
                one.difference,
                one.invoiced.rounding,
                currency,
            )
            for one in tied
        ),
    )


def read_charges(path: Path) -> Iterator[Charge]:
    """The charges of a file, as they stand in it."""
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            keys = [from_spreadsheet_text(row[name]) for name in KEYS]
            yield Charge._make([*keys, Decimal(row["amount"])])
