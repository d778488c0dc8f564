"""params/ describes exactly the sample estate, and reads as a register should."""

from __future__ import annotations

import csv
import tomllib
from decimal import Decimal

import pytest

from chargeback.core.paths import PARAMS
from chargeback.daily.hygiene import LOOSELY
from chargeback.params import read_params
from chargeback.params.tags import normalize
from chargeback.sample import OPEN_PERIOD, PERIODS
from chargeback.sample.organization import ACCOUNTS, DORMANT_ACCOUNT_ID, LAB_VALUES
from chargeback.sample.plan import BILLS


def register(name: str) -> list[dict[str, str]]:
    with (PARAMS / name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("period", PERIODS)
def test_params_are_accepted_in_every_period(period: str) -> None:
    params = read_params(PARAMS, period)
    assert len(params.business_units) == 8
    assert len(params.accounts) == 40
    assert params.pools[-1].pool_id == "untagged" and params.pools[-1].match == {}


def test_the_registers_have_a_retired_and_a_new_cost_center_and_a_moved_account() -> None:
    cost_centers = {row["cost_center_id"]: row for row in register("cost_centers.csv")}
    assert len(cost_centers) == 24
    assert cost_centers["CC-1009"]["valid_to"] == "2026-02"
    assert cost_centers["CC-6003"]["valid_from"] == "2026-03"
    moved = [row for row in register("accounts.csv") if row["name"] == "care-management-prod"]
    assert [row["default_cost_center_id"] for row in moved] == ["CC-2003", "CC-6003"]
    assert [row["valid_from"] for row in moved] == ["2025-12", "2026-03"]


def test_accounts_are_those_of_the_estate() -> None:
    names = {row["account_id"]: row["name"] for row in register("accounts.csv")}
    assert names.pop(DORMANT_ACCOUNT_ID) == "acquisition-landing"
    assert names == {account.account_id: account.name for account in ACCOUNTS}
    assert any(account_id.startswith("00") for account_id in names)
    assert all(len(account_id) == 12 for account_id in names)


def test_invoices_are_those_of_the_plan() -> None:
    entered = [
        (row["invoice_id"], row["billing_period"], Decimal(row["total"]).scaleb(2))
        for row in register("invoices.csv")
    ]
    planned = [
        (bill.invoice_id, bill.period, Decimal(bill.total_cents))
        for bill in BILLS
        if bill.period != OPEN_PERIOD
    ]
    assert entered == planned


def test_drivers_hold_in_every_period_for_those_who_are_charged() -> None:
    for period in PERIODS:
        params = read_params(PARAMS, period)
        heads = {one.cost_center_id for one in params.drivers if one.driver == "headcount"}
        assert heads == set(params.cost_centers)
        assert {one.driver for one in params.drivers} == {
            "headcount", "claims_processed", "log_volume_tb",
        }  # fmt: skip
        named = {one.key.partition(":")[2] for one in params.pools if one.key.startswith("driver:")}
        assert named == {one.driver for one in params.drivers}


def test_no_value_of_the_laboratory_is_usable() -> None:
    """Whatever policy may leave out in comparing."""
    known = {normalize(row["tag_value"], LOOSELY) for row in register("tag_values.csv")}
    known |= {normalize(row["cost_center_id"], LOOSELY) for row in register("cost_centers.csv")}
    assert not known & {normalize(one, LOOSELY) for one in LAB_VALUES}


def test_every_key_is_used_and_shares_sum_to_one() -> None:
    pools = tomllib.loads((PARAMS / "allocation.toml").read_text())["pool"]
    assert {pool["key"].partition(":")[0] for pool in pools} == {
        "fixed", "driver", "direct_spend", "even", "sql",
    }  # fmt: skip
    for pool in pools:
        if pool["key"] == "fixed":
            assert sum(map(Decimal, pool["shares"].values())) == 1
