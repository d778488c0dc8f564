"""The verb `trace`: find a line, look behind it, say what is there, and write its line items as CSV."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chargeback.allocation.pools import ALLOCATED
from chargeback.close.hold import check_closed_periods
from chargeback.core.books_folders import Books
from chargeback.core.csv_files import open_csv
from chargeback.ledger.post import ROUNDING
from chargeback.ledger.statement_lines import Row, posting_id, postings_of_line
from chargeback.review.trace.line_items import line_items_behind
from chargeback.review.trace.origin import Origin, correction_of, origin_of
from chargeback.review.trace.shares import Share, share_of
from chargeback.review.trace.text import (
    CHARGES_LINE_ITEMS,
    adjustment_words,
    correction_words,
    heading,
    line_item_words,
    rounding_words,
    rule_words,
    share_words,
)

COLUMNS = (
    "posting", "source_file", "source_row", "identity_line_item_id", "usage_date", "account_id", "product_code",
    "line_item_type", "operation", "usage_type", "resource_id", "description", "resource_tags",
    "unblended_cost", "charged_cost", "amount",
)  # fmt: skip

Say = Callable[[str], None]
WriteItem = Callable[[Row, int], None]


@dataclass(frozen=True)
class Part:
    """Postings of one origin that are traced together.

    Args:
        sign: -1 where a correction takes them back.
    """

    origin: Origin
    rows: tuple[Row, ...]
    sign: int = 1

    @property
    def kind(self) -> str:
        """The kind of its postings."""
        return str(self.rows[0]["kind"])

    def shares(self) -> list[Share]:
        """What its postings are parts of, when they are parts of pools."""
        if self.kind != ALLOCATED:
            return []
        pairs = dict.fromkeys((row["invoice_id"], row["pool_id"]) for row in self.rows)
        return [share_of(self.origin, invoice_id, pool_id) for invoice_id, pool_id in pairs]

    def charging(self) -> list[Row]:
        """The postings that line items of the report are behind: its own, or those of its pools."""
        if self.kind in CHARGES_LINE_ITEMS:
            return list(self.rows)
        found = {
            posting_id(row): row
            for share in self.shares()
            for one in share.chain()
            for row in one.pooled
        }
        return list(found.values())


def trace(
    books: Books,
    period: str,
    line: str,
    report: Callable[[Sequence[str]], Path],
    say: Say,
    csv_path: Path | None = None,
) -> None:
    """Tell what is behind a line, from the rule to the line items.

    Args:
        report: the folder of the report, for the periods whose deliveries are read.

    Raises:
        Refusal: (exit 2) there is no such line; (exit 4) it cannot be followed exactly; (exit 6) the report is
            not the delivery that the period was closed from.
    """
    origin = origin_of(books, period)
    check_closed_periods(books, period)
    named = postings_of_line(origin.postings, period, line)
    for text in heading(books, origin, named.rows):
        say(text)
    with csv_rows(csv_path) as write:
        for part in parts_of(books, origin, named.rows, say):
            tell(part, report, say, write)
    if csv_path:
        say("")
        say(f"All line items: {csv_path}")


def parts_of(books: Books, origin: Origin, rows: Sequence[Row], say: Say) -> Iterator[Part]:
    """What is traced together: all postings of a line, or each correction by itself."""
    if not rows[0]["original_period"]:
        yield Part(origin, tuple(rows))
        return
    for row in rows:
        found = correction_of(books, origin, row)
        for text in correction_words(row, found):
            say(text)
        yield Part(found.origin, (found.row,), -1 if found.reversed else 1)


def tell(
    part: Part, report: Callable[[Sequence[str]], Path], say: Say, write: WriteItem | None
) -> None:
    """One part: the rule, the arithmetic, the line items."""
    origin, rows = part.origin, part.rows
    for text in rule_words(origin.params, rows):
        say(text)
    for share in part.shares():
        for one in share.chain():
            for text in share_words(origin, one, rows):
                say(text)
    charging = part.charging()
    if not charging:
        for row in rows:
            told = rounding_words if part.kind == ROUNDING else adjustment_words
            for text in told(origin, row):
                say(text)
        return
    items = line_items_behind(origin, charging, report([origin.period]))
    try:
        for text in line_item_words(origin, charging, items, part.sign):
            say(text)
        if write is not None:
            for item in items.all():
                write(item, part.sign)
    finally:
        items.engine.close()


@contextmanager
def csv_rows(path: Path | None) -> Iterator[WriteItem | None]:
    """What writes a line item into a CSV file, with the sign of its part; None where no file is wanted."""
    if path is None:
        yield None
        return
    with open_csv(path, COLUMNS) as write:
        yield lambda row, sign: write(csv_cells(row, sign))


def csv_cells(row: Row, sign: int) -> list[Any]:
    """A line item as cells; its tags are JSON."""
    tags = json.dumps(dict(row["resource_tags"]), ensure_ascii=False, sort_keys=True)
    amount = sign * row["amount"]
    cells = {**row, "posting": posting_id(row), "amount": amount, "resource_tags": tags}
    return [cells[name] for name in COLUMNS]
