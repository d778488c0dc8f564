"""The page for a council: one self-contained HTML file, and the same figures as CSV.

The page is made by the shell of all pages (`chargeback.pages.shell`), from reports/what-if.html. What always
holds: the same replays give the same bytes, and every figure is a sum of rows of the CSV.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from chargeback.core.csv_files import write_csv
from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.pages.parts import (
    GROUP,
    SUBTOTAL,
    TOTAL,
    Cell,
    Column,
    Digests,
    Masthead,
    Paragraph,
    Row,
    Table,
    amount_cell,
    signed,
)
from chargeback.pages.shell import HtmlPart, render_page
from chargeback.pages.vocabulary import share_text, short_period
from chargeback.review.what_if import sums
from chargeback.review.what_if.chart import DifferencesChart
from chargeback.review.what_if.replayed import WhatIf
from chargeback.review.what_if.sums import Sum, by_payer, by_source, by_unit, moved, summed

PAGE, FIGURES = "what-if.html", "what-if.csv"
TEMPLATE = "what-if.html"
LEAST_SHOWN = Decimal("1.00")  # of what moves within a pool, to show it unit by unit
CSV_COLUMNS = (
    "billing_period", "business_unit_id", "business_unit_name", "cost_center_id", "cost_center_name",
    "kind", "pool_id", "pool_name", "before", "after", "difference", "currency",
)  # fmt: skip


def write_page(what_if: WhatIf, folder: str) -> str:
    """Write the page and its figures into a folder; a blank folder writes nothing.

    Returns:
        What was written, for a reader.
    """
    if not folder:
        return "nothing written: the parameter folder is blank"
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    (place / PAGE).write_text(page(what_if), encoding="utf-8")
    write_figures(what_if, place / FIGURES)
    return f"{place / PAGE}, {place / FIGURES}"


def write_figures(what_if: WhatIf, path: Path) -> None:
    """One row per period, business unit, cost center, kind and pool."""
    rows = (
        (
            one.period,
            one.business_unit_id,
            sums.unit_name(what_if, one.business_unit_id),
            one.cost_center_id,
            sums.cost_center_name(what_if, one.cost_center_id),
            one.kind,
            one.pool_id,
            sums.source_name(what_if, by_source(one)) if one.pool_id else "",
            one.before,
            one.after,
            one.difference,
            what_if.currency,
        )
        for one in what_if.differences
    )
    write_csv(path, CSV_COLUMNS, rows)


def page(what_if: WhatIf) -> str:
    """The page as HTML."""
    return render_page(
        TEMPLATE,
        title=f"What if: {what_if.periods[0].proposed.folder.name}, {sums.span(what_if)}",
        head=head(what_if),
        changes=sums.changes_by_period(what_if),
        begins_later=later_words(what_if),
        units=units(what_if),
        cost_centers=cost_centers(what_if),
        sources=sources(what_if),
        sources_by_unit=sources_by_unit(what_if),
        proof=proof(what_if),
    )


def head(what_if: WhatIf) -> Masthead:
    """What is asked, for when, and how much would move."""
    payers = summed(what_if.differences, by_payer)
    whole = sums.sum_of((), what_if.differences)
    more = len([one for one in payers if one.difference > 0])
    less = len([one for one in payers if one.difference < 0])
    words = "Nobody would have paid anything else."
    if more or less:
        between = moved(summed(what_if.differences, by_unit))
        words = (
            f"{share_text(moved(payers), whole.before)} of {shown(whole.before)} charged; between business "
            f"units {shown(between)}. {more} of {len(payers)} cost centers would have paid more, {less} less."
        )
    return Masthead(
        title="What if",
        unit=f"Other rules for {sums.span(what_if)}",
        unit_id="",
        period="",
        facts=[
            ("Rules proposed in", what_if.periods[0].proposed.folder.name),
            ("Compared with", "the closed ledger"),
            ("Status", "Replayed; nothing was posted"),
        ],
        total=Cell(shown(moved(payers)), figure=("moved", "moved")),
        total_label="Would move between cost centers",
        currency=what_if.currency,
        change=words,
    )


def later_words(what_if: WhatIf) -> str:
    """What a reader must know when a proposed rule begins too late to be seen here; else nothing."""
    if not what_if.later_pools:
        return ""
    named = ", ".join(f"{one.name} (from {one.valid_from})" for one in what_if.later_pools)
    return (
        f"Left out, because it begins after these periods: {named}. To see what such a rule would have done, "
        f"date it back to {what_if.periods[0].period} in the proposed folder."
    )


def units(what_if: WhatIf) -> list[HtmlPart]:
    """Who would have paid more and who less, over all periods and month by month."""
    found = summed(what_if.differences, by_unit)
    rows: list[Row] = []
    for words, chosen in (
        ("Would have paid more", [one for one in found if one.difference > 0]),
        ("Would have paid less", [one for one in found if one.difference < 0][::-1]),
        ("Would have paid the same", [one for one in found if not one.difference]),
    ):
        rows += [Row([Cell(words)], GROUP)] if chosen else []
        rows += [
            compared_row(Cell(sums.unit_name(what_if, one.key[0]), sub=one.key[0]), one, "unit")
            for one in chosen
        ]
    rows.append(total_row(what_if))
    parts: list[HtmlPart] = [Table(compared_columns("Business unit"), rows)]
    differing = [one for one in found if one.difference]
    if differing:
        named = [(sums.unit_name(what_if, one.key[0]), one.difference) for one in differing]
        caption = f"What each would have paid more (to the right) or less, {what_if.currency}"
        parts.insert(0, DifferencesChart(named, caption))
    if differing and len(what_if.periods) > 1:
        parts.append(months(what_if, found))
    return parts


def months(what_if: WhatIf, found: Sequence[Sum]) -> Table:
    """The difference of each unit in each period."""
    periods = [one.period for one in what_if.periods]
    by_month = {
        one.key: one.difference for one in summed(what_if.differences, sums.by_unit_and_period)
    }
    rows = [
        Row(
            [
                Cell(sums.unit_name(what_if, one.key[0]), sub=one.key[0]),
                *(
                    Cell(
                        signed(by_month.get((one.key[0], period), sums.ZERO)),
                        figure=("unit-month", f"{one.key[0]} {period}"),
                    )
                    for period in periods
                ),
            ]
        )
        for one in found
    ]
    totals = [
        sum((amount for key, amount in by_month.items() if key[1] == period), sums.ZERO)
        for period in periods
    ]
    rows.append(Row([Cell("Total"), *(Cell(signed(one)) for one in totals)], TOTAL))
    columns = [Column("", 1), *(Column(short_period(period)) for period in periods)]
    return Table(columns, rows, caption="The difference, month by month")


def cost_centers(what_if: WhatIf) -> list[HtmlPart]:
    """Every cost center under its business unit."""
    payers = summed(what_if.differences, by_payer)
    rows: list[Row] = []
    for unit in summed(what_if.differences, by_unit):
        rows.append(Row([Cell(sums.unit_name(what_if, unit.key[0]))], GROUP))
        rows += [
            compared_row(
                Cell(sums.cost_center_name(what_if, one.key[1]), sub=one.key[1]), one, "cost-center"
            )
            for one in payers
            if one.key[0] == unit.key[0]
        ]
        rows.append(compared_row(Cell(""), unit, "", SUBTOTAL))
    return [Table(compared_columns("Cost center"), [*rows, total_row(what_if)])]


def sources(what_if: WhatIf) -> list[HtmlPart]:
    """Direct cost, every pool with its keys, and the rest."""
    found = sums.in_order_of_sources(what_if, summed(what_if.differences, by_source))
    rows = [
        source_row(
            Cell(
                sums.source_name(what_if, one.key),
                sub=sums.keys_used(what_if, one.key[1]) if one.key[1] else "",
            ),
            one,
        )
        for one in found
    ]
    whole = sums.sum_of((), what_if.differences)
    gross = (sum((getattr(one, name) for one in found), sums.ZERO) for name in ("more", "less"))
    amounts = [
        amount_cell(whole.before),
        amount_cell(whole.after),
        *(Cell(signed(one)) for one in gross),
    ]
    rows.append(Row([Cell("Total"), *amounts, Cell(signed(whole.difference))], TOTAL))
    columns = [
        Column("", 1), Column("Before", optional=True), Column("After", optional=True),
        Column("Some pay more"), Column("Some pay less"), Column("Difference", optional=True),
    ]  # fmt: skip
    note = (
        "What reached cost centers from each. Where a key changes and a pool does not, what some pay more "
        "others pay less, and the difference is 0.00. What somebody pays more of one pool may be paid less of "
        "another, so that these columns sum to more than moves in all."
    )
    return [Table(columns, rows), Paragraph(note, "note")]


def source_row(label: Cell, one: Sum) -> Row:
    """A source of cost, what it gives before and after, and how much of that moves."""
    return Row(
        [
            label,
            amount_cell(one.before),
            amount_cell(one.after),
            Cell(signed(one.more), muted=not one.more),
            Cell(signed(one.less), muted=not one.less),
            Cell(
                signed(one.difference),
                figure=("source", " ".join(one.key).strip()),
                muted=not one.difference,
            ),
        ]
    )


def sources_by_unit(what_if: WhatIf) -> list[HtmlPart]:
    """Who would have paid more and less of every source of cost in which more than cents move."""
    found = sums.in_order_of_sources(what_if, summed(what_if.differences, by_source))
    rows: list[Row] = []
    moving = [one for one in found if max(one.more, -one.less) >= LEAST_SHOWN]
    for source in moving:
        own = [one for one in what_if.differences if by_source(one) == source.key]
        rows.append(Row([Cell(sums.source_name(what_if, source.key))], GROUP))
        rows += [
            compared_row(Cell(sums.unit_name(what_if, one.key[0])), one, "")
            for one in summed(own, by_unit)
            if one.more or one.less
        ]
        rows.append(compared_row(Cell("Whole"), source, "", SUBTOTAL))
    if not rows:
        return []
    note = f"Sources in which less than {LEAST_SHOWN} moves are left out here; the table above has them."
    parts: list[HtmlPart] = [Table(compared_columns("Business unit"), rows)]
    return [*parts, Paragraph(note, "note")] if len(moving) < len(found) else parts


def proof(what_if: WhatIf) -> list[HtmlPart]:
    """Why these figures may be believed."""
    whole = sums.sum_of((), what_if.differences)
    periods = ", ".join(period_title(one.period) for one in what_if.periods)
    steps = (
        f"The sum of all differences is {signed(whole.difference)}: the invoices are the same, only who pays "
        "them is not.",
        "First the rules that each period was closed with were replayed. They gave the amounts of the ledger "
        f"to the cent, for {periods}. So a difference here is one of rules, and of nothing else.",
        "The proposed rules passed the controls that a close must pass. Invoices, adjustments and "
        "corrections are as they were closed; usage is what it was, "
        "although under other rules people might have used something else.",
    )
    digests = [
        ("Proposed params", what_if.params_digest),
        *((f"Manifest of {one.period}", one.manifest_sha256) for one in what_if.periods),
    ]
    return [*(Paragraph(one) for one in steps), Digests([one for one in digests if one[1]])]


def compared_columns(label: str) -> list[Column]:
    """Columns of a table of compared amounts."""
    return [
        Column(label, 1), Column("Before", optional=True), Column("After"), Column("Difference"),
        Column("In percent", optional=True),
    ]  # fmt: skip


def compared_row(label: Cell, one: Sum, section: str, role: str = "body") -> Row:
    """Before, after, difference, and that in percent of before."""
    key = " ".join(one.key)

    def figure(name: str) -> tuple[str, str] | None:
        return (f"{section}-{name}", key) if section else None

    return Row(
        [
            label,
            amount_cell(one.before, figure=figure("before")),
            amount_cell(one.after, figure=figure("after")),
            Cell(signed(one.difference), figure=figure("difference"), muted=not one.difference),
            Cell(percent(one), muted=True),
        ],
        role,
    )


def percent(one: Sum) -> str:
    """The difference in percent of what was charged, with its sign."""
    if not one.before:
        return "–"
    return f"{signed(one.difference * 100 / abs(one.before), 1)}%"


def total_row(what_if: WhatIf) -> Row:
    """All of it."""
    return compared_row(Cell("Total"), sums.sum_of((), what_if.differences), "total", TOTAL)
