"""Ledger: cents become postings, in double entry.

In: `owner_costs` (exact leaves), `charges` (cents per invoice, cost center and source), invoices and
adjustments. Out: `postings` (chargeback/books/schema.py), sorted. Their ids are readable and depend on nothing
but what they post, so the same inputs give the same bytes.

What always holds: the lines of an entry sum to zero, exactly and in cents; what cost centers are charged on an
invoice is the invoice's total; each posting is within one cent of its exact amount. The difference between an
invoice's total and the sum of its line items rounded once is one posting of kind `rounding`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from chargeback.allocation.apportion import round_list
from chargeback.allocation.pools import ALLOCATED, POOLED
from chargeback.books.schema import POSTINGS
from chargeback.core.money import cents, cents_amount, exact_amount, exact_units
from chargeback.ledger.invoices import invoice_rounding
from chargeback.params import Params
from chargeback.params.adjustments import Adjustment

ROUNDING, ADJUSTMENT = "rounding", "adjustment"

Row = dict[str, Any]


class EntryWriter:
    """Postings in the making, entry by entry."""

    def __init__(self, params: Params) -> None:
        self.params = params
        self.rows: list[Row] = []

    def enter(self, kind: str, name: str, lines: Iterable[Row]) -> None:
        """Add an entry; its lines must sum to zero, exactly and in cents.

        Raises:
            AssertionError: they do not, which is a defect of the caller.
        """
        numbered = [line for line in lines if line["exact"] or line["cents"]]
        assert sum(line["exact"] for line in numbered) == 0, name
        assert sum(line["cents"] for line in numbered) == 0, name
        for number, line in enumerate(numbered, start=1):
            row: Row = dict.fromkeys(POSTINGS.names)
            row |= {column: value for column, value in line.items() if column in row}
            row |= {
                "entry_id": f"{self.params.period}/{kind}/{name}",
                "line": number,
                "billing_period": self.params.period,
                "kind": kind,
                "exact_amount": exact_amount(line["exact"]),
                "amount": cents_amount(line["cents"]),
                "currency": self.params.policy.currency,
            }
            self.rows.append(row)

    def charge(self, cost_center_id: str, **cells: Any) -> Row:
        """A line that a cost center pays."""
        return {
            "ledger_account": f"cost-center:{cost_center_id}",
            "cost_center_id": cost_center_id,
            "business_unit_id": self.params.cost_centers[cost_center_id].business_unit_id,
            **cells,
        }

    def table(self) -> pa.Table:
        """All postings, sorted by entry and line."""
        self.rows.sort(key=lambda row: (row["entry_id"], row["line"]))
        return pa.Table.from_pylist(self.rows, schema=POSTINGS)


def payable(invoice_id: str, lines: list[Row], **cells: Any) -> Row:
    """The line that balances others against what AWS is owed."""
    return {
        "ledger_account": f"payable:{invoice_id}",
        "invoice_id": invoice_id,
        "exact": -sum(line["exact"] for line in lines),
        "cents": -sum(line["cents"] for line in lines),
        **cells,
    }


def post_period(costs: pa.Table, charges: pa.Table, params: Params) -> pa.Table:
    """The postings of a period.

    Args:
        costs: the leaves, of `allocation.owner_costs`.
        charges: of `allocation.allocate`.
    """
    entries = EntryWriter(params)
    leaves: dict[tuple[str, str, str], list[Row]] = {}  # (invoice, kind, owner) -> leaves
    for row in costs.to_pylist():
        owner = row["pool_id"] if row["kind"] == POOLED else row["cost_center_id"]
        leaves.setdefault((row["invoice_id"], row["kind"], owner), []).append(row)
    settled: dict[tuple[str, str, str], int] = {}
    shares: dict[tuple[str, str], list[Row]] = {}  # (invoice, pool) -> charges
    for row in charges.to_pylist():
        if row["kind"] == ALLOCATED:
            shares.setdefault((row["invoice_id"], row["pool_id"]), []).append(row)
        else:
            owner = row["pool_id"] if row["kind"] == POOLED else row["cost_center_id"]
            settled[row["invoice_id"], row["kind"], owner] = cents(row["amount"])
    for (invoice_id, kind, owner), rows in leaves.items():
        post_leaves(
            entries, invoice_id, kind, owner, rows, settled.get((invoice_id, kind, owner), 0)
        )
    for (invoice_id, pool_id), rows in shares.items():
        post_shares(entries, invoice_id, pool_id, rows)
    for invoice_id, difference in invoice_rounding(costs, params).items():
        post_rounding(entries, invoice_id, difference)
    post_adjustments(entries)
    return entries.table()


def post_leaves(
    entries: EntryWriter, invoice_id: str, kind: str, owner: str, rows: list[Row], total_cents: int
) -> None:
    """One entry for an owner's costs on an invoice: a line per account, product, type and rule."""
    columns = ("account_id", "product_code", "line_item_type", "rule")
    exact = {tuple(row[one] for one in columns): exact_units(row["exact_amount"]) for row in rows}
    rounded = round_list(exact, total_cents)
    lines = []
    for leaf in sorted(exact):
        cells = {
            **dict(zip(columns, leaf, strict=True)),
            "invoice_id": invoice_id,
            "exact": exact[leaf],
            "cents": rounded[leaf],
        }
        if kind == POOLED:
            lines.append({"ledger_account": f"pool:{owner}", "pool_id": owner, **cells})
        else:
            lines.append(entries.charge(owner, **cells))
    entries.enter(kind, f"{invoice_id}/{owner}", [*lines, payable(invoice_id, lines)])


