"""What postings were derived from: params, source record and owned costs, as the evidence keeps them.

A posting of its own period has that period's evidence. One that corrects an earlier period has two bases: what
the books held before is reversed, and what AWS delivered later is booked; each is derived again from the
rollups that the closes kept.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.books.held import (
    held_period,
    invoice_of,
    kept_bytes,
    kept_params,
    kept_record,
    kept_restatements,
    kept_rollup,
)
from chargeback.books.manifest import POSTINGS
from chargeback.books.source_record import SourceRecord
from chargeback.books.tables import read_postings
from chargeback.core.errors import bad_params
from chargeback.core.money import cents, exact_units
from chargeback.core.period import check_period
from chargeback.core.places import Books
from chargeback.ledger.corrections import Amount, Line, entries_of, without_end
from chargeback.ledger.derive import derive_postings
from chargeback.params import Params

Row = dict[str, Any]


@dataclass(frozen=True)
class Basis:
    """A period's ledger and what it was derived from."""

    period: str
    params: Params
    record: SourceRecord
    owned_costs: pa.Table
    postings: pa.Table


@dataclass(frozen=True)
class Correction:
    """What a correcting posting is: a posting of an earlier period, reversed or booked again.

    Args:
        row: the posting in the ledger of its basis.
        reversed: whether the correction takes it back.
    """

    basis: Basis
    row: Row
    reversed: bool


def basis_of(books: Books, period: str) -> Basis:
    """What a closed period's own postings were derived from.

    Raises:
        Refusal: (exit 2) the period is not closed; (exit 4) its evidence is not what it was closed with.
    """
    closed = books.closed_periods()
    if check_period(period) not in closed:
        raise bad_params(
            f"{period} is not closed in these books", "one of: " + (", ".join(closed) or "none"),
            period, [str(books.root)], [f"close it first: make monthly-close PERIOD={period}"],
        )  # fmt: skip
    return Basis(
        period,
        kept_params(books, period),
        SourceRecord.from_json(kept_bytes(books, period, "sources.json").decode()),
        pq.read_table(io.BytesIO(kept_bytes(books, period, "owned_costs.parquet"))),
        read_postings(books.ledger(period) / POSTINGS),
    )


def correction_of(books: Books, basis: Basis, row: Row) -> Correction:
    """What a posting with an original period corrects, and from which delivery.

    Raises:
        Refusal: (exit 4) the evidence of a close is not what it was.
    """
    period = row["original_period"]
    kept = kept_restatements(books, basis.period)[period]
    held = held_period(books, period, kept["earlier"])
    cells = {name: row[name] or "" for name in Line._fields}
    line, entry_id = Line(**{**cells, **without_end(cells)}), row["entry_id"].split("/", 2)[2]
    amount = Amount(exact_units(row["exact_amount"]), cents(row["amount"]), None)
    before = derive_postings(held.rollup, held.params)
    was = entries_of(before.postings, period).get(entry_id, {}).get(line)
    is_reversed = was is not None and was[:2] == (-amount.exact, -amount.cents)
    if is_reversed and not is_second(basis, row):
        found = Basis(period, held.params, held.record, before.owned_costs, before.postings)
    else:
        is_reversed = False
        invoices = {one["invoice_id"]: invoice_of(one) for one in kept["invoices"]}
        params = replace(held.params, invoices={**held.params.invoices, **invoices})
        rollup = kept_rollup(books, basis.period, period) if kept["redelivered"] else held.rollup
        after = derive_postings(rollup, params)
        record = kept_record(kept) if kept["redelivered"] else held.record
        found = Basis(period, params, record, after.owned_costs, after.postings)
    names = {name: value or None for name, value in line._asdict().items()}
    [original] = [
        one
        for one in found.postings.to_pylist()
        if one["entry_id"] == entry_id and all((one[name] or None) == names[name] for name in names)
    ]
    return Correction(found, original, is_reversed)


def is_second(basis: Basis, row: Row) -> bool:
    """Whether a correcting posting follows one on the same line, which it books again."""
    return any(
        one["entry_id"] == row["entry_id"]
        and one["line"] == row["line"] - 1
        and all(one[name] == row[name] for name in Line._fields)
        for one in basis.postings.to_pylist()
    )
