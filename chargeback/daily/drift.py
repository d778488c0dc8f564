"""Drift: accounts whose untagged cost is above the threshold, for the teams that can tag it.

In: the month's hygiene, what the state knows of the days before it, and the daily policy. Out: what every
account cost over a window of days, by which a recovery is measured, and the accounts past the threshold with
their worst resources; tickets.py makes tickets of them. The cost basis is the policy's.

Why a window: tags are not retroactive. Over a month to date, a team that tags everything on the 20th would
stay above the threshold; over seven days it has recovered after a week. On the first days of a month the
window reaches into the month before, as earlier runs saw it. Drawback: without earlier runs the window is
shorter then.

What a pool takes whatever its tags say (`overridden`, hygiene.py) is no part of any of it: no tag would change
who pays, so nobody is asked to set one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlglot import exp

from chargeback.attribution.owners import attribute
from chargeback.daily.costs import DailyCosts
from chargeback.daily.hygiene import BothBases, Hygiene, UnusableValue, costs_of
from chargeback.daily.state import AccountDay
from chargeback.daily.teams import default_unit, team_of
from chargeback.engine import Engine
from chargeback.params import Params
from chargeback.rollup.roll_up import numbered, open_line_items


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


@dataclass(frozen=True)
class AccountDrift:
    """An account past the threshold.

    Args:
        team: its owning team; blank where accounts.csv has none.
        name: of the account; blank for one that accounts.csv does not have.
        business_unit_id: of its default cost center; blank where it has none.
        costs: of the window, and `month` of the month to date.
        resources: the untagged ones in the month's part of the window, dearest first; a row of
            untagged_resources with `cost` by the policy's basis.
        values: the unusable ones of the month to date, dearest first.
    """

    account_id: str
    name: str
    team: str
    business_unit_id: str
    costs: BothBases
    month: BothBases
    resources: tuple[dict[str, Any], ...]
    values: tuple[UnusableValue, ...]


@dataclass(frozen=True)
class Drift:
    """What a window of days shows.

    Args:
        costs: of every account with cost in it.
        accounts: those past the threshold, by id.
    """

    window: Window
    costs: Mapping[str, BothBases]
    accounts: tuple[AccountDrift, ...]


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


def untagged_resources(
    report: Path, costs: DailyCosts, params: Params, accounts: Sequence[str], window: Window
) -> dict[str, list[dict[str, Any]]]:
    """The untagged resources of some accounts in the month's part of a window, dearest first."""
    if not accounts:
        return {}
    begins, ends = (
        exp.cast(exp.Literal.string(str(day)), "date") for day in (window.month_start, window.last)
    )
    wanted = exp.and_(
        exp.column("usage_date").between(begins, ends),
        exp.column("account_id").isin(*(exp.Literal.string(one) for one in sorted(accounts))),
    )
    engine = Engine()
    open_line_items(engine, report, costs.record, params)
    rollup = numbered(engine.query("daily", "finding_resources", {"wanted": wanted}))
    owned, _ = attribute(engine, rollup, params)
    engine.register("resource_rollup", rollup)
    engine.register("owned_costs", owned)
    rows = engine.query("daily", "untagged_resources").to_pylist()
    engine.close()
    basis = f"{params.policy.cost_basis}_cost"
    found: dict[str, list[dict[str, Any]]] = {one: [] for one in accounts}
    for row in sorted(rows, key=lambda row: (-row[basis], row["product_code"], row["resource_id"])):
        found[row["account_id"]].append({**row, "cost": row[basis]})
    return found


def find_drift(
    report: Path, costs: DailyCosts, hygiene: Hygiene, days: Iterable[AccountDay], params: Params
) -> Drift:
    """What the window that ends on a day shows.

    Args:
        days: the days of the window by account, those before the month from the state.
    """
    window = drift_window(costs.day, params)
    sums = window_costs(days)
    accounts = drifting_accounts(sums, params)
    resources = untagged_resources(report, costs, params, accounts, window)
    basis = params.policy.cost_basis
    values: dict[str, list[UnusableValue]] = {}
    for one in sorted(hygiene.unusable_values, key=lambda one: (-one.costs[basis], one.tag_value)):
        values.setdefault(one.account_id, []).append(one)
    found = []
    for account_id in accounts:
        account, unit = params.accounts.get(account_id), default_unit(account_id, params)
        found.append(AccountDrift(
            account_id, account.name if account else "", team_of(account_id, params.accounts),
            unit.business_unit_id if unit else "", sums[account_id],
            hygiene.accounts.get(account_id, BothBases()), tuple(resources[account_id]),
            tuple(values.get(account_id, [])),
        ))  # fmt: skip
    return Drift(window, sums, tuple(found))
