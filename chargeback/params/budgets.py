"""Budgets: budgets.csv, what somebody has planned that a cost center costs in a month or a year.

    period,cost_center_id,amount,approved_by
    2026-05,CC-1001,180000.00,CFO
    2026,CC-1002,7200000.00,CFO

It decides no charge. The file is optional; what has no budget is compared with none. A year is a calendar year.
A cost center may have an amount for a year and amounts for months of it: the year's is then the whole, the
months take theirs, and the rest is spread over the other months (chargeback/ledger/budgets.py). What cannot be
spread like this is refused. A month's budget is of the business unit that has the cost center in that month.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from chargeback.core.errors import apart, bad_params
from chargeback.core.period import holds_in
from chargeback.params.registers import Row, read_register, rows_by

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


@dataclass(frozen=True)
class PlannedMonth:
    """A month in which a cost center is in force: of which business unit, and what is entered for it alone.

    Args:
        amount: None where nothing is.
    """

    billing_period: str
    business_unit_id: str
    amount: Decimal | None


@dataclass(frozen=True)
class PlannedYear:
    """What a cost center may cost in a calendar year, as it is entered.

    Args:
        name: of the cost center, as it was called last.
        amount: the year's; None where only months have one.
        months: those in which the cost center is in force, in order.
        approved_by: who approved these amounts, each once.
    """

    cost_center_id: str
    name: str
    amount: Decimal | None
    months: tuple[PlannedMonth, ...]
    approved_by: tuple[str, ...]

    @property
    def given(self) -> Decimal:
        """What is entered for single months."""
        return sum((one.amount for one in self.months if one.amount is not None), Decimal("0.00"))

    @property
    def is_spread(self) -> bool:
        """Whether there is a month that takes a part of the year's amount."""
        return self.amount is not None and any(one.amount is None for one in self.months)


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


def planned_years(
    budgets: Iterable[Budget], cost_centers: Iterable[Row], year: str
) -> tuple[PlannedYear, ...]:
    """The budgets of a year, by cost center in the order of their ids.

    Args:
        cost_centers: the rows of cost_centers.csv, of all periods.

    Raises:
        Refusal: (exit 2) a budget is of no month of its cost center, or months and their year contradict.
    """
    rows = rows_by(cost_centers, "cost_center_id")
    own: dict[str, list[Budget]] = {}
    for one in budgets:
        if one.period[: len(year)] == year:
            own.setdefault(one.cost_center_id, []).append(one)
    found = []
    for key, entered in sorted(own.items()):
        dated = sorted(rows.get(key, []), key=lambda row: row["valid_from"])
        with apart():
            found.append(planned_year(key, entered, dated, year))
    return tuple(found)


def planned_year(
    cost_center_id: str, entered: list[Budget], dated: list[Row], year: str
) -> PlannedYear:
    """What is entered for one cost center and year, checked against itself and against the cost center's dates.

    Args:
        dated: the cost center's rows; with none, the register could not be read, and nothing is checked.
    """
    by_period = {one.period: one for one in entered}
    months = []
    for period in months_of(year):
        for row in dated:
            if holds_in(period, row["valid_from"], row["valid_to"]):
                known = by_period.get(period)
                amount = known.amount if known else None
                months.append(PlannedMonth(period, row["business_unit_id"], amount))
    approvers = dict.fromkeys(one.approved_by for one in entered)
    whole = by_period.get(year)
    found = PlannedYear(
        cost_center_id,
        dated[-1]["name"] if dated else cost_center_id,
        whole.amount if whole else None,
        tuple(months),
        tuple(approvers),
    )
    if dated:
        check_dates_of(found, entered, dated)
        check_whole(found, entered)
    return found


def check_dates_of(found: PlannedYear, entered: list[Budget], dated: list[Row]) -> None:
    """Refuse a budget for when its cost center is not in force."""
    in_force = {one.billing_period for one in found.months}
    for one in entered:
        if not any(period.startswith(one.period) for period in in_force):
            raise bad_params(
                "a budget is of a cost center that is not in force then",
                f"a cost center that is in force in {one.period}", found.cost_center_id,
                [one.where, *(row.where for row in dated)],
                ["remove the row, or correct the dates in cost_centers.csv"],
            )  # fmt: skip


def check_whole(found: PlannedYear, entered: list[Budget]) -> None:
    """Refuse months that come to more than their year, or to something else where no month is left."""
    if found.amount is None:
        return
    over = found.given > found.amount
    if over or (not found.is_spread and found.given != found.amount):
        difference = found.given - found.amount
        raise bad_params(
            "the budgets of months contradict that of their year",
            f"at most {found.amount} in all" if found.is_spread else f"{found.amount} in all",
            f"{found.given}, {abs(difference)} too {'much' if difference > 0 else 'little'}",
            [one.where for one in entered],
            ["correct an amount, or remove the year's row: months alone need none"],
        )  # fmt: skip


def months_of(year: str) -> list[str]:
    """The twelve periods of a calendar year."""
    return [f"{year}-{number:02d}" for number in range(1, 13)]
