"""Tickets: which accounts past the threshold stand in which ticket today, and which of them wait.

In: the accounts past the threshold, the cases as they stood, the daily policy. Out: findings for the tickets
that are open after this run, findings that wait for a later day, and why tickets end that others go on with.

    tickets_by = "account"   a ticket for each account, known by its id
    tickets_by = "team"      one for each owning team of accounts.csv, known as `team: <name>`, that lists its
                             accounts; an account without a team has its own

At most `tickets_a_day` tickets are new on a day (DATE), the dearest first. Whatever was new on this day before
counts, so a run that is killed and run again, or run again on a newer delivery, opens no more than that in all:
the state has the cases of a run in one step, before anything is sent. A ticket that opens again after a relapse
is no new one.

What always holds: an account past the threshold stands in one open ticket, or waits. It never leaves a ticket
before the one it goes to is open: when `tickets_by` or a team changes, old tickets are kept up to date until
the new ones open, within the cap, and end then, saying where they go on. So no ticket is left behind, and none
says that something was recovered that was not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from chargeback.daily.cases import OPEN, UNTAGGED, Case, CaseKey, Ending, Finding
from chargeback.daily.messages import correlation_id
from chargeback.daily.ticket_texts import ACCOUNTS, account_finding, cents, team_finding
from chargeback.params import Params
from chargeback.params.daily_policy import TEAM

if TYPE_CHECKING:
    from chargeback.daily.drift import AccountDrift, Drift

#: How a ticket stands that is not open yet, because so many a day are new.
WAITING = "waiting"
TEAM_SUBJECT = "team: "
OVERRIDDEN = (
    "its cost is split by shared pools whatever its tags say; no tag would change who pays."
)


@dataclass(frozen=True)
class Tickets:
    """The tickets of a day.

    Args:
        findings: for tickets that are open after this run.
        waiting: for those that would be, but for the cap; dearest first.
        left: what is left of tickets that are found no more.
        endings: why some of those end.
    """

    findings: tuple[Finding, ...]
    waiting: tuple[Finding, ...]
    left: dict[CaseKey, Decimal]
    endings: dict[CaseKey, Ending]


def accounts_of(case: Case | Finding) -> tuple[str, ...]:
    """The accounts that a ticket on untagged cost is about."""
    return tuple(case.details.get(ACCOUNTS) or [case.subject])


def key_of(one: AccountDrift, tickets_by: str) -> CaseKey:
    """The ticket that an account belongs in."""
    by_team = tickets_by == TEAM and one.team
    return UNTAGGED, f"{TEAM_SUBJECT}{one.team}" if by_team else one.account_id


def plan_tickets(
    drift: Drift,
    cases: Mapping[CaseKey, Case],
    day: date,
    params: Params,
    product_names: Mapping[str, str],
) -> Tickets:
    """The tickets of a day, as they follow from the cases of the latest run."""
    tickets = {key: one for key, one in cases.items() if one.rule == UNTAGGED}
    is_open = {key: one for key, one in tickets.items() if one.status == OPEN}
    stands_in = {account: key for key, one in is_open.items() for account in accounts_of(one)}
    wanted: dict[CaseKey, list[AccountDrift]] = {}
    for one in drift.accounts:
        wanted.setdefault(key_of(one, params.daily.tickets_by), []).append(one)
    new = opening(wanted, tickets, day, params)
    held: dict[CaseKey, list[AccountDrift]] = {}
    waits: dict[CaseKey, list[AccountDrift]] = {}
    for key, drifts in wanted.items():
        may_stand_there = key in new or not is_new(tickets.get(key))
        for one in drifts:
            if may_stand_there:
                held.setdefault(key, []).append(one)
            elif one.account_id in stands_in:
                held.setdefault(stands_in[one.account_id], []).append(one)
            else:
                waits.setdefault(key, []).append(one)

    def findings(groups: Mapping[CaseKey, list[AccountDrift]]) -> list[Finding]:
        return [
            team_finding(key[1], drifts, drift.window, params, product_names)
            if key[1].startswith(TEAM_SUBJECT)
            else account_finding(drifts[0], drift.window, params, product_names)
            for key, drifts in sorted(groups.items())
        ]

    over = {key: one for key, one in is_open.items() if key not in held}
    held_in = {one.account_id: key for key, drifts in held.items() for one in drifts}
    return Tickets(
        findings=tuple(findings(held)),
        waiting=tuple(sorted(findings(waits), key=lambda one: (-one.amount, one.key))),
        left={key: left_of(one, drift, params) for key, one in over.items()},
        endings={
            key: ending
            for key, one in over.items()
            if (ending := ending_of(one, held_in, drift, params)) is not None
        },
    )


def is_new(case: Case | None) -> bool:
    """Whether a ticket would be a new one: it never was, or another one went on with what it was about."""
    return case is None or case.went_on_elsewhere


def opening(
    wanted: Mapping[CaseKey, list[AccountDrift]],
    tickets: Mapping[CaseKey, Case],
    day: date,
    params: Params,
) -> set[CaseKey]:
    """The new tickets that may open: as many as the day still has, the dearest first."""
    basis = params.policy.cost_basis
    untagged = {
        key: sum((one.costs.by(basis).untagged for one in drifts), Decimal(0))
        for key, drifts in wanted.items()
        if is_new(tickets.get(key))
    }
    taken = sum(one.is_new_of(day) for one in tickets.values())
    ranked = sorted(untagged, key=lambda key: (-untagged[key], key))
    return set(ranked[: max(0, params.daily.tickets_a_day - taken)])


def left_of(case: Case, drift: Drift, params: Params) -> Decimal:
    """What the accounts of a ticket still leave untagged in the window, in cents."""
    basis = params.policy.cost_basis
    costs = [drift.costs[one].by(basis) for one in accounts_of(case) if one in drift.costs]
    return cents(sum((one.untagged for one in costs), Decimal(0)))


def ending_of(
    case: Case, held_in: Mapping[str, CaseKey], drift: Drift, params: Params
) -> Ending | None:
    """Why a ticket is over while some of its cost goes on; None where it has recovered.

    Args:
        held_in: the ticket in which each account stands now.
    """
    accounts = set(accounts_of(case))
    takers = sorted({held_in[one] for one in accounts if one in held_in})
    if takers:
        return Ending(f"it goes on in {named(takers)}.", taken_over=True)
    basis = params.policy.cost_basis
    costs = [drift.costs[one].by(basis) for one in accounts if one in drift.costs]
    if costs and all(one.overridden > 0 and one.taggable <= 0 for one in costs):
        return Ending(OVERRIDDEN)
    return None


def named(keys: Iterable[CaseKey]) -> str:
    """Tickets as people find them."""
    known_as = [correlation_id(key) for key in keys]
    return ("the ticket " if len(known_as) == 1 else "the tickets ") + ", ".join(known_as)
