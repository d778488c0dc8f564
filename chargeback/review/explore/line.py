"""What is in a line: the rule that gave it to its owner, and the line items and resources behind it.

What always holds: the line items of a line sum to the exact amount of its postings, or it is refused. Drawback:
they are read from the report, which must still be the delivery that the period was closed from.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from chargeback.core.books_folders import named_books
from chargeback.core.errors import bad_params
from chargeback.core.paths import named_report
from chargeback.core.period import period_title
from chargeback.ledger.line_words import LineNames
from chargeback.ledger.statement_lines import Row
from chargeback.pages.figures import Chart, bar, grouped
from chargeback.pages.table_view import show_whole_tables
from chargeback.review.trace import (
    LineItems,
    Origin,
    line_items_behind,
    origin_of,
    postings_of_line,
)
from chargeback.review.trace.text import heading, rule_words


def open_period(period: str, books: str = "") -> Origin:
    """A closed period with the params it was closed with.

    Raises:
        Refusal: (exit 2) the period is not closed in these books; (exit 4) they are not as they were closed.
    """
    show_whole_tables()
    return origin_of(named_books(books), period)


def lines(month: Origin) -> pd.DataFrame:
    """The lines that can be looked into: owner, account, product, exact amount."""
    taken = month.postings.filter(is_line(month.postings))
    owners = pc.coalesce(taken["cost_center_id"], taken["pool_id"])
    return grouped(
        taken.append_column("owner", owners),
        ["owner", "account_id", "product_code"],
        "exact_amount",
    )


def is_line(postings: pa.Table) -> pa.ChunkedArray:
    """Postings that charge line items to an owner: a cost center directly, or a pool."""
    accounts = postings["ledger_account"]
    return pc.or_(
        pc.and_(pc.equal(postings["kind"], "direct"), pc.starts_with(accounts, "cost-center:")),
        pc.and_(pc.equal(postings["kind"], "pooled"), pc.starts_with(accounts, "pool:")),
    )


def line_named(month: Origin, line: str) -> str:
    """A line as it is named, or where none is named the largest one.

    Raises:
        Refusal: (exit 2) there is none, because nothing cost anything.
    """
    if line:
        return line
    every = lines(month)
    if every.empty:
        raise bad_params(
            f"{month.period} has no line to look into", "a month with a cost",
            "no posting of what line items cost", todo=["name another period"],
        )  # fmt: skip
    largest = every.iloc[0]
    return f"{largest.owner}/{largest.account_id}/{largest.product_code}"


def rows_of(month: Origin, line: str) -> tuple[Row, ...]:
    """The postings of a line, named as `make trace` takes it.

    Raises:
        Refusal: (exit 2) there is no such line, or there are several.
    """
    names = LineNames.of(month.params, month.product_names)
    return postings_of_line(month.postings, month.period, line, names).rows


def line_told(month: Origin, books: str, line: str) -> str:
    """The postings of a line, the statement they are on, and the rule with who approved it, as text."""
    rows = rows_of(month, line)
    found = [*heading(named_books(books), month, rows), *rule_words(month.params, rows)]
    return "\n".join(found)


def line_items(month: Origin, report: str, line: str) -> LineItems:
    """The line items behind a line of direct or pooled cost, or of commitments.

    Raises:
        Refusal: (exit 4) they do not sum to it; (exit 6) the report is not the delivery that was recorded.
    """
    return line_items_behind(month, rows_of(month, line), Path(named_report(report)))


def line_facts(month: Origin, line: str, items: LineItems) -> str:
    """How many line items and resources the line has, and that they sum to what was posted."""
    rows = rows_of(month, line)
    sums = items.sums()
    cost = sum((amount for _, amount in sums.values()), Decimal(0))
    posted = sum((Decimal(row["exact_amount"]) for row in rows), Decimal(0))
    ids = {one for one in items.resources()["resource_id"].to_pylist() if one}
    return (
        f"period {month.period}, {line}, {len(rows)} postings\n"
        f"{sum(count for count, _ in sums.values()):,} line items, {len(ids):,} resources\n"
        f"line items {cost:,f}, posted {posted:,f}, difference {cost - posted:f}"
    )


def largest_line_items(items: LineItems, most: int = 10) -> pd.DataFrame:
    """The largest line items with their place in the report."""
    names = (
        "amount", "usage_date", "usage_type", "resource_id", "resource_tags", "source_file", "source_row",
        "identity_line_item_id",
    )  # fmt: skip
    rows = [
        {
            **row,
            "resource_tags": ", ".join(
                f"{key}={value}" for key, value in row["resource_tags"] if value
            ),
        }
        for row in items.largest(most)
    ]
    return pd.DataFrame(rows, columns=list(names))


def resource_facts(items: LineItems, most: int = 5) -> str:
    """The most expensive resources of a line."""
    sums = grouped(items.resources(), ["resource_id"], "amount").head(most)
    return "\n".join(
        f"{row.resource_id or '(no resource)'}: {row.amount:,f}"
        for row in sums.itertuples(index=False)
    )


def resources_figure(month: Origin, line: str, items: LineItems, most: int = 20) -> Chart:
    """The most expensive resources of a line as bars."""
    sums = grouped(items.resources(), ["resource_id"], "amount").head(most)
    labels = [one or "(no resource)" for one in sums["resource_id"]]
    title = f"The most expensive resources of {line}, {period_title(month.period)}"
    return bar(labels, sums["amount"].tolist(), title, month.params.policy.currency)
