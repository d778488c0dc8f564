"""Owning teams are told: topics, monitors and tags as applied, and the daily run at work on the topics."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chargeback.core.paths import PARAMS
from chargeback.daily.cases import ALERT, Finding, follow
from chargeback.daily.sending import channels, send_pending
from chargeback.daily.settings import Settings
from chargeback.daily.stores import open_state
from chargeback.daily.topic_settings import checked
from chargeback.params.policy import read_policy
from chargeback.params.registers import Row, read_register, rows_in
from chargeback.sources.flat_columns import cur_2_name
from tests.infra.conftest import NAME, VARIABLES, WHERE_CHANGED, Platform, write_variables
from tests.infra.guard import ACCOUNT, REGION

pytestmark = [pytest.mark.slow, WHERE_CHANGED]


def today(name: str) -> list[Row]:
    """The rows of a register that hold today, which Terraform takes, as the program reads them."""
    return list(rows_in(read_register(PARAMS, name), f"{datetime.now(UTC):%Y-%m}"))


@pytest.fixture(scope="module")
def teams() -> dict[str, list[str]]:
    """The accounts of each owning team."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in today("accounts.csv"):
        found[row["owning_team"]].append(row["account_id"])
    return {team: sorted(few) for team, few in found.items()}


@pytest.fixture(scope="module")
def monitors(platform: Platform) -> dict[str, dict[str, Any]]:
    """What each monitor is of, by its name without that of the platform."""
    found = platform.account.client("ce").get_anomaly_monitors()["AnomalyMonitors"]
    assert {one["MonitorType"] for one in found} == {"CUSTOM"}
    return {
        one["MonitorName"].removeprefix(f"{NAME} "): {
            kind: of for kind, of in one["MonitorSpecification"].items() if of
        }
        for one in found
    }


