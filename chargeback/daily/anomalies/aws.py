"""AWS Cost Anomaly Detection: its findings, read with boto3 and shown beside ours.

They are read when CHARGEBACK_AWS_ANOMALIES=yes; region, credentials and endpoint are boto3's own settings. A
finding of AWS belongs to one of ours when they share a day and one of its root causes names an account and a
service of ours. Otherwise it is reported by itself, to the unit that its account belongs to by default. AWS
judges whole accounts or services and knows no cost centers, so amounts differ.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from chargeback.core.errors import unreachable

SWITCH = "CHARGEBACK_AWS_ANOMALIES"
PAGE = 100

#: Services that Cost Explorer calls by other names than the report's product codes.
OTHER_NAMES = {
    "AmazonEC2": ("Amazon Elastic Compute Cloud - Compute", "EC2 - Other"),
    "AmazonRDS": ("Amazon Relational Database Service",),
    "AmazonS3": ("Amazon Simple Storage Service",),
    "AmazonVPC": ("Amazon Virtual Private Cloud",),
    "AmazonES": ("Amazon OpenSearch Service",),
    "AmazonECS": ("Amazon Elastic Container Service",),
    "AmazonEKS": ("Amazon Elastic Container Service for Kubernetes",),
    "AmazonMSK": ("Amazon Managed Streaming for Apache Kafka",),
    "AWSQueueService": ("Amazon Simple Queue Service",),
    "ElasticMapReduce": ("Amazon Elastic MapReduce",),
    "awskms": ("AWS Key Management Service",),
}


@dataclass(frozen=True)
class Cause:
    """A root cause as AWS gives it; texts that it leaves out are blank."""

    account_id: str
    service: str
    region: str
    usage_type: str


@dataclass(frozen=True)
class AwsAnomaly:
    """One finding of AWS.

    Args:
        last_day: None while it goes on.
        impact: dollars above what AWS expected, so far.
    """

    anomaly_id: str
    first_day: date
    last_day: date | None
    impact: Decimal
    causes: tuple[Cause, ...]

    def concerns(self, account_id: str, product_code: str) -> bool:
        """Whether a root cause can be of an account's service."""
        return any(
            one.account_id in ("", account_id) and is_service(product_code, one.service)
            for one in self.causes
        )


def is_configured(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether AWS is to be asked."""
    return environment.get(SWITCH, "").lower() in ("yes", "1", "true", "on")


def is_service(product_code: str, name: str) -> bool:
    """Whether a service's name in Cost Explorer means a product code of the report."""
    return name in OTHER_NAMES.get(product_code, ()) or squeezed(name) == squeezed(product_code)


def squeezed(name: str) -> str:
    """A name without what product codes leave out."""
    return re.sub(r"^(amazon|aws)|[^a-z0-9]", "", name.lower())


def read_aws_anomalies(first: date, last: date) -> list[AwsAnomaly]:
    """All findings of AWS that touch some days, by first day.

    Raises:
        Refusal: (exit 6) AWS could not be reached or refused the question.
    """
    found: list[AwsAnomaly] = []
    asked: dict[str, Any] = {
        "DateInterval": {"StartDate": str(first), "EndDate": str(last)},
        "MaxResults": PAGE,
    }
    import boto3  # which takes long, and is needed where AWS is asked
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.client("ce", region_name=os.environ.get("AWS_REGION", "us-east-1"))
        while True:
            answer = client.get_anomalies(**asked)
            found += [read_anomaly(one) for one in answer["Anomalies"]]
            if not answer.get("NextPageToken"):
                break
            asked["NextPageToken"] = answer["NextPageToken"]
    except (BotoCoreError, ClientError, KeyError, ValueError, ArithmeticError) as error:
        raise unreachable(
            "AWS Cost Anomaly Detection cannot be read", "an answer of ce:GetAnomalies",
            f"{type(error).__name__}: {error}", [f"{SWITCH} in the environment"],
            ["check that the role may call ce:GetAnomalies, its credentials and the network",
             f"without {SWITCH} the daily flow uses its own findings only"],
        ) from None  # fmt: skip
    return sorted(found, key=lambda one: (one.first_day, one.anomaly_id))


def read_anomaly(answer: Mapping[str, Any]) -> AwsAnomaly:
    """One finding out of an answer."""
    ends = str(answer.get("AnomalyEndDate") or "")
    return AwsAnomaly(
        str(answer["AnomalyId"]),
        date.fromisoformat(str(answer["AnomalyStartDate"])[:10]),
        date.fromisoformat(ends[:10]) if ends else None,
        Decimal(str(answer["Impact"].get("TotalImpact", answer["Impact"]["MaxImpact"]))),
        tuple(
            Cause(*(str(one.get(name) or "") for name in
                    ("LinkedAccount", "Service", "Region", "UsageType")))
            for one in answer.get("RootCauses", [])
        ),
    )  # fmt: skip
