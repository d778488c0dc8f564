"""Dashboard: a day on one self-contained page: the month to date, what is late, unusual, untagged and open.

In: a day as the daily flow saw it. Out: HTML that fetches nothing. It begins with the month to date by business
unit (page_units.py); what has no usable tag is in page_untagged.py. It has the look of the statements, a
template with a small script that sorts and filters (reports/daily.html), and tables that both know
(page_tables.py), the worst first. The same day gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.daily.anomalies.aws import AwsAnomaly
from chargeback.daily.cases import OPEN, TICKET, Case
from chargeback.daily.month_to_date import UnitToDate, units_to_date
from chargeback.daily.page_tables import Heading, SortedCell, SortedTable, amount, percent
from chargeback.daily.page_units import units
from chargeback.daily.page_untagged import (
    account_text,
    cut,
    overridden,
    ticket,
    untagged,
)
from chargeback.daily.tickets import WAITING
from chargeback.daily.today import Today
from chargeback.pages.parts import Cell, Masthead, Paragraph
from chargeback.pages.shell import HtmlPart, render_page

PAGE = "dashboard.html"
DRY = "A dry run: no message was sent and nothing is remembered. Tickets and alerts are those that would be."
TEMPLATE = "daily.html"
CENT = Decimal("0.01")


def page(today: Today) -> str:
    """The page as HTML."""
    return render_page(
        TEMPLATE,
        title=f"Daily {today.day}",
        head=head(today),
        units=units(today),
        freshness=freshness(today),
        anomalies=anomalies(today),
        untagged=untagged(today),
        overridden=overridden(today),
        mandatory_tags=mandatory_tags(today),
        unusable_values=unusable_values(today),
        cases=cases(today),
    )


def head(today: Today) -> Masthead:
    """Which day, how far it is delivered, what it comes to and how that compares."""
    basis, currency = today.params.policy.cost_basis, today.params.policy.currency
    whole, window = units_to_date(today)[-1], today.drift.window
    facts = [
        ("Delivered up to", str(today.costs.last_day)),
        ("Anomalies judged up to", str(today.anomalies.judged or "no day yet")),
        ("Tickets look at", f"{window.first} to {window.last}"),
        ("Last closed period", today.fresh.closed or "none"),
        ("Cost basis", basis),
    ]
    return Masthead(
        title="The open month today",
        unit=f"{today.day:%-d %B %Y}",
        unit_id="", period="",
        facts=facts,
        total=Cell(shown(whole.amount.quantize(CENT))),
        total_label="Month to date",
        currency=currency,
        change=" ".join([*compared_words(whole, currency), untagged_words(today), open_words(today)]),
        provisional="DRY RUN: nothing was sent" if today.is_dry else "",
    )  # fmt: skip


def compared_words(whole: UnitToDate, currency: str) -> list[str]:
    """How the month to date compares with what was expected, and with its budget where there is one."""
    return [
        f"{shown(abs(difference).quantize(CENT))} {currency} {'above' if difference > 0 else 'below'} {of}."
        for difference, of in (
            (whole.difference, "what was expected"), (whole.over_budget, "the budget so far"),
        )
        if difference is not None
    ]  # fmt: skip


def untagged_words(today: Today) -> str:
    """What has no usable cost center tag this month so far."""
    total = today.hygiene.total.by(today.params.policy.cost_basis)
    share = total.untagged_percent
    part = f", {share:.1f} % of what could carry tags" if share is not None else ""
    return f"Untagged: {shown(total.untagged.quantize(CENT))}{part}."


def open_words(today: Today) -> str:
    """How many tickets and alerts are open, and how many tickets wait."""
    is_open = [one for one in today.cases.values() if one.status == OPEN]
    tickets = sum(one.channel == TICKET for one in is_open)
    waits = f"; waiting: {counted(len(today.waiting), 'ticket')}" if today.waiting else ""
    return f"Open: {counted(tickets, 'ticket')}, {counted(len(is_open) - tickets, 'alert')}{waits}."


def counted(number: int, what: str) -> str:
    """So many of something."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def freshness(today: Today) -> list[Paragraph]:
    """What is late, or that nothing is; before that, that a dry run is one."""
    tried = [Paragraph(DRY, "warning")] if today.is_dry else []
    late = [Paragraph(f"Late: {one}", "warning") for one in today.fresh.late]
    notes = [Paragraph(one, "note") for one in (*today.fresh.notes, *today.anomalies.notes)]
    return [*tried, *late, *notes] or [Paragraph("Nothing is late.", "note")]


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
                  sub=f"{len(one.trend)} days, 0 to {shown(Decimal(str(max(one.trend))).quantize(CENT))}",
                  value=f"{one.found.above:f}"),
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
    rows += [
        [SortedCell(cut(one.title)), SortedCell(WAITING), amount(one.amount), SortedCell(one.team or "nobody"),
         SortedCell("–", value="~")]
        for one in today.waiting
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
