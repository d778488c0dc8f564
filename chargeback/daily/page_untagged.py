"""Page untagged: what has no usable cost center tag, account by account, in both windows that matter.

In: a day as the daily flow saw it. Out: a sentence on when a ticket opens, a chart by day, a table that shows
each account over the days that tickets look at and over the month to date, and apart from it what pools take
whatever its tags say.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import PurePosixPath

from chargeback.core.money import shown
from chargeback.daily.cases import OPEN, UNTAGGED, CaseKey
from chargeback.daily.hygiene import BothBases, TagCosts, costs_of
from chargeback.daily.page_charts import DaysChart, DaysLine
from chargeback.daily.page_tables import Heading, SortedCell, SortedTable, amount, percent
from chargeback.daily.page_units import CENT, days_text, to_date_words
from chargeback.daily.ticket_texts import percent_words
from chargeback.daily.tickets import WAITING, accounts_of
from chargeback.daily.today import Today
from chargeback.pages.parts import Paragraph
from chargeback.pages.shell import HtmlPart

LONGEST = 200  # of a tag value or a resource on the page


def account_text(today: Today, account_id: str) -> tuple[str, str, str]:
    """Name, id and team of an account."""
    account = today.params.accounts.get(account_id)
    if account is None:
        return "not in accounts.csv", account_id, ""
    return account.name, account_id, account.owning_team


def cut(text: str) -> str:
    """A text that somebody typed, not too long for a page."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def ticket(today: Today, key: CaseKey) -> SortedCell:
    """The ticket or alert of a case, with a link to it."""
    case, sent = today.cases.get(key), today.sent_messages.get(key)
    if case is None or case.status != OPEN:
        return SortedCell("–", value="~")
    link = sent.link if sent else ""
    if link.startswith("file:"):
        link = f"../outbox/{PurePosixPath(link).name}"
    number = sent.number if sent else ""
    return SortedCell(number or case.channel, sub=f"due {case.due_on}", link=link)


def account_ticket(today: Today, account_id: str) -> SortedCell:
    """The ticket that an account stands in, or that it waits for one."""
    for key, one in today.cases.items():
        if one.rule == UNTAGGED and one.status == OPEN and account_id in accounts_of(one):
            return ticket(today, key)
    if any(account_id in accounts_of(one) for one in today.waiting):
        return SortedCell(WAITING, value="|")
    return ticket(today, (UNTAGGED, account_id))


def untagged(today: Today) -> list[HtmlPart]:
    """What has no usable cost center tag in each account, the dearest first, and day by day in all."""
    basis, window = today.params.policy.cost_basis, today.drift.window
    other = "unblended" if basis == "amortized" else "amortized"
    trends: dict[str, list[float]] = {}
    for one in today.hygiene.account_days:
        trends.setdefault(one.account_id, []).append(
            float(costs_of(one.figures).by(basis).untagged)
        )
    rows = []
    for account_id, both in taggable_accounts(today):
        name, sub, team = account_text(today, account_id)
        looked_at = today.drift.costs.get(account_id, BothBases()).by(basis)
        trend = trends.get(account_id, [])
        rows.append([
            SortedCell(name, sub=", ".join(one for one in (sub, team) if one)),
            amount(looked_at.untagged.quantize(CENT)),
            percent(looked_at.untagged_percent), with_share(both.by(basis)),
            amount(both.by(other).untagged.quantize(CENT)),
            SortedCell("untagged by day", trend=trend, sub=highest_text(trend)),
            account_ticket(today, account_id),
        ])  # fmt: skip
    to_date = to_date_words(today)
    headings = [
        Heading("Account"), Heading(f"Untagged {days_text(window.first, window.last)}", True),
        Heading("Of taggable", True, True), Heading(f"Untagged {to_date}", True, True),
        Heading(f"{other.capitalize()} {to_date}", True, True),
        Heading(f"Trend {to_date}", False, True, sorts=False), Heading("Ticket"),
    ]  # fmt: skip
    days = today.hygiene.days
    currency = today.params.policy.currency
    line = DaysLine("untagged", [float(both.by(basis).untagged) for both in days.values()])
    chart = DaysChart(
        f"Untagged by day of the month, {basis}, in {currency}", [line], list(days), currency
    )
    table = SortedTable("Untagged", headings, rows, "No account has cost that could carry tags.")
    return [rule_words(today), chart, table, *unexpected_accounts(today)]


