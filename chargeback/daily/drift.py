"""Drift: accounts whose untagged cost is above the threshold, as findings for their owning teams.

In: the month's hygiene, what the state knows of the days before it, and the daily policy. Out: one finding per
account with its cost over a window of days, the ten worst resources, and how to correct it; and the untagged
cost of every account, by which a recovery is measured. The cost basis is the policy's.

Why a window: tags are not retroactive. Over a month to date, a team that tags everything on the 20th would
stay above the threshold; over seven days it has recovered after a week. On the first days of a month the
window reaches into the month before, as earlier runs saw it. Drawback: without earlier runs the window is
shorter then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from chargeback.core.money import shown
from chargeback.core.text import plain
from chargeback.daily.cases import TICKET, CaseKey, Finding
from chargeback.daily.costs import DailyCosts
from chargeback.daily.hygiene import BothBases, Hygiene, costs_of
from chargeback.daily.state import AccountDay
from chargeback.daily.teams import default_unit
from chargeback.engine import Engine
from chargeback.engine.tables import table_of
from chargeback.params import Params
from chargeback.rollup.roll_up import open_line_items

UNTAGGED = "untagged"
WORST_SHOWN = 10
VALUES_SHOWN = 10
LONGEST_TEXT = 120  # of a resource or value in a message


@dataclass(frozen=True)
class Window:
    """The days that drift is judged by, both ends inclusive."""

    first: date
    last: date

    @property
    def month_start(self) -> date:
        """The first day of the window that the open month's report has."""
        return max(self.first, self.last.replace(day=1))

    @property
    def words(self) -> str:
        """The days as a message says them."""
        return f"from {self.first} to {self.last}"


def drift_window(day: date, params: Params) -> Window:
    """The window that ends on a day."""
    return Window(day - timedelta(params.daily.untagged_window_days - 1), day)


def window_days(hygiene: Hygiene, window: Window) -> list[AccountDay]:
    """What a run tells the state: the days of the window that the month's report has, by account."""
    return [one for one in hygiene.account_days if one.usage_date >= window.month_start]


def window_costs(days: Iterable[AccountDay]) -> dict[str, BothBases]:
    """The costs of a window's days by account."""
    sums: dict[str, BothBases] = {}
    for one in days:
        sums[one.account_id] = sums.get(one.account_id, BothBases()) + costs_of(one.figures)
    return dict(sorted(sums.items()))


def drifting_accounts(costs: dict[str, BothBases], params: Params) -> list[str]:
    """The accounts past the threshold; one that is exactly at it is not."""
    policy = params.daily
    past = []
    for account_id, both in costs.items():
        found = both.by(params.policy.cost_basis)
        percent = found.untagged_percent
        if percent is not None and percent > policy.untagged_threshold_percent:
            past += [account_id] if found.untagged >= policy.untagged_minimum else []
    return past


def untagged_amounts(costs: dict[str, BothBases], params: Params) -> dict[CaseKey, Decimal]:
    """The untagged cost of every account in the window, drifting or not, in cents."""
    basis = params.policy.cost_basis
    return {
        (UNTAGGED, account_id): cents(both.by(basis).untagged) for account_id, both in costs.items()
    }


def cents(amount: Decimal) -> Decimal:
    """An exact amount rounded for a message."""
    return amount.quantize(Decimal("0.01"))


def untagged_resources(
    report: Path, costs: DailyCosts, params: Params, accounts: Sequence[str], window: Window
) -> dict[str, list[dict[str, Any]]]:
    """The untagged resources of some accounts in the month's part of a window, dearest first."""
    if not accounts:
        return {}
    engine = Engine()
    open_line_items(engine, report, costs.record, params)
    engine.register("tag_readings", costs.tag_readings)
    columns = [("account_id", pa.string()), ("first_day", pa.date32()), ("last_day", pa.date32())]
    looked_at = [(one, window.month_start, window.last) for one in accounts]
    engine.register("looked_at", table_of(columns, looked_at))
    rows = engine.query("daily", "untagged_resources").to_pylist()
    engine.close()
    basis = f"{params.policy.cost_basis}_cost"
    found: dict[str, list[dict[str, Any]]] = {one: [] for one in accounts}
    for row in sorted(rows, key=lambda row: (-row[basis], row["product_code"], row["resource_id"])):
        found[row["account_id"]].append({**row, "cost": row[basis]})
    return found


def find_drift(
    report: Path, costs: DailyCosts, hygiene: Hygiene, days: Iterable[AccountDay], params: Params
) -> list[Finding]:
    """A finding for each account past the threshold.

    Args:
        days: the days of the window by account, those before the month from the state.
    """
    window = drift_window(costs.day, params)
    sums = window_costs(days)
    accounts = drifting_accounts(sums, params)
    resources = untagged_resources(report, costs, params, accounts, window)
    return [
        account_finding(
            one, sums[one], resources[one], hygiene, window, params, costs.product_names
        )
        for one in accounts
    ]


