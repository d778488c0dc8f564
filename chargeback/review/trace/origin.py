"""What postings were derived from: params, source record and owned costs, as the evidence keeps them.

A posting of its own period has that period's evidence. One that corrects an earlier period has two origins:
what the books held before, which is reversed, and what AWS delivered later, which is booked. Each is derived
again from the rollups that the closes kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from chargeback.books.checked import checked_postings, checked_table
from chargeback.books.closed_period import (
    kept_params,
    kept_record,
    kept_restatements,
    kept_rollup,
    own_record,
    params_after,
    read_closed_period,
)
from chargeback.books.source_record import SourceRecord
from chargeback.core.books_folders import Books
from chargeback.core.errors import bad_params
from chargeback.core.money import cents, exact_units
from chargeback.core.period import check_period
from chargeback.ledger.corrections import Amount, Line, entries_of, without_end
from chargeback.ledger.derive import derive_postings
from chargeback.params import Params
from chargeback.rollup.product_names import product_names

Row = dict[str, Any]


@dataclass(frozen=True)
class Origin:
    """A period's ledger and what it was derived from.

    Args:
        product_names: what the report calls products of AWS Marketplace, by their codes.
    """

    period: str
    params: Params
    record: SourceRecord
    owned_costs: pa.Table
    postings: pa.Table
    product_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Correction:
    """What a correcting posting is: a posting of an earlier period, reversed or booked again.

    Args:
        row: the posting in the ledger of its origin.
        reversed: whether the correction takes it back.
    """

    origin: Origin
    row: Row
    reversed: bool


def origin_of(books: Books, period: str) -> Origin:
    """What a closed period's own postings were derived from.

    Raises:
        Refusal: (exit 2) the period is not closed; (exit 4) its evidence is not what it was closed with.
    """
    closed = books.closed_periods()
    if check_period(period) not in closed:
        raise bad_params(
            f"{period} is not closed in these books", "one of: " + (", ".join(closed) or "none"),
            period, [str(books.root)],
            ["name the books with BOOKS=", f"or close it first: make monthly-close PERIOD={period}"],
        )  # fmt: skip
    return Origin(
        period,
        kept_params(books, period),
        own_record(books, period),
        checked_table(books, period, "owned_costs.parquet"),
        checked_postings(books, period),
        product_names([checked_table(books, period, "rollup.parquet")]),
    )


def correction_of(books: Books, origin: Origin, row: Row) -> Correction:
    """What a posting with an original period corrects, and from which delivery.

    Raises:
        Refusal: (exit 4) the evidence of a close is not what it was.
    """
    period = row["original_period"]
    kept = kept_restatements(books, origin.period)[period]
    closed_period = read_closed_period(books, period, kept["earlier"])
    cells = {name: row[name] or "" for name in Line._fields}
    line, entry_id = Line(**{**cells, **without_end(cells)}), row["entry_id"].split("/", 2)[2]
    amount = Amount(exact_units(row["exact_amount"]), cents(row["amount"]), None)
    before = derive_postings(closed_period.rollup, closed_period.params)
    was = entries_of(before.postings, period).get(entry_id, {}).get(line)
    is_reversed = was is not None and was[:2] == (-amount.exact, -amount.cents)
    if is_reversed and not is_second(origin, row):
        found = Origin(
            period, closed_period.params, closed_period.record, before.owned_costs, before.postings,
            product_names([closed_period.rollup]),
        )  # fmt: skip
    else:
        is_reversed = False
        params = params_after(closed_period.params, kept)
        rollup = (
            kept_rollup(books, origin.period, period)
            if kept["redelivered"]
            else closed_period.rollup
        )
        after = derive_postings(rollup, params)
        record = kept_record(kept) if kept["redelivered"] else closed_period.record
        names = product_names([rollup])
        found = Origin(period, params, record, after.owned_costs, after.postings, names)
    known = {name: value or None for name, value in line._asdict().items()}
    [original] = [
        one
        for one in found.postings.to_pylist()
        if one["entry_id"] == entry_id and all((one[name] or None) == known[name] for name in known)
    ]
    return Correction(found, original, is_reversed)


def is_second(origin: Origin, row: Row) -> bool:
    """Whether a correcting posting follows one on the same line, which it books again."""
    return any(
        one["entry_id"] == row["entry_id"]
        and one["line"] == row["line"] - 1
        and all(one[name] == row[name] for name in Line._fields)
        for one in origin.postings.to_pylist()
    )
