"""Dashboard: a day on one self-contained page: what is late, unusual, untagged and open, the worst first.

In: a day as the daily flow saw it. Out: HTML that fetches nothing. It has the look of the statements, a
template with a small script that sorts and filters (reports/daily.html), and tables that both know
(page_tables.py). The same day gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import PurePosixPath

from chargeback.core.money import shown
from chargeback.daily.anomalies.aws import AwsAnomaly
from chargeback.daily.cases import OPEN, Case, CaseKey
from chargeback.daily.drift import UNTAGGED
from chargeback.daily.hygiene import costs_of
from chargeback.daily.page_tables import (
    DaysChart,
    Heading,
    SortedCell,
    SortedTable,
    amount,
    percent,
)
from chargeback.daily.today import Today
from chargeback.pages.parts import Cell, Masthead, Paragraph
from chargeback.pages.shell import HtmlPart, render_page

PAGE = "dashboard.html"
TEMPLATE = "daily.html"
CENT = Decimal("0.01")
LONGEST = 200  # of a tag value or a resource on the page


def page(today: Today) -> str:
    """The page as HTML."""
    return render_page(
        TEMPLATE,
        title=f"Daily {today.day}",
        head=head(today),
        freshness=freshness(today),
        anomalies=anomalies(today),
        untagged=untagged(today),
        mandatory_tags=mandatory_tags(today),
        unusable_values=unusable_values(today),
        cases=cases(today),
    )


def head(today: Today) -> Masthead:
    """Which day, how far it is delivered, and what has no owner's tag."""
    basis, currency = today.params.policy.cost_basis, today.params.policy.currency
    total = today.hygiene.total.by(basis)
    is_open = [one for one in today.cases.values() if one.status == OPEN]
    tickets = sum(one.channel == "ticket" for one in is_open)
    share = total.untagged_percent
    change = f"{share:.1f} % of what could carry tags. " if share is not None else ""
    return Masthead(
        title="The open month today",
        unit=f"{today.day:%-d %B %Y}",
        unit_id="", period="",
        facts=[
            ("Delivered up to", str(today.costs.last_day)),
            ("Anomalies judged up to", str(today.anomalies.judged or "no day yet")),
            ("Last closed period", today.fresh.closed or "none"),
            ("Cost basis", basis),
        ],
        total=Cell(shown(total.untagged.quantize(CENT))),
        total_label="Untagged this month so far",
        currency=currency,
        change=f"{change}Open: {counted(tickets, 'ticket')}, {counted(len(is_open) - tickets, 'alert')}.",
    )  # fmt: skip


