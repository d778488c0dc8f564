"""Workloads: who runs what, in dollars of May 2026, and how that differs from month to month.

The story: the databases of claims never sleep and are its largest line, whatever people believe;
what they remember is analytics' training in December 2025, three times its usual size.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal

from chargeback.sample.catalog import BUNDLES, Kind
from chargeback.sample.months import Month
from chargeback.sample.organization import ACCOUNTS, Account
from chargeback.sample.plan import Bill
from chargeback.sample.series import Series, usage_series

#: Thousands of dollars a month of on-demand usage, by account and bundle of the catalog.
THOUSANDS: dict[str, dict[str, float]] = {
    "insurer-payer": {"s3": 1.2, "audit": 2.5, "athena": 0.8},
    "shared-network": {"transit": 62, "network": 21, "dns": 4, "audit": 1},
    "shared-logging": {"search": 34, "s3": 26, "logs": 16, "kafka": 9},
    "shared-security": {"threats": 31, "audit": 12, "lambda": 2, "s3": 3},
    "shared-integration": {"fargate": 9, "aurora": 12, "messages": 6, "lambda": 5, "s3": 3},
    "platform-tooling": {"kubernetes": 14, "ec2": 8, "s3": 3, "logs": 4, "audit": 1},
    "platform-ci": {"spot": 16, "ec2": 6, "s3": 2, "logs": 2},
    "platform-sandbox": {"ec2": 5, "lambda": 0.6, "s3": 0.5, "hosting": 1.2},
    "claims-prod": {"oracle": 236, "aurora": 26, "ec2": 52, "s3": 13, "network": 9, "cache": 8,
                    "messages": 6, "lambda": 5, "documents": 18, "logs": 9, "backup": 12,
                    "audit": 3},
    "claims-batch": {"spot": 22, "emr": 18, "ec2": 17, "s3": 11, "glue": 9, "logs": 3, "audit": 1},
    "claims-fraud-prod": {"hosting": 14, "ec2": 15, "dynamodb": 8, "redshift": 12, "s3": 4,
                          "logs": 2},
    "claims-stage": {"oracle": 25, "ec2": 13, "s3": 3, "network": 3, "logs": 2},
    "claims-dev": {"aurora": 10, "ec2": 12, "s3": 2, "lambda": 1, "logs": 2},
    "claims-archive": {"glacier": 14, "s3": 11, "documents": 3},
    "members-prod": {"aurora": 52, "ec2": 46, "web": 17, "s3": 8, "network": 8, "cache": 6,
                     "lambda": 6, "dynamodb": 9, "logs": 6, "backup": 5, "kubernetes": 21,
                     "audit": 2},
    "members-stage": {"aurora": 9, "ec2": 11, "s3": 1, "network": 2},
    "members-dev": {"aurora": 5, "ec2": 9, "s3": 1, "lambda": 1},
    "contact-center-prod": {"connect": 47, "lambda": 3, "dynamodb": 3, "s3": 3, "logs": 2},
    "providers-prod": {"aurora": 38, "ec2": 34, "web": 8, "s3": 5, "network": 5, "search": 12,
                       "lambda": 4, "logs": 4, "backup": 3, "audit": 1},
    "providers-stage": {"aurora": 8, "ec2": 9, "s3": 1},
    "providers-dev": {"aurora": 4, "ec2": 7, "s3": 1, "lambda": 1},
    "analytics-prod": {"emr": 21, "ec2": 27, "glue": 13, "athena": 9, "s3": 18, "dashboards": 5,
                       "logs": 3},
    "analytics-dev": {"ec2": 19, "emr": 8, "glue": 5, "athena": 4, "s3": 5, "training": 4},
    "ml-training": {"training": 71, "gpu": 45, "s3": 8, "logs": 2},
    "ml-serving": {"hosting": 47, "ec2": 9, "lambda": 3, "s3": 3, "logs": 2},
    "warehouse-prod": {"redshift": 118, "s3": 31, "glue": 17, "kafka": 12, "backup": 4, "audit": 1},
    "actuarial-lab": {"ec2": 17, "training": 6, "athena": 4, "s3": 5, "hosting": 3},
    "pharmacy-prod": {"aurora": 49, "ec2": 39, "messages": 7, "s3": 7, "network": 6, "cache": 5,
                      "dynamodb": 6, "lambda": 4, "logs": 5, "backup": 4, "audit": 1},
    "pharmacy-stage": {"aurora": 9, "ec2": 11, "s3": 1},
    "pharmacy-dev": {"aurora": 4, "ec2": 7, "s3": 1, "lambda": 1},
    "pharmacy-pricing": {"redshift": 27, "emr": 12, "ec2": 9, "s3": 6, "athena": 3},
    "digital-prod": {"kubernetes": 46, "web": 33, "dynamodb": 19, "aurora": 21, "lambda": 9,
                     "s3": 7, "network": 8, "cache": 6, "logs": 7, "ec2": 17, "audit": 2},
    "digital-stage": {"fargate": 9, "dynamodb": 3, "web": 2, "s3": 1},
    "digital-dev": {"fargate": 7, "dynamodb": 2, "lambda": 1, "s3": 1},
    "telehealth-prod": {"fargate": 18, "aurora": 14, "web": 9, "network": 5, "s3": 3, "logs": 3},
    "care-management-prod": {"fargate": 9, "aurora": 11, "lambda": 3, "dynamodb": 4, "s3": 2},
    "finance-systems": {"oracle": 19, "ec2": 14, "desktops": 9, "s3": 2, "backup": 2},
    "hr-systems": {"ec2": 9, "desktops": 15, "aurora": 5, "s3": 1},
    "legal-discovery": {"ec2": 8, "search": 7, "s3": 9, "documents": 4, "glacier": 2},
}  # fmt: skip

#: How much larger (permille) a bundle is in a period than its trend says.
EVENTS: dict[tuple[str, str], dict[str, int]] = {
    ("ml-training", "training"): {"2025-12": 3100, "2026-01": 1250},
    ("ml-training", "gpu"): {"2025-12": 2900, "2026-01": 1150},
    ("ml-training", "s3"): {"2025-12": 1400},
    ("contact-center-prod", "connect"): {"2025-12": 1350, "2026-01": 1300},  # open enrollment
    ("claims-archive", "glacier"): {"2026-03": 850, "2026-04": 700, "2026-05": 550, "2026-06": 400},
    ("warehouse-prod", "redshift"): {"2026-04": 1080, "2026-05": 1120, "2026-06": 1120},
}  # fmt: skip

#: Below this many dollars a month a workload is not worth more than one tag value.
ONE_TAG_BELOW_DOLLARS = 700

KUBERNETES_NODE = BUNDLES["kubernetes"][1]


@dataclass(frozen=True)
class Workload:
    """A series of on-demand usage with its weights.

    Args:
        money: weight of its cost, in cents at the size of the period.
        rows: weight of its line items.
        account, kind: where it runs and what it is.
    """

    series: Series
    money: int
    rows: int
    account: Account
    kind: Kind


def workloads_of(month: Month, bill: Bill) -> list[Workload]:
    """All on-demand usage of a month, in a fixed order."""
    workloads = []
    for account in ACCOUNTS:
        for bundle, thousands in THOUSANDS[account.name].items():
            event = EVENTS.get((account.name, bundle), {}).get(month.period, 1000)
            for kind in BUNDLES[bundle]:
                cents = int(Decimal(str(thousands)) * 100 * kind.permille) * event // 1000
                seen: Counter[str | None] = Counter()
                for value, permille in tag_shares(account, bundle, kind, cents):
                    money = cents * permille // 1000
                    series = usage_series(month, bill, account, kind, value)
                    series = replace(series, twin=seen[value])
                    seen[value] += 1
                    workloads.append(
                        Workload(series, money, row_weight(kind, money, permille), account, kind)
                    )
    return workloads


def tag_shares(
    account: Account, bundle: str, kind: Kind, cents: int
) -> tuple[tuple[str | None, int], ...]:
    """The cost-center tag values of a workload with their permille.

    Retired tags live on: nobody retags an archive when its cost center ends.
    """
    if not kind.resource:
        return ((None, 1000),)
    if account.name == "actuarial-lab" and bundle != "ec2":
        return ((account.tags[0][0], 800), (None, 200))  # odd values are on instances alone
    if cents < ONE_TAG_BELOW_DOLLARS * 100:
        return ((account.tags[0][0], 1000),)
    return account.tags


def row_weight(kind: Kind, cents: int, permille: int) -> int:
    """Weight of line items: for instances their hours, for the rest what the catalog says."""
    if kind.rows:
        return max(1, kind.rows * permille // 250)
    return max(1, int(Decimal(cents) / 100 / Decimal(kind.rate)))
