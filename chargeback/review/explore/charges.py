"""Charges: one tidy table of what cost centers are charged, over closed periods and the open draft.

In: the texts that an explore notebook has as parameters. Out: `Charges`, a pandas table with a row a posting,
or finer where a dimension is asked for that the ledger does not keep: names beside ids, `amount` as exact
Decimal and `amount_float` beside it to be plotted.

    dimensions of the ledger    its postings
    of the evidence             direct cost and commitments by the rows of `owned_costs`
    of the report               the same by line items, summed in one pass (sql/explore/explored_line_items.sql)

What always holds: each period's amounts sum to its statements, cent for cent. Finer rows are exact, so that
what separates their sum from the posted cents is a row of its own, named "(rounding to cents)". What has no
finer rows (shared cost on those who pay it, invoice rounding, adjustments, corrections) stays as it was posted,
and stands under a name in brackets.

Drawbacks: shared cost on its payers has no account or region, because a pool was split as a whole;
`shared="pool"` shows it where it arose instead, with all detail. The dimensions of the report need the delivery
of each period in a folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from chargeback.allocation.pools import ALLOCATED, COMMITMENT, DIRECT, POOL, POOLED
from chargeback.core.books_folders import named_books
from chargeback.core.errors import CONTROL_FAILED, Refusal, bad_params
from chargeback.core.paths import named_report
from chargeback.engine import Engine
from chargeback.pages.table_view import show_whole_tables
from chargeback.pages.vocabulary import KINDS
from chargeback.review.explore.dimensions import (
    LEDGER,
    REGION,
    REPORT,
    Dimension,
    deepest,
    dimension_of,
    needs_of,
    value_of,
)
from chargeback.review.explore.opened import CLOSED, Names, Opened, names_of, open_periods
from chargeback.review.trace.line_items import require_sizes
from chargeback.sources.needs import require_needs
from chargeback.sources.report import last_usage_day, open_report, view_line_items

Row = dict[str, Any]

#: Who is shown with shared cost: those who pay it, or the pool that it arose in.
PAYER, IN_POOL = "payer", "pool"

ROUNDING_TO_CENTS, NONE, SHARED = "(rounding to cents)", "(none)", "(shared cost)"

#: How many dimensions that the ledger does not keep one table can have.
MOST_DEEP = 2

#: Columns that every row has, whatever it is looked at by.
COLUMNS = (
    "period", "status", "business_unit", "business_unit_id", "cost_center", "cost_center_id", "kind", "pool",
    "pool_id", "account", "account_id", "service", "product_code", "line_item_type", "invoice", "rule",
    "allocation_key",
)  # fmt: skip
AMOUNTS = ("exact_amount", "amount", "amount_float")


@dataclass(frozen=True)
class Charges:
    """What cost centers are charged, ready to be looked at.

    Args:
        frame: COLUMNS, the columns of the dimensions that were asked for, and AMOUNTS.
        dimensions: those that were asked for.
        charged: what the statements of each period come to, in order.
        only: the business unit or cost center that is looked at; blank for all.
    """

    frame: pd.DataFrame
    dimensions: tuple[Dimension, ...]
    charged: dict[str, Decimal]
    statuses: dict[str, str]
    currency: str
    only: str = ""

    @property
    def periods(self) -> list[str]:
        """The periods, in order."""
        return list(self.charged)


def charges_by(
    *dimensions: str,
    periods: str = "",
    only: str = "",
    shared: str = PAYER,
    books: str = "",
    report: str = "",
) -> Charges:
    """Charges with what it takes to look at them by some dimensions.

    Args:
        dimensions: names out of `DIMENSIONS`, such as "service" or "tag:user_environment".
        periods: a period or a range; blank for all closed periods and drafts.
        only: a business unit or cost center, by id or name; blank for all.
        shared: "payer" for shared cost on those who pay it, "pool" for where it arose.
        books, report: blank as chargeback/core/paths.py says.

    Raises:
        Refusal: (exit 2) a dimension, period or unit is not known; (exit 6) the report is needed and is not the
            delivery of a period; (exit 4) the books are not as they were closed.
    """
    show_whole_tables()
    chosen = tuple(dimension_of(one) for one in dimensions)
    if shared not in (PAYER, IN_POOL):
        raise bad_params(
            "shared cost cannot be shown like this", f"{PAYER} or {IN_POOL}", repr(shared)
        )
    opened = open_periods(named_books(books), periods)
    names = names_of(opened)
    rows = [row for one in opened for row in period_rows(one, names, chosen, shared, report)]
    frame = pd.DataFrame(rows, columns=[*columns_of(chosen), *AMOUNTS])
    charged = {one.period: sum(charged_amounts(one), Decimal("0.00")) for one in opened}
    found = Charges(
        frame, chosen, charged, {one.period: one.status for one in opened},
        opened[-1].origin.params.policy.currency, only,
    )  # fmt: skip
    return narrowed(found, only) if only else found


def columns_of(chosen: Sequence[Dimension]) -> list[str]:
    """COLUMNS and those of the dimensions."""
    return [*COLUMNS, *(one.name for one in chosen if one.name not in COLUMNS)]


def narrowed(charges: Charges, only: str) -> Charges:
    """The charges of one business unit or cost center."""
    frame = charges.frame
    ids = ("business_unit_id", "business_unit", "cost_center_id", "cost_center")
    chosen = frame[frame[list(ids)].eq(only).any(axis=1)]
    if chosen.empty:
        raise bad_params(
            "there is no such business unit or cost center in these periods",
            ", ".join(sorted(set(frame["business_unit_id"]) - {""})), repr(only),
        )  # fmt: skip
    sums = chosen.groupby("period")["amount"].agg(lambda amounts: sum(amounts, Decimal(0)))
    charged = {one: sums.get(one, Decimal("0.00")) for one in charges.charged}
    return Charges(
        chosen.reset_index(drop=True), charges.dimensions, charged, charges.statuses, charges.currency, only
    )  # fmt: skip


def charged_amounts(opened: Opened) -> Iterator[Decimal]:
    """What cost centers are charged in a period, posting by posting."""
    postings = opened.origin.postings
    owners, amounts = postings["cost_center_id"].to_pylist(), postings["amount"].to_pylist()
    return (amount for owner, amount in zip(owners, amounts, strict=True) if owner is not None)


def period_rows(
    opened: Opened, names: Names, chosen: Sequence[Dimension], shared: str, report: str
) -> Iterator[Row]:
    """The rows of one period."""
    postings = opened.origin.postings.to_pylist()
    charged = [row for row in postings if row["cost_center_id"] is not None]
    fine = deepest(chosen) != LEDGER or shared == IN_POOL
    for row in charged:
        if not (fine and is_finer(row, shared)):
            yield tidy(opened, names, row, chosen, {})
    if not fine:
        return
    found = list(finer_rows(opened, chosen, report))
    taken = [row for row in found if row["pool_id"] is None or shared == IN_POOL]
    for row in taken:
        yield tidy(opened, names, row, chosen, row["values"])
    posted = [row for row in charged if is_finer(row, PAYER)]
    if shared == IN_POOL:
        posted += pooled_postings(postings)
    yield from rounding_rows(opened, names, chosen, posted, taken)


def is_finer(row: Row, shared: str) -> bool:
    """Whether a posting is shown by what it was summed over: own direct cost, commitments, and pools."""
    if row["original_period"] is not None:
        return False
    return row["kind"] in (DIRECT, COMMITMENT) or (shared == IN_POOL and row["kind"] == ALLOCATED)


def pooled_postings(postings: Iterable[Row]) -> Iterator[Row]:
    """What was posted to pools from line items of the period."""
    return (
        row
        for row in postings
        if row["kind"] == POOLED
        and row["ledger_account"].startswith(POOL)
        and row["original_period"] is None
    )


def finer_rows(opened: Opened, chosen: Sequence[Dimension], report: str) -> Iterator[Row]:
    """Direct cost, commitments and pooled cost of a period's own line items, with the values of dimensions."""
    origin = opened.origin
    deep = [one for one in chosen if one.known != LEDGER]
    table = origin.owned_costs
    if len(deep) > MOST_DEEP:
        raise bad_params(
            "charges cannot be looked at by so many dimensions of the report at once", str(MOST_DEEP),
            ", ".join(one.name for one in deep),
        )  # fmt: skip
    require_needs(origin.record, needs_of(deep))
    if deepest(chosen) == REPORT:
        table = read_line_items(opened, deep, Path(named_report(report)))
    else:
        for number, one in enumerate(deep, start=1):
            table = table.append_column(f"value_{number}", table[one.column])
    holder = origin.params.policy.commitments_cost_center_id
    for row in table.to_pylist():
        values = {one.name: row[f"value_{at}"] for at, one in enumerate(deep, start=1)}
        if row["charged_cost"]:
            kind = DIRECT if row["pool_id"] is None else POOLED
            yield {**row, "kind": kind, "exact_amount": row["charged_cost"], "values": values}
        if row["commitment_cost"]:
            own = {"kind": COMMITMENT, "pool_id": None, "cost_center_id": holder}
            yield {**row, **own, "exact_amount": row["commitment_cost"], "values": values}


