"""Registers that are twice as long take twice the work: cells that are looked at are counted, not seconds."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from chargeback.params import check_drivers, registers
from chargeback.params.budgets import Budget, planned_years
from chargeback.params.registers import Row, rows_by

#: So much more may twice the rows take, what is fixed included.
TWICE = 2.1


def centers(count: int) -> list[Row]:
    """So many cost centers, of which each has two rows."""
    return [
        Row("cost_centers.csv", number, {
            "cost_center_id": f"CC-{number % count}", "name": f"Center {number % count}",
            "business_unit_id": "unit", "valid_from": since, "valid_to": until,
        })
        for since, until in (("2026-01", "2026-03"), ("2026-04", ""))
        for number in range(count)
    ]  # fmt: skip


def drivers(count: int) -> list[Row]:
    """A quantity of each."""
    return [
        Row("drivers.csv", number, {
            "billing_period": "2026-05", "driver": "headcount", "cost_center_id": f"CC-{number}",
            "quantity": "3", "source": "HR",
        })
        for number in range(count)
    ]  # fmt: skip


@pytest.fixture
def looked_at(monkeypatch) -> Counter[str]:
    """How often cells were looked at."""
    found = Counter[str]()
    real = registers.Row.__getitem__

    def counted(row: Row, column: str) -> str:
        found["cells"] += 1
        return real(row, column)

    monkeypatch.setattr(registers.Row, "__getitem__", counted)
    return found


def check_quantities(count: int) -> None:
    check_drivers({"drivers.csv": drivers(count), "cost_centers.csv": centers(count)})


def plan_years(count: int) -> None:
    budgets = [Budget("2026", f"CC-{one}", Decimal(12), "CFO") for one in range(count)]
    planned = planned_years(budgets, centers(count), "2026")
    assert len(planned) == count and all(len(one.months) == 12 for one in planned)


@pytest.mark.parametrize("work", [check_quantities, plan_years])
def test_twice_the_cost_centers_take_twice_the_work(looked_at, work):
    work(100)
    once, looked_at["cells"] = looked_at["cells"], 0
    work(200)
    assert looked_at["cells"] <= TWICE * once


def test_rows_stay_in_their_order():
    rows = centers(2)
    assert [one.line for one in rows_by(rows, "cost_center_id")["CC-1"]] == [1, 1]
    assert [one["valid_from"] for one in rows_by(rows, "cost_center_id")["CC-1"]] == [
        "2026-01", "2026-04",
    ]  # fmt: skip
