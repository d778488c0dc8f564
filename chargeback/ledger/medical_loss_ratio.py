"""The split for the medical loss ratio: what is charged, as claims, quality improvement and administration.

Comes in: the postings of a period, and what medical_loss_ratio.csv declares. Goes out: three rows for each
charge, kept with the close as `medical_loss_ratio.csv`, which sum to it to the cent. No posting is changed.

- A charge is what one cost center is charged in a period in all: about the period itself, or about one
  earlier period that is corrected. It is split once, by largest remainder
  (chargeback/allocation/apportion.py); of equal remainders administration has the first cent, then claims.
- What is corrected is split by what is declared for the period that it is about, not for the one that posts it.
  Where a cost center takes what one that has ended would be charged, the declaration is that of the latter.

What always holds: the rows of a charge sum to it, so those of a unit to its statement and all of them to the
ledger; negating every posting negates every row; no order of postings or declarations changes anything.

Known drawbacks: the parts are those that somebody declared, not measured. Where a row of an earlier date is
edited after its months were closed, these stay split as they were, and what corrects them is split anew.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.allocation.apportion import divide
from chargeback.books.checked import checked_bytes, checked_manifest
from chargeback.books.manifest import LOSS_RATIO, recorded_files
from chargeback.books.work_folder import WorkFolder
from chargeback.core.books_folders import Books
from chargeback.core.csv_files import write_csv
from chargeback.core.money import cents, cents_amount
from chargeback.core.sums import sums_by
from chargeback.core.text import from_spreadsheet_text, plain
from chargeback.engine import Engine
from chargeback.engine.controls import Outcome, run_group
from chargeback.engine.tables import CENTS, table_of
from chargeback.params import Params
from chargeback.params.medical_loss_ratio import (
    CATEGORIES,
    Declaration,
    declared_for,
    is_declared,
)

GROUP = "medical_loss_ratio"

#: 0 to 100 with four decimals.
PERCENT = pa.decimal128(7, 4)

_ENDED = re.compile("ended:([^:]+):.*")

ZERO = Decimal("0.00")

#: The columns of the file that are no text.
NUMBERS = ("percent", "amount")


class SplitRow(NamedTuple):
    """A part of a charge, of one type of expense; the fields are the columns of the file.

    Args:
        original_period: the earlier period that a correction is about; empty for charges of the period itself.
        percent, amount: of the charge; the amounts of its rows sum to it.
        declared_for: whose row of the register it is, which may be `*`.
    """

    billing_period: str
    original_period: str
    business_unit_id: str
    business_unit_name: str
    cost_center_id: str
    cost_center_name: str
    category: str
    percent: Decimal
    amount: Decimal
    currency: str
    declared_for: str
    valid_from: str
    valid_to: str
    basis: str
    reference: str
    entered_by: str
    approved_by: str
    approved_on: str

    @property
    def about_period(self) -> str:
        """The month that it is about."""
        return self.original_period or self.billing_period


class Charge(NamedTuple):
    """What a cost center of a unit is charged, about the period itself (empty) or one that is corrected."""

    original_period: str
    business_unit_id: str
    cost_center_id: str


@dataclass(frozen=True)
class DeclaredCharge:
    """A charge, or a part of one where two declarations meet in it, with what is declared for it."""

    charge: Charge
    amount: Decimal
    declaration: Declaration


def split_charges(postings: pa.Table, params: Params) -> list[SplitRow]:
    """Every charge for which something is declared, in its parts; sorted by period, unit and cost center."""
    return [row for one in declared_charges(postings, params) for row in rows_of(one, params)]


def declared_charges(postings: pa.Table, params: Params) -> list[DeclaredCharge]:
    """The charges of postings that have a declaration, in order."""
    charged = postings.filter(pc.is_valid(postings["cost_center_id"]))
    keys = ("original_period", "business_unit_id", "cost_center_id", "rule")
    found: dict[tuple[Charge, str], DeclaredCharge] = {}
    for (original, unit, center, rule), amount in sums_by(charged, keys, "amount").items():
        charge = Charge(original or "", unit or "", center)
        ended = _ENDED.fullmatch(rule or "") if original else None
        declaration = declared_for(
            params.loss_ratio, ended[1] if ended else center, original or params.period
        )
        if declaration is not None:
            key = (charge, declaration.cost_center_id)
            before = found[key].amount if key in found else ZERO
            found[key] = DeclaredCharge(charge, before + amount, declaration)
    return [one for _, one in sorted(found.items(), key=lambda item: item[0])]


def rows_of(one: DeclaredCharge, params: Params) -> Iterator[SplitRow]:
    """The parts of a charge, one for each type of expense, also where it is none of it."""
    charge, declaration = one.charge, one.declaration
    parts = divide(cents(one.amount), declaration.weights)
    unit = params.business_units.get(charge.business_unit_id)
    center = params.cost_centers.get(charge.cost_center_id)
    for category in CATEGORIES:
        yield SplitRow(
            params.period, *charge[:2], unit.name if unit else "",
            charge.cost_center_id, center.name if center else "",
            category, declaration.percents[category], cents_amount(parts[category]),
            params.policy.currency, declaration.cost_center_id, declaration.valid_from,
            declaration.valid_to, declaration.basis, declaration.reference,
            declaration.entered_by, declaration.approved_by, declaration.approved_on,
        )  # fmt: skip


def splits_table(rows: Iterable[SplitRow]) -> pa.Table:
    """The rows as the controls read them."""
    texts = ("original_period", "business_unit_id", "cost_center_id", "declared_for", "category")
    return table_of(
        [*((name, pa.string()) for name in texts), ("percent", PERCENT), ("amount", CENTS)],
        [(*(getattr(one, name) for name in texts), one.percent, one.amount) for one in rows],
    )


def splits_of(work: WorkFolder, postings: pa.Table) -> list[SplitRow] | None:
    """The split of a period; None where its params have no register, or it was closed without a split.

    A month that is closed again was perhaps closed before anything was declared, and stays as it is.
    """
    if not is_declared(work.params.digests) or was_closed_without(work):
        return None
    return split_charges(postings, work.params)


def was_closed_without(work: WorkFolder) -> bool:
    """Whether a period is closed, and has no split."""
    is_closed = work.books.ledger(work.period).is_dir()
    return is_closed and kept_content(work.books, work.period) is None


def is_declared_otherwise(work: WorkFolder, again: WorkFolder) -> bool:
    """Whether a closed period, derived again, would be split in another way than it has kept."""
    derived = again.path(LOSS_RATIO)
    return derived.is_file() and derived.read_bytes() != kept_content(work.books, work.period)


def control_splits(engine: Engine, rows: list[SplitRow] | None) -> list[Outcome]:
    """The outcomes of the controls on the split; the postings must be registered. None where there is none."""
    if rows is None:
        return []
    engine.register("loss_ratio_splits", splits_table(rows))
    return run_group(engine, GROUP)


def keep_splits(work: WorkFolder, rows: list[SplitRow] | None) -> list[str]:
    """Leave the split for the evidence; the names of what was left."""
    if rows is None:
        work.path(LOSS_RATIO).unlink(missing_ok=True)  # of an earlier run, with other params
        return []
    write_csv(work.path(LOSS_RATIO), SplitRow._fields, rows)
    return [LOSS_RATIO]


def read_splits(content: bytes) -> list[SplitRow]:
    """The rows of a file as they stand in it.

    Raises:
        ValueError: it is not such a file.
    """
    reader = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))
    if tuple(reader.fieldnames or ()) != SplitRow._fields:
        raise ValueError(f"{LOSS_RATIO} has other columns")
    return [
        SplitRow._make(
            Decimal(row[name]) if name in NUMBERS else from_spreadsheet_text(row[name])
            for name in SplitRow._fields
        )
        for row in reader
    ]


def kept_content(books: Books, period: str) -> bytes | None:
    """The file of a closed period, as its manifest has it; None where it was closed without a declaration."""
    manifest = checked_manifest(books, period)
    name = f"evidence/{LOSS_RATIO}"
    if name not in recorded_files(manifest):
        return None
    return checked_bytes(books, period, name, manifest)


def kept_splits(books: Books, period: str) -> list[SplitRow] | None:
    """The split of a closed period; None where it was closed without one."""
    content = kept_content(books, period)
    return None if content is None else read_splits(content)


def as_kept(rows: Iterable[SplitRow]) -> list[SplitRow]:
    """Rows as they are when they have been written and read back: each text on one line."""
    return [
        SplitRow._make(plain(one) if isinstance(one, str) else one for one in row) for row in rows
    ]
