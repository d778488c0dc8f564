"""Ticket texts: what a ticket on untagged cost says, for one account or for all accounts of a team.

In: accounts past the threshold. Out: findings with a title, lines of plain text and details for pages. Figures
are of the window that the threshold is about, which each text names; the month to date stands beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chargeback.core.money import shown
from chargeback.core.text import plain
from chargeback.daily.cases import TICKET, UNTAGGED, Finding
from chargeback.daily.hygiene import BothBases, TagCosts, UnusableValue
from chargeback.params import Params

if TYPE_CHECKING:
    from chargeback.daily.drift import AccountDrift, Window

WORST_SHOWN = 10
VALUES_SHOWN = 10
ACCOUNTS_SHOWN = 25
LONGEST_TEXT = 120  # of a resource or value in a message

#: The account ids that a team's ticket is about, among its details.
ACCOUNTS = "accounts"


def account_finding(
    one: AccountDrift, window: Window, params: Params, product_names: Mapping[str, str]
) -> Finding:
    """The finding of one account."""
    currency, basis = params.policy.currency, params.policy.cost_basis
    found = one.costs.by(basis)
    text = [
        *what_is_untagged([one], window, params),
        "",
        *how_to_fix(params, "the account is"),
        "",
        *dearest(one.resources, window, currency, product_names),
        *unknown_values(one.values, basis, currency),
    ]
    name = plain(one.name) or "an account that accounts.csv does not have"
    return Finding(
        UNTAGGED, one.account_id, TICKET, one.team,
        f"Untagged AWS cost in {name} ({one.account_id}): {money(found.untagged, currency)}, "
        f"{percent_words(found.untagged_percent)}",
        cents(found.untagged), tuple(text), details([one], window, params),
    )  # fmt: skip


def team_finding(
    subject: str, drifts: Sequence[AccountDrift], window: Window, params: Params,
    product_names: Mapping[str, str],
) -> Finding:  # fmt: skip
    """The finding of a team: its accounts, the dearest first.

    Args:
        subject: what the ticket is known by.
        drifts: its accounts past the threshold, at least one.
    """
    currency, basis = params.policy.currency, params.policy.cost_basis
    ranked = sorted(drifts, key=lambda one: (-one.costs.by(basis).untagged, one.account_id))
    found, team = whole(ranked).by(basis), ranked[0].team
    resources = sorted(
        (row for one in ranked for row in one.resources),
        key=lambda row: (-row["cost"], row["account_id"], row["product_code"], row["resource_id"]),
    )
    text = [
        *what_is_untagged(ranked, window, params),
        "",
        "Its accounts past that, the dearest first:",
        *(account_line(one, params) for one in ranked[:ACCOUNTS_SHOWN]),
        *([f"  and {len(ranked) - ACCOUNTS_SHOWN} more"] if len(ranked) > ACCOUNTS_SHOWN else []),
        "",
        *how_to_fix(params, "all of them are"),
        "",
        *dearest(resources, window, currency, product_names, with_account=True),
    ]
    count = f"{len(ranked)} accounts" if len(ranked) > 1 else "1 account"
    return Finding(
        UNTAGGED, subject, TICKET, team,
        f"Untagged AWS cost in {count} of {line_text(team)}: {money(found.untagged, currency)}, "
        f"{percent_words(found.untagged_percent)}",
        cents(found.untagged), tuple(text),
        details(ranked, window, params) | {ACCOUNTS: [one.account_id for one in ranked]},
    )  # fmt: skip


def whole(drifts: Sequence[AccountDrift], month: bool = False) -> BothBases:
    """The sum of some accounts' costs, of the window or of the month to date."""
    return sum((one.month if month else one.costs for one in drifts), BothBases())


