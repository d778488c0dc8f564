"""Who counts a metric changes within a year: a unit, its cost centers, a cost center of another unit."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.delivery.summary_data import make_summary
from chargeback.delivery.summary_unit_costs import unit_cost_differences
from tests.close.months import JUNE, MAY, Month
from tests.dashboards.months import write_months
from tests.delivery.pack.months import close_months, of
from tests.params_folder import ALWAYS

pytestmark = pytest.mark.slow

HEAD = "billing_period,metric,business_unit_id,cost_center_id,quantity,source,as_of,final\n"
NOT_IN_YET = "not in yet"


def closed(tmp_path: Path, *counts: str, **files: str) -> Month:
    """May and June, closed with these counts: period, owner and quantity."""
    rows = [one.split() for one in counts]
    text = "".join(
        f"{period},orders,{owner},{quantity},shop,2026-07-01,yes\n"
        for period, owner, quantity in rows
    )
    month = write_months(tmp_path, metrics_csv=HEAD + text, **files)
    close_months(month, MAY, JUNE)  # reads every figure back
    return month


def lines_of(month: Month) -> dict[str, list[tuple[str, str]]]:
    """The quantities and costs of the CFO's page, May first, once they are what metrics and ledgers give."""
    period = of(month)
    summary = make_summary(period)
    assert list(unit_cost_differences(period, summary)) == []
    return {
        one.key: [(str(at.quantity), str(at.loaded)) for at in one.found.months]
        for one in summary.unit_costs
    }


def page(month: Month, unit: str) -> str:
    """The unit's statement of June."""
    path = month.books.statements(JUNE) / unit / "statement.html"
    return path.read_text("utf-8")


def test_a_unit_that_counted_and_whose_cost_centers_count_now(tmp_path):
    month = closed(tmp_path, f"{MAY} shop, 100", f"{JUNE} ,CC-1 60", f"{JUNE} ,CC-2 40")
    assert lines_of(month) == {"shop": [("100", "80.00"), ("100", "30.00")]}
    assert NOT_IN_YET not in page(month, "shop")


def test_cost_centers_that_counted_and_whose_unit_counts_now(tmp_path):
    month = closed(tmp_path, f"{MAY} ,CC-1 60", f"{MAY} ,CC-2 40", f"{JUNE} shop, 90")
    assert lines_of(month) == {"shop": [("100", "80.00"), ("90", "30.00")]}
    assert NOT_IN_YET not in page(month, "shop")


def test_a_cost_center_that_counts_moves_to_another_unit(tmp_path):
    centers = ALWAYS["cost_centers.csv"].replace(
        "CC-2,Stock,shop,2026-01,\n", "CC-2,Stock,shop,2026-01,2026-05\nCC-2,Stock,core,2026-06,\n"
    )
    month = closed(tmp_path, f"{MAY} ,CC-2 100", f"{JUNE} ,CC-2 60", cost_centers_csv=centers)
    assert lines_of(month) == {
        "*": [("100", "7.00"), ("60", "30.00")], "core": [("60", "30.00")],
    }  # fmt: skip
    assert "Unit cost" not in page(month, "shop"), "its cost center counts elsewhere now"
    assert "Unit cost" in page(month, "core")


def test_what_is_late_is_charged_to_nobody_who_does_not_count(tmp_path):
    month = closed(tmp_path, f"{MAY} ,CC-1 60", f"{MAY} ,CC-2 40")
    assert lines_of(month) == {"shop": [("100", "80.00"), ("None", "0.00")]}
    assert NOT_IN_YET in page(month, "shop")
    assert "that have no orders" not in page(month, "shop")
