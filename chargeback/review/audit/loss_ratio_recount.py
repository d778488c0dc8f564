"""The split for the medical loss ratio, by a second path: from the postings and the register in evidence.

In: `medical_loss_ratio.csv` as the close kept it, the register of the same name among its params, the postings.
Nothing is taken from the first path: the register is read as rows of text, a part is a fraction of its charge,
rounded down, and the cents that are left go to the parts that lost most, administration before claims before
quality improvement where they lost the same. Each row that is there and each that is not is told.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from chargeback.core.text import plain, spreadsheet_text
from chargeback.review.audit.findings import UNREADABLE, Check, Notes

NAME = "medical loss ratio, split again"
FILE = "medical_loss_ratio.csv"
CATEGORIES = ("administration", "claims", "quality_improvement")
DECLARED = (
    "valid_from", "valid_to", "basis", "reference", "entered_by", "approved_by", "approved_on",
)  # fmt: skip

#: A part: the corrected period or nothing, unit, cost center, whose declaration, and type of expense.
Key = tuple[str, str, str, str, str]
Cells = Mapping[str, str]


def check_loss_ratio(ledger: Path, evidence: Path, period: str) -> Check | None:
    """Compare the kept split with one that is made here; None where the params have no register.

    Args:
        ledger, evidence: the folders of the period.
    """
    register, kept_file = evidence / "params" / FILE, evidence / FILE
    if not register.is_file() and not kept_file.is_file():
        return None
    notes = Notes()
    try:
        kept = {key_of(row): row for row in rows_in(kept_file)}
        counted = dict(split_again(ledger, rows_in(register), period))
        compare(kept, counted, notes)
    except UNREADABLE as error:
        notes.expect(f"evidence/{FILE}", "", "what can be read", f"{type(error).__name__}: {error}")
        return notes.check(NAME, "stopped")
    whole = sum((amount for amount, _ in counted.values()), Decimal(0))
    return notes.check(NAME, f"{len(counted):,} parts of {whole:,.2f}, each with its declaration")


def rows_in(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, as text without spaces around it."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        found = [dict(row) for row in csv.DictReader(stream)]
    return [{name: (text or "").strip() for name, text in row.items()} for row in found]


def key_of(row: Cells) -> Key:
    """What a kept row is about."""
    names = ("original_period", "business_unit_id", "cost_center_id", "declared_for", "category")
    first, unit, center, declared_for, category = (row[name] for name in names)
    return first, unit, center, declared_for, category


def split_again(
    ledger: Path, register: list[dict[str, str]], period: str
) -> Iterator[tuple[Key, tuple[Decimal, Cells]]]:
    """Each part of each charge, with the declaration that it follows."""
    charged: dict[tuple[str, str, str, str], Decimal] = {}
    declared: dict[tuple[str, str], Cells] = {}
    for row in pq.read_table(ledger / "postings.parquet").to_pylist():
        if row["cost_center_id"] is None:
            continue
        original = row["original_period"] or ""
        holds_for = held(register, whose(row), original or period)
        group = (
            original, row["business_unit_id"] or "", row["cost_center_id"],
            holds_for["cost_center_id"],
        )  # fmt: skip
        charged[group] = charged.get(group, Decimal(0)) + row["amount"]
        declared[original, holds_for["cost_center_id"]] = holds_for
    for (original, unit, center, declared_for), amount in charged.items():
        cells = declared[original, declared_for]
        for category, part in parts_of(amount, cells).items():
            yield (original, unit, center, declared_for, category), (part, cells)


def whose(row: Mapping[str, Any]) -> str:
    """Whose work a posting pays for: of a correction for a cost center that has ended, that one's."""
    ended = re.match("ended:([^:]+):", row["rule"] or "") if row["original_period"] else None
    return str(ended[1] if ended else row["cost_center_id"])


def held(register: list[dict[str, str]], center: str, period: str) -> Cells:
    """The row of a cost center that holds in a period, or that of all others.

    Raises:
        LookupError: there is neither.
    """
    found: dict[str, Cells] = {
        row["cost_center_id"]: row
        for row in register
        if row["valid_from"] <= period and (not row["valid_to"] or period <= row["valid_to"])
    }
    if center not in found and "*" not in found:
        raise LookupError(f"nothing is declared for {center} in {period}")
    return found.get(center) or found["*"]


def parts_of(amount: Decimal, cells: Cells) -> dict[str, Decimal]:
    """A charge in its three parts, in whole cents that sum to it."""
    size, sign = abs(amount) * 100, -1 if amount < 0 else 1
    exact = {name: Fraction(size) * Fraction(cells[name]) / 100 for name in CATEGORIES}
    whole = {name: floor(one) for name, one in exact.items()}
    left = int(size) - sum(whole.values())
    lost = sorted(CATEGORIES, key=lambda name: (whole[name] - exact[name], name))
    for name in lost[:left]:
        whole[name] += 1
    return {name: sign * Decimal(one) / 100 for name, one in whole.items()}


def compare(
    kept: Mapping[Key, Cells], counted: Mapping[Key, tuple[Decimal, Cells]], notes: Notes
) -> None:
    """Note each part that is kept otherwise than it is made here."""
    for key in sorted(kept.keys() | counted.keys()):
        name = ", ".join(part for part in key if part)
        if key not in kept or key not in counted:
            said = ("a row", "") if key in counted else ("", "a row")
            notes.expect(f"evidence/{FILE}", name, *said)
            continue
        row, (amount, cells) = kept[key], counted[key]
        notes.expect_amount(f"evidence/{FILE}", name, amount, Decimal(row["amount"]))
        percent = Decimal(cells[key[-1]])
        notes.expect_amount(
            f"evidence/{FILE}", f"{name}, percent", percent, Decimal(row["percent"])
        )
        for column in DECLARED:
            expected = spreadsheet_text(plain(cells[column]))
            notes.expect(f"evidence/{FILE}", f"{name}, {column}", expected, row[column])
