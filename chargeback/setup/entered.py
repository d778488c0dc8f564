"""Entered: what a person still has to enter in params, each thing by file, line and name.

In: a params folder and what the report's invoices sum to. Out: `ToEnter`s. What always holds: each is about a
cell or key that no program can know: what AWS asks for, who owns a unit, whom tickets go to, who approved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chargeback.core.progress import Progress
from chargeback.params.registers import Row, read_register
from chargeback.params.rules import read_pools
from chargeback.setup.plan import NOT_APPROVED

CLOSE, STATEMENTS, DAILY = "close", "statements", "daily"

#: When each kind of thing is needed.
BEFORE = {
    CLOSE: "before {period} can close",
    STATEMENTS: "before statements go out",
    DAILY: "before the daily flow opens tickets",
}


@dataclass(frozen=True)
class ToEnter:
    """Something that a person has to enter."""

    where: str
    what: str
    before: str  # of BEFORE


def to_enter(folder: Path, period: str, billed: Mapping[str, str]) -> list[ToEnter]:
    """What is still to be entered for a period.

    Args:
        billed: each invoice of the report that needs a total, with what its line items sum to, in words.

    Raises:
        Refusal: (exit 2) a file that is looked at cannot be read.
    """
    return [
        *invoice_totals(folder, period, billed),
        *owners(folder),
        *approvals(folder),
        *teams(folder, period),
    ]


def invoice_totals(folder: Path, period: str, billed: Mapping[str, str]) -> Iterator[ToEnter]:
    """Totals of invoices: those of rows without one, and of invoices without a row."""
    rows = {
        row["invoice_id"]: row
        for row in read_register(folder, "invoices.csv")
        if row["billing_period"] == period
    }
    for invoice_id, row in rows.items():
        if not row["total"]:
            blank = [one for one in ("total", "issuer", "entered_by", "source") if not row[one]]
            sums = billed.get(invoice_id, "it has no line items")
            yield ToEnter(place(row), f"{', '.join(blank)} of invoice {invoice_id}; {sums}", CLOSE)
    for invoice_id, sums in billed.items():
        if invoice_id not in rows:
            yield ToEnter(
                "invoices.csv, a new line", f"total of invoice {invoice_id}; {sums}", CLOSE
            )


def owners(folder: Path) -> Iterator[ToEnter]:
    """Who answers for a business unit."""
    for row in read_register(folder, "business_units.csv"):
        blank = [one for one in ("owner", "email", "idp_group") if not row[one]]
        if blank:
            yield ToEnter(
                place(row),
                f"{', '.join(blank)} of {row['business_unit_id']} ({row['name']})",
                STATEMENTS,
            )


def approvals(folder: Path) -> Iterator[ToEnter]:
    """Who approved a pool that make init wrote."""
    for pool in read_pools(folder):
        if pool.approved == NOT_APPROVED:
            where = pool.where.partition(", pool")[0]
            yield ToEnter(
                where,
                f"approved of the pool {pool.pool_id}: who decided it",
                STATEMENTS,
            )


def teams(folder: Path, period: str) -> Iterator[ToEnter]:
    """Whom the tickets of an account go to."""
    for row in read_register(folder, "accounts.csv"):
        if not row["owning_team"] and not (row["valid_to"] and row["valid_to"] < period):
            yield ToEnter(place(row), f"owning_team of {row['account_id']} ({row['name']})", DAILY)


def place(row: Row) -> str:
    """File and line."""
    return f"{row.file} line {row.line}"


def show_to_enter(things: list[ToEnter], period: str, progress: Progress) -> None:
    """All things by name, in the order in which they are needed."""
    for before, words in BEFORE.items():
        own = [one for one in things if one.before == before]
        if not own:
            continue
        progress("")
        progress(f"To enter {words.format(period=period)}: {counted(len(own))}")
        width = max(len(one.where) for one in own)
        for one in own:
            progress(f"  {one.where:<{width}}  {one.what}")


def counted(number: int) -> str:
    """A number of things."""
    return f"{number} thing" + ("s" if number != 1 else "")
