"""Alerts: the findings of a day, each with what is behind it and whom to tell.

In: a day's costs, the report and params. Out: anomalies, the costliest first, and the same as findings for the
daily flow to follow (cases.py): one alert when something begins, silence while it goes on, one message when it
has ended.

The last complete day is judged; the last two days of a delivery are not complete. An anomaly that has ended is
still reported for `REPORTED_DAYS`, so that one that began and ended while nobody ran the daily flow is not
lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from chargeback.core.books_folders import Books
from chargeback.core.errors import Refusal
from chargeback.core.money import shown
from chargeback.core.text import plain
from chargeback.daily.anomalies.aws import AwsAnomaly, is_configured, read_aws_anomalies
from chargeback.daily.anomalies.detect import (
    LOOKED_BACK,
    NEW_LEVEL_REACHED,
    OPEN,
    Found,
    Thresholds,
    find_anomalies,
)
from chargeback.daily.anomalies.fits import keep_fits, read_fits
from chargeback.daily.anomalies.resources import Resource, resources_behind
from chargeback.daily.anomalies.series import (
    BUSINESS_UNIT,
    CELL,
    SERVICE,
    Group,
    History,
    Sums,
    history,
)
from chargeback.daily.anomalies.used import used_history
from chargeback.daily.cases import ALERT, ANOMALY, AWS_ANOMALY, Case, CaseKey, Finding
from chargeback.daily.costs import DailyCosts
from chargeback.daily.teams import default_unit, team_of
from chargeback.params import Account, BusinessUnit, Params

RULE, AWS_RULE = ANOMALY, AWS_ANOMALY
INCOMPLETE_DAYS = 2
REPORTED_DAYS = 2
TREND_SHOWN = 60  # days of a group's series that pages show


@dataclass(frozen=True)
class Anomaly:
    """A finding with what is behind it.

    Args:
        name: the group in words.
        unit: who is told: the unit that the group belongs to, or whose part of it rose most; None when no
            unit is known.
        trend: the group's last days, dollars a day, the last of them the day that was judged.
        aws: findings of AWS that are about the same.
    """

    found: Found
    name: str
    unit: BusinessUnit | None
    trend: tuple[float, ...]
    resources: tuple[Resource, ...] = ()
    aws: tuple[AwsAnomaly, ...] = ()

    @property
    def subject(self) -> str:
        """What its case is known by: the group."""
        group = self.found.group
        parts = (group.business_unit_id, group.owner_id, group.product_code)
        return f"{group.scope}: " + ", ".join(one for one in parts if one)


@dataclass(frozen=True)
class FoundAnomalies:
    """What a day's search for anomalies found.

    Args:
        judged: the last day that was judged; None when there are too few days to judge any.
        aws_only: findings of AWS that are about nothing we found.
        notes: what could not be looked at, for a reader.
        checked: the rules that were checked; what was not checked has not ended.
        used: what was used per day, of the open month and those before it, as far as they are known.
    """

    judged: date | None
    anomalies: tuple[Anomaly, ...]
    aws_only: tuple[tuple[AwsAnomaly, BusinessUnit | None], ...]
    notes: tuple[str, ...]
    checked: tuple[str, ...]
    used: Sums = field(default_factory=dict)

    def findings(self, currency: str, accounts: Mapping[str, Account]) -> list[Finding]:
        """The anomalies for the daily flow to follow.

        Args:
            accounts: by id, so that each finding names the team whose accounts are behind it.
        """
        ours = [as_finding(one, currency, accounts) for one in self.anomalies]
        return ours + [as_aws_finding(one, unit, currency, accounts) for one, unit in self.aws_only]


def look_for_anomalies(
    costs: DailyCosts, report: Path, params: Params, books: Books, keep: bool = True
) -> FoundAnomalies:
    """The anomalies that are going on, or have just ended, as of the last complete day up to a day.

    Args:
        keep: whether what was read of earlier months may be kept in the books.
    """
    sums, notes = used_history(costs, report, params, books, keep)
    judged = min(costs.day, costs.last_day - timedelta(INCOMPLETE_DAYS))
    past = history(sums, judged)
    policy = params.daily
    worth = Thresholds(float(policy.anomaly_minimum), float(policy.anomaly_share_percent) / 100)
    fits = read_fits(books.daily_used)
    found = latest_of_each_group(
        one for one in find_anomalies(past, worth, fitted=fits) if is_reported(one, judged)
    )
    if keep:
        keep_fits(books.daily_used, fits)
    aws, said = asked_aws(judged)
    checked = (
        *((RULE,) if past.days else ()),
        *((AWS_RULE,) if is_configured() and not said else ()),
    )
    behind = resources_behind(found, costs, report, params)
    merged = [
        Anomaly(
            one, name_of(one.group, params, costs.product_names), unit_to_tell(one, past, params),
            tuple(float(cost) for cost in past.costs[one.group][-TREND_SHOWN:]), resources,
            tuple(each for each in aws if is_same(one, resources, each)),
        )
        for one, resources in zip(found, behind, strict=True)
    ]  # fmt: skip
    taken = {each.anomaly_id for one in merged for each in one.aws}
    rest = tuple(
        (one, account_unit(one, params))
        for one in aws
        if one.anomaly_id not in taken and (one.last_day is None or one.last_day >= judged)
    )
    if not past.days:
        notes.append("no day is complete yet: nothing was judged")
    judged_last = past.days[-1] if past.days else None
    return FoundAnomalies(judged_last, tuple(merged), rest, (*notes, *said), checked, sums)


def is_reported(found: Found, judged: date) -> bool:
    """Whether a finding goes on, or ended so lately that somebody may not have heard of it."""
    if found.outcome == NEW_LEVEL_REACHED:
        return False
    return found.outcome == OPEN or found.last_day >= judged - timedelta(REPORTED_DAYS)


def latest_of_each_group(found: Iterable[Found]) -> list[Found]:
    """Of each group the finding that goes on longest, in the order in which groups were found.

    One that has just ended, and the next that has begun, are one case to whoever looks after it.
    """
    latest: dict[Group, Found] = {}
    for one in found:
        other = latest.setdefault(one.group, one)
        if (one.last_day, one.outcome == OPEN, one.first_day) > (
            other.last_day,
            other.outcome == OPEN,
            other.first_day,
        ):
            latest[one.group] = one
    return list(latest.values())


def asked_aws(judged: date) -> tuple[list[AwsAnomaly], list[str]]:
    """AWS's own findings of the days that are judged, or why there are none; it never stops the daily flow."""
    if not is_configured():
        return [], []
    try:
        return read_aws_anomalies(judged - timedelta(LOOKED_BACK), judged), []
    except Refusal as refusal:
        return [], [f"{refusal.what}: {refusal.found}"]


