"""What the daily notebook shows: facts as plain text, tables as pandas, figures as plotly.

The facts are also what the command line prints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pandas as pd

from chargeback.core.money import shown
from chargeback.core.sums import sum_of
from chargeback.core.text import plain
from chargeback.daily.anomalies.alerts import facts as facts_of_anomalies
from chargeback.daily.cases import OPEN, OPENED, REOPENED, RESOLVED, UPDATED
from chargeback.daily.hygiene import BASES, BothBases
from chargeback.daily.month_to_date import compared_days, units_to_date
from chargeback.daily.tickets import WAITING
from chargeback.daily.today import Today
from chargeback.pages.figures import Chart, bar

PLACES = Decimal("0.01")


def facts(today: Today) -> str:
    """What the day shows, as plain text."""
    currency, costs = today.params.policy.currency, today.costs
    lines = [
        f"{costs.period} up to {today.day}, delivered up to {costs.last_day}: "
        f"{sum_of(costs.table, 'line_items'):,} line items",
        "",
        f"  {'':<30}{'unblended':>16}{'amortized':>16}",
    ]
    total = today.hygiene.total
    for label in ("taggable", "missing", "unusable", "untaggable", "overridden"):
        pair = "".join(f"{shown(getattr(total.by(one), label)):>16}" for one in BASES)
        lines.append(f"  {label:<30}{pair} {currency}")
    percents = "".join(f"{total.by(one).untagged_percent or Decimal(0):>14.1f} %" for one in BASES)
    lines += [f"  {'untagged of taggable':<30}{percents}", ""]
    if today.hygiene.not_activated:
        lines.append(f"not activated for cost allocation: {', '.join(today.hygiene.not_activated)}")
    if today.hygiene.silent_accounts:
        lines.append(f"accounts without line items: {', '.join(today.hygiene.silent_accounts)}")
    lines += facts_of_anomalies(today.anomalies, currency)
    return "\n".join([*lines, *case_lines(today)])


def case_lines(today: Today) -> list[str]:
    """How many cases there are, and what this run changed."""
    if today.is_older:
        return [
            f"{today.before.day} was looked at before: cases and tickets are as that run left them"
        ]
    count = sum(one.status == OPEN for one in today.cases.values())
    amount = sum((one.amount for one in today.cases.values() if one.status == OPEN), Decimal(0))
    changed = today.changed()
    actions = [f"{sum(one.action == action for one in changed)} {action}"
               for action in (OPENED, UPDATED, RESOLVED, REOPENED)]  # fmt: skip
    currency = today.params.policy.currency
    lines = [f"{count} open cases, {shown(amount)} {currency}: {', '.join(actions)}"]
    if today.waiting:
        waits = sum((one.amount for one in today.waiting), Decimal(0))
        lines.append(
            f"{len(today.waiting)} waiting, {shown(waits)} {currency}: "
            f"{today.params.daily.tickets_a_day} new tickets a day, the dearest first"
        )
    return lines


def told_facts(today: Today) -> str:
    """Who is told what: every message of this run, and those of runs before it that have not arrived."""
    messages = today.to_send()
    currency = today.params.policy.currency
    lines = [
        f"{'would be ' if today.is_dry else ''}{one.action:<8}  {one.channel:<6}  {shown(one.amount):>14} "
        f"{currency}  {plain(one.team) or 'nobody'}: {plain(one.title)}"
        for one in sorted(messages, key=lambda one: (one.channel, one.action, -one.amount, one.key))
    ]
    lines += [
        f"{WAITING:<{17 if today.is_dry else 8}}  {one.channel:<6}  {shown(one.amount):>14} {currency}  "
        f"{plain(one.team) or 'nobody'}: {plain(one.title)}"
        for one in today.waiting
    ]
    return "\n".join(lines) or "nobody is told anything"


def unit_facts(today: Today) -> str:
    """What each business unit has cost so far, beside what was expected and its budget."""
    compared, rows = compared_days(today), units_to_date(today)
    has_budget = any(one.budget is not None for one in rows)
    headings = ["month to date", "expected", "more or less", *(["budget"] if has_budget else [])]
    lines = [f"  {'':<30}" + "".join(f"{one:>16}" for one in headings)]
    for one in rows:
        figures = [one.amount, one.expected, one.difference, *([one.budget] if has_budget else [])]
        said = "".join(f"{'-' if each is None else shown(each):>16}" for each in figures)
        lines.append(f"  {plain(one.name)[:30]:<30}{said} {today.params.policy.currency}")
    if compared:
        lines.append(
            f"expected: what was used from {compared.first_before} to {compared.last_before}, in the place of "
            f"what was used up to {compared.last}, the last complete day"
        )
    return "\n".join(lines)


def untagged_facts(today: Today, most: int = 6) -> str:
    """The accounts with the most cost that has no usable tag, by the policy's cost basis."""
    table = untagged_table(today.hygiene.accounts, today)
    return "\n".join(
        f"{name}: {shown(untagged)} of {shown(taggable)} taggable"
        for name, untagged, taggable in zip(
            table["name"].head(most),
            table["untagged"].head(most),
            table["taggable"].head(most),
            strict=True,
        )
    )


