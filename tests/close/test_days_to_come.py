"""A draft leaves out what AWS writes of days that have not happened: a Savings Plan's fees of the month."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from chargeback.books.tables import read_postings
from chargeback.books.work_folder import WorkFolder
from chargeback.close.stages import derive
from chargeback.core.books_folders import Books
from chargeback.core.sums import sums_by
from chargeback.review.explore.charges import read_line_items
from chargeback.review.explore.opened import Opened
from chargeback.review.trace import Origin
from tests.params_folder import pool
from tests.reports import line_item

PLAN = "arn:aws:savingsplans::1:savingsplan/sp1"
UNUSED = pool("unused", '{ line_item_type = ["SavingsPlanRecurringFee"] }', "direct_spend") + pool()


def month(days_with_usage: int) -> list[dict]:
    """June: 100.00 a day by CC-1 and 30.00 of a plan's 36.00, whose rows are there for all thirty days."""
    rows = []
    for number in range(1, 31):
        cells = {"line_item_usage_start_date": datetime(2026, 6, number), "bill_invoice_id": ""}
        plan = {**cells, "savings_plan_savings_plan_a_r_n": PLAN}
        used = number <= days_with_usage
        if used:
            rows += [
                line_item(100.0, "CC-1", **cells),
                line_item(50.0, "CC-9", line_item_line_item_type="SavingsPlanCoveredUsage",
                          savings_plan_savings_plan_effective_cost=30.0, **plan),
                line_item(-50.0, line_item_line_item_type="SavingsPlanNegation", **plan),
            ]  # fmt: skip
        rows.append(
            line_item(36.0, line_item_line_item_type="SavingsPlanRecurringFee",
                      savings_plan_total_commitment_to_date=36.0,
                      savings_plan_used_commitment=30.0 if used else 0.0, **plan)
        )  # fmt: skip
    return rows


@pytest.fixture
def drafted(make_report, make_params, tmp_path) -> WorkFolder:
    """June up to the 10th, derived as a draft."""
    report = make_report(month(10), period="2026-06")
    params = make_params(allocation_toml=UNUSED)
    work = tmp_path / "work"
    work.mkdir()
    draft = WorkFolder("2026-06", report, params, Books(tmp_path / "books"), work, provisional=True)
    derive(draft)
    return draft


def test_unused_commitment_is_that_of_days_that_happened(drafted):
    """10 x 6.00 is unused; the 20 x 36.00 of days to come are nobody's yet."""
    charged = sums_by(drafted.table("charges"), ["kind", "pool_id"], "amount")
    assert charged["allocated", "unused"] == Decimal("60.00")
    total = sums_by(drafted.table("postings"), ["cost_center_id"], "amount")
    assert sum(one for (owner,), one in total.items() if owner) == Decimal("1360.00")
    summary = drafted.stage_record("rollup")["summary"]
    assert "720.00 USD of fees for days to come are left out" in summary


def test_what_is_explored_of_a_draft_is_what_it_charges(drafted):
    origin = Origin(
        "2026-06", drafted.params, drafted.source_record(), drafted.table("owned_costs"),
        read_postings(drafted.path("postings.parquet")),
    )  # fmt: skip
    found = read_line_items(Opened(origin, "PROVISIONAL"), [], drafted.report)
    assert sum(found["charged_cost"].to_pylist()) == Decimal("1360.00")


def test_a_close_charges_the_whole_month(make_report, make_params, make_closing):
    """Nothing is ahead of a month that AWS has invoiced, whenever usage ended."""
    rows = [{**one, "bill_invoice_id": "900000001"} for one in month(10)]
    report = make_report(rows, period="2026-06")
    invoices = "invoice_id,billing_period,issuer,currency,total,entered_by,source\n"
    row = "900000001,2026-06,AWS,USD,2080.00,finance,PDF\n"
    closing = make_closing(
        report, make_params(allocation_toml=UNUSED, invoices_csv=invoices + row), "2026-06"
    )
    derive(closing)
    charged = sums_by(closing.table("charges"), ["kind", "pool_id"], "amount")
    assert charged["allocated", "unused"] == Decimal("780.00")