def is_same(found: Found, resources: Sequence[Resource], other: AwsAnomaly) -> bool:
    """Whether a finding of AWS is about the same days, accounts and services."""
    ends = other.last_day or found.last_day
    if other.first_day > found.last_day or ends < found.first_day:
        return False
    return any(other.concerns(one.account_id, one.product_code) for one in resources)


def name_of(group: Group, params: Params, product_names: Mapping[str, str]) -> str:
    """A group as people call it; a product of AWS Marketplace by its seller's words for it."""
    product = plain(product_names.get(group.product_code, group.product_code))
    if group.scope == SERVICE:
        return f"{product}, all owners"
    if group.scope == BUSINESS_UNIT:
        unit = params.business_units.get(group.business_unit_id)
        return unit.name if unit else group.business_unit_id
    owner = owner_name(group.owner_id, params)
    return f"{product} of {owner}" if group.scope == CELL else owner


def owner_name(owner_id: str, params: Params) -> str:
    """A cost center or pool with its name."""
    center = params.cost_centers.get(owner_id)
    if center is not None:
        return f"{center.name} ({owner_id})"
    pools = {f"pool:{one.pool_id}": one.name for one in params.pools}
    return f"the pool {pools.get(owner_id, owner_id.removeprefix('pool:'))}"


def unit_to_tell(found: Found, past: History, params: Params) -> BusinessUnit | None:
    """The unit a group belongs to, else that whose part of it rose most.

    What a pool holds is told to the unit that holds commitments, which runs what is shared.
    """
    unit = found.group.business_unit_id
    if not unit and found.group.scope == SERVICE:
        rises = {
            group.business_unit_id: rise(group, found, past)
            for group in past.costs
            if group.scope == CELL and group.shares(found.group) and group.business_unit_id
        }
        unit = max(rises, key=lambda one: (rises[one], one), default="")
    if not unit:
        holder = params.cost_centers.get(params.policy.commitments_cost_center_id)
        unit = holder.business_unit_id if holder else ""
    return params.business_units.get(unit)


def rise(group: Group, found: Found, past: History) -> float:
    """Dollars a day by which a group was higher on a finding's days than in the four weeks before them."""
    first = past.days.index(found.first_day)
    costs = past.costs[group]
    days = [past.days.index(one.day) for one in found.days]
    return float(costs[days].mean() - np.median(costs[max(0, first - 28) : first]))


