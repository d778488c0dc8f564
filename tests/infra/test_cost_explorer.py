"""The stand-in for Cost Explorer refuses what AWS documents that it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.cost_explorer import CostExplorer
from tests.infra.data_exports import NotTaken

TOPIC = {"Type": "SNS", "Address": "arn:aws:sns:us-east-1:123456789012:alerts"}


def accounts(count: int, **changes: Any) -> dict[str, Any]:
    """A monitor of so many accounts."""
    ids = [f"{number:012d}" for number in range(count)]
    of = {"Dimensions": {"Key": "LINKED_ACCOUNT", "Values": ids}}
    monitor = {"MonitorName": "one", "MonitorType": "CUSTOM", "MonitorSpecification": of}
    return {"AnomalyMonitor": {**monitor, **changes}}


def told(*monitors: str, impact: str = "250", **changes: Any) -> dict[str, Any]:
    """A subscription that tells a topic at once."""
    of = {
        "Key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE", "MatchOptions": ["GREATER_THAN_OR_EQUAL"],
        "Values": [impact],
    }  # fmt: skip
    subscription = {
        "SubscriptionName": "one", "MonitorArnList": list(monitors), "Subscribers": [TOPIC],
        "Frequency": "IMMEDIATE", "ThresholdExpression": {"Dimensions": of},
    }  # fmt: skip
    return {"AnomalySubscription": {**subscription, **changes}}


@pytest.fixture
def costs() -> CostExplorer:
    return CostExplorer()


def refused(costs: CostExplorer, action: str, body: dict[str, Any]) -> str:
    """The code of the error that a request is answered with."""
    with pytest.raises(NotTaken) as raised:
        costs.call(action, body)
    return raised.value.code


def test_a_monitor_takes_ten_accounts_and_an_account_a_hundred_monitors(costs):
    assert refused(costs, "CreateAnomalyMonitor", accounts(11)) == "ValidationException"
    assert refused(costs, "CreateAnomalyMonitor", accounts(0)) == "ValidationException"
    for _ in range(100):
        costs.call("CreateAnomalyMonitor", accounts(10))
    assert refused(costs, "CreateAnomalyMonitor", accounts(1)) == "LimitExceededException"


def test_there_is_one_monitor_of_each_dimension_that_aws_manages(costs):
    managed = accounts(1, MonitorType="DIMENSIONAL", MonitorDimension="SERVICE")
    del managed["AnomalyMonitor"]["MonitorSpecification"]
    costs.call("CreateAnomalyMonitor", managed)
    assert refused(costs, "CreateAnomalyMonitor", managed) == "ValidationException"


def test_a_subscription_is_of_monitors_that_are_there_and_tells_one_topic(costs):
    arn = costs.call("CreateAnomalyMonitor", accounts(2))["MonitorArn"]
    absent = arn.replace(arn[-4:], "none")
    assert refused(costs, "CreateAnomalySubscription", told(absent)) == "UnknownMonitorException"
    for wrong in (
        told(arn, Subscribers=[TOPIC, TOPIC]), told(arn, Frequency="DAILY"), told(arn, impact="some"),
        told(arn, impact="-1"), told(arn, Threshold=5.0),
    ):  # fmt: skip
        assert refused(costs, "CreateAnomalySubscription", wrong) == "ValidationException"
    made = costs.call("CreateAnomalySubscription", told(arn))["SubscriptionArn"]
    [found] = costs.call("GetAnomalySubscriptions", {})["AnomalySubscriptions"]
    assert (found["SubscriptionArn"], found["Frequency"]) == (made, "IMMEDIATE")
    costs.call("DeleteAnomalySubscription", {"SubscriptionArn": made})
    gone = {"SubscriptionArn": made}
    assert refused(costs, "DeleteAnomalySubscription", gone) == "UnknownSubscriptionException"


def test_a_tag_is_activated_once_billing_has_seen_it(costs):
    asked = {"CostAllocationTagsStatus": [{"TagKey": "cost_center", "Status": "Active"}]}
    assert refused(costs, "UpdateCostAllocationTagsStatus", asked) == "ValidationException"
    costs.see(["cost_center"])
    costs.call("UpdateCostAllocationTagsStatus", asked)
    assert costs.call("ListCostAllocationTags", {})["CostAllocationTags"] == [
        {"TagKey": "cost_center", "Type": "UserDefined", "Status": "Active"}
    ]


def test_what_the_model_does_not_know_is_refused(costs):
    assert refused(costs, "CreateAnomalyMonitor", {"Monitor": {}}) == "ValidationException"
    assert refused(costs, "GetAnomalies", {}) == "UnknownOperationException"
