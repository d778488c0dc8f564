"""The daily flow calls products of AWS Marketplace what their sellers call them; cases keep the code."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from chargeback.daily.anomalies.alerts import name_of
from chargeback.daily.anomalies.series import CELL, SERVICE, Group
from chargeback.daily.costs import DailyCosts, daily_costs
from chargeback.daily.drift import drift_window, find_drift, window_days
from chargeback.daily.hygiene import tag_hygiene
from chargeback.daily.ticket_texts import account_finding
from chargeback.daily.view import untagged_table
from chargeback.params import Params, read_params
from tests.daily.month import PERIOD, day, item, owned
from tests.params_folder import write_params
from tests.reports import write_report

CODE, NAME = "8zk3observability1vb6n4yq0r", "Observability \u202ePro"
SHOWN = "Observability \ufffdPro"
SOLD = {
    "line_item_product_code": CODE, "bill_billing_entity": "AWS Marketplace",
    "product": {"product_name": NAME},
}  # fmt: skip


@pytest.fixture
def params(tmp_path: Path) -> Params:
    return read_params(write_params(tmp_path / "params"), PERIOD)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return write_report(tmp_path / "report", [owned(5, 10.0), item(5, 5000.0, **SOLD)])


@pytest.fixture
def costs(report, params) -> DailyCosts:
    return daily_costs(report, params, day(5))


def test_the_costs_of_a_month_know_the_names(costs):
    assert costs.product_names == {CODE: NAME}


def test_a_ticket_and_a_table_say_the_name(report, params, costs):
    found = tag_hygiene(costs, params)
    days = window_days(found, drift_window(day(5), params))
    seen = find_drift(report, costs, found, days, params)
    drift = account_finding(seen.accounts[0], seen.window, params, costs.product_names)
    text = "\n".join(drift.text)
    assert SHOWN in text and CODE not in text and NAME not in text
    assert [one["product_code"] for one in drift.details["worst_resources"]] == [CODE]
    table = untagged_table(found.services, SimpleNamespace(params=params, costs=costs))
    assert set(table["name"]) == {SHOWN, "AmazonEC2"}


def test_an_alert_says_the_name(params):
    names = {CODE: NAME}
    assert name_of(Group(SERVICE, product_code=CODE), params, names) == f"{SHOWN}, all owners"
    cell = Group(CELL, "shop", "CC-1", CODE)
    assert name_of(cell, params, names) == f"{SHOWN} of Web (CC-1)"
    assert name_of(cell, params, {}) == f"{CODE} of Web (CC-1)"
    assert name_of(Group(SERVICE, product_code="AmazonS3"), params, names) == "AmazonS3, all owners"
