"""A small open month: line items with a day, an account and tags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from chargeback.daily import run
from chargeback.daily.today import Today
from tests.params_folder import ALWAYS, write_params
from tests.reports import ACCOUNT, write_report

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


DRIFTING, CLEAN, SMALL, SILENT = "111111111111", "222222222222", "333333333333", "044444444444"

ACCOUNTS = ALWAYS["accounts.csv"] + "".join(
    f"{account_id},{name},{team},,2026-01,\n"
    for account_id, name, team in (
        (DRIFTING, "shop-prod", "shop-team"), (CLEAN, "stock-prod", "stock-team"),
        (SMALL, "shop-dev", "shop-team"), (SILENT, "shop-old", "shop-team"),
    )
)  # fmt: skip

POLICY = (
    ALWAYS["policy.toml"]
    + "[daily]\n"
    + 'untagged_threshold_percent = "5"\n'
    + 'untagged_minimum = "20.00"\n'
    + 'untagged_window_days = "3"\n'
    + 'ticket_due_days = "14"\n'
)

#: Days on which the drifting account leaves 50.00 untagged.
UNTAGGED_DAYS = (*range(3, 10), *range(20, 25))

#: What its ticket does, by the three days that are looked at; on other days it is updated while it is open.
OPENED_ON, RESOLVED_ON, REOPENED_ON, RESOLVED_AGAIN_ON = 3, 12, 20, 27


def write_month(folder: Path, days: int = 31) -> dict[str, str]:
    """A month in which one account drifts, recovers and drifts again; the places of a daily run.

    The small one leaves a third untagged, but for less than the minimum; the clean one nothing.
    """
    items = []
    for number in range(1, days + 1):
        items += [
            owned(number, 100.0, line_item_usage_account_id=DRIFTING),
            owned(number, 100.0, "CC-2", line_item_usage_account_id=CLEAN),
            owned(number, 6.0, line_item_usage_account_id=SMALL),
            item(number, 3.0, line_item_usage_account_id=SMALL),
        ]
        if number in UNTAGGED_DAYS:
            loose = {"line_item_usage_account_id": DRIFTING, "line_item_resource_id": "i-untagged"}
            items.append(item(number, 50.0, **loose))
    report = write_report(folder / "report", items)
    params = write_params(folder / "params", accounts_csv=ACCOUNTS, policy_toml=POLICY)
    return {"report": str(report), "params": str(params), "books": str(folder / "books")}


def look(places: Mapping[str, str], number: int, folder: str = "") -> Today:
    """A day as a daily run sees it."""
    return run.look(str(day(number)), places["report"], places["params"], places["books"], folder)


def run_day(places: Mapping[str, str], number: int, folder: Path) -> Today:
    """A daily run without its notebook; its files are in `folder`."""
    folder.mkdir(exist_ok=True)
    return run.carry_out(look(places, number, str(folder)), str(folder))
