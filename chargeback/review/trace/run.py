"""The verb `trace`: find a line, look behind it, say what is there, and write its line items as CSV."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chargeback.allocation.pools import ALLOCATED
from chargeback.close.hold import check_closed_periods
from chargeback.core.books_folders import Books
from chargeback.core.csv_files import open_csv
from chargeback.core.errors import bad_params
from chargeback.ledger.line_words import LineNames
from chargeback.ledger.post import ROUNDING
from chargeback.ledger.statement_lines import (
    LinePostings,
    Row,
    posting_id,
    postings_of_line,
    units_of,
)
from chargeback.review.trace.line_items import line_items_behind
from chargeback.review.trace.origin import Origin, correction_of, origin_of
from chargeback.review.trace.shares import Share, share_of
from chargeback.review.trace.text import (
    CHARGES_LINE_ITEMS,
    adjustment_words,
    correction_words,
    full_share_words,
    heading,
    line_item_words,
    pool_item_words,
    reference_words,
    rounding_words,
    rule_words,
    share_words,
)
from chargeback.review.trace.told import told_of_pool

FOR_AUDITORS = (
    "For auditors: this shows the weights and amounts of all business units. Hand it to nobody."
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

    @property
    def is_of_unit(self) -> bool:
        """Whether its postings are what a business unit pays of a pool."""
        return self.kind == ALLOCATED and bool(self.rows[0]["business_unit_id"])

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
    full: bool = False,
) -> None:
    """Tell what is behind a line, from the rule to the line items.

    Args:
        report: the folder of the report, for the periods whose deliveries are read.
        full: for auditors: with the weights, amounts and line items of all units that a pool was split among.

    Raises:
        Refusal: (exit 2) there is no such line; (exit 4) it cannot be followed exactly; (exit 6) the report is
            not the delivery that the period was closed from.
    """
    origin = origin_of(books, period)
    check_closed_periods(books, period)
    names = LineNames.of(origin.params, origin.product_names)
    named = postings_of_line(origin.postings, period, line, names)
    if not full:
        require_own(named, with_csv=csv_path is not None)
    else:
        say(FOR_AUDITORS)
        say("")
    for text in (*heading(books, origin, named.rows), *reference_words(origin, named.rows)):
        say(text)
    with csv_rows(csv_path) as write:
        for part in parts_of(books, origin, named.rows, say):
            tell(Telling(books, report, say, write, full), part)
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


def require_own(named: LinePostings, with_csv: bool) -> None:
    """Refuse what shows several units to one of them (exit 2)."""
    units = units_of(named.rows)
    of_pools = [row for row in named.rows if row["pool_id"] and row["business_unit_id"]]
    if len(units) > 1:
        raise bad_params(
            "this line is one of several business units", "a line of one unit, or FULL=yes",
            f"{named.text!r}, of {len(units)} units", units,
            ["name the unit's own line, as unit/pool or by its reference",
             "or, as an auditor, ask for all of it with FULL=yes"],
        )  # fmt: skip
    if with_csv and of_pools:
        raise bad_params(
            "the line items of a pool are those of all business units", "FULL=yes beside CSV=",
            f"CSV= and {named.text!r}, which is a part of a pool", [posting_id(of_pools[0])],
            ["leave CSV= out", "or, as an auditor, ask for all of it with FULL=yes"],
        )  # fmt: skip


@dataclass(frozen=True)
class Telling:
    """To whom it is told, and what from.

    Args:
        report: the folder of the report, for the periods whose deliveries are read.
        full: for auditors.
    """

    books: Books
    report: Callable[[Sequence[str]], Path]
    say: Say
    write: WriteItem | None
    full: bool

    def lines(self, texts: Iterable[str]) -> None:
        """Say one after the other."""
        for text in texts:
            self.say(text)


def tell(telling: Telling, part: Part) -> None:
    """One part: the rule, the arithmetic, the line items."""
    origin, rows = part.origin, part.rows
    telling.lines(rule_words(origin.params, rows))
    for share in part.shares():
        tell_share(telling, part, share)
    charging = part.charging()
    if not charging:
        for row in rows:
            told = rounding_words if part.kind == ROUNDING else adjustment_words
            telling.lines(told(origin, row))
        return
    items = line_items_behind(origin, charging, telling.report([origin.period]))
    try:
        if part.is_of_unit and not telling.full:
            telling.lines(pool_item_words(origin, charging, items))
        else:
            telling.lines(line_item_words(origin, charging, items, part.sign))
        if telling.write is not None:
            for item in items.all():
                telling.write(item, part.sign)
    finally:
        items.engine.close()


def tell_share(telling: Telling, part: Part, share: Share) -> None:
    """How a pool was split: for auditors with all weights and the pools before it, else the unit's own part."""
    if telling.full or not part.is_of_unit:
        for one in share.chain():
            telling.lines(full_share_words(part.origin, one, part.rows))
        return
    unit_id = part.rows[0]["business_unit_id"]
    told = told_of_pool(telling.books, part.origin.period, unit_id, share.pool_id)
    telling.lines(share_words(part.origin, share, part.rows, told))


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
