"""Room pages: what the portal's own pages say, in plain words: home, a unit, the packs, the access log.

In: the library, and who looks. Out: HTML. What always holds: a page names only what the library gives for the
sight of who looks, and it has no script.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast
from urllib.parse import urlencode

from chargeback.books.access_log import AccessEntry
from chargeback.books.delivery_log import ACKNOWLEDGED, ANSWERED, Entry
from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.core.period import period_title
from chargeback.delivery.disputes import Standing, standings
from chargeback.delivery.pack_names import summary_file
from chargeback.pages.parts import Cell, Column, Paragraph, Row, Table, amount_cell
from chargeback.pages.shell import HtmlPart, render_page
from chargeback.params.disputes import MOST_TOLD
from chargeback.portal.answers import FORM, Line
from chargeback.portal.catalogue import Month
from chargeback.portal.library import ENDINGS, Library
from chargeback.portal.person import Visit
from chargeback.portal.plain_page import masthead
from chargeback.portal.room_parts import Field, Form, Heading, Ways, address_of

TEMPLATE = "portal-room.html"
LOG_PAGE = 200

#: What `said=` of an address makes the page say; nothing else that an address brings is shown.
SAID = {
    "acknowledged": "It is written down that you have taken note of the statement.",
    "acknowledged-before": "The statement was acknowledged before; nothing was changed.",
    "disputed": "Your dispute is written down, and whoever answers it is named below.",
    "disputed-before": "This was disputed before, with the same amount; nothing was changed.",
}

NOT_APPROVED = (
    "Prepared, and not approved yet: only those who prepare, approve and check months see it."
)


@dataclass(frozen=True)
class View:
    """Who looks at what there is.

    Args:
        base: what every address begins with.
        today: in UTC.
    """

    library: Library
    visit: Visit
    base: str
    today: date

    def link(self, *parts: str, **query: str) -> str:
        """An address of the portal."""
        return address_of(self.base, *parts) + (f"?{urlencode(query)}" if query else "")

    def page(self, heading: str, kicker: str, parts: Sequence[HtmlPart]) -> str:
        """A page of the portal as HTML."""
        return render_page(
            TEMPLATE, title=heading, heading=heading, kicker=kicker, parts=cast(Any, parts),
            **masthead(self.base, self.visit),
        )  # fmt: skip


def home_page(view: View) -> str:
    """What somebody sees first: their units, what waits for an answer, and what else there is for them."""
    library, sight = view.library, view.visit.sight
    months = library.months(sight)
    units, centers = library.units(sight), library.centers(sight)
    parts: list[HtmlPart] = []
    for period, refusal in library.catalogue.broken.items():
        parts.append(Paragraph(f"{period_title(period)} is not shown: {refusal.what}.", "warning"))
    waiting = list(waiting_rows(view, units, months))
    if waiting:
        parts += [Heading("Waiting for your answer"), Table(
            [Column("Statement", 1), Column("Until", 1), Column("Charged")], waiting)]  # fmt: skip
    if units:
        parts += [Heading("Business units"), units_table(view, units, months)]
    if centers:
        rows = [
            Row([Cell(name, sub=center, links=[
                ("Dashboard", view.link("cost-centers", center, "dashboard"), f"Dashboard of {name}")])])
            for center, name in centers.items()
        ]  # fmt: skip
        parts += [Heading("Cost centers"), Table([Column("Cost center", 1)], rows)]
    if months:
        last = period_title(months[0].period)
        says = f"The rows of the ledger that you may see, to {last}, for spreadsheets and programs."
        ways = [
            ("All rows, CSV", view.link("rows.csv")),
            ("All rows, Parquet", view.link("rows.parquet")),
        ]
        parts += [Heading("Rows"), Paragraph(says), Ways(ways)]
    parts += insider_parts(view, months)
    if not months and not library.scopes(sight):
        parts.append(
            Paragraph("Nothing is closed yet that you may see. It is shown here once it is.")
        )
    return view.page("Cloud cost", "", parts)


def waiting_rows(view: View, units: Iterable[str], months: Sequence[Month]) -> Iterable[Row]:
    """The newest statement of each unit that somebody answers for and nobody has acknowledged."""
    catalogue = view.library.catalogue
    for unit in units:
        mine = [
            one for one in months if view.library.answers_for(view.visit.sight, one.period, unit)
        ]
        if not mine or catalogue.log.find(ACKNOWLEDGED, mine[0].period, unit):
            continue
        month = mine[0]
        until = view.library.raise_by(month.period, unit)
        name = f"{period_title(month.period)}, {month.names[unit]}"
        links = [
            ("Read and answer", view.link("units", unit, period=month.period), f"Answer {name}")
        ]
        late = "it is late, and taken all the same" if until and until < view.today else ""
        yield Row([
            Cell(name, sub=unit, links=links), Cell(str(until or ""), aside=late),
            amount_cell(month.charged.get(unit)),
        ])  # fmt: skip


def units_table(view: View, units: dict[str, str], months: Sequence[Month]) -> Table:
    """Each unit with its last month."""
    dashboards = {
        one.id for one in view.library.scopes(view.visit.sight) if one.kind == "business-unit"
    }
    rows = []
    for unit, name in units.items():
        last = next((one for one in months if unit in one.names), None)
        links = [("Statements", view.link("units", unit), f"Statements of {name}")]
        if unit in dashboards:
            address = view.link("units", unit, "dashboard")
            links.insert(0, ("Dashboard", address, f"Dashboard of {name}"))
        rows.append(Row([
            Cell(name, sub=unit, links=links), Cell(period_title(last.period) if last else ""),
            amount_cell(last.charged.get(unit) if last else None),
        ]))  # fmt: skip
    currency = months[0].currency if months else ""
    return Table(
        [Column("Unit", 1), Column("Last closed month", 1, optional=True), Column(f"Charged, {currency}")], rows
    )  # fmt: skip


def insider_parts(view: View, months: Sequence[Month]) -> list[HtmlPart]:
    """What there is for those who see all units."""
    library, sight = view.library, view.visit.sight
    parts: list[HtmlPart] = []
    ways = []
    if any(one.kind == "all" for one in library.scopes(sight)):
        ways.append(("Dashboard of all units", view.link("all", "dashboard")))
    if library.sees_access_log(sight):
        ways.append(("Who opened what", view.link("access")))
    if ways:
        parts += [Heading("All units"), Ways(ways)]
    rows = [row for one in months if (row := month_row(view, one))]
    if rows:
        columns = [Column("Month", 1), Column(f"Charged, {months[0].currency}")]
        parts += [Heading("Months"), Table(columns, rows)]
    return parts


def month_row(view: View, month: Month) -> Row | None:
    """A month with its index, pack and summary; None where these are not theirs."""
    library, sight, period = view.library, view.visit.sight, month.period
    pack = set(library.pack_names(sight, period))
    title, links = period_title(period), []
    if library.has_month_index(sight, period):
        address = view.link("statements", period, "index.html")
        links.append(("Statements", address, f"Statements of {title}"))
    for label, name in (
        ("Pack", "index.html"), ("Summary", summary_file(period, "html")), ("PDF", summary_file(period, "pdf")),
    ):  # fmt: skip
        if name in pack:
            links.append((label, view.link("packs", period, name), f"{label} of {title}"))
    if not links:
        return None
    links.append(("Rows", view.link("rows.csv", period=period), f"Rows of {title}"))
    waits = "prepared, not approved yet" if library.catalogue.is_waiting(month) else ""
    return Row([Cell(title, sub=period, aside=waits, links=links), amount_cell(month.total)])


@dataclass(frozen=True)
class Tried:
    """What somebody has sent and what was wrong with it, to be shown with their words.

    Args:
        said: one of SAID.
    """

    said: str = ""
    refusal: Refusal | None = None
    words: dict[str, str] | None = None


def unit_page(view: View, unit: str, period: str, lines: Sequence[Line], tried: Tried) -> str:
    """A unit: its dashboard, its statements, and what it answers to one of them.

    Args:
        period: the month that is answered; blank where none is.
        lines: of its statement, which can be disputed.
    """
    library, sight = view.library, view.visit.sight
    months = [one for one in library.months(sight) if unit in one.names]
    parts: list[HtmlPart] = []
    if tried.said in SAID:
        parts.append(Paragraph(SAID[tried.said], "warning"))
    if tried.refusal:
        parts += refusal_parts(tried.refusal)
    if any((one.kind, one.id) == ("business-unit", unit) for one in library.scopes(sight)):
        parts.append(Ways([("Dashboard", view.link("units", unit, "dashboard"))]))
    found = standings(library.catalogue.log).values()
    disputes = [one for one in found if one.business_unit_id == unit]
    if months:
        rows = [unit_month_row(view, unit, one, disputes) for one in months]
        columns = [
            Column("Month", 1),
            Column("Answer", 1),
            Column(f"Charged, {months[0].currency}"),
        ]
        parts += [Heading("Statements"), Table(columns, rows)]
    if period:
        parts += answer_parts(view, unit, period, lines, tried)
    if disputes:
        seen = {one.period for one in months}
        rows = [dispute_row(view, one) for one in disputes if one.billing_period in seen]
        columns = [Column("Dispute", 1), Column("State", 1), Column("Amount")]
        parts += [Heading("Disputes"), Table(columns, rows)]
    return view.page(library.units(sight)[unit], unit, parts)


def unit_month_row(view: View, unit: str, month: Month, disputes: Sequence[Standing]) -> Row:
    """A month of a unit: its statement, and how it was answered."""
    period, title = month.period, period_title(month.period)
    links = [
        (ending.upper(), view.link("statements", period, unit, ending), f"{ending} of {title}")
        for ending in ENDINGS
        if view.library.has_statement(view.visit.sight, period, unit)
    ]  # fmt: skip
    entry = view.library.catalogue.log.find(ACKNOWLEDGED, period, unit)
    open_here = [
        one for one in disputes if one.billing_period == period and one.is_open(view.today)
    ]
    if view.library.catalogue.is_waiting(month):
        answer = Cell("prepared, not approved yet")
    else:
        said = [acknowledged_words(entry)] if entry else []
        said += (
            [f"{len(open_here)} open dispute{'s' if len(open_here) > 1 else ''}"]
            if open_here
            else []
        )
        until = view.library.raise_by(period, unit)
        words = "; ".join(said) or "not answered yet" + (f", until {until}" if until else "")
        can = view.library.answers_for(view.visit.sight, period, unit)
        ways = (
            [("Answer", view.link("units", unit, period=period), f"Answer {title}")] if can else []
        )
        answer = Cell(words, sub=period if ways else "", links=ways)
    return Row([Cell(title, sub=period, links=links), answer, amount_cell(month.charged.get(unit))])


def acknowledged_words(entry: Entry) -> str:
    """By whom and when a statement was acknowledged."""
    row = entry.details.get("row", {})
    return f"acknowledged on {row.get('acknowledged_on')} by {row.get('acknowledged_by')}"


def dispute_row(view: View, one: Standing) -> Row:
    """A dispute and how it stands."""
    state = one.state(view.today)
    words = {
        "raised": f"raised on {one.raised_on}; {one.owner} answers by {one.answer_due}",
        "answered": f"answered on {one.answered_on}; decided by {one.decide_due}",
        "decided": f"{one.decision} on {one.decided_on}; {one.decided_amount:,.2f} {one.currency} given back",
    }.get(state, state)
    log = view.library.catalogue.log
    texts = [
        entry.details["row"].get("answer", "")
        for entry in log.of(one.billing_period, ANSWERED)
        if entry.subject == one.dispute_id
    ]
    said = f"{one.dispute_id}, {period_title(one.billing_period)}"
    return Row(
        [Cell(one.line, sub=said), Cell(words, sub="; ".join(texts)), amount_cell(one.amount)]
    )


def refusal_parts(refusal: Refusal) -> list[HtmlPart]:
    """What was wrong with what somebody has sent, in their page; never where something lies on the server."""
    found = f"Expected: {refusal.expected}. Found: {refusal.found}." if refusal.expected else ""
    parts: list[HtmlPart] = [
        Paragraph(f"Nothing was written: {refusal.what}. {found}".strip(), "warning")
    ]
    if refusal.exit_code == BAD_USAGE:
        near = [one for one in refusal.where if not one.startswith(FORM)]
        parts += [Paragraph(one, "note") for one in (*near, *refusal.todo)]
    return parts


def answer_parts(
    view: View, unit: str, period: str, lines: Sequence[Line], tried: Tried
) -> list[HtmlPart]:
    """The forms: acknowledge, where nobody has, and dispute a line."""
    title, words = period_title(period), tried.words or {}
    token, address = view.visit.form_token, view.link("units", unit)
    until = view.library.raise_by(period, unit)
    please = f" Please answer until {until}." if until else ""
    if until and until < view.today:
        please += " That day is over; an answer is taken all the same."
    parts: list[HtmlPart] = [Heading(f"Answer the statement of {title}")]
    entry = view.library.catalogue.log.find(ACKNOWLEDGED, period, unit)
    if entry:
        parts.append(Paragraph(f"The statement was {acknowledged_words(entry)}."))
    else:
        note = Field(
            "note", "A note, if you like", words.get("note", ""), is_needed=False, most=MOST_TOLD
        )
        parts.append(Form(
            "Acknowledge", "You have read the statement, and it is your unit's. Lines can still be disputed."
            + please, f"{address}/acknowledge", token, period, [note],
            "Acknowledge the statement",
        ))  # fmt: skip
    options = [("", "Choose a line")] + [
        (one.text, f"{one.text}, {one.charged:,.2f} {one.currency}") for one in lines
    ]
    fields = [
        Field("line", "Line of the statement", words.get("line", ""), options),
        Field("other", "Or another line, as entry_id:line of the statement's CSV", words.get("other", ""),
              is_needed=False),
        Field("amount", "How much of it is not yours, such as 120.00", words.get("amount", ""), is_number=True,
              most=40),
        Field("reason", "Why", words.get("reason", ""), is_long=True, most=MOST_TOLD),
    ]  # fmt: skip
    parts.append(Form(
        "Dispute a line", "Some of a line is not your unit's. FinOps answers, and a later month gives back "
        "what is decided.", f"{address}/dispute", token, period, fields, "Dispute the line",
    ))  # fmt: skip
    return parts


def access_page(view: View, entries: Sequence[tuple[str, AccessEntry]]) -> str:
    """Who did what in the portal, the newest first.

    Args:
        entries: with the id of each, which the next page begins before.
    """
    rows = [
        Row([
            Cell(one.at.replace("T", " ")[:19], sub=name), Cell(one.by),
            Cell(one.action, sub=f"{one.subject} {details_text(one)}".strip()),
        ])
        for name, one in entries
    ]  # fmt: skip
    table = Table([Column("Time, UTC", 1), Column("Who", 1), Column("What", 2)], rows)
    parts: list[HtmlPart] = [
        Paragraph(
            "Each line holds the digest of the line before it: make verify says whether the log is whole.",
            "note",
        ),
        table,
    ]
    if len(entries) == LOG_PAGE:
        parts.append(Ways([("Earlier", view.link("access", before=entries[-1][0]))]))
    return view.page("Who opened what", "Access log", parts)


def details_text(entry: AccessEntry) -> str:
    """The details of an entry on one line."""
    return ", ".join(f"{name} {value}" for name, value in sorted(entry.details.items()))
