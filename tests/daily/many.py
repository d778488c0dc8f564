"""An open month in which many accounts drift, so that not all of them get a ticket at once.

Account number n leaves n times 20.00 a day untagged of 200.00; the first two are of the team ants, the next two
of bees, and so on. The account SHARED is taken by a pool whatever its tags say, and has no tag at all.
"""

from __future__ import annotations

from pathlib import Path

from tests.daily.month import item, owned
from tests.params_folder import ALWAYS, pool, write_params
from tests.reports import write_report

COUNT = 8
TEAMS = ("ants", "bees", "cats", "dogs")
SHARED = "999999999999"
SHARED_POOL = (
    pool("network", f'{{ account_id = ["{SHARED}"] }}', more="overrides_tags = true") + pool()
)


def account(number: int) -> str:
    """The id of an account, from 1 on."""
    return f"{number:012d}"


def team(number: int) -> str:
    """The owning team of an account."""
    return TEAMS[(number - 1) // 2]


def accounts_csv(names: dict[int, str] | None = None) -> str:
    """accounts.csv of the month; `names` are other teams by the account's number."""
    rows = [
        f"{account(one)},account-{one},{(names or {}).get(one, team(one))},,2026-01,\n"
        for one in range(1, COUNT + 1)
    ]
    return ALWAYS["accounts.csv"] + "".join(rows) + f"{SHARED},shared,core,,2026-01,\n"


def policy_toml(tickets_a_day: int = 3, tickets_by: str = "account") -> str:
    """policy.toml of the month."""
    return (
        ALWAYS["policy.toml"]
        + '[daily]\nuntagged_minimum = "5.00"\nuntagged_window_days = "3"\n'
        + f'tickets_a_day = "{tickets_a_day}"\ntickets_by = "{tickets_by}"\n'
    )


def write_many(folder: Path, days: int = 12, tags_from: int = 99) -> dict[str, str]:
    """The month; the places of a daily run.

    Args:
        tags_from: the day from which on the dearest account tags everything.
    """
    items = []
    for day in range(1, days + 1):
        for one in range(1, COUNT + 1):
            cells = {
                "line_item_usage_account_id": account(one),
                "line_item_resource_id": f"i-{one}",
            }
            loose = 0.0 if one == COUNT and day >= tags_from else 20.0 * one
            items.append(owned(day, 200.0 - loose, **cells))
            if loose:
                items.append(item(day, loose, **cells))
        items.append(
            item(day, 500.0, line_item_usage_account_id=SHARED, line_item_resource_id="nat")
        )
        items.append(item(
            day, 70.0, {"user_cost_center": "nobody"}, line_item_usage_account_id=SHARED,
            line_item_resource_id="vpn",
        ))  # fmt: skip
    write_params(
        folder / "params", accounts_csv=accounts_csv(), policy_toml=policy_toml(),
        allocation_toml=SHARED_POOL,
    )  # fmt: skip
    report = write_report(folder / "report", items)
    return {"report": str(report), "params": str(folder / "params"), "books": str(folder / "books")}


def change_policy(places: dict[str, str], tickets_a_day: int, tickets_by: str = "account") -> None:
    """Other tickets from the next run on."""
    path = Path(places["params"]) / "policy.toml"
    path.write_text(policy_toml(tickets_a_day, tickets_by), encoding="utf-8")