def account_finding(
    account_id: str,
    both: BothBases,
    resources: Sequence[dict[str, Any]],
    hygiene: Hygiene,
    window: Window,
    params: Params,
    product_names: Mapping[str, str],
) -> Finding:
    """The finding of one account."""
    account, unit = params.accounts.get(account_id), default_unit(account_id, params)
    name = account.name if account else "an account that accounts.csv does not have"
    currency, basis = params.policy.currency, params.policy.cost_basis
    found, other = both.by(basis), "unblended" if basis == "amortized" else "amortized"
    month = hygiene.accounts[account_id].by(basis)
    worst = [
        {"resource_id": one["resource_id"], "product_code": one["product_code"],
         "cost": str(cents(one["cost"]))}
        for one in resources[:WORST_SHOWN]
    ]  # fmt: skip
    values = [one for one in hygiene.unusable_values if one.account_id == account_id]
    values.sort(key=lambda one: (-one.costs[basis], one.tag_value))
    text = [
        f"{money(found.untagged, currency)} of {money(found.taggable, currency)} that could carry tags had "
        f"no usable value of {' or '.join(params.policy.cost_center_tags)} {window.words}: "
        f"{percent_words(found.untagged_percent)}.",
        f"A ticket opens above {params.daily.untagged_threshold_percent} % and from "
        f"{money(params.daily.untagged_minimum, currency)} on. By {basis} cost; by {other} cost it is "
        f"{money(both.by(other).untagged, currency)}, {percent_words(both.by(other).untagged_percent)}.",
        f"No value: {money(found.missing, currency)}. A value that is no cost center: "
        f"{money(found.unusable, currency)}. The month to date: {money(month.untagged, currency)}, "
        f"{percent_words(month.untagged_percent)}.",
        "",
        *how_to_fix(params),
        "",
        f"The dearest of {len(resources)} resources"
        + (f", since {window.month_start}:" if window.month_start > window.first else ":"),
        *(f"  {money(Decimal(one['cost']), currency):>18}  {product_text(one['product_code'], product_names)}  "
          f"{line_text(one['resource_id'])}" for one in worst),
    ]  # fmt: skip
    if values:
        text += ["", "Values that are no cost center, since the month began:"]
        text += [
            f"  {money(one.costs[basis], currency):>18}  {line_text(one.tag_value)}"
            + (f"  probably {one.likely_cost_center_id}, " if one.likely_cost_center_id else "  ")
            + one.likely_because
            for one in values[:VALUES_SHOWN]
        ]
    return Finding(
        UNTAGGED, account_id, TICKET, account.owning_team if account else "",
        f"Untagged AWS cost in {plain(name)} ({account_id}): {money(found.untagged, currency)}, "
        f"{percent_words(found.untagged_percent)}",
        cents(found.untagged), tuple(text),
        {"business_unit_id": unit.business_unit_id if unit else "",
         "percent": str(round(found.untagged_percent or Decimal(0), 2)), "worst_resources": worst,
         "first_day": str(window.first), "last_day": str(window.last)},
    )  # fmt: skip


def how_to_fix(params: Params) -> list[str]:
    """What the owning team can do, one line each."""
    keys = ", ".join(key.removeprefix("user_") for key in params.policy.mandatory_tags)
    return [
        "How to fix it:",
        f"  1. Tag the resources, and what creates them (templates, charts): {keys}.",
        "     A tag counts from the hour it is set; what was spent before stays untagged.",
        "  2. A value that should be known: ask for a row in tag_values.csv.",
        "  3. Resources that cannot carry tags: ask for a rule in ownership.toml.",
        "This ticket is kept up to date every day and resolves itself when the account is below the threshold.",
    ]


def money(amount: Decimal, currency: str) -> str:
    """An amount as a message shows it."""
    return f"{shown(cents(amount))} {currency}"


def percent_words(percent: Decimal | None) -> str:
    """A share as a message shows it."""
    return "no share, credits outweigh cost" if percent is None else f"{percent:.1f} %"


def product_text(product_code: str, product_names: Mapping[str, str]) -> str:
    """A product's code, or what a seller of AWS Marketplace calls it."""
    return line_text(product_names.get(product_code, product_code))


def line_text(text: str) -> str:
    """A resource or tag value on one line and not too long."""
    one = plain(text)
    return one if len(one) <= LONGEST_TEXT else f"{one[:LONGEST_TEXT]}…"
