"""A small open month: line items with a day, an account and tags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from tests.reports import ACCOUNT

PERIOD = "2026-05"
TAGS = ("user_cost_center", "user_application")


def day(number: int) -> date:
    """A day of the month."""
    return date(2026, 5, number)


def item(
    number: int, cost: float, tags: Mapping[str, str] | None = None, **cells: Any
) -> dict[str, Any]:
    """A line item of a day; `tags` are its tags by key."""
    return {
        "line_item_usage_start_date": datetime.combine(day(number), time(23, 30)),
        "bill_invoice_id": None,
        "line_item_unblended_cost": cost,
        "line_item_usage_account_id": ACCOUNT,
        "resource_tags": dict(tags or {}),
        **cells,
    }


def owned(number: int, cost: float, owner: str = "CC-1", **cells: Any) -> dict[str, Any]:
    """A line item that a cost center tag names an owner for."""
    return item(number, cost, {"user_cost_center": owner, "user_application": "web"}, **cells)
