"""Which postings a line is.

A line is named by what a reader can quote: `entry_id:line` or `entry_id`, as in statement.csv, with or without
the period; or by what a page of a statement shows, `owner/account/product` and `owner/pool`, where the owner
is a business unit, a cost center, or for line items in a pool that pool.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from chargeback.allocation.pools import ALLOCATED, POOL
from chargeback.core.errors import bad_params
from chargeback.core.money import shown

Row = dict[str, Any]

_NUMBERED = re.compile(r"(.+):([0-9]{1,9})")
MOST_HINTS = 8


@dataclass(frozen=True)
class LinePostings:
    """The postings of a line, in the ledger's order; all of one kind, and about one period."""

    text: str
    rows: tuple[Row, ...]


def postings_of_line(postings: pa.Table, period: str, text: str) -> LinePostings:
    """The postings that a line names.

    Raises:
        Refusal: (exit 2) it names none, several kinds of cost, or a posting that only balances others; says
            what comes near.
    """
    rows = postings.to_pylist()
    entry = text if text.startswith(f"{period}/") else f"{period}/{text}"
    numbered = _NUMBERED.fullmatch(entry)
    found = [row for row in rows if row["entry_id"] == entry]
    if not found and numbered:
        of_entry = [row for row in rows if row["entry_id"] == numbered[1]]
        found = [row for row in of_entry if row["line"] == int(numbered[2])]
        if of_entry and not (found and all(map(charges, found))):
            raise no_line(text, [row for row in of_entry if charges(row)], period)
    if not found:
        found = [row for row in rows if text in shown_as(row)]
    found = [row for row in found if charges(row)]
    if not found:
        raise no_line(text, near(rows, entry, text), period)
    kinds = {(row["kind"], row["original_period"]) for row in found}
    if len(kinds) > 1:
        raise no_line(text, found, period)
    return LinePostings(text, tuple(found))


def charges(row: Row) -> bool:
    """Whether a posting charges somebody or a pool; others balance an entry."""
    account = row["ledger_account"]
    if account.startswith("payable:"):
        return False
    if row["original_period"]:
        return not (row["allocation_key"] and row["weight"] is None)
    return bool(row["kind"] != ALLOCATED or account != f"{POOL}{row['pool_id']}")


def shown_as(row: Row) -> set[str]:
    """How a page of a statement shows a posting: by owner, account and service, or by owner and pool."""
    if row["original_period"]:
        return set()
    owners = [row["business_unit_id"], row["cost_center_id"]]
    if row["kind"] == ALLOCATED:
        return {f"{one}/{row['pool_id']}" for one in owners if one}
    if row["kind"] not in ("direct", "pooled"):
        return set()
    rest = f"{row['account_id']}/{row['product_code']}"
    return {f"{one}/{rest}" for one in (*owners, row["pool_id"]) if one}


def posting_id(row: Row) -> str:
    """What names one posting."""
    return f"{row['entry_id']}:{row['line']}"


def near(rows: Sequence[Row], entry: str, text: str) -> list[Row]:
    """Postings whose names are like a text, each once."""
    names: dict[str, Row] = {}
    for row in filter(charges, rows):
        names.setdefault(row["entry_id"], row)
        for one in shown_as(row):
            names.setdefault(one, row)
    wanted = {
        one: None
        for it in (entry, text)
        for one in difflib.get_close_matches(it, names, MOST_HINTS)
    }
    each = {posting_id(names[one]): names[one] for one in wanted}
    return list(each.values())[:MOST_HINTS]


def no_line(text: str, rows: Sequence[Row], period: str) -> Exception:
    """The refusal of a line, with postings that could be meant."""
    hints = [
        f"{posting_id(row)}  {row['ledger_account']}  {shown(row['amount'])} {row['currency']}"
        for row in rows[:MOST_HINTS]
    ]
    return bad_params(
        "there is no such line in this period", "one posting, or postings of one kind", repr(text),
        hints or [f"the ledger of {period}"],
        ["LINE= is entry_id:line as in statement.csv, or as on a page: unit/account/product, unit/pool",
         "the lines above come near" if hints else "look for the amount in the unit's statement.csv"],
    )  # fmt: skip
