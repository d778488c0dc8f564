"""Alerts: what is behind a finding, whom it is told, and that it is told once."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from chargeback.core.books_folders import Books
from chargeback.daily.anomalies.alerts import (
    RULE,
    FoundAnomalies,
    latest_of_each_group,
    look_for_anomalies,
    spent_amounts,
)
from chargeback.daily.anomalies.detect import ENDED, JUMP, Found, FoundDay
from chargeback.daily.anomalies.series import COST_CENTER, Group
from chargeback.daily.anomalies.used import from_table, to_table, used_history
from chargeback.daily.cases import OPEN, OPENED, RESOLVED, follow
from chargeback.daily.costs import daily_costs
from chargeback.daily.messages import message
from chargeback.params import Params, read_params
from tests.daily.anomalies.estate import LAST, write_estate
from tests.params_folder import added, pool, write_params

pytestmark = pytest.mark.slow

BATCH = ("CC-1", "AmazonEC2", "i-batch")
BEGAN = date(2026, 5, 10)
STEP = {(BEGAN + timedelta(at), BATCH): 2800.0 for at in range(5)}


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """An estate whose batch instance cost 2,800 dollars a day from the 10th to the 14th of May."""
    return write_estate(tmp_path_factory.mktemp("cur"), STEP)


@pytest.fixture
def params(tmp_path) -> Params:
    return read_params(write_params(tmp_path / "params"), "2026-05")


def asked(report: Path, params: Params, folder: Path, day: date) -> FoundAnomalies:
    return look_for_anomalies(daily_costs(report, params, day), report, params, Books(folder))


def test_a_finding_has_its_dollars_its_resources_and_its_owner(report, params, tmp_path):
    found = asked(report, params, tmp_path / "books", date(2026, 5, 12))
    assert found.judged == date(2026, 5, 12)
    [one] = found.anomalies
    assert one.name == "AmazonEC2 of Web (CC-1)"
    assert (one.found.first_day, one.found.last_day) == (BEGAN, date(2026, 5, 12))
    assert abs(one.found.above - 7500) < 700
    assert (one.unit.owner, one.unit.email) == ("Ann", "ann@example.com")
    worst = one.resources[0]
    assert (worst.resource_id, worst.account_id) == ("i-batch", "012345678901")
    assert worst.cost == 8400
    assert abs(worst.rise - 7500) < 700
    assert "i-web" not in {each.resource_id for each in one.resources if each.rise > 1000}
    [finding] = found.findings("USD", params.accounts)
    assert (finding.rule, finding.team) == (RULE, "Ann <ann@example.com>")
    assert finding.details["owning_team"] == params.accounts["012345678901"].owning_team
    assert finding.amount == one.found.above
    assert any("i-batch" in line for line in finding.text)


def test_an_anomaly_is_told_once_while_it_goes_on_and_closed_when_it_has_ended(
    report, params, tmp_path
):
    cases, said = {}, []
    for number in range(9, 19):
        day = date(2026, 5, number)
        findings = asked(report, params, tmp_path / "books", day).findings("USD", params.accounts)
        after = follow(cases, findings, [RULE], spent_amounts(cases.values()), day, 14)
        said += [
            (number, one.action) for key, one in after.items()
            if key not in cases or one.revision != cases[key].revision
        ]  # fmt: skip
        cases = after
    assert said == [(10, OPENED), (17, RESOLVED)]
    [case] = cases.values()
    assert case.status != OPEN
    assert (case.recovered_amount, case.amount) == (0, case.worst_amount)
    assert message(case)["close_notes"] == f"Over on 2026-05-17. In all: {case.amount:,}."


def test_the_last_two_days_of_a_delivery_are_not_judged(report, params, tmp_path):
    assert asked(report, params, tmp_path / "books", LAST).judged == LAST - timedelta(2)


def test_a_day_that_stops_short_is_no_anomaly_and_hides_none(tmp_path, params):
    """The delivery's last day has hardly anything yet, and the one before only a half."""
    short = {(LAST, BATCH): 1.0, (LAST - timedelta(1), BATCH): 150.0, **STEP}
    short |= {(LAST - timedelta(3), BATCH): 3000.0, (LAST - timedelta(2), BATCH): 3100.0}
    report = write_estate(tmp_path / "cur", short)
    [one] = asked(report, params, tmp_path / "books", LAST).anomalies
    assert one.found.last_day == LAST - timedelta(2)


def test_fees_of_the_month_are_no_anomaly(tmp_path, params):
    report = write_estate(tmp_path / "cur")
    for day in (date(2026, 5, 1), date(2026, 5, 3), LAST):
        assert asked(report, params, tmp_path / "books", day).anomalies == ()


