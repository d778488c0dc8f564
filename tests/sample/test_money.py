"""Money: invoices as planned, and commitments that hold in every column and hour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chargeback.core.money import nearest_cents
from chargeback.sample import LAST_FINAL_PERIOD, OPEN_PERIOD, PERIODS, write_estate
from chargeback.sample.plan import BILLS, bills_of
from chargeback.sample.spread import apportion_units, spread_rows
from tests.sample.report import ask

FINAL = [period for period in PERIODS if period != OPEN_PERIOD]
UNITS = "cast(round({} * 1e10) as hugeint)"


def units(column: str) -> str:
    return UNITS.format(column)


@pytest.mark.parametrize("period", PERIODS)
def test_line_items_of_an_invoice_sum_to_its_plan(estate: Path, period: str) -> None:
    found = ask(
        estate, period,
        "select bill_billing_entity, bill_bill_type, coalesce(bill_invoice_id, ''), sum(units) "
        "from report group by all",
    )  # fmt: skip
    planned = {
        (bill.billing_entity, bill.bill_type, bill.invoice_id or "", bill.line_item_units)
        for bill in BILLS
        if bill.period == period
    }
    assert set(found) == planned


def test_most_invoices_are_their_line_items_rounded_once_and_some_are_not() -> None:
    differences = {
        (bill.period, bill.purpose): bill.total_cents - nearest_cents(bill.line_item_units)
        for bill in BILLS
        if bill.period != OPEN_PERIOD
    }
    assert {one: cents for one, cents in differences.items() if cents} == {
        ("2025-12", "marketplace"): 1,
        ("2026-02", "usage"): -1,
        ("2026-05", "usage"): 2,
    }


def test_the_estate_bills_about_three_million_and_grows_nine_percent_a_quarter() -> None:
    may = sum(bill.total_cents for bill in bills_of(LAST_FINAL_PERIOD).values())
    february = sum(bill.total_cents for bill in bills_of("2026-02").values()) - 8_400_000
    assert 3_090_000_00 < may < 3_110_000_00
    assert 1.085 < may / february < 1.095


def test_more_line_items_are_the_same_money_and_the_same_rollup(
    estate: Path, tmp_path: Path
) -> None:
    """Twenty times the line items: hourly instead of daily, more resources, not more owners."""
    write_estate(tmp_path, [LAST_FINAL_PERIOD], 100_000)
    question = """
        select bill_invoice_id, line_item_usage_account_id, line_item_product_code,
            line_item_line_item_type, line_item_operation, line_item_usage_type,
            resource_tags['user_cost_center'], sum(units)
        from report
        where line_item_line_item_type not in ('SavingsPlanCoveredUsage', 'SavingsPlanNegation')
        group by all order by all
    """
    few = ask(estate, LAST_FINAL_PERIOD, question)
    many = ask(tmp_path, LAST_FINAL_PERIOD, question)
    assert few == many
    ((count, resources),) = ask(
        tmp_path, LAST_FINAL_PERIOD,
        "select count(*), count(distinct line_item_resource_id) from report",
    )  # fmt: skip
    ((before,),) = ask(
        estate, LAST_FINAL_PERIOD, "select count(distinct line_item_resource_id) from report"
    )
    assert count == 100_000
    assert resources > before / 2


def test_amounts_have_at_most_ten_decimals(estate: Path) -> None:
    ((wrong, small),) = ask(
        estate, LAST_FINAL_PERIOD,
        "select count(*) filter (line_item_unblended_cost <> units / 1e10), "
        "count(*) filter (units between 1 and 99999999) from report",
    )  # fmt: skip
    assert wrong == 0
    assert small > 100, "some line items cost less than a cent"


@pytest.mark.parametrize("period", PERIODS)
def test_a_savings_plan_holds_in_every_hour(estate: Path, period: str) -> None:
    """Covered and negated cost cancel; what was used is the effective cost (CUR facts 2.2, 2.5)."""
    rows = ask(
        estate, period,
        f"""
        select savings_plan_savings_plan_a_r_n, line_item_usage_start_date,
            sum(units) filter (line_item_line_item_type = 'SavingsPlanCoveredUsage'),
            sum(units) filter (line_item_line_item_type = 'SavingsPlanNegation'),
            sum({units("savings_plan_savings_plan_effective_cost")}),
            sum({units("savings_plan_used_commitment")}),
            sum({units("savings_plan_total_commitment_to_date")}),
            sum(units) filter (line_item_line_item_type = 'SavingsPlanRecurringFee'),
            sum({units("savings_plan_recurring_commitment_for_billing_period")}),
            sum({units("savings_plan_amortized_upfront_commitment_for_billing_period")})
        from report
        where line_item_line_item_type in
            ('SavingsPlanCoveredUsage', 'SavingsPlanNegation', 'SavingsPlanRecurringFee')
        group by all
        """,
    )  # fmt: skip
    assert len({row[0] for row in rows}) == (2 if period < "2026-01" else 3)
    for _, _, covered, negated, effective, used, total, fee, recurring, upfront in rows:
        assert (covered or 0) + (negated or 0) == 0
        assert (effective or 0) == used <= total
        assert fee == recurring
        assert total == recurring + upfront


@pytest.mark.parametrize("period", FINAL)
def test_reservations_are_used_and_unused_to_the_last_unit(estate: Path, period: str) -> None:
    rows = ask(
        estate, period,
        f"""
        select reservation_reservation_a_r_n,
            sum({units("reservation_effective_cost")}),
            sum({units("reservation_unused_recurring_fee")}),
            sum({units("reservation_unused_amortized_upfront_fee_for_billing_period")}),
            sum(units) filter (line_item_line_item_type = 'RIFee'),
            sum({units("reservation_amortized_upfront_fee_for_billing_period")}),
            sum(units) filter (line_item_line_item_type = 'DiscountedUsage')
        from report
        where line_item_line_item_type in ('DiscountedUsage', 'RIFee')
        group by all
        """,
    )  # fmt: skip
    assert len(rows) == (3 if period < "2026-03" else 4)
    for _, effective, unused_recurring, unused_upfront, recurring, upfront, unblended in rows:
        assert effective + unused_recurring + unused_upfront == recurring + upfront
        assert unblended == 0
    assert any(row[2] + row[3] > 0 for row in rows), "some capacity is unused"


def test_pods_split_what_their_node_costs_and_bill_nothing(estate: Path) -> None:
    rows = ask(
        estate, LAST_FINAL_PERIOD,
        f"""
        with pods as (
            select split_line_item_parent_resource_id as node, line_item_usage_start_date as slot,
                sum({units("split_line_item_split_cost")})
                    + sum({units("split_line_item_unused_cost")}) as split_units,
                sum(units) as billed_units
            from report where line_item_operation = 'EKSPod-EC2' group by all
        ), nodes as (
            select line_item_resource_id as node, line_item_usage_start_date as slot,
                sum(units) as units
            from report where line_item_usage_type = 'BoxUsage:m6i.4xlarge' group by all
        )
        select split_units, billed_units, nodes.units from pods join nodes using (node, slot)
        """,
    )  # fmt: skip
    assert len(rows) >= 31 * 3
    assert all(split == node > 0 and billed == 0 for split, billed, node in rows)


def test_apportion_units_loses_nothing() -> None:
    assert apportion_units(100, [1, 1, 1]) == [34, 33, 33]
    assert apportion_units(-100, [1, 1, 1]) == [-34, -33, -33]
    assert apportion_units(5, [0, 3, 0, 1]) == [0, 4, 0, 1]


def test_spread_rows_sums_to_its_totals_whatever_their_size() -> None:
    totals = np.array([3_100_000 * 10**10, 7, 0], dtype=np.int64)
    counts = np.array([1000, 3, 4])
    weights = np.arange(1, 1008, dtype=np.int64) ** 4
    rows = spread_rows(totals, weights, counts)
    assert [int(part.sum()) for part in np.split(rows, [1000, 1003])] == totals.tolist()
    assert rows.min() >= 0
