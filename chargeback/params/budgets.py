"""Budgets: budgets.csv, what somebody has planned that a cost center costs in a month or a year.

    period,cost_center_id,amount,approved_by
    2026-05,CC-1001,180000.00,CFO
    2026,CC-1002,7200000.00,CFO

It decides no charge and is read when a period is handed out, as it is then. The file is optional. What has no
budget is compared with none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from chargeback.core.errors import apart, bad_params
from chargeback.params.registers import Row, read_register

FILE = "budgets.csv"

_PERIOD = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2]))?")


@dataclass(frozen=True)
class Budget:
    """What a cost center may cost in a month, "2026-05", or a year, "2026"."""

    period: str
    cost_center_id: str
    amount: Decimal
    approved_by: str
    where: str = field(compare=False, default="")


def read_budgets(folder: Path) -> tuple[Budget, ...]:
    """All budgets; none without the file.

    Raises:
        Refusal: (exit 2) the file or a row of it is malformed.
    """
    if not (folder / FILE).is_file():
        return ()
    return budgets_of(read_register(folder, FILE))


def budgets_of(rows: Iterable[Row]) -> tuple[Budget, ...]:
    """The budgets of rows (exit 2 where one is malformed)."""
    found = []
    for row in rows:
        with apart():
            found.append(budget_of(row))
    return tuple(found)


def budget_of(row: Row) -> Budget:
    """A row of budgets.csv."""
    if not _PERIOD.fullmatch(row["period"]):
        raise bad_params(
            "a budget is of no month or year", "2026-05 or 2026", repr(row["period"]), [row.at("period")],
            ["format the column as text before saving: spreadsheets change months"],
        )  # fmt: skip
    amount = row.decimal("amount", 2)
    if amount < 0:
        raise bad_params("a budget is negative", "an amount", row["amount"], [row.at("amount")])
    if not row["approved_by"]:
        raise bad_params(
            "a budget lacks its approved_by", "who has approved it", "nothing", [row.where]
        )
    return Budget(row["period"], row["cost_center_id"], amount, row["approved_by"], row.where)
