"""What moto lacks of Cost Explorer: cost allocation tags, anomaly monitors and their subscriptions.

Requests and answers are held to botocore's model. It does what AWS documents: a monitor of a customer's own
takes up to 10 accounts or values of a tag, an account has up to 100 of these and one for each dimension that
AWS manages, a subscription that tells at once has one topic of SNS, and a tag is not activated before Billing
has seen its key. It finds no anomaly, tells nobody, and is no evidence of anything else about AWS.
"""

from __future__ import annotations

import uuid
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

from tests.infra.data_exports import DataExports, NotTaken
from tests.infra.guard import ACCOUNT

#: What stands before the action in a request's target.
TARGET = "AWSInsightsIndexService"

#: Tags on a page, few so that there are several pages.
PAGE = 3

#: Of AWS: values in a monitor of a customer's own, and such monitors in an account.
VALUES, MONITORS = 10, 100

IMPACTS = ("ANOMALY_TOTAL_IMPACT_ABSOLUTE", "ANOMALY_TOTAL_IMPACT_PERCENTAGE")

Body = dict[str, Any]


class CostExplorer:
    """The cost allocation tags, anomaly monitors and subscriptions of an account."""

    def __init__(self) -> None:
        self.model = ServiceModel(Loader().load_service_model("ce", "service-2"), "ce")
        self.states: dict[str, str] = {}  # of tags that Billing has seen, by key
        self.monitors: dict[str, Body] = {}
        self.subscriptions: dict[str, Body] = {}
        self.tags: dict[str, dict[str, str]] = {}  # of these two, by ARN

    def see(self, keys: list[str]) -> None:
        """Billing sees keys of tags, as it does within a day of a resource that carries them."""
        for key in keys:
            self.states.setdefault(key, "Inactive")

    def call(self, action: str, body: Body) -> Body:
        """Answer one request."""
        handler = getattr(self, f"do_{action}", None)
        if action not in self.model.operation_names or handler is None:
            raise NotTaken("UnknownOperationException", f"{action} is not simulated")
        operation = self.model.operation_model(action)
        DataExports.hold(body, operation.input_shape, "ValidationException")
        answer: Body = handler(body)
        DataExports.hold(answer, operation.output_shape, "InternalServerException")
        return answer

    def do_UpdateCostAllocationTagsStatus(self, body: Body) -> Body:
        asked = {one["TagKey"]: one["Status"] for one in body["CostAllocationTagsStatus"]}
        unseen = sorted(set(asked) - set(self.states))
        if unseen:
            raise NotTaken("ValidationException", f"Tag keys not found: {', '.join(unseen)}")
        self.states |= asked
        return {"Errors": []}

    def do_ListCostAllocationTags(self, body: Body) -> Body:
        start = int(body.get("NextToken", "0"))
        wanted = body.get("TagKeys") or sorted(self.states)
        tags = [
            {"TagKey": key, "Type": kind_of(key), "Status": state}
            for key, state in sorted(self.states.items())
            if key in wanted
        ]
        more = {"NextToken": str(start + PAGE)} if len(tags) > start + PAGE else {}
        return {"CostAllocationTags": tags[start : start + PAGE], **more}

    def do_CreateAnomalyMonitor(self, body: Body) -> Body:
        monitor = body["AnomalyMonitor"]
        if monitor["MonitorType"] == "DIMENSIONAL":
            self.check_dimension(monitor)
        else:
            self.check_values(monitor)
        arn = f"arn:aws:ce::{ACCOUNT}:anomalymonitor/{uuid.uuid4()}"
        self.monitors[arn] = {**monitor, "MonitorArn": arn}
        self.tags[arn] = {one["Key"]: one["Value"] for one in body.get("ResourceTags", [])}
        return {"MonitorArn": arn}

    def check_dimension(self, monitor: Body) -> None:
        """Refuse a second monitor of a dimension."""
        dimension = monitor.get("MonitorDimension")
        if any(one.get("MonitorDimension") == dimension for one in self.monitors.values()):
            raise NotTaken(
                "ValidationException", "Limit exceeded on dimensional spend monitor creation"
            )

    def check_values(self, monitor: Body) -> None:
        """Refuse a monitor of other than one to ten accounts or values of a tag, and one too many."""
        if "MonitorDimension" in monitor:
            raise NotTaken("ValidationException", "a custom monitor has no dimension")
        of = {name: one for name, one in monitor.get("MonitorSpecification", {}).items() if one}
        [(kind, expression)] = of.items() if len(of) == 1 else [("", {})]
        known = kind == "Tags" or expression.get("Key") == "LINKED_ACCOUNT"
        values = expression.get("Values", [])
        if not known or not 1 <= len(values) <= VALUES:
            raise NotTaken(
                "ValidationException", f"a monitor takes 1 to {VALUES} values of one kind"
            )
        if sum(one["MonitorType"] == "CUSTOM" for one in self.monitors.values()) >= MONITORS:
            raise NotTaken("LimitExceededException", "Limit exceeded on custom monitor creation")

    def do_GetAnomalyMonitors(self, body: Body) -> Body:
        asked = body.get("MonitorArnList") or list(self.monitors)
        return {"AnomalyMonitors": [self.monitor(arn) for arn in asked]}

    def do_UpdateAnomalyMonitor(self, body: Body) -> Body:
        monitor = self.monitor(body["MonitorArn"])
        monitor["MonitorName"] = body.get("MonitorName", monitor["MonitorName"])
        return {"MonitorArn": body["MonitorArn"]}

    def do_DeleteAnomalyMonitor(self, body: Body) -> Body:
        self.monitor(body["MonitorArn"])
        del self.monitors[body["MonitorArn"]]
        return {}

    def do_CreateAnomalySubscription(self, body: Body) -> Body:
        arn = f"arn:aws:ce::{ACCOUNT}:anomalysubscription/{uuid.uuid4()}"
        self.put(arn, body["AnomalySubscription"])
        self.tags[arn] = {one["Key"]: one["Value"] for one in body.get("ResourceTags", [])}
        return {"SubscriptionArn": arn}

    def do_GetAnomalySubscriptions(self, body: Body) -> Body:
        asked = body.get("SubscriptionArnList") or list(self.subscriptions)
        return {"AnomalySubscriptions": [self.subscription(arn) for arn in asked]}

    def do_UpdateAnomalySubscription(self, body: Body) -> Body:
        arn = body["SubscriptionArn"]
        self.put(arn, {**self.subscription(arn), **body})
        return {"SubscriptionArn": arn}

    def do_DeleteAnomalySubscription(self, body: Body) -> Body:
        self.subscription(body["SubscriptionArn"])
        del self.subscriptions[body["SubscriptionArn"]]
        return {}

    def put(self, arn: str, subscription: Body) -> None:
        """Keep a subscription that AWS would take."""
        for one in subscription["MonitorArnList"]:
            self.monitor(one)
        kinds = [one["Type"] for one in subscription["Subscribers"]]
        at_once = subscription["Frequency"] == "IMMEDIATE"
        if (kinds != ["SNS"]) if at_once else set(kinds) != {"EMAIL"}:
            raise NotTaken(
                "ValidationException", "IMMEDIATE is for one topic, the others for e-mail"
            )
        given = [one for one in ("Threshold", "ThresholdExpression") if one in subscription]
        if len(given) != 1 or not is_threshold(subscription.get("ThresholdExpression", {})):
            raise NotTaken("ValidationException", "one threshold, of the total impact")
        confirmed = [{**one, "Status": "CONFIRMED"} for one in subscription["Subscribers"]]
        kept = {**subscription, "Subscribers": confirmed, "AccountId": ACCOUNT}
        self.subscriptions[arn] = {**kept, "SubscriptionArn": arn}

    def do_ListTagsForResource(self, body: Body) -> Body:
        tags = self.known_tags(body)
        return {"ResourceTags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def do_TagResource(self, body: Body) -> Body:
        self.known_tags(body).update({one["Key"]: one["Value"] for one in body["ResourceTags"]})
        return {}

    def do_UntagResource(self, body: Body) -> Body:
        for key in body["ResourceTagKeys"]:
            self.known_tags(body).pop(key, None)
        return {}

    def monitor(self, arn: str) -> Body:
        """A monitor that is there."""
        if arn not in self.monitors:
            raise NotTaken("UnknownMonitorException", f"there is no monitor {arn}")
        return self.monitors[arn]

    def subscription(self, arn: str) -> Body:
        """A subscription that is there."""
        if arn not in self.subscriptions:
            raise NotTaken("UnknownSubscriptionException", f"there is no subscription {arn}")
        return self.subscriptions[arn]

    def known_tags(self, body: Body) -> dict[str, str]:
        """The tags of something that is there."""
        arn = body["ResourceArn"]
        if arn not in self.monitors and arn not in self.subscriptions:
            raise NotTaken("ResourceNotFoundException", arn)
        return self.tags[arn]


def is_threshold(expression: Body) -> bool:
    """Whether an expression is of the total impact, or of two such together."""
    parts = expression.get("And") or expression.get("Or")
    if parts:
        return all(is_threshold(one) for one in parts)
    of = expression.get("Dimensions", {})
    try:
        values = [float(one) for one in of.get("Values", [])]
    except ValueError:
        return False
    return (
        of.get("Key") in IMPACTS
        and of.get("MatchOptions") == ["GREATER_THAN_OR_EQUAL"]
        and len(values) == 1
        and 0 <= values[0] <= 1e10
    )


def kind_of(key: str) -> str:
    """Whose a tag is, by its key."""
    return "AWSGenerated" if key.startswith("aws:") else "UserDefined"
