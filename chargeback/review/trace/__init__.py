"""Trace: from a line of a statement back to the rule that decided and to the line items of the report.

Which postings a line is says chargeback/ledger/statement_lines.py.

In: closed books, the delivery that a period was closed from, and a line: a posting's id or what a statement
shows. Out: the posting and the statement it is on, the rule in words and who approved it, the arithmetic, and
the line items: file, row, id, resource, tags, amounts.

    origin           what they were derived from: params, source record and owned costs, from the evidence
    line_items       the line items behind them, found in one pass over the delivery
    shares           for an allocated line: the pool, all weights, and the pools before it
    text             the answer as text; run prints it and writes the line items as CSV

What always holds: who owns a line item is not decided again here. The evidence holds the rows of the rollup
with their owners, and line items are matched with them by the view that the rollup was made from
(sql/sources/line_items.sql). The line items must sum to the exact amount of each posting, and each share of a
pool must follow from its weights, or nothing is shown. Every file of the delivery must have its recorded
sha256, or, if Athena read the delivery, its size.

Drawbacks: rows of CSV files have no number here; use their identity_line_item_id. Line items that cancel to
nothing are behind no posting. A correction needs both deliveries: what it reverses is shown only where the
earlier one is still kept.
"""

from chargeback.ledger.statement_lines import LinePostings, postings_of_line
from chargeback.review.trace.line_items import LineItems, line_items_behind
from chargeback.review.trace.origin import Origin, origin_of

__all__ = [
    "LineItems",
    "LinePostings",
    "Origin",
    "line_items_behind",
    "origin_of",
    "postings_of_line",
]
