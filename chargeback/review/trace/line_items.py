"""The line items behind postings, in one pass over the delivery.

In: an origin, those of its postings that charge line items (direct, pooled, commitment), and the folder of the
report. Out: the line items, read by `LineItems`. What always holds: each posting's line items sum to its exact
amount, and every file has its recorded digest; otherwise there is a refusal. The digests are taken while the
engine reads.

It takes as long as reading the columns that decide, once. What all line items behind a line have in common is
put into the query as literals, so that tags and costs of the others are not read. Memory is that of the line
items that are found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from sqlglot import exp

from chargeback.allocation.pools import COMMITMENT
from chargeback.books.source_record import SourceFile
from chargeback.core.errors import CONTROL_FAILED, Refusal, unreachable
from chargeback.core.files import sha256_of
from chargeback.engine import Engine, thread_count
from chargeback.engine.tables import table_of
from chargeback.ledger.statement_lines import Row, posting_id
from chargeback.review.trace.origin import Origin
from chargeback.sources.report import CARRIED, open_report, view_line_items

#: What line items behind a line are alike in, and how many values of it are worth naming to the engine.
ALIKE = ("account_id", "product_code", "line_item_type", "usage_type", "operation")
MOST_VALUES = 64
AT_ONCE = 50_000


@dataclass(frozen=True)
class LineItems:
    """The line items behind some postings; read from the engine that holds them, until it is closed."""

    engine: Engine
    report: Path

    def sums(self) -> dict[str, tuple[int, Decimal]]:
        """Line items and their exact sum, by posting."""
        found = self.engine.query("explore", "traced_sums")
        return {posting_id(row): (row["line_items"], row["amount"]) for row in found.to_pylist()}

    def resources(self) -> pa.Table:
        """Amounts by resource, largest first."""
        return self.engine.query("explore", "traced_resources")

    def largest(self, most: int) -> list[Row]:
        """The largest line items, with their places in the report's folder."""
        found = self.engine.query("explore", "traced_largest").slice(0, most)
        return list(self.placed(found))

    def all(self) -> Iterator[Row]:
        """All line items, file by file and row by row."""
        reader = self.engine.read("explore", "traced_in_order", AT_ONCE)
        for batch in reader:
            yield from self.placed(pa.Table.from_batches([batch]))

    def placed(self, table: pa.Table) -> Iterator[Row]:
        """Rows whose files are named from the report's folder on, and whose tags are pairs in order."""
        for row in table.to_pylist():
            file = Path(row["source_file"]).relative_to(self.report).as_posix()
            yield {**row, "source_file": file, "resource_tags": sorted(row["resource_tags"] or [])}


def line_items_behind(origin: Origin, rows: Sequence[Row], report: Path) -> LineItems:
    """The line items behind postings.

    Raises:
        Refusal: (exit 6) the report is not the delivery that the origin was made from; (exit 4) the line items
            do not sum to a posting.
    """
    files = origin.record.files
    require_sizes(origin, report)
    costs = costs_behind(origin, rows)
    engine = Engine()
    with ThreadPoolExecutor(thread_count()) as pool:
        digests = [(one, pool.submit(sha256_of, report / one.path)) for one in files if one.sha256]
        try:
            open_report(engine, report, origin.record, placed=True, params=origin.params)
            view_line_items(engine, origin.params, carried=CARRIED)
            engine.register("traced_costs", costs)
            engine.create_table(
                "traced_line_items", "explore",
                {"cost_basis": origin.params.policy.cost_basis, "alike": alike(costs)},
            )  # fmt: skip
        finally:  # a file that could not be read is named as one that changed, if it did
            require_same(
                origin, report, [one for one, sha in digests if one.sha256 != sha.result()]
            )
    found = LineItems(engine, report)
    require_sums(rows, found.sums())
    return found


def costs_behind(origin: Origin, rows: Sequence[Row]) -> pa.Table:
    """The rows of the owned costs that postings were summed over (sql/explore/traced_costs.sql)."""
    text = pa.string()
    names = (
        "account_id",
        "product_code",
        "line_item_type",
        "rule",
        "cost_center_id",
        "pool_id",
        "invoice_id",
    )
    columns = [("entry_id", text), ("line", pa.int32()), ("is_commitment", pa.bool_())]
    columns += [(name, text) for name in names]
    engine = Engine()
    engine.register("owned_costs", origin.owned_costs)
    engine.register(
        "traced_postings",
        table_of(
            columns,
            [
                (row["entry_id"], row["line"], row["kind"] == COMMITMENT, *(row[name] for name in names))
                for row in rows
            ],
        ),
    )  # fmt: skip
    found = engine.query("explore", "traced_costs", {"open_invoice_id": origin.params.stand_in})
    engine.close()
    return found


def alike(costs: pa.Table) -> exp.Expr:
    """What all line items behind rows of owned costs have in common, as a condition."""
    conditions: list[exp.Expr] = [exp.true()]
    for name in ALIKE:
        values = costs[name].unique().to_pylist()
        if len(values) > MOST_VALUES:
            continue
        texts = [exp.Literal.string(one) for one in values if one is not None]
        is_one: exp.Expr = (
            exp.In(this=exp.column(name), expressions=texts) if texts else exp.false()
        )
        if None in values:
            is_null = exp.Is(this=exp.column(name), expression=exp.null())
            is_one = exp.paren(exp.or_(is_one, is_null))
        conditions.append(is_one)
    return exp.and_(*conditions)


def require_sizes(origin: Origin, report: Path) -> None:
    """Stop when a file is missing or has another size, before anything is read."""
    require_same(
        origin, report,
        [
            one
            for one in origin.record.files
            if not (report / one.path).is_file() or (report / one.path).stat().st_size != one.size
        ],
    )  # fmt: skip


def require_same(origin: Origin, report: Path, changed: Sequence[SourceFile]) -> None:
    """Stop when files are not those that were recorded (exit 6)."""
    if changed:
        raise unreachable(
            "the report is not the delivery that the period was closed from",
            f"{len(origin.record.files)} files as they were recorded for {origin.period}",
            f"{len(changed)} missing or different",
            [str(report), *(one.path for one in changed[:5])],
            ["name the folder of that delivery with CUR=",
             "AWS overwrites a month that it delivers again: your backup or a versioned export has it"],
        )  # fmt: skip


def require_sums(rows: Sequence[Row], sums: dict[str, tuple[int, Decimal]]) -> None:
    """Stop when line items do not sum to the exact amount of a posting (exit 4)."""
    for row in rows:
        _, found = sums.get(posting_id(row), (0, Decimal(0)))
        if found != row["exact_amount"]:
            raise Refusal(
                CONTROL_FAILED, "the line items do not sum to the posting",
                f"{row['exact_amount']} {row['currency']}", f"{found} {row['currency']}",
                f"{found - row['exact_amount']}", [posting_id(row)],
                ["the report is the one that was recorded, so the formulas of this version are not those of "
                 "the close: use the version in the manifest, or derive the period again with make audit"],
            )  # fmt: skip
