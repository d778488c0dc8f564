"""Small months that AWS changes after they were closed, closed in this process and without statements.

    March, April and May 2026, each an invoice of 130.00          CC-1    CC-2    CC-9
    tagged                                                       60.00   30.00   10.00
    untagged 30.00, split evenly                                 10.00   10.00   10.00
                                                                 70.00   40.00   20.00

CC-2's line item is of AmazonS3, the others of AmazonEC2.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from chargeback.books.tables import read_postings
from chargeback.books.work_folder import WorkFolder
from chargeback.close import monthly as close
from chargeback.close import stages
from chargeback.close.stages import derive
from chargeback.core.books_folders import Books
from tests.made_once import made_once
from tests.params_folder import write_params
from tests.reports import line_item, manifest_path, write_report
from tests.stage_runs import run_stage

MARCH, APRIL, MAY, JUNE = "2026-03", "2026-04", "2026-05", "2026-06"
HEADER = "invoice_id,billing_period,issuer,currency,total,entered_by,source\n"
Item = Mapping[str, Any]


def invoice_id(period: str) -> str:
    """The month's own invoice."""
    return f"90000000{period[-1]}"


def usual(period: str) -> list[Item]:
    """The line items of a month as they are closed first."""
    cells = {"bill_invoice_id": invoice_id(period)}
    return [
        line_item(60.0, "CC-1", **cells),
        line_item(30.0, "CC-2", line_item_product_code="AmazonS3", **cells),
        line_item(10.0, "CC-9", **cells),
        line_item(30.0, **cells),
    ]


@dataclass
class Estate:
    """A report, params and books; `totals` are the invoices that finance entered."""

    folder: Path
    totals: dict[tuple[str, str], str]
    files: dict[str, str]

    @property
    def report(self) -> Path:
        return self.folder / "report"

    @property
    def params(self) -> Path:
        return self.folder / "params"

    @property
    def books(self) -> Books:
        return Books(self.folder / "books")

    def deliver(self, period: str, *files: Sequence[Item], execution: str = "e-1") -> None:
        """AWS writes a month, in the place of what it wrote before."""
        for part in ("data", "metadata"):
            shutil.rmtree(self.report / part / f"BILLING_PERIOD={period}", ignore_errors=True)
        write_report(self.report, *files, period=period)
        path = manifest_path(self.report, period)
        path.write_text(json.dumps({**json.loads(path.read_text()), "executionId": execution}))

    def enter(self, period: str, total: str, invoice: str = "") -> None:
        """Finance enters an invoice's total, or another one."""
        self.totals[period, invoice or invoice_id(period)] = total
        self.write()

    def write(self, **files: str) -> None:
        """The params as they are entered now; keywords replace files for good."""
        self.files |= files
        rows = "".join(
            f"{invoice},{period},AWS,USD,{total},finance,PDF\n"
            for (period, invoice), total in self.totals.items()
        )
        write_params(self.params, **{"invoices_csv": HEADER + rows, **self.files})

    def closing(self, period: str, provisional: bool = False) -> WorkFolder:
        """A close of a month that has not begun."""
        work = self.books.work(period)
        return WorkFolder(period, self.report, self.params, self.books, work, provisional)

    def close(self, *periods: str, statements: bool = False) -> list[str]:
        """Close months, or confirm that they are closed; what was said."""
        said: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stages, "run_stage_notebook", run_stage)
            if not statements:
                patch.setitem(stages.STAGE_FUNCTIONS, "statements", make_no_statements)
            for period in periods:
                close.monthly_close(self.closing(period), said.append)
                if not statements:
                    self.drop_empty_folders(period)
        return said

    def drop_empty_folders(self, period: str) -> None:
        """Without statements nothing was signed, and no notebook ran: a whole close leaves no empty folder."""
        for name in ("notebooks", "signatures"):
            with contextlib.suppress(OSError):
                (self.books.evidence(period) / name).rmdir()

    def draft(self, period: str) -> WorkFolder:
        """A month derived as a draft is, in its work folder."""
        closing = self.closing(period, provisional=True)
        closing.folder.mkdir(parents=True)
        derive(closing)
        return closing

    def postings(self, period: str) -> pa.Table:
        """The ledger of a closed month."""
        return read_postings(self.books.ledger(period) / "postings.parquet")

    def corrections(self, period: str) -> list[dict[str, Any]]:
        """What a month's ledger posts about earlier ones."""
        return [row for row in self.postings(period).to_pylist() if row["original_period"]]

    def corrected(self, period: str, original_period: str) -> dict[str, str]:
        """What a month corrects an earlier one by, per cost center, where it is not nothing."""
        sums: dict[str, Decimal] = {}
        for row in self.corrections(period):
            if row["cost_center_id"] and row["original_period"] == original_period:
                center = row["cost_center_id"]
                sums[center] = sums.get(center, Decimal(0)) + row["amount"]
        return {center: str(amount) for center, amount in sorted(sums.items()) if amount}

    def kept(self, period: str) -> list[dict[str, Any]]:
        """What a close kept about the periods that it corrected."""
        path = self.books.evidence(period) / "restatements.json"
        found: list[dict[str, Any]] = json.loads(path.read_text())
        return found


def make_estate(folder: Path, *closed: str, **files: str) -> Estate:
    """March to May as usual, some of them closed."""
    estate = Estate(folder, {}, dict(files))
    for period in (MARCH, APRIL, MAY):
        estate.deliver(period, usual(period))
        estate.enter(period, "130.00")
    estate.close(*closed)
    return estate


def copied_estate(factory: pytest.TempPathFactory, folder: Path, *closed: str) -> Estate:
    """As `make_estate`, which is done once in a test run, and copied to the folder."""
    name = "-".join(("restated", *closed))
    made = made_once(factory, name, lambda one: make_estate(one, *closed))
    shutil.copytree(made, folder, dirs_exist_ok=True)
    totals = {(period, invoice_id(period)): "130.00" for period in (MARCH, APRIL, MAY)}
    return Estate(folder, totals, {})


def make_no_statements(closing: WorkFolder) -> None:
    """The folders of statements, empty."""
    for name in ("statements", "statement-project"):
        closing.path(name).mkdir(exist_ok=True)
    closing.path("statements.stage.json").write_text('{"controls": [], "files": {}, "summary": ""}')


def sums(rows: Sequence[Mapping[str, Any]], *names: str) -> dict[tuple[str, ...], Decimal]:
    """Cents by some columns, where they are not nothing."""
    found: dict[tuple[str, ...], Decimal] = {}
    for row in rows:
        key = tuple(row[name] or "" for name in names)
        found[key] = found.get(key, Decimal(0)) + row["amount"]
    return {key: amount for key, amount in found.items() if amount}
