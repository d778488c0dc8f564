"""Adjustments: adjustments.csv, charges that people move from one cost center to another.

A row is its own decision. The council ratifies rules and never sees it, so it says itself who entered it, who
approved it, when and by which reference, and who enters is not who approves. A close, a draft and
`make check-params` refuse rows of their period that do not say so. Rows of periods that were closed before
approvals were asked for stay as they are: a register may lack the three columns, or leave their cells empty,
as long as no row of the period that is closed now needs them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal

from chargeback.core.errors import apart, bad_params, together
from chargeback.params.registers import ADDED_COLUMNS, COLUMNS, Row, check_day

FILE = "adjustments.csv"

#: What an approved row has beside where it moves how much.
APPROVAL = ("reason", "reference", *ADDED_COLUMNS[FILE])


@dataclass(frozen=True)
class Adjustment:
    """A charge that people moved from one cost center to another.

    Args:
        entered_by, approved_by, approved_on: whose decision it is, the latter a day such as 2026-05-29; blank
            where it was posted before adjustments had to say it.
    """

    from_cost_center_id: str
    to_cost_center_id: str
    amount: Decimal
    reason: str
    reference: str
    entered_by: str = ""
    approved_by: str = ""
    approved_on: str = ""
    where: str = field(compare=False, default="")


def adjustment_of(row: Row) -> Adjustment:
    """A row of adjustments.csv, whether it says who approved it or not."""
    entered_by, approved_by, approved_on = (row.cells.get(one, "") for one in ADDED_COLUMNS[FILE])
    return Adjustment(
        row["from_cost_center_id"], row["to_cost_center_id"], row.decimal("amount", 2),
        row["reason"], row["reference"], entered_by, approved_by, approved_on, row.where,
    )  # fmt: skip


def check_approved(adjustments: Iterable[Adjustment]) -> None:
    """Refuse adjustments that nobody else approved by now, in UTC.

    Raises:
        Refusal: (exit 2) a row lacks a cell of its approval, is approved by who entered it, or on a day that is
            none or has not come.
    """
    today = datetime.now(UTC).date()
    with together():
        for one in adjustments:
            with apart():
                check_approval(one, today)


def check_approval(one: Adjustment, today: date) -> None:
    """Refuse one adjustment without another person's approval up to a day."""
    lacking = [column for column in APPROVAL if not is_said(getattr(one, column))]
    if lacking:
        raise bad_params(
            f"an adjustment lacks its {lacking[0]}", ",".join(COLUMNS[FILE]) + ", no cell empty",
            f"nothing in {', '.join(lacking)}", [one.where],
            ["enter who entered it, who approved it, on which day and by which reference",
             "rows of periods that were closed before may leave entered_by, approved_by and approved_on empty"],
        )  # fmt: skip
    if same_person(one.entered_by, one.approved_by):
        raise bad_params(
            "an adjustment is approved by who entered it", "two persons: who enters it, and who approves it",
            f"entered by {one.entered_by!r}, approved by {one.approved_by!r}", [one.where],
            ["have somebody else approve it"],
        )  # fmt: skip
    if check_day(one.approved_on, "approved_on", one.where) > today:
        raise bad_params(
            "an adjustment is approved on a day that has not come", f"{today} (UTC) or earlier",
            one.approved_on, [one.where],
            ["correct approved_on; an approval comes before the close that posts it"],
        )  # fmt: skip


def is_said(text: str) -> bool:
    """Whether a cell says something; a place to fill in, such as <who approves it>, says nothing."""
    return bool(text.strip()) and not re.fullmatch(r"<[a-z ]+>", text)


def same_person(one: str, other: str) -> bool:
    """Whether two names are one, however they are capitalized, spaced and encoded.

    >>> same_person("Ann  Okafor", "ann okafor ")
    True
    """
    return folded_name(one) == folded_name(other)


def folded_name(name: str) -> str:
    """A name without what does not tell persons apart."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