def test_a_cost_that_changed_hands_is_no_anomaly(tmp_path):
    """A rule that begins with May gives the bucket to CC-2; all months are seen with it."""
    report = write_estate(tmp_path / "cur")
    owned = (
        '[[rule]]\nrule_id = "bucket"\ncost_center_id = "CC-2"\nreason = "theirs"\n'
        'match = { product_code = ["AmazonS3"] }\nvalid_from = "2026-05"\napproved = "council"\n'
    )
    params = read_params(write_params(tmp_path / "params", ownership_toml=owned), "2026-05")
    assert asked(report, params, tmp_path / "books", date(2026, 5, 12)).anomalies == ()


def test_what_a_pool_holds_is_told_to_who_holds_commitments(tmp_path):
    bucket = ("", "AmazonS3", "bucket")
    report = write_estate(tmp_path / "cur", {(BEGAN, bucket): 4000.0})
    params = read_params(write_params(tmp_path / "params", allocation_toml=pool()), "2026-05")
    [one] = asked(report, params, tmp_path / "books", BEGAN).anomalies
    assert one.name == "AmazonS3 of the pool untagged"
    assert one.unit.business_unit_id == "core"


def test_thresholds_come_from_the_policy(report, tmp_path):
    text = added("policy.toml", "[daily]", 'anomaly_minimum = "4000"')
    params = read_params(write_params(tmp_path / "params", policy_toml=text), "2026-05")
    assert asked(report, params, tmp_path / "books", date(2026, 5, 12)).anomalies == ()


def test_earlier_months_are_kept_and_give_the_same_when_they_are_read_again(
    report, params, tmp_path
):
    books = Books(tmp_path / "books")
    costs = daily_costs(report, params, date(2026, 5, 12))
    first, notes = used_history(costs, report, params, books)
    assert len(first) == 28 + 31 + 30 + 12
    assert [note[:28] for note in notes] == [
        "no daily costs of 2026-01: t", "no daily costs of 2025-12: t"
    ]  # fmt: skip
    kept = sorted(path.name[:22] for path in books.daily_used.iterdir())
    assert kept == [f"billing_period={one}" for one in ("2026-02", "2026-03", "2026-04")]
    assert used_history(costs, report, params, books)[0] == first
    for path in books.daily_used.iterdir():
        assert from_table(pq.read_table(path)) == {
            day: cells for day, cells in first.items() if f"{day:%Y-%m}" in path.name
        }


def test_a_month_is_read_again_once_sql_has_changed(report, params, tmp_path, monkeypatch):
    books, costs = Books(tmp_path / "books"), daily_costs(report, params, date(2026, 5, 12))
    first, _ = used_history(costs, report, params, books)
    before = {path.name for path in books.daily_used.iterdir()}
    monkeypatch.setattr("chargeback.daily.anomalies.used.sql_digest", lambda: "of other SQL")
    assert used_history(costs, report, params, books)[0] == first
    after = {path.name for path in books.daily_used.iterdir()}
    assert len(after) == len(before) == 3
    assert not after & before


def test_a_month_that_the_report_has_no_more_is_remembered(params, tmp_path):
    books, report = Books(tmp_path / "books"), write_estate(tmp_path / "cur")
    costs = daily_costs(report, params, LAST)
    before, _ = used_history(costs, report, params, books)
    for kind in ("data", "metadata"):
        (report / kind / "BILLING_PERIOD=2026-02").rename(tmp_path / f"old-{kind}")
    after, notes = used_history(costs, report, params, books)
    assert after == before
    assert len(notes) == 2


def test_a_day_without_usage_is_kept_as_a_day():
    sums = {date(2026, 5, 1): {}}
    assert from_table(to_table(sums)) == sums
    assert Decimal(0) == sum(to_table(sums)["used_cost"].to_pylist())


def test_of_two_findings_of_a_group_the_later_one_is_its_case():
    """One ended yesterday, and the next began today: they would be one case twice."""
    days = [date(2026, 6, day) for day in (10, 12, 13, 14)]
    at = [FoundDay(day, Decimal(200), Decimal(100)) for day in days]
    group, other = Group(COST_CENTER, "claims", "CC-1"), Group(COST_CENTER, "claims", "CC-2")
    ended = Found(group, JUMP, tuple(at[:2]), ENDED)
    begun = Found(group, JUMP, tuple(at[3:]))
    alone = Found(other, JUMP, tuple(at[2:3]))
    assert latest_of_each_group([ended, alone, begun]) == [begun, alone]
    assert latest_of_each_group([begun, alone, ended]) == [begun, alone]