def post_shares(entries: EntryWriter, invoice_id: str, pool_id: str, rows: list[Row]) -> None:
    """One entry that empties a pool's part of an invoice onto its recipients, cost centers and later pools."""
    common = {"invoice_id": invoice_id, "pool_id": pool_id, "rule": f"pool:{pool_id}"}
    lines = []
    for row in rows:
        cells = {
            **common,
            "allocation_key": row["allocation_key"],
            "weight": row["weight"],
            "exact": exact_units(row["exact_amount"]),
            "cents": cents(row["amount"]),
        }
        if row["recipient_pool_id"]:
            lines.append({"ledger_account": f"pool:{row['recipient_pool_id']}", **cells})
        else:
            lines.append(entries.charge(row["cost_center_id"], **cells))
    lines.sort(key=lambda line: line["ledger_account"])
    emptied = {
        "ledger_account": f"pool:{pool_id}",
        "allocation_key": rows[0]["allocation_key"],
        **common,
        "exact": -sum(line["exact"] for line in lines),
        "cents": -sum(line["cents"] for line in lines),
    }
    entries.enter(ALLOCATED, f"{invoice_id}/{pool_id}", [emptied, *lines])


def post_rounding(entries: EntryWriter, invoice_id: str, difference_cents: int) -> None:
    """The one visible posting of what AWS's invoice differs from its line items."""
    line = entries.charge(
        entries.params.policy.rounding_cost_center_id,
        invoice_id=invoice_id,
        rule=ROUNDING,
        exact=exact_units(cents_amount(difference_cents)),
        cents=difference_cents,
    )
    entries.enter(ROUNDING, invoice_id, [line, payable(invoice_id, [line])])


def post_adjustments(entries: EntryWriter) -> None:
    """Charges that people moved, one entry each, in an order that does not depend on the file's."""
    for number, one in enumerate(in_order(entries.params.adjustments), start=1):
        rule = f"adjustment:{one.reference}"
        moved = cents(one.amount)
        units = exact_units(one.amount)
        lines = [
            entries.charge(one.from_cost_center_id, rule=rule, exact=-units, cents=-moved),
            entries.charge(one.to_cost_center_id, rule=rule, exact=units, cents=moved),
        ]
        entries.enter(ADJUSTMENT, f"{number:04d}", lines)


def in_order(adjustments: Iterable[Adjustment]) -> list[Adjustment]:
    """Adjustments in the order of their entries."""
    return sorted(
        adjustments,
        key=lambda one: (
            one.reference, one.from_cost_center_id, one.to_cost_center_id, one.amount, one.reason,
            one.approved_on, one.approved_by, one.entered_by,
        ),
    )  # fmt: skip


def with_corrections(postings: pa.Table, corrections: pa.Table) -> pa.Table:
    """A period's postings together with those that correct earlier periods, sorted as one ledger."""
    if not corrections.num_rows:
        return postings
    both = pa.concat_tables([postings, corrections])
    return both.sort_by([("entry_id", "ascending"), ("line", "ascending")]).combine_chunks()