def read_line_items(opened: Opened, deep: Sequence[Dimension], report: Path) -> pa.Table:
    """The line items of a period's delivery, summed by owner and by the values of at most two dimensions.

    Raises:
        Refusal: (exit 6) the report is not that delivery; (exit 4) it does not sum to what was owned.
    """
    origin = opened.origin
    require_sizes(origin, report)
    usage_to = None if opened.status == CLOSED else last_usage_day(report, origin.record)
    engine = Engine()
    try:
        more = {REGION: "varchar"}
        open_report(engine, report, origin.record, besides=more, params=origin.params)
        view_line_items(engine, origin.params, usage_to, ("resource_tags", REGION))
        engine.register("owned_costs", origin.owned_costs)
        values = {f"value_{at}": value_of(one) for at, one in enumerate(deep, start=1)}
        found = engine.query(
            "explore", "explored_line_items",
            {"cost_basis": origin.params.policy.cost_basis, "value_1": "", "value_2": "", **values},
        )  # fmt: skip
    finally:
        engine.close()
    require_owned(opened, found)
    return found


def require_owned(opened: Opened, found: pa.Table) -> None:
    """Stop when the line items of an owner do not sum to what the close decided that it owns (exit 4)."""
    expected, read = owned_sums(opened.origin.owned_costs), owned_sums(found)
    for owner in sorted(expected.keys() | read.keys()):
        was, now = expected.get(owner, Decimal(0)), read.get(owner, Decimal(0))
        if was != now:
            raise Refusal(
                CONTROL_FAILED, "the line items do not sum to the posting", f"{was:f}", f"{now:f}",
                f"{now - was:f}", [f"{opened.period}, {owner}"],
                ["the report is the one that was recorded, so the formulas of this version are not those of "
                 "the close: look at dimensions of the ledger or the evidence"],
            )  # fmt: skip


