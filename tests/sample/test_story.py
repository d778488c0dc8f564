"""What the estate holds: the organization's story and every ugly case that a close must survive."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chargeback.sample import LAST_FINAL_PERIOD, OPEN_PERIOD, PERIODS
from chargeback.sample.organization import (
    ACCOUNTS,
    BY_NAME,
    DORMANT_ACCOUNT_ID,
    LAB_VALUES,
    LITERAL_NULL,
    MISSPELT,
    RETIRED,
    UNKNOWN,
)
from tests.sample.report import ask

MAY = LAST_FINAL_PERIOD
FINAL = [period for period in PERIODS if period != OPEN_PERIOD]


def test_databases_are_the_largest_line_of_claims(estate: Path) -> None:
    products = ask(
        estate, MAY,
        "select line_item_product_code from report where line_item_line_item_type = 'Usage' "
        "and resource_tags['user_business_unit'] = 'claims' group by 1 order by sum(units) desc",
    )  # fmt: skip
    assert products[0] == ("AmazonRDS",)


def test_training_spiked_in_december(estate: Path) -> None:
    account = BY_NAME["ml-training"].account_id
    spent = {
        period: ask(
            estate, period,
            f"select sum(units) from report where line_item_usage_account_id = '{account}' "
            "and (line_item_usage_type like '%Train:%' or line_item_usage_type like '%p4d%')",
        )[0][0]
        for period in ("2025-12", "2026-02", "2026-05")
    }  # fmt: skip
    assert spent["2025-12"] > 2.5 * spent["2026-02"]
    assert spent["2025-12"] > 2 * spent["2026-05"]


@pytest.mark.parametrize("value", [*LAB_VALUES, *MISSPELT, RETIRED, UNKNOWN, LITERAL_NULL, ""])
def test_every_odd_tag_value_costs_something(estate: Path, value: str) -> None:
    quoted = value.replace("'", "''")
    ((units,),) = ask(
        estate, MAY,
        f"select sum(units) from report where resource_tags['user_cost_center'] = '{quoted}'",
    )  # fmt: skip
    assert units and units > 0


def test_tag_values_are_what_honest_people_type(estate: Path) -> None:
    """Attacks are in the tests; whoever reads a demonstration sees letters, digits and slips of the hand."""
    values = {
        value
        for period in PERIODS
        for (value,) in ask(
            estate, period, "select distinct resource_tags['user_cost_center'] from report"
        )
    }
    assert not [one for one in values if one and not re.fullmatch("[A-Za-z0-9/ -]{1,20}", one)]


@pytest.mark.parametrize("period", PERIODS)
def test_resources_of_the_laboratory_are_of_one_group(estate: Path, period: str) -> None:
    """A value that several groups of instances carry is not one group whose instances run twice at a time."""
    account = BY_NAME["actuarial-lab"].account_id
    ((doubled, values),) = ask(
        estate, period,
        "select count(*) filter (rows > 1), count(distinct tag) from (select count(*) as rows, "
        "any_value(resource_tags['user_cost_center']) as tag from report "
        f"where line_item_usage_account_id = '{account}' and line_item_resource_id like 'i-%' "
        "and line_item_line_item_type = 'Usage' group by line_item_resource_id, line_item_usage_start_date, "
        "line_item_usage_type, line_item_operation)",
    )  # fmt: skip
    assert doubled == 0 and values > len(LAB_VALUES)


def test_untagged_is_an_absent_key_a_null_or_an_empty_text(estate: Path) -> None:
    ((absent, null, empty),) = ask(
        estate, MAY,
        "select count(*) filter (not map_contains(resource_tags, 'user_cost_center')), "
        "count(*) filter (map_contains(resource_tags, 'user_cost_center') "
        "and resource_tags['user_cost_center'] is null), "
        "count(*) filter (resource_tags['user_cost_center'] = '') "
        "from report where line_item_resource_id <> ''",
    )  # fmt: skip
    assert absent and null and empty


@pytest.mark.parametrize(
    ("period", "line_item_types"),
    [
        (MAY, "Usage DiscountedUsage SavingsPlanCoveredUsage SavingsPlanNegation "
              "SavingsPlanRecurringFee RIFee Fee Tax Credit Refund EdpDiscount"),
        ("2026-01", "SavingsPlanUpfrontFee Refund"),
    ],
)  # fmt: skip
def test_line_item_types(estate: Path, period: str, line_item_types: str) -> None:
    found = {
        row[0]
        for row in ask(estate, period, "select distinct line_item_line_item_type from report")
    }
    assert set(line_item_types.split()) <= found


@pytest.mark.parametrize("period", PERIODS)
def test_identity_is_unique_within_a_delivery(estate: Path, period: str) -> None:
    ((rows, distinct),) = ask(
        estate, period,
        "select count(*), count(distinct (identity_line_item_id, identity_time_interval)) "
        "from report",
    )  # fmt: skip
    assert rows == distinct


@pytest.mark.parametrize("period", PERIODS)
def test_usage_lies_within_its_month(estate: Path, period: str) -> None:
    ((outside,),) = ask(
        estate, period,
        "select count(*) from report "
        "where line_item_usage_start_date < bill_billing_period_start_date "
        "or line_item_usage_end_date > bill_billing_period_end_date "
        "or line_item_usage_start_date >= line_item_usage_end_date",
    )  # fmt: skip
    assert outside == 0


@pytest.mark.parametrize("period", FINAL)
def test_every_line_item_of_a_final_month_is_invoiced(estate: Path, period: str) -> None:
    ((blank,),) = ask(
        estate, period, "select count(*) from report where coalesce(bill_invoice_id, '') = ''"
    )
    assert blank == 0


def test_the_open_month_has_no_invoice_and_stops_after_fifteen_days(estate: Path) -> None:
    blanks = ask(estate, OPEN_PERIOD, "select distinct bill_invoice_id from report")
    assert set(blanks) == {(None,), ("",)}
    ((last, ahead, support),) = ask(
        estate, OPEN_PERIOD,
        "select max(line_item_usage_end_date) filter (line_item_line_item_type = 'Usage'), "
        "max(line_item_usage_end_date) "
        "filter (line_item_line_item_type = 'SavingsPlanRecurringFee'), "
        "count(*) filter (line_item_product_code = 'AWSSupportEnterprise') from report",
    )  # fmt: skip
    assert str(last) == "2026-06-16 00:00:00"
    assert ahead > last, "fees are there for hours that have not passed (CUR fact 6.11)"
    assert support == 0


def test_tax_is_whole_cents_by_account_and_product(estate: Path) -> None:
    rows = ask(
        estate, MAY,
        "select units, line_item_resource_id, line_item_operation, cardinality(resource_tags), "
        "identity_time_interval, line_item_usage_end_date from report "
        "where line_item_line_item_type = 'Tax'",
    )  # fmt: skip
    assert rows
    for units, resource, operation, tags, interval, end in rows:
        assert units % 10**8 == 0 and (resource, operation, tags) == ("", "", 0)
        assert interval == "2026-05-01T00:00:00Z/2026-05-02T00:00:00Z"
        assert str(end) == "2026-06-01 00:00:00"
    assert any(row[0] == 0 for row in rows)


def test_marketplace_has_its_own_invoice_and_sellers(estate: Path) -> None:
    rows = ask(
        estate, MAY,
        "select bill_invoice_id, count(distinct line_item_legal_entity), "
        "count(distinct bill_invoicing_entity) from report "
        "where bill_billing_entity = 'AWS Marketplace' group by 1",
    )  # fmt: skip
    assert rows == [("2252790231", 5, 1)]


def test_an_upfront_reservation_is_bought_in_march(estate: Path) -> None:
    rows = ask(
        estate, "2026-03",
        "select bill_bill_type, units, reservation_reservation_a_r_n <> '' from report "
        "where line_item_line_item_type = 'Fee' and bill_bill_type = 'Purchase'",
    )  # fmt: skip
    assert rows == [("Purchase", 85_848 * 10**10, True)]


def test_a_returned_savings_plan_is_billed_and_refunded_in_january(estate: Path) -> None:
    rows = ask(
        estate, "2026-01",
        "select line_item_line_item_type, units from report where savings_plan_savings_plan_a_r_n "
        "like '%0e5a92bb%' order by 1",
    )  # fmt: skip
    assert rows == [("Refund", -17_520 * 10**10), ("SavingsPlanUpfrontFee", 17_520 * 10**10)]


def test_one_account_has_no_line_items(estate: Path) -> None:
    seen = {
        row[0] for row in ask(estate, MAY, "select distinct line_item_usage_account_id from report")
    }
    assert seen == {account.account_id for account in ACCOUNTS}
    assert DORMANT_ACCOUNT_ID not in seen
