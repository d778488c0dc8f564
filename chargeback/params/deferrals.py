"""Deferrals: deferrals.csv, invoices that a period's charges leave to a later period, once.

A credit memo that accounts payable nets in a later month is declared here. Its line items stand in the report
of `billing_period`, whose close leaves them out and says so; the close of `deferred_to`, or of the first period
after it, charges them as a correction of the earlier period. The file is optional.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from chargeback.core.errors import apart, bad_params
from chargeback.params.registers import Row, need_cell, read_register

FILE = "deferrals.csv"


@dataclass(frozen=True)
class Deferral:
    """An invoice of a period that is left to a later one."""

    invoice_id: str
    billing_period: str
    deferred_to: str
    reference: str
    approved_by: str
    where: str = field(compare=False, default="")


def deferrals_of(rows: Iterable[Row]) -> tuple[Deferral, ...]:
    """Deferrals of any period, in the order of the file.

    Raises:
        Refusal: (exit 2) a row lacks a cell, or defers to a period that is not later.
    """
    found = []
    for row in rows:
        with apart():
            check_deferral(row)
        found.append(Deferral(**row.cells, where=row.where))
    return tuple(found)


def check_deferral(row: Row) -> None:
    """Refuse a row that lacks a cell, or defers to a period that is not later."""
    for column in ("reference", "approved_by"):
        need_cell(row, column, "a deferral")
    if row["deferred_to"] <= row["billing_period"]:
        raise bad_params(
            "an invoice is deferred to a period that is not later",
            f"a period after {row['billing_period']}", row["deferred_to"], [row.where],
        )  # fmt: skip


def read_deferrals(folder: Path) -> tuple[Deferral, ...]:
    """The deferrals of a params folder, of all periods; none where it has no such file."""
    return deferrals_of(read_register(folder, FILE)) if (folder / FILE).is_file() else ()