def owned_sums(table: pa.Table) -> dict[str, Decimal]:
    """Charged cost and commitments by owner."""
    sums: dict[str, Decimal] = {}
    columns = ("cost_center_id", "pool_id", "charged_cost", "commitment_cost")
    for center, pool, charged, commitment in zip(
        *(table[name].to_pylist() for name in columns), strict=True
    ):
        owner = str(center or f"{POOL}{pool}")
        sums[owner] = sums.get(owner, Decimal(0)) + charged
        sums[COMMITMENT] = sums.get(COMMITMENT, Decimal(0)) + commitment
    return {owner: amount for owner, amount in sums.items() if amount}


def rounding_rows(
    opened: Opened,
    names: Names,
    chosen: Sequence[Dimension],
    posted: Iterable[Row],
    finer: Iterable[Row],
) -> Iterator[Row]:
    """What separates posted cents from the exact rows that are shown for them, a row an owner."""
    cents: dict[tuple[str, str | None, str | None], Decimal] = {}
    for rows, column, sign in ((posted, "amount", 1), (finer, "exact_amount", -1)):
        for row in rows:
            owner = (row["kind"], row["cost_center_id"], row["pool_id"])
            cents[owner] = cents.get(owner, Decimal(0)) + sign * row[column]
    for (kind, center, pool), amount in cents.items():
        if amount:
            row = {"kind": kind, "cost_center_id": center, "pool_id": pool, "exact_amount": amount}
            yield tidy(opened, names, row, chosen, {}, ROUNDING_TO_CENTS)


def tidy(
    opened: Opened,
    names: Names,
    row: Row,
    chosen: Sequence[Dimension],
    values: Row,
    instead: str = "",
) -> Row:
    """A posting or a finer row with the names that a reader knows.

    Args:
        instead: what stands where the row has nothing of a dimension.
    """
    kind, pool_id = row["kind"], row.get("pool_id")
    center = row.get("cost_center_id")
    blank = instead or blank_of(kind, names, row)
    in_pool = kind == POOLED
    unit_id = row.get("business_unit_id")
    if center and unit_id is None:
        unit_id = opened.origin.params.cost_centers[center].business_unit_id
    found: Row = {
        "period": opened.period,
        "status": opened.status,
        "business_unit": f"Pool: {names.pool(pool_id)}"
        if in_pool
        else names.business_unit(unit_id),
        "business_unit_id": unit_id or "",
        "cost_center": f"Pool: {names.pool(pool_id)}" if in_pool else names.cost_center(center),
        "cost_center_id": center or "",
        "kind": SHARED if in_pool else KINDS.get(kind, kind),
        "pool": names.pool(pool_id) if pool_id else NONE,
        "pool_id": pool_id or "",
        "account": names.account(row["account_id"]) if row.get("account_id") else blank,
        "account_id": row.get("account_id") or "",
        "service": names.service(row["product_code"]) if row.get("product_code") else blank,
        "product_code": row.get("product_code") or "",
        "line_item_type": row.get("line_item_type") or blank,
        "invoice": row.get("invoice_id") or blank,
        "rule": row.get("rule") or blank,
        "allocation_key": row.get("allocation_key") or NONE,
    }
    for one in chosen:
        if one.name not in COLUMNS:
            found[one.name] = value_text(values[one.name], one) if values else blank
    exact: Decimal = row["exact_amount"]
    amount: Decimal = row.get("amount", exact)
    return {**found, "exact_amount": exact, "amount": amount, "amount_float": float(amount)}


def blank_of(kind: str, names: Names, row: Row) -> str:
    """What stands where a row has no value: what kind of charge it is, in brackets."""
    if row.get("original_period"):
        return f"(correction of {row['original_period']})"
    if kind == ALLOCATED:
        return f"(shared: {names.pool(row.get('pool_id'))})"
    return NONE if kind in (DIRECT, COMMITMENT, POOLED) else f"({KINDS.get(kind, kind).lower()})"


def value_text(value: object, dimension: Dimension) -> str:
    """A value as it is shown; what a line item has none of is named."""
    text = "" if value is None else str(value)
    if text not in ("", "NULL"):
        return text
    return "(untagged)" if "tag" in dimension.name else f"(no {dimension.words})"
