"""Expense lines: what a closed period charges, as ServiceNow's cost management books it.

In: the postings of a period. Out: a line for each cost center and kind of posting, in cents; what corrects an
earlier period is lines of its own, which name that period. A negative amount is a credit. What always holds:
the lines sum to what the ledger charges, in all and for each cost center, and a line is known by the same text
whenever it is made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.core.period import last_day
from chargeback.core.sums import sums_by
from chargeback.core.text import plain

#: ServiceNow's own values: what it is for, that it happens once, and that it counts.
SUMMARY_TYPE, ONE_TIME, PROCESSED = "run_business", "one-time", "processed"

#: The column that always is there to know a line by; it holds 32 characters.
SOURCE_ID = "source_id"

LONGEST_DESCRIPTION = 160
HALF = 16  # of the digits of a source id: one half is of the period, the other of the line


@dataclass(frozen=True)
class ExpenseLine:
    """One line.

    Args:
        of_period: what the entries of the period begin with, such as chargeback:9f0c…:2026-05.
        entry: what it is known by, such as chargeback:9f0c…:2026-05:CC-1001:direct.
        original_period: the period that it corrects; blank for the period's own.
        posted_on: the last day of the period, as 2026-05-31.
    """

    of_period: str
    entry: str
    cost_center_id: str
    kind: str
    original_period: str
    amount: Decimal
    posted_on: str
    description: str

    @property
    def source_id(self) -> str:
        """The entry in 32 digits; those of a period begin alike."""
        return f"{source_prefix(self.of_period)}{digest(self.entry)[:HALF]}"

    def known_as(self, key: str) -> str:
        """What the line is known by in a field."""
        return self.source_id if key == SOURCE_ID else self.entry

    def fields(self, entry_field: str, cost_center: str) -> dict[str, str]:
        """The record in ServiceNow.

        Args:
            cost_center: its sys_id, or its code where a person loads the line.
        """
        return {
            entry_field: self.known_as(entry_field),
            "date": self.posted_on,
            "short_description": self.description,
            "summary_type": SUMMARY_TYPE,
            "type": ONE_TIME,
            "state": PROCESSED,
            "amount": str(self.amount),
            "cost_center": cost_center,
            SOURCE_ID: self.source_id,
        }


def digest(text: str) -> str:
    """sha256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def source_prefix(of_period: str) -> str:
    """What the source ids of a period begin with."""
    return digest(of_period)[:HALF]


def entries_of(books_id: str, period: str) -> str:
    """What the entries of a period begin with, up to the colon before the cost center."""
    return f"chargeback:{books_id}:{period}"


def expense_lines(
    postings: pa.Table, books_id: str, period: str, names: Mapping[str, str]
) -> list[ExpenseLine]:
    """The lines of a period, by cost center, kind and original period; those of zero are left out.

    Args:
        names: of cost centers by id; one without a name is called by its id alone.
    """
    charged = postings.filter(pc.is_valid(postings["cost_center_id"]))
    sums = sums_by(charged, ["cost_center_id", "kind", "original_period"], "amount")
    posted_on = last_day(period).isoformat()
    return [
        line_of(entries_of(books_id, period), posted_on, amount, key, names)
        for key, amount in sorted(sums.items(), key=lambda one: [text or "" for text in one[0]])
        if amount
    ]


def line_of(
    of_period: str, posted_on: str, amount: Decimal, key: tuple[str, str, str | None],
    names: Mapping[str, str],
) -> ExpenseLine:  # fmt: skip
    """One line."""
    cost_center_id, kind, original = key
    period = of_period.rpartition(":")[2]
    about = f"correction of {original}, {kind}" if original else kind
    name = f"{cost_center_id} {names.get(cost_center_id, '')}".strip()
    return ExpenseLine(
        of_period, ":".join([of_period, cost_center_id, kind, *([original] if original else [])]),
        cost_center_id, kind, original or "", amount, posted_on,
        plain(f"AWS {period}, {about}: {name}")[:LONGEST_DESCRIPTION],
    )  # fmt: skip
