"""Periods that the audited one corrected: each is recounted with all its corrections, from its last delivery.

In: what the close kept about a period that AWS delivered again, that period's ledger, and the corrections
posted up to the audited close. Out: the postings that now hold for it, entry by entry and line by line,
compared by the recount with the rows of its last delivery. No module that makes corrections is used.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from chargeback.books.manifest import POSTINGS
from chargeback.core.books_folders import Books
from chargeback.core.json_text import read_json
from chargeback.review.audit.delivered_rows import Row, exact_as
from chargeback.review.audit.findings import UNREADABLE, Check, Notes
from chargeback.review.audit.recount import COST_CENTER, Rules, count_rows, recount

RESTATEMENTS = "restatements.json"
LINE = ("ledger_account", "pool_id", "invoice_id", "account_id", "product_code", "line_item_type",
        "rule", "allocation_key")  # fmt: skip

Kept = dict[str, Any]


def kept_corrections(books: Books, period: str) -> list[Kept]:
    """What a close kept about the periods that it corrected; none where it is not there or not readable."""
    path = books.evidence(period) / RESTATEMENTS
    try:
        found: list[Kept] = read_json(path.read_bytes())
        return [one for one in found if one["billing_period"] and one["sources"]]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def corrected_periods(books: Books, period: str) -> list[str]:
    """The periods whose last deliveries an audit reads besides that of its own, in order."""
    closed = set(books.closed_periods())
    kept = kept_corrections(books, period)
    return sorted(closed & {one["billing_period"] for one in kept if one.get("redelivered")})


def check_corrected(books: Books, period: str, report: Path, kept: Kept) -> Check:
    """Recount a corrected period as it stands after the audited close."""
    original, notes = kept["billing_period"], Notes()
    name = f"recount of {original} with its corrections"
    try:
        rules = Rules(books.evidence(original) / "params", original)
        rules.deferred = set(kept.get("deferred", []))
        closes = [*kept["earlier"], period]
        record = kept["sources"]
        if not kept["redelivered"]:
            what = "an invoice was corrected"
            if kept.get("taken"):
                what = f"{', '.join(kept['taken'])}, which its close had left to a later one, was charged"
            notes.remarks.append(f"{original}: only {what}; its rows are those of its own delivery")
        read_by = books.evidence(last_reading(books, original, closes))
        counted = count_rows(report, record, rules, exact_as(read_by))
        totals = rules.invoices() | {
            one["invoice_id"]: Decimal(one["total"]) for one in kept["invoices"]
        }
        rows = effective_postings(books, original, closes, rules)
        compared = recount(counted, rules, rows, record, totals, notes, corrected=True)
    except UNREADABLE as error:
        notes.expect("evidence", original, "what can be read", f"{type(error).__name__}: {error}")
        return notes.check(name, "stopped")
    return notes.check(name, compared)


def last_reading(books: Books, original: str, closes: list[str]) -> str:
    """The close that last read a period's line items, whose SQL is what they were cast with; else its own."""
    readings = [
        close
        for close in closes
        for one in kept_corrections(books, close)
        if one["billing_period"] == original and one.get("redelivered")
    ]
    return readings[-1] if readings else original


def effective_postings(
    books: Books, original: str, closes: list[str], rules: Rules
) -> list[Row]:  # fmt: skip
    """The postings of a period with its corrections counted into the lines that they correct."""
    own = pq.read_table(books.ledger(original) / POSTINGS).to_pylist()
    every = [row for row in own if row["original_period"] is None]
    for close in closes:
        later = pq.read_table(books.ledger(close) / POSTINGS).to_pylist()
        every += [corrected_line(row, rules) for row in later if row["original_period"] == original]
    found: dict[tuple[Any, ...], Row] = {}
    for row in every:
        line = (row["entry_id"], *(row[one] for one in LINE))
        if line in found:
            before = found[line]
            row = {
                **before,
                **{one: before[one] + row[one] for one in ("exact_amount", "amount")},
                "weight": row["weight"],
            }
        found[line] = row
    return [row for row in found.values() if row["exact_amount"] or row["amount"]]


def corrected_line(row: Row, rules: Rules) -> Row:
    """A correcting posting as the line that it corrects: entry, kind, and whose it was before it ended."""
    entry_id = row["entry_id"].split("/", 2)[2]
    found = {**row, "entry_id": entry_id, "kind": entry_id.split("/")[1]}
    ended = re.fullmatch("ended:([^:]+):(.*)", row["rule"] or "")
    if ended:
        found |= {
            "ledger_account": COST_CENTER + ended[1], "cost_center_id": ended[1], "rule": ended[2],
        }  # fmt: skip
    if found["cost_center_id"]:
        # The unit of a cost center is that of the period which is corrected.
        found["business_unit_id"] = rules.units.get(found["cost_center_id"])
    return found