def taggable_accounts(today: Today) -> list[tuple[str, BothBases]]:
    """The accounts with cost that tags decide on, the most untagged in the tickets' days first."""
    basis = today.params.policy.cost_basis

    def rank(item: tuple[str, BothBases]) -> tuple[Decimal, Decimal, str]:
        account_id, both = item
        looked_at = today.drift.costs.get(account_id, BothBases()).by(basis)
        return -looked_at.untagged, -both.by(basis).untagged, account_id

    return sorted(
        (item for item in today.hygiene.accounts.items() if not is_shared(item[1].by(basis))),
        key=rank,
    )


def is_shared(costs: TagCosts) -> bool:
    """Whether pools take all that could carry tags."""
    return costs.overridden != 0 and costs.taggable == 0


def with_share(costs: TagCosts) -> SortedCell:
    """What is untagged, with its share."""
    return amount(costs.untagged.quantize(CENT), percent_words(costs.untagged_percent))


def highest_text(trend: list[float]) -> str:
    """What a small line reaches."""
    return f"0 to {shown(Decimal(str(max([*trend, 0.0]))).quantize(CENT))} a day"


def rule_words(today: Today) -> Paragraph:
    """When a ticket opens, over which days, and how many a day."""
    policy, window = today.params.daily, today.drift.window
    each = "each owning team" if policy.tickets_by == "team" else "each account"
    waits = f"; {len(today.waiting)} wait" if today.waiting else ""
    return Paragraph(
        f"A ticket for {each}: for accounts with more than {policy.untagged_threshold_percent} % and at least "
        f"{shown(policy.untagged_minimum)} {today.params.policy.currency} untagged from {window.first} to "
        f"{window.last}. At most {policy.tickets_a_day} new ones a day, the dearest first{waits}. "
        f"The table also shows the month to date.", "note",
    )  # fmt: skip


def overridden(today: Today) -> list[HtmlPart]:
    """What pools take whatever its tags say, by account and pool, the dearest first; may be nothing."""
    basis, table = today.params.policy.cost_basis, today.costs.table
    names = ("account_id", "pool_id", "is_taggable", "is_overridden", f"{basis}_cost")
    sums: dict[tuple[str, str], Decimal] = {}
    for account, pool, can_be_tagged, is_overridden, cost in zip(
        *(table[name].to_pylist() for name in names), strict=True
    ):
        if can_be_tagged and is_overridden:
            sums[account, pool] = sums.get((account, pool), Decimal(0)) + cost
    if not sums:
        return []
    pools = {one.pool_id: one.name for one in today.params.pools}
    rows = []
    for (account_id, pool_id), cost in sorted(sums.items(), key=lambda item: (-item[1], item[0])):
        name, sub, _ = account_text(today, account_id)
        rows.append([
            SortedCell(name, sub=sub), SortedCell(pools.get(pool_id, pool_id)), amount(cost.quantize(CENT)),
        ])  # fmt: skip
    headings = [
        Heading("Account"), Heading("Pool"), Heading(f"Cost {to_date_words(today)}", True),
    ]  # fmt: skip
    return [
        Paragraph(
            "Not in these figures: what could carry tags, and is split by a pool whatever its tags say. No tag "
            "would change who pays, so that nobody gets a ticket for it.", "note",
        ),
        SortedTable("Shared whatever its tags say", headings, rows, ""),
    ]  # fmt: skip


def unexpected_accounts(today: Today) -> list[Paragraph]:
    """Accounts that one would expect to see, or would not."""
    named = (
        ("Accounts without a line item", today.hygiene.silent_accounts),
        ("Accounts that accounts.csv does not have", today.hygiene.unknown_accounts),
    )
    return [
        Paragraph(f"{words}: {', '.join(accounts)}", "note")
        for words, accounts in named
        if accounts
    ]
