"""Writes an estate as the files that people and AWS leave: a report with its manifest, and a params folder."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chargeback.core.books_folders import Books
from tests.close.months import Month
from tests.estates.estate import START, Estate, Row
from tests.params_folder import ALWAYS, write_params
from tests.reports import write_report


def write_estate(estate: Estate, folder: Path) -> Month:
    """Report and params of an estate in a folder; its line items in two files."""
    half = len(estate.items) // 2
    report = write_report(folder / "report", estate.items[:half], estate.items[half:])
    files = {
        "business_units_csv": register("business_units.csv", estate.business_units),
        "cost_centers_csv": register("cost_centers.csv", estate.cost_centers),
        "accounts_csv": register("accounts.csv", estate.accounts),
        "tag_values_csv": register("tag_values.csv", estate.tag_values),
        "drivers_csv": register("drivers.csv", estate.drivers),
        "invoices_csv": register("invoices.csv", estate.invoices),
        "adjustments_csv": register("adjustments.csv", estate.adjustments),
        "policy_toml": toml(estate.policy),
        "allocation_toml": tables("pool", estate.pools),
        "acceptances_csv": rows_of(
            ("control", "subject", "valid_from", "valid_to", "reference", "accepted_by"),
            [(*one, START, "", "CHG6", "controller") for one in estate.accepted],
        ),
    }
    if estate.deferrals:
        columns = ("invoice_id", "billing_period", "deferred_to", "reference", "approved_by")
        files["deferrals_csv"] = rows_of(
            columns, [[row[one] for one in columns] for row in estate.deferrals]
        )
    if estate.ownership:
        files["ownership_toml"] = tables("rule", estate.ownership)
    return Month(report, write_params(folder / "params", **files), Books(folder / "books"))


def register(name: str, rows: Iterable[Row]) -> str:
    """The text of a register."""
    columns = ALWAYS[name].splitlines()[0].split(",")
    return rows_of(columns, [[row[one] for one in columns] for row in rows])


def rows_of(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """CSV text."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


def tables(name: str, entries: Iterable[Row]) -> str:
    """TOML text of an array of tables."""
    return "".join(f"[[{name}]]\n{toml(one)}\n" for one in entries)


def toml(cells: Row) -> str:
    """TOML text of plain keys."""
    return "".join(f"{key} = {value(one)}\n" for key, one in cells.items() if one != "")


def value(one: Any) -> str:
    """A value as TOML has it."""
    if isinstance(one, dict):
        return "{ " + ", ".join(f'"{key}" = {value(each)}' for key, each in one.items()) + " }"
    if isinstance(one, list):
        return "[" + ", ".join(value(each) for each in one) + "]"
    return json.dumps(one)