def counted(number: int, what: str) -> str:
    """So many of something."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def freshness(today: Today) -> list[Paragraph]:
    """What is late, or that nothing is."""
    late = [Paragraph(f"Late: {one}", "warning") for one in today.fresh.late]
    notes = [Paragraph(one, "note") for one in (*today.fresh.notes, *today.anomalies.notes)]
    return [*late, *notes] or [Paragraph("Nothing is late.", "note")]


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


def services(found: AwsAnomaly) -> str:
    """The services that AWS found, in its own words."""
    return cut(", ".join(one.service for one in found.causes)) or "no service named"


def anomalies(today: Today) -> SortedTable:
    """What costs more than expected, the costliest first."""
    rows = [
        [
            SortedCell(one.name, sub=f"{one.found.group.scope}, {one.found.kind} since {one.found.first_day}"),
            amount(one.found.above),
            SortedCell(f"{len(one.trend)} days up to {today.anomalies.judged}", trend=one.trend,
                  value=str(one.found.above)),
            SortedCell(one.unit.owner if one.unit else "nobody", sub=one.unit.email if one.unit else ""),
            SortedCell(cut(one.resources[0].resource_id) if one.resources else "–",
                  sub=f"and {len(one.resources) - 1} more" if len(one.resources) > 1 else ""),
            ticket(today, ("anomaly", one.subject)),
        ]
        for one in today.anomalies.anomalies
    ]  # fmt: skip
    rows += [
        [SortedCell(f"Found by AWS: {services(one)}", sub=f"since {one.first_day}"),
         amount(one.impact), SortedCell("–"), SortedCell(unit.owner if unit else "nobody"), SortedCell("–"),
         ticket(today, ("aws-anomaly", one.anomaly_id))]
        for one, unit in today.anomalies.aws_only
    ]  # fmt: skip
    headings = [
        Heading("What"), Heading("Above expected", True), Heading("Trend", False, True, sorts=False),
        Heading("Whom to ask", False, True), Heading("Worst resource", False, True), Heading("Alert"),
    ]  # fmt: skip
    return SortedTable("Anomalies", headings, rows, "Nothing costs more than expected.")


def untagged(today: Today) -> list[HtmlPart]:
    """What has no usable cost center tag in each account, the dearest first, and day by day in all."""
    basis = today.params.policy.cost_basis
    other = "unblended" if basis == "amortized" else "amortized"
    trends: dict[str, list[float]] = {}
    for one in today.hygiene.account_days:
        trends.setdefault(one.account_id, []).append(
            float(costs_of(one.figures).by(basis).untagged)
        )
    found = sorted(
        today.hygiene.accounts.items(), key=lambda item: (-item[1].by(basis).untagged, item[0])
    )
    rows = []
    for account_id, both in found:
        name, sub, team = account_text(today, account_id)
        costs = both.by(basis)
        rows.append([
            SortedCell(name, sub=sub), amount(costs.untagged.quantize(CENT)), percent(costs.untagged_percent),
            amount(both.by(other).untagged.quantize(CENT)),
            SortedCell("untagged by day", trend=trends.get(account_id, []), value=str(costs.untagged)),
            SortedCell(team or "–"), ticket(today, (UNTAGGED, account_id)),
        ])  # fmt: skip
    headings = [
        Heading("Account"), Heading("Untagged", True), Heading("Of taggable", True, True),
        Heading(f"By {other} cost", True, True), Heading("Trend", False, True, sorts=False),
        Heading("Team", False, True), Heading("Ticket"),
    ]  # fmt: skip
    days = [float(both.by(basis).untagged) for both in today.hygiene.days.values()]
    highest = shown(Decimal(str(max([*days, 0.0]))).quantize(CENT))
    caption = f"Untagged by day of the month, at most {highest} {today.params.policy.currency}"
    return [
        DaysChart(days, caption),
        SortedTable("Untagged", headings, rows, "No account has cost."),
        *unexpected_accounts(today),
    ]


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


def mandatory_tags(today: Today) -> list[HtmlPart]:
    """How much of each account's taggable cost carries each mandatory tag, the worst first."""
    basis = today.params.policy.cost_basis
    absent = today.hygiene.not_activated
    keys = [one for one in today.params.policy.mandatory_tags if one not in absent]
    by_account: dict[str, dict[str, Decimal | None]] = {}
    for one in today.hygiene.coverage:
        by_account.setdefault(one.account_id, {})[one.tag_key] = one.percent(basis)
    rows = []
    for account_id, covered in by_account.items():
        name, sub, _ = account_text(today, account_id)
        known = [covered[key] for key in keys if covered.get(key) is not None]
        worst = min((one for one in known if one is not None), default=None)
        rows.append((worst, [
            SortedCell(name, sub=sub), percent(worst), *(percent(covered.get(key)) for key in keys),
        ]))  # fmt: skip
    rows.sort(key=lambda row: (row[0] is None, row[0] or Decimal(0), row[1][0].text))
    headings = [
        Heading("Account"), Heading("Least covered", True),
        *(Heading(key.removeprefix("user_"), True, True) for key in keys),
    ]  # fmt: skip
    parts: list[HtmlPart] = [
        Paragraph(
            f"{key} is on no line item of the delivery: it is not activated for cost allocation, which is not "
            "the same as untagged. Activate it in the management account.", "warning",
        )
        for key in absent
    ]  # fmt: skip
    table = SortedTable(
        "Mandatory tags", headings, [row for _, row in rows], "No account can carry tags."
    )
    return [*parts, table]


def unusable_values(today: Today) -> SortedTable:
    """Values of cost center tags that are no cost center and no alias, the dearest first."""
    basis = today.params.policy.cost_basis
    rows = []
    for one in sorted(
        today.hygiene.unusable_values, key=lambda each: (-each.costs[basis], each.tag_value)
    ):
        name, sub, _ = account_text(today, one.account_id)
        center = today.params.cost_centers.get(one.likely_cost_center_id or "")
        rows.append([
            SortedCell(cut(one.tag_value)), SortedCell(name, sub=sub), amount(one.costs[basis].quantize(CENT)),
            SortedCell(f"{center.name} ({center.cost_center_id})" if center else "–",
                       sub=cut(one.likely_because)),
        ])  # fmt: skip
    headings = [
        Heading("Value"), Heading("Account", False, True), Heading("Cost", True), Heading("Probably means"),
    ]  # fmt: skip
    return SortedTable("Unusable values", headings, rows, "Every value names a cost center.")


def cases(today: Today) -> SortedTable:
    """What is open, the dearest first, then what was resolved."""
    rows = [
        [
            SortedCell(cut(one.title), sub=f"opened {one.opened_on}" + times(one)), SortedCell(one.status),
            amount(one.amount), SortedCell(one.team or "nobody"), ticket(today, one.key),
        ]
        for one in ranked(today.cases.values())
    ]  # fmt: skip
    headings = [
        Heading("What"), Heading("Status", False, True), Heading("Amount", True),
        Heading("Team", False, True), Heading("Ticket"),
    ]  # fmt: skip
    return SortedTable("Tickets and alerts", headings, rows, "Nothing is open.")


def ranked(found: Iterable[Case]) -> list[Case]:
    """Cases, open ones first, the dearest first."""
    return sorted(found, key=lambda one: (one.status != OPEN, -one.amount, one.key))


def times(case: Case) -> str:
    """How often a case came back, if it did."""
    return f", for the {case.times_opened}. time" if case.times_opened > 1 else ""