def account_unit(other: AwsAnomaly, params: Params) -> BusinessUnit | None:
    """The unit of the default cost center of the first account that AWS names."""
    units = (default_unit(cause.account_id, params) for cause in other.causes)
    return next((unit for unit in units if unit), None)


def as_finding(one: Anomaly, currency: str, accounts: Mapping[str, Account]) -> Finding:
    """An anomaly as the daily flow follows it."""
    found = one.found
    last = found.days[-1]
    when = f"on {last.day}"
    if len(found.days) > 1:
        when = f"on {len(found.days)} days from {found.first_day} to {last.day}"
    text = [
        f"{one.name} cost {shown(found.above)} {currency} more than expected {when}.",
        f"On {last.day} it was {shown(last.cost)}; weekday and trend let expect {shown(last.expected)}.",
    ]
    if one.resources:
        text.append("Worst resources, with what they rose by since the week before:")
    text += [
        f"  {shown(each.rise):>14}  {plain(each.resource_id) or '(no resource)'}, account {each.account_id}"
        for each in one.resources
    ]
    text += [
        f"AWS Cost Anomaly Detection says {shown(each.impact)} ({each.anomaly_id})."
        for each in one.aws
    ]
    return Finding(
        RULE, one.subject, ALERT, told(one.unit),
        f"{one.name}: {shown(found.above)} {currency} above expected since {found.first_day}",
        found.above, tuple(text), details(one) | {"owning_team": team_behind(one, accounts)},
    )  # fmt: skip


def team_behind(one: Anomaly, accounts: Mapping[str, Account]) -> str:
    """The owning team whose accounts rose most, by the resources behind it; blank where none is known."""
    rises: dict[str, Decimal] = {}
    for each in one.resources:
        team = team_of(each.account_id, accounts)
        rises[team] = rises.get(team, Decimal(0)) + each.rise
    rises.pop("", None)
    return max(rises, key=lambda team: (rises[team], team), default="")


def as_aws_finding(
    one: AwsAnomaly, unit: BusinessUnit | None, currency: str, accounts: Mapping[str, Account]
) -> Finding:
    """A finding of AWS alone as the daily flow follows it."""
    teams = [team_of(each.account_id, accounts) for each in one.causes]
    causes = "; ".join(
        ", ".join(text for text in (each.service, each.account_id, each.usage_type) if text)
        for each in one.causes
    )
    return Finding(
        AWS_RULE, one.anomaly_id, ALERT, told(unit),
        f"AWS: {shown(one.impact)} {currency} above expected since {one.first_day}", one.impact,
        (f"AWS Cost Anomaly Detection found this: {causes or 'no root cause named'}.",),
        {"first_day": str(one.first_day), "last_day": str(one.last_day or ""),
         "business_unit_id": unit.business_unit_id if unit else "",
         "owning_team": next((team for team in teams if team), "")},
    )  # fmt: skip


def spent_amounts(cases: Iterable[Case]) -> dict[CaseKey, Decimal]:
    """What anomalies that were told of came to: money that is spent is not recovered when it is over."""
    return {one.key: one.amount for one in cases if one.rule in (RULE, AWS_RULE)}


def told(unit: BusinessUnit | None) -> str:
    """Who is to act, as an address people know."""
    return f"{unit.owner} <{unit.email}>" if unit else ""


def facts(report: FoundAnomalies, currency: str) -> list[str]:
    """What was found, in plain text."""
    if report.judged is None:
        return ["anomalies: no day could be judged", *report.notes]
    above = sum((one.found.above for one in report.anomalies), Decimal(0))
    lines = [
        f"anomalies up to {report.judged}, the last complete day: {len(report.anomalies)}, "
        f"{shown(above)} {currency} above expected"
    ]
    lines += [f"  {shown(one.found.above):>14}  {one.name}" for one in report.anomalies]
    if report.aws_only:
        lines.append(f"found by AWS alone: {len(report.aws_only)}")
    return [*lines, *report.notes]


def details(one: Anomaly) -> dict[str, Any]:
    """Figures for pages, as JSON has them."""
    group = one.found.group
    return {
        "scope": group.scope,
        "business_unit_id": one.unit.business_unit_id if one.unit else "",
        "kind": one.found.kind,
        "outcome": one.found.outcome,
        "first_day": str(one.found.first_day),
        "last_day": str(one.found.last_day),
        "above": str(one.found.above),
        "trend": [f"{cost:.2f}" for cost in one.trend],
        "resources": [
            {"resource_id": each.resource_id, "account_id": each.account_id, "rise": f"{each.rise:.2f}"}
            for each in one.resources
        ],
    }  # fmt: skip
