"""The page of a unit: its statements by month, how they were answered, and the forms to answer one.

What always holds: what somebody has sent and could not be written is shown to them again, with what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chargeback.books.delivery_log import ACKNOWLEDGED, ANSWERED, Entry
from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.core.period import period_title
from chargeback.dashboards.scope import UNIT, Scope
from chargeback.delivery.disputes import Standing, standings
from chargeback.pages.parts import Cell, Column, Paragraph, Row, Table, amount_cell
from chargeback.pages.shell import HtmlPart
from chargeback.params.disputes import MOST_TOLD
from chargeback.portal.answers import FORM, Line
from chargeback.portal.catalogue import Month
from chargeback.portal.library import ENDINGS
from chargeback.portal.room_pages import View
from chargeback.portal.room_parts import Field, Form, Heading, Ways

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
    if Scope(UNIT, unit) in library.scopes(sight):
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
        Field("other", "Or another line: its reference (Ref.), or entry_id:line of the statement's CSV",
              words.get("other", ""), is_needed=False),
        Field("amount", "How much of it is not yours, such as 120.00", words.get("amount", ""), is_number=True,
              most=40),
        Field("reason", "Why", words.get("reason", ""), is_long=True, most=MOST_TOLD),
    ]  # fmt: skip
    parts.append(Form(
        "Dispute a line", "Some of a line is not your unit's. FinOps answers, and a later month gives back "
        "what is decided.", f"{address}/dispute", token, period, fields, "Dispute the line",
    ))  # fmt: skip
    return parts
