"""Who counts a metric changes within a year: a unit, its cost centers, a cost center of another unit."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.delivery.summary_check import require_true_summary
from chargeback.delivery.summary_data import make_summary
from chargeback.delivery.summary_render import render_summary
from chargeback.delivery.summary_unit_costs import unit_cost_differences, unit_costs
from chargeback.statements.render import EmbeddedRenderer
from tests.close.months import INVOICES, JUNE, MAY, Month
from tests.dashboards.months import write_months
from tests.delivery.pack.months import close_months, of
from tests.params_folder import ALWAYS
from tests.reports import line_item

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
    assert "is the sum of what cost centers count" in page(month, "shop")


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


def test_a_month_that_cost_to_the_cent_what_the_last_one_did_is_handed_out(tmp_path):
    """Nothing changed, so that no part of a change is listed."""
    items = [line_item(30.0, "CC-2"), line_item(20.0, "CC-9")]
    again = [{**one, "bill_invoice_id": "900000002"} for one in items]
    invoices = INVOICES.replace("100.01", "50.00")
    none = ALWAYS["adjustments.csv"]
    months = {MAY: [items], JUNE: [again]}
    month = write_months(tmp_path, months, invoices_csv=invoices, adjustments_csv=none)
    close_months(month, MAY, JUNE)
    period = of(month)
    summary = make_summary(period)
    assert summary.reasons == () and summary.total == summary.previous_total
    rendered, paths = (
        render_summary(summary, EmbeddedRenderer()),
        (tmp_path / "s.html", tmp_path / "s.pdf"),
    )
    for path, content in zip(paths, (rendered.html, rendered.pdf), strict=True):
        path.write_bytes(content)
    require_true_summary(period, summary, *paths)


@pytest.mark.parametrize("company_from", [MAY, JUNE])
def test_a_company_that_counts_in_one_month_and_its_units_in_the_other(company_from, tmp_path):
    units = JUNE if company_from == MAY else MAY
    month = closed(tmp_path, f"{company_from} *, 200", f"{units} shop, 100", f"{units} core, 50")
    sums = (
        [("200", "100.01"), ("150", "50.00")]
        if units == JUNE
        else [("150", "100.01"), ("200", "50.00")]
    )
    assert lines_of(month)["*"] == sums
    said = str(unit_costs(make_summary(of(month))))
    assert ("Sums of what units or cost centers count" in said) is (units == JUNE)


def test_a_company_that_counts_no_more_where_one_unit_does(tmp_path):
    month = closed(tmp_path, f"{MAY} *, 200", f"{JUNE} shop, 100")
    assert lines_of(month) == {
        "*": [("200", "100.01"), ("100", "30.00")],
        "shop": [("100", "30.00")],
    }


def test_what_is_late_is_charged_to_nobody_who_does_not_count(tmp_path):
    month = closed(tmp_path, f"{MAY} ,CC-1 60", f"{MAY} ,CC-2 40")
    assert lines_of(month) == {"shop": [("100", "80.00"), ("None", "0.00")]}
    assert NOT_IN_YET in page(month, "shop")
    assert "that have no orders" not in page(month, "shop")
