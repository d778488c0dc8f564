"""Room pages: what the portal's own pages say, in plain words: home, and the access log (units: room_unit.py).

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
from chargeback.books.delivery_log import ACKNOWLEDGED
from chargeback.core.period import period_title
from chargeback.dashboards.scope import ALL, UNIT
from chargeback.delivery.pack_names import summary_file
from chargeback.pages.parts import Cell, Column, Paragraph, Row, Table, amount_cell
from chargeback.pages.shell import HtmlPart, render_page
from chargeback.portal.catalogue import Month
from chargeback.portal.library import Library
from chargeback.portal.person import Visit
from chargeback.portal.plain_page import masthead
from chargeback.portal.room_parts import Heading, Ways, address_of

TEMPLATE = "portal-room.html"
LOG_PAGE = 200


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
    dashboards = {one.id for one in view.library.scopes(view.visit.sight) if one.kind == UNIT}
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
    if any(one.kind == ALL for one in library.scopes(sight)):
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