def untagged_table(groups: Mapping[str, BothBases], today: Today) -> pd.DataFrame:
    """What is untagged in each group, by the policy's cost basis; the dearest first."""
    basis, products = today.params.policy.cost_basis, today.costs.product_names
    rows = [
        (plain(products.get(name, name)) or "(no one unit)", costs.taggable, costs.missing, costs.unusable,
         costs.untagged, costs.untagged_percent, costs.untaggable)
        for name, costs in ((name, both.by(basis)) for name, both in groups.items())
    ]  # fmt: skip
    columns = ["name", "taggable", "missing", "unusable", "untagged", "percent", "untaggable"]
    return rounded(rows, columns).sort_values(["untagged", "name"], ascending=[False, True])


def coverage_table(today: Today) -> pd.DataFrame:
    """How much of each account's taggable cost carries each mandatory tag, in percent."""
    basis = today.params.policy.cost_basis
    rows = [(one.account_id, one.tag_key, one.percent(basis)) for one in today.hygiene.coverage]
    table = rounded(rows, ["account_id", "tag_key", "percent"])
    return table.pivot(index="account_id", columns="tag_key", values="percent")


def unusable_table(today: Today) -> pd.DataFrame:
    """Values that name nobody, and whom they probably mean; the dearest first."""
    basis = today.params.policy.cost_basis
    rows = [
        (one.account_id, plain(one.tag_value), one.costs[basis], one.likely_cost_center_id or "",
         plain(one.likely_because))
        for one in today.hygiene.unusable_values
    ]  # fmt: skip
    columns = ["account_id", "tag_value", "cost", "likely_cost_center_id", "because"]
    return rounded(rows, columns).sort_values(["cost", "tag_value"], ascending=[False, True])


def cases_table(today: Today) -> pd.DataFrame:
    """The cases as they stand: open ones first, the dearest first."""
    rows = [
        (one.status, one.rule, plain(one.subject), one.team, one.amount, str(one.due_on), one.action,
         plain(one.title))
        for one in today.cases.values()
    ]  # fmt: skip
    columns = ["status", "rule", "subject", "team", "amount", "due_on", "action", "title"]
    return rounded(rows, columns).sort_values(
        ["status", "amount", "subject"], ascending=[True, False, True]
    )


def trend_figure(today: Today) -> Chart:
    """Untagged cost of each day of the month."""
    basis, currency = today.params.policy.cost_basis, today.params.policy.currency
    days = today.hygiene.days
    labels = [str(day) for day in days]
    costs = [both.by(basis).untagged.quantize(PLACES) for both in days.values()]
    return bar(labels, costs, f"Untagged cost by day, {basis}", currency)


def rounded(rows: Sequence[Sequence[object]], columns: list[str]) -> pd.DataFrame:
    """Rows as a table, amounts and percentages with two places."""
    shown_rows = [
        [cell.quantize(PLACES) if isinstance(cell, Decimal) else cell for cell in row]
        for row in rows
    ]
    return pd.DataFrame(shown_rows, columns=columns)