def test_each_owning_team_has_a_topic_that_its_account_and_anomalies_alone_publish_to(
    platform, teams
):
    topics = checked("the output", platform.outputs["topics"])
    assert set(topics) == {*teams, "default"}
    sns, kms = platform.account.client("sns"), platform.account.client("kms")
    key = kms.describe_key(KeyId=f"alias/{NAME}-alerts")["KeyMetadata"]["Arn"]
    for arn in topics.values():
        found = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        assert found["KmsMasterKeyId"] == key
        [told, tls] = json.loads(found["Policy"])["Statement"]
        assert told["Principal"] == {"Service": "costalerts.amazonaws.com"}
        assert (told["Action"], told["Resource"]) == ("sns:Publish", arn)
        assert told["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
        assert (tls["Effect"], tls["Condition"]) == (
            "Deny", {"Bool": {"aws:SecureTransport": "false"}},
        )  # fmt: skip
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    [uses] = [one for one in policy["Statement"] if one["Sid"] == "AnomaliesAreTold"]
    assert uses["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]


def test_those_who_are_named_hear_of_a_topic(platform):
    sns, topics = platform.account.client("sns"), platform.outputs["topics"]
    [claims] = sns.list_subscriptions_by_topic(TopicArn=topics["claims-engineering"])[
        "Subscriptions"
    ]
    assert (claims["Protocol"], claims["Endpoint"]) == ("email", "claims@insurer.example")
    [hook] = sns.list_subscriptions_by_topic(TopicArn=topics["default"])["Subscriptions"]
    found = sns.get_subscription_attributes(SubscriptionArn=hook["SubscriptionArn"])["Attributes"]
    assert json.loads(found["FilterPolicy"]) == {"kind": ["anomaly", "aws-anomaly"]}


def test_a_teams_accounts_are_watched_as_accounts_csv_has_them_today(monitors, teams):
    watched: dict[str, list[str]] = {
        name.removeprefix("accounts ").removesuffix(" 1"): of["Dimensions"]["Values"]
        for name, of in monitors.items()
        if name.startswith("accounts ")
    }
    assert watched == teams
    assert "369284710647" in watched["digital-product"], "it was member-experience's until 2026-02"


def test_cost_centers_and_named_values_of_tags_are_watched(monitors):
    of_tags = {name: of["Tags"] for name, of in monitors.items() if name.startswith("tag ")}
    values = [one for of in of_tags.values() if of["Key"] == "cost_center" for one in of["Values"]]
    aliases = [
        one["tag_value"] for one in today("tag_values.csv") if one["tag_key"] == "user_cost_center"
    ]
    centers = {one["cost_center_id"] for one in today("cost_centers.csv")}
    assert sorted(values) == sorted({*centers, *aliases})
    assert "CC-6003" in of_tags["tag cost_center digital-product 1"]["Values"]
    assert of_tags["tag environment default 1"]["Values"] == ["prod", "stage"]
    assert all(len(of["Values"]) <= 10 for of in of_tags.values())


def test_each_team_is_told_at_once_through_its_own_topic(platform, monitors, teams):
    ce = platform.account.client("ce")
    names = {
        one["MonitorArn"]: one["MonitorName"]
        for one in ce.get_anomaly_monitors()["AnomalyMonitors"]
    }
    found = ce.get_anomaly_subscriptions()["AnomalySubscriptions"]
    assert {one["SubscriptionName"] for one in found} == {
        f"{NAME} {team}" for team in (*teams, "default")
    }
    told = [name for one in found for name in (names[arn] for arn in one["MonitorArnList"])]
    assert sorted(told) == sorted(f"{NAME} {name}" for name in monitors), (
        "each monitor tells one team"
    )
    for one in found:
        team = one["SubscriptionName"].removeprefix(f"{NAME} ")
        assert one["Frequency"] == "IMMEDIATE"
        assert [each["Address"] for each in one["Subscribers"]] == [
            platform.outputs["topics"][team]
        ]
        limits = [each["Dimensions"] for each in one["ThresholdExpression"]["And"]]
        assert sorted((each["Key"], each["Values"]) for each in limits) == [
            ("ANOMALY_TOTAL_IMPACT_ABSOLUTE", ["250"]), ("ANOMALY_TOTAL_IMPACT_PERCENTAGE", ["30"]),
        ]  # fmt: skip
        assert all(names[arn].partition(team)[1] for arn in one["MonitorArnList"])


def test_the_tags_of_policy_toml_are_active_by_the_names_that_billing_has(platform):
    pages = platform.account.client("ce").get_paginator("list_cost_allocation_tags").paginate()
    tags = [one for page in pages for one in page["CostAllocationTags"]]
    policy = read_policy(PARAMS, f"{datetime.now(UTC):%Y-%m}")
    wanted = {*policy.cost_center_tags, *policy.mandatory_tags}
    active = {one["TagKey"] for one in tags if one["Status"] == "Active"}
    assert {cur_2_name(f"user:{key}") for key in active} == wanted


def test_the_daily_run_tells_a_team_with_its_role_and_through_terraforms_topics(
    platform, tmp_path, monkeypatch
):
    """Published by the role `daily` with the guard on; read back from a queue that listens."""
    topic, sqs = platform.outputs["topics"]["claims-engineering"], platform.account.client("sqs")
    queue = sqs.create_queue(QueueName="claims-engineering")["QueueUrl"]
    to = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    sns = platform.account.client("sns")
    heard = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=to)["SubscriptionArn"]
    credentials = platform.account.take(platform.outputs["roles"]["daily"])
    for name, value in platform.account.environment(credentials).items():
        monkeypatch.setenv(name, value)
    state = open_state("", tmp_path / "state.sqlite")
    found = Finding(
        "anomaly", "claims", ALERT, "Dana", "EC2: above expected", Decimal(7500), ("i-batch rose.",),
        {"owning_team": "claims-engineering", "business_unit_id": "claims"},
    )  # fmt: skip
    cases = follow({}, [found], ["anomaly"], {}, date(2026, 5, 1), 14)
    assert state.write_run(date(2026, 5, 1), [], cases.values(), state.latest())
    topics = checked("the output", platform.outputs["topics"])
    given = Settings("", tmp_path / "s", tmp_path / "outbox", None, topics=topics)
    try:
        with platform.account.guarded():
            assert send_pending(state, channels(given)) == 1
        [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    finally:
        state.close()
        sns.unsubscribe(SubscriptionArn=heard)
        sqs.delete_queue(QueueUrl=queue)
    said = json.loads(message["Body"])
    assert said["Subject"] == "New: EC2: above expected"
    assert "i-batch rose." in said["Message"]


HEAD = "account_id,name,owning_team,default_cost_center_id,valid_from,valid_to\n"


def planned(platform: Platform, folder: Path, accounts: str, **alerts: Any) -> tuple[int, str]:
    """A plan of the alerts alone, with another accounts.csv: how it ended and what it said."""
    folder.mkdir()
    for name in ("policy.toml", "cost_centers.csv", "tag_values.csv"):
        (folder / name).write_bytes((PARAMS / name).read_bytes())
    (folder / "accounts.csv").write_text(HEAD + accounts, encoding="utf-8")
    terraform = platform.terraform
    kept = (terraform.live / "test.auto.tfvars.json").read_text()
    write_variables(terraform, {**json.loads(kept), "params": str(folder), "alerts": alerts})
    quick = ("-input=false", "-refresh=false", "-lock=false", "-target=module.alerts")
    try:
        ended = terraform.ask("plan", *quick)
    finally:
        (terraform.live / "test.auto.tfvars.json").write_text(kept)
    return ended.returncode, ended.stdout + " ".join(ended.stderr.split())


def test_eleven_accounts_take_two_monitors_and_ended_ones_none(platform, tmp_path):
    rows = "".join(f"{number:012d},a,data team,,2025-12,\n" for number in range(11))
    rows += "999999999999,gone,data team,,2025-12,2026-01\n888888888888,later,data team,,2999-01,\n"
    code, said = planned(platform, tmp_path / "params", rows)
    assert code == 0, said
    for number in (1, 2):
        assert f'aws_ce_anomaly_monitor.team["accounts data team {number}"] will be created' in said
    assert '"accounts data team 3"' not in said
    assert f"{NAME}-alerts-data-team" in said
    assert "999999999999" not in said and "888888888888" not in said
    assert 'aws_ce_cost_allocation_tag.active["cost_center"] will be destroyed' in said


@pytest.mark.parametrize(
    ("rows", "alerts", "words"),
    [
        (
            "".join(f"{number:012d},a,team,,2025-12,\n" for number in range(101)),
            {"values_per_monitor": 1}, "more monitors than AWS takes",
        ),
        ("000000000001,a,A b,,2025-12,\n000000000002,b,a/b,,2025-12,\n", {}, "would get one topic"),
        ("000000000001,a,team,,2025-12,\n", {"values_per_monitor": 11}, "1 to 10 accounts or values"),
        ("000000000001,a,team,,2025-12,\n", {"threshold": {}}, "absolute, percentage or both"),
        (
            "000000000001,a,team,,2025-12,\n",
            {"subscriptions": {"default": [{"protocol": "http", "endpoint": "http://x"}]}},
            "nothing that is told goes over http",
        ),
    ],
)  # fmt: skip
def test_what_aws_would_not_take_stops_the_plan(platform, tmp_path, rows, alerts, words):
    code, said = planned(platform, tmp_path / "params", rows, **alerts)
    assert (code, words in said) == (1, True), said


def test_the_variables_of_the_tests_switch_alerts_on():
    assert VARIABLES["alerts"]["allocation_tags_active"] and REGION == "us-east-1"
