"""Small months to close, how a verb is run on them, and what is looked at afterwards.

The report has three periods: May 2026 is worked out below by hand, June is final too, July is open.

    May, invoice 900000001, 100.01           CC-1      CC-2      CC-9
    tagged CC-1, and "web", its alias       70.00
    tagged CC-9, exactly 14.996                                 15.00
    untagged 15.00, split evenly             5.00      5.00      5.00
    100.01 less 99.996 rounded once                              0.01
    adjustment                              -2.00      2.00
                                            73.00      7.00     20.01
    business units                          shop 80.00          core 20.01
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chargeback.core.books_folders import Books
from tests.params_folder import ALWAYS, added, pool, write_params
from tests.reports import line_item, write_report

MAY, JUNE, JULY = "2026-05", "2026-06", "2026-07"
MAY_FILES = (
    [line_item(60.0, "CC-1"), line_item(10.0, "web")],
    [line_item(15.0), line_item(14.996, "CC-9")],
)
JUNE_ITEMS = [
    line_item(30.0, "CC-2", bill_invoice_id="900000002"),
    line_item(20.0, "CC-9", bill_invoice_id="900000002"),
]
JULY_ITEMS = [
    line_item(8.0, "CC-1", bill_invoice_id=""),
    line_item(4.0, "CC-9", bill_invoice_id=""),
]
INVOICES = (
    "invoice_id,billing_period,issuer,currency,total,entered_by,source\n"
    "900000001,2026-05,AWS,USD,100.01,finance,PDF\n"
    "900000002,2026-06,AWS,USD,50.00,finance,PDF\n"
)
FILES = {
    "invoices_csv": INVOICES,
    "tag_values_csv": added("tag_values.csv", "user_cost_center,web,CC-1,2026-01,,REF-1"),
    "adjustments_csv": added(
        "adjustments.csv", "2026-05,CC-1,CC-2,2.00,licences,REF-2,Ann,Bob,2026-01-20"
    ),
}
ONE_UNIT = {
    "business_units_csv": ALWAYS["business_units.csv"].splitlines()[0]
    + "\nshop,Shop,Ann,ann@example.com,shop\n",
    "cost_centers_csv": ALWAYS["cost_centers.csv"].replace(",core,", ",shop,"),
    "allocation_toml": pool(),
}


@dataclass(frozen=True)
class Ended:
    """How a verb ended."""

    exit_code: int
    said: str
    refused: str


@dataclass(frozen=True)
class Month:
    """A report, params and books, as the command line takes them."""

    report: Path
    params: Path
    books: Books

    @property
    def options(self) -> list[str]:
        """The options of a verb that name these places."""
        return [
            "--cur", str(self.report), "--params", str(self.params), "--books", str(self.books.root),
        ]  # fmt: skip


def month_in(folder: Path) -> Month:
    """The month that was written in a folder."""
    return Month(folder / "report", folder / "params", Books(folder / "books"))


def write_month(folder: Path, **files: str) -> Month:
    """The three periods and their params in a folder, nothing closed; keywords replace params files."""
    report = write_report(folder / "report", *MAY_FILES)
    write_report(report, JUNE_ITEMS, period=JUNE)
    write_report(report, JULY_ITEMS, period=JULY)
    write_params(folder / "params", **{**FILES, **files})
    return month_in(folder)


def run_process(*arguments: str, environment: Mapping[str, str] | None = None) -> Ended:
    """A verb as a terminal runs it."""
    done = subprocess.run(
        [sys.executable, "-m", "chargeback", *arguments],
        env={**os.environ, **(environment or {})}, text=True, capture_output=True, check=False,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


def manifest(books: Books, period: str = MAY) -> dict[str, Any]:
    """The manifest of a closed period."""
    content: dict[str, Any] = json.loads((books.ledger(period) / "manifest.json").read_bytes())
    return content


def sha256(path: Path) -> str:
    """sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """Every file below a folder with its sha256, by its path from there."""
    return {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def state(books: Books) -> dict[str, tuple[int, str]]:
    """Every file and folder of the books with its time and bytes; runs in progress and metrics left aside."""
    return {
        path.relative_to(books.root).as_posix(): (
            path.stat().st_mtime_ns, sha256(path) if path.is_file() else "",
        )
        for path in sorted(books.root.rglob("*"))
        if path.relative_to(books.root).parts[0] not in ("work", "metrics")
    }  # fmt: skip


def in_work(books: Books) -> list[str]:
    """What runs in progress, or stopped ones, keep; the lock left aside."""
    return sorted(one.name for one in (books.root / "work").iterdir() if one.name != ".lock")


def assert_refused(ended: Ended, exit_code: int, *words: str) -> None:
    """The verb ended with this code and with one whole block that holds these words, nothing else."""
    lines = ended.refused.splitlines()
    assert ended.exit_code == exit_code, ended
    assert lines and lines[0].startswith("STOPPED  ") and len(lines[0]) > 20, ended
    assert all(line.startswith("  ") for line in lines[1:]), ended.refused
    labels = {line[2:13].strip() for line in lines[1:]} - {""}
    assert {"expected", "found", "where", "what to do"} <= labels, ended.refused
    assert labels <= {"expected", "found", "difference", "where", "what to do"}, ended.refused
    assert "Traceback" not in ended.refused + ended.said
    for one in words:
        assert one in ended.refused, ended.refused