def what_is_untagged(drifts: Sequence[AccountDrift], window: Window, params: Params) -> list[str]:
    """What lacks a usable tag, in the window and in the month to date, by both bases."""
    currency, basis = params.policy.currency, params.policy.cost_basis
    other_basis = "unblended" if basis == "amortized" else "amortized"
    found, other = whole(drifts).by(basis), whole(drifts).by(other_basis)
    month = whole(drifts, month=True).by(basis)
    return [
        f"{money(found.untagged, currency)} of {money(found.taggable, currency)} that could carry tags had "
        f"no usable value of {' or '.join(params.policy.cost_center_tags)} {window.words}: "
        f"{percent_words(found.untagged_percent)}.",
        f"A ticket opens above {params.daily.untagged_threshold_percent} % and from "
        f"{money(params.daily.untagged_minimum, currency)} on. By {basis} cost; by {other_basis} cost it is "
        f"{money(other.untagged, currency)}, {percent_words(other.untagged_percent)}.",
        f"No value: {money(found.missing, currency)}. A value that is no cost center: "
        f"{money(found.unusable, currency)}. The month to date: {money(month.untagged, currency)}, "
        f"{percent_words(month.untagged_percent)}.",
        *overridden_line(found, currency),
    ]


def overridden_line(found: TagCosts, currency: str) -> list[str]:
    """What pools take whatever its tags say, where there is some."""
    if not found.overridden:
        return []
    return [
        f"Not in these figures: {money(found.overridden, currency)} that shared pools take whatever its tags."
    ]


def account_line(one: AccountDrift, params: Params) -> str:
    """One account of a team's ticket."""
    found = one.costs.by(params.policy.cost_basis)
    name = line_text(one.name) or "not in accounts.csv"
    amount = money(found.untagged, params.policy.currency)
    return f"  {amount:>18}  {percent_words(found.untagged_percent):>8}  {name} ({one.account_id})"


def dearest(
    resources: Sequence[Mapping[str, Any]], window: Window, currency: str,
    product_names: Mapping[str, str], with_account: bool = False,
) -> list[str]:  # fmt: skip
    """The dearest untagged resources, one a line."""
    since = f", since {window.month_start}:" if window.month_start > window.first else ":"
    return [
        f"The dearest of {len(resources)} resources{since}",
        *(
            f"  {money(one['cost'], currency):>18}  "
            + (f"{one['account_id']}  " if with_account else "")
            + f"{product_text(one['product_code'], product_names)}  {line_text(one['resource_id'])}"
            for one in resources[:WORST_SHOWN]
        ),
    ]


def unknown_values(values: Sequence[UnusableValue], basis: str, currency: str) -> list[str]:
    """Values that are no cost center, with whom they probably mean."""
    if not values:
        return []
    return [
        "",
        "Values that are no cost center, since the month began:",
        *(
            f"  {money(one.costs[basis], currency):>18}  {line_text(one.tag_value)}"
            + (f"  probably {one.likely_cost_center_id}, " if one.likely_cost_center_id else "  ")
            + one.likely_because
            for one in values[:VALUES_SHOWN]
        ),
    ]


def details(drifts: Sequence[AccountDrift], window: Window, params: Params) -> dict[str, Any]:
    """Figures for pages; a business unit only where all accounts are of one."""
    found = whole(drifts).by(params.policy.cost_basis)
    units = {one.business_unit_id for one in drifts}
    resources = sorted(
        (row for one in drifts for row in one.resources), key=lambda row: -row["cost"]
    )
    return {
        "business_unit_id": units.pop() if len(units) == 1 else "",
        "percent": str(round(found.untagged_percent or Decimal(0), 2)),
        "worst_resources": [
            {"resource_id": one["resource_id"], "product_code": one["product_code"],
             "cost": str(cents(one["cost"]))}
            for one in resources[:WORST_SHOWN]
        ],
        "first_day": str(window.first),
        "last_day": str(window.last),
    }  # fmt: skip


def how_to_fix(params: Params, what_is: str) -> list[str]:
    """What the owning team can do, one line each."""
    keys = ", ".join(key.removeprefix("user_") for key in params.policy.mandatory_tags)
    return [
        "How to fix it:",
        f"  1. Tag the resources, and what creates them (templates, charts): {keys}.",
        "     A tag counts from the hour it is set; what was spent before stays untagged.",
        "  2. A value that should be known: ask for a row in tag_values.csv.",
        "  3. Resources that cannot carry tags: ask for a rule in ownership.toml.",
        "This ticket is kept up to date every day and resolves itself when "
        f"{what_is} below the threshold.",
    ]


def cents(amount: Decimal) -> Decimal:
    """An exact amount rounded for a message."""
    return amount.quantize(Decimal("0.01"))


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
