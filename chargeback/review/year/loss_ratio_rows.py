"""The rows of the split for the medical loss ratio that a year is made of, and the proof of their file.

Comes in: what the closes of some years have kept, and what later ones kept about their months. Goes out: rows
of a CSV file, which is read back and compared with the charges of the years.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from chargeback.books.manifest import LOSS_RATIO
from chargeback.core.books_folders import Books
from chargeback.core.csv_files import write_csv
from chargeback.ledger.medical_loss_ratio import SplitRow, kept_splits, read_splits

ZERO = Decimal("0.00")


class Charged(Protocol):
    """An amount of a cost center, charged or split."""

    @property
    def billing_period(self) -> str: ...

    @property
    def original_period(self) -> str: ...

    @property
    def business_unit_id(self) -> str: ...

    @property
    def cost_center_id(self) -> str: ...

    @property
    def amount(self) -> Decimal: ...


#: What the split is kept of: the split rows of each close that has some.
Splits = Mapping[str, Sequence[SplitRow]]

FILE = LOSS_RATIO


def gather_splits(books: Books, closed: Sequence[str], later: Sequence[str]) -> Splits:
    """The kept rows of closed periods, and those of later ones that are about them.

    Raises:
        Refusal: (exit 4) a file is not what was closed.
    """
    found: dict[str, Sequence[SplitRow]] = {}
    for period in (*closed, *later):
        rows = kept_splits(books, period)
        if rows is not None:
            found[period] = (
                rows if period in closed else [one for one in rows if one.original_period in closed]
            )
    return found


def rows_of(splits: Splits) -> list[SplitRow]:
    """All rows, by the period of their close, as it has kept them."""
    return [one for _, those in sorted(splits.items()) for one in those]


def write_splits(splits: Splits, path: Path) -> None:
    """One row for each part of each charge."""
    write_csv(path, SplitRow._fields, rows_of(splits))


def read_back(path: Path) -> list[SplitRow]:
    """The rows of a file as they stand in it; none where it was not written."""
    return read_splits(path.read_bytes()) if path.is_file() else []


def split_differences(
    splits: Splits, charges: Iterable[Charged], written: Iterable[SplitRow]
) -> Iterator[tuple[str, Decimal, Decimal]]:
    """Charges whose parts, as they were written, come to something else: what, charged, split."""

    def sums(rows: Iterable[Charged]) -> dict[tuple[str, ...], Decimal]:
        found: dict[tuple[str, ...], Decimal] = {}
        for one in rows:
            key = (
                one.billing_period,
                one.original_period,
                one.business_unit_id,
                one.cost_center_id,
            )
            found[key] = found.get(key, ZERO) + one.amount
        return found

    charged = sums(one for one in charges if one.billing_period in splits)
    parts = sums(written)
    for key in sorted(charged.keys() | parts.keys()):
        if charged.get(key) != parts.get(key):
            about = f" about {key[1]}" if key[1] else ""
            yield (
                f"split of {key[3]} in {key[0]}{about}",
                charged.get(key, ZERO),
                parts.get(key, ZERO),
            )
