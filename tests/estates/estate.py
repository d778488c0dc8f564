"""An estate: what people decided and what AWS delivered in one month, as plain rows; and chance, by a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar

PERIOD, BEFORE, START = "2026-05", "2026-04", "2025-01"
TAGS = ("user_cost_center", "user_team")
PRODUCTS = ("AmazonEC2", "AmazonS3", "AmazonRDS", "AWSSupportEnterprise", "prod-7xk2", "")
OPERATIONS = ("RunInstances", "PutObject", "")
USAGE_TYPES = ("BoxUsage:m5.large", "EUC1-DataTransfer-Out-Bytes", "TimedStorage-ByteHrs", "")
MARKETPLACE = "AWS Marketplace"
LIMIT = Decimal("1.00")
CENT = Decimal("0.01")

#: Cost centers are numbers in some estates, as SAP has them: in whole closes only where this is true.
NUMERIC_IDS_IN_WHOLE_CLOSES = True

Row = dict[str, Any]
T = TypeVar("T")


@dataclass
class Estate:
    """What people decided and what AWS delivered; columns and keys are those of the files."""

    seed: int
    policy: Row = field(default_factory=dict)
    business_units: list[Row] = field(default_factory=list)
    cost_centers: list[Row] = field(default_factory=list)
    accounts: list[Row] = field(default_factory=list)
    tag_values: list[Row] = field(default_factory=list)
    drivers: list[Row] = field(default_factory=list)
    invoices: list[Row] = field(default_factory=list)
    adjustments: list[Row] = field(default_factory=list)
    deferrals: list[Row] = field(default_factory=list)
    accepted: list[tuple[str, str]] = field(default_factory=list)  # control, subject
    pools: list[Row] = field(default_factory=list)
    ownership: list[Row] = field(default_factory=list)
    items: list[Row] = field(default_factory=list)

    @property
    def current(self) -> list[str]:
        """The cost centers that hold in the period."""
        return [one["cost_center_id"] for one in self.cost_centers if not one["valid_to"]]


class Chance(random.Random):
    """Random choices in the words of this module."""

    def one(self, choices: Sequence[T]) -> T:
        """One of several."""
        return self.choice(choices)

    def some(self, choices: Sequence[T], least: int = 1) -> list[T]:
        """Some of several, in their order."""
        chosen = set(self.sample(range(len(choices)), self.randint(least, len(choices))))
        return [one for place, one in enumerate(choices) if place in chosen]

    def often(self, percent: int) -> bool:
        """Whether something happens that does in so many of a hundred cases."""
        return self.randrange(100) < percent

    def cost(self) -> float:
        """A cost of zero or more, as AWS writes it: a double, usually of at most ten decimals."""
        kind = self.randrange(12)
        if kind == 0:
            return self.randint(1, 90) / 10**10
        if kind == 1:
            return self.one((1e12, 1e12 + 0.37, 123456789012.3456, 4_711_000.1234567))
        if kind == 2:
            return 0.0
        if kind == 3:
            return self.randint(1, 999) / 200  # half cents
        if kind == 4:
            return self.randint(1, 9) / 3
        if kind < 8:
            return self.randint(1, 200_000) / 100
        return self.randint(1, 10 ** self.randint(3, 14)) / 10**10


def exact(cost: float) -> Decimal:
    """A double as the close takes it: to ten decimals, once, halves away from zero."""
    return Decimal(repr(cost)).quantize(Decimal("1e-10"), ROUND_HALF_UP)
