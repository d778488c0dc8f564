"""The page of a year, or of several: one self-contained HTML file for whoever answers for all of it.

The page is made by the shell of all pages (`chargeback.pages.shell`), from reports/year.html. What always
holds: the same books give the same bytes; every figure is a sum of rows of the CSV files, and says which one
it is (`data-section`, `data-key`). A month that is not closed has no figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.core.period import month_after, period_title
from chargeback.pages.parts import (
    BODY,
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
from chargeback.pages.shell import HtmlPart, TemplatePart, render_page
from chargeback.pages.vocabulary import joined, share_text, short_period
from chargeback.params.budgets import months_of
from chargeback.review.year.chart import OPEN, Month, year_chart
from chargeback.review.year.gather import ZERO, Charge, Gathered
from chargeback.review.year.loss_ratio import loss_ratio_parts
from chargeback.review.year.services import service_rows
from chargeback.review.year.stacked import StackedTable
from chargeback.review.year.views import (
    Budgeted,
    Tied,
    View,
    budgeted,
    summed,
    tied_invoices,
    total,
    view_of,
)

PAGE = TEMPLATE = "year.html"
ASIDE = "aside"  # the role of a row below a total that says what is in it
HALF = 6  # months in a table

Amounts = Mapping[str, Decimal]


@dataclass(frozen=True)
class YearPart(TemplatePart):
    """All that is said of one year.

    Args:
        heading: where the page has several.
    """

    macro = "year_part"
    heading: str
    months: Sequence[HtmlPart]
    charged: Sequence[HtmlPart]
    corrected: Sequence[HtmlPart]
    corrections: Sequence[HtmlPart]
    budgets: Sequence[HtmlPart]
    loss_ratio: Sequence[HtmlPart]
    services: Sequence[HtmlPart]


def page(gathered: Gathered) -> str:
    """The page as HTML."""
    views = [view_of(gathered, one) for one in gathered.years]
    tied = tied_invoices(gathered, gathered.charges)
    return render_page(
        TEMPLATE,
        title=f"Charges of {years_title(gathered.years)}",
        head=head(gathered, views, tied),
        tied_out=[*(bridge(one) for one in views), *invoices(gathered, tied)],
        overview=overview(views) if len(views) > 1 else [],
        years=[year_part(one, len(views) > 1) for one in views],
        method=method(gathered),
    )


def years_title(years: Sequence[str]) -> str:
    """The years, for a reader."""
    return years[0] if len(years) == 1 else f"{years[0]} to {years[-1]}"


def span(periods: Sequence[str]) -> str:
    """Periods for a reader, those that follow one another as one span.

    >>> span(["2025-12", "2026-02", "2026-03"])
    'December 2025 and February to March 2026'
    """
    runs: list[list[str]] = []
    for one in periods:
        if runs and month_after(runs[-1][-1]) == one:
            runs[-1].append(one)
        else:
            runs.append([one])
    return joined([span_of(run[0], run[-1]) for run in runs])


def span_of(first: str, last: str) -> str:
    """All periods from one to another, for a reader."""
    if first == last:
        return period_title(first)
    begins = period_title(first)
    return f"{begins[:-5] if first[:4] == last[:4] else begins} to {period_title(last)}"


def head(gathered: Gathered, views: Sequence[View], tied: Sequence[Tied]) -> Masthead:
    """Which years, how much was charged, and that it ties out."""
    charged = sum((total(one.charged) for one in views), ZERO)
    opened = [period for one in gathered.years for period in gathered.open_in(one)]
    difference = sum((one.difference for one in tied), ZERO)
    corrections = {one for view in views for one in view.corrections}
    facts = [
        ("Closed", f"{len(gathered.closed)} of {12 * len(views)} months: {span(gathered.closed)}"),
        ("Open, without figures", span(opened) or "none"),
        ("Invoices", f"{len(tied)}, difference {shown(difference)}"),
        ("Corrections", corrections_said(corrections)),
    ]
    about = sum((total(one.about) for one in views), ZERO)
    words = (
        f"With each correction in the month that it is about, it is {shown(about)}, which is what "
        f"{invoices_said(len(tied))} of these months {'comes' if len(tied) == 1 else 'come'} to, each to the "
        f"cent: difference {shown(difference)}."
    )
    return Masthead(
        title="Years" if len(views) > 1 else "Year",
        unit=f"Charges of {years_title(gathered.years)}", unit_id="", period="", facts=facts,
        total=Cell(shown(charged), figure=("charged", "all")),
        total_label=f"Charged in the closed months of {years_title(gathered.years)}",
        currency=gathered.currency, change=words,
    )  # fmt: skip


def invoices_said(count: int) -> str:
    """How many invoices there are, and that it is all of them."""
    return "the one invoice" if count == 1 else f"all {count} invoices"


def corrections_said(corrections: Iterable[Charge]) -> str:
    """How many months were corrected, and by how much in all."""
    rows = list(corrections)
    months = {one.original_period for one in rows}
    if not months:
        return "none"
    return f"{signed(total(rows))} of {len(months)} month{'s' if len(months) > 1 else ''}"


def bridge(view: View) -> Table:
    """How the two views of a year tie to each other and to its invoices."""
    year = view.year
    rows = [figure_row(f"Charged in the months of {year}", total(view.charged), "charged", year)]
    for other, amount in view.about_others.items():
        said = f"less corrections of months of {other}, charged in {year}"
        rows.append(Row([Cell(said), change(-amount, ("about-others", f"{year} {other}"))]))
    for other, amount in view.charged_elsewhere.items():
        said = f"and corrections of months of {year}, charged in {other}"
        rows.append(Row([Cell(said), change(amount, ("charged-elsewhere", f"{year} {other}"))]))
    about = total(view.about)
    rows += [
        figure_row(f"Charged about the months of {year}", about, "about", year, SUBTOTAL),
        figure_row(f"Invoices of the months of {year}", view.invoiced, "invoiced", year),
        figure_row("Difference", view.invoiced - about, "difference", year, TOTAL),
    ]
    return Table([Column(year, 1), Column(view.gathered.currency)], rows)


def figure_row(label: str, amount: Decimal, section: str, key: str, role: str = BODY) -> Row:
    """A row of one amount."""
    return Row([Cell(label), amount_cell(amount, figure=(section, key))], role)


def invoices(gathered: Gathered, tied: Sequence[Tied]) -> list[HtmlPart]:
    """Every invoice, month by month, beside what is charged for it."""
    rows: list[Row] = []
    for period in gathered.closed:
        own = [one for one in tied if one.invoiced.billing_period == period]
        rows += [invoice_row(one) for one in own]
        rows.append(sums_row(period_title(period), own, f"month {period}", SUBTOTAL))
    rows.append(sums_row("All invoices", tied, "all", TOTAL))
    labels = (
        "Invoice", "Invoiced", "Charged at the close", "Corrected since", "Charged", "Difference",
        "Rounding in it",
    )  # fmt: skip
    note = (
        "What is invoiced is an invoice's total as it was entered last. Rounding is the cents by which "
        "an invoice differs from the sum of its line items; it is charged, as a line of its own."
    )
    parts: list[HtmlPart] = [StackedTable(labels, rows), Paragraph(note, "note")]
    if gathered.left_open:
        left = joined(
            [
                f"{one.invoice_id} of {period_title(one.billing_period)} "
                f"(left to {period_title(one.deferred_to)})"
                for one in gathered.left_open
            ]
        )
        parts.append(Paragraph(f"Not charged yet, and in no figure here: {left}.", "warning"))
    return parts


def invoice_row(one: Tied) -> Row:
    """An invoice."""
    key = f"{one.invoiced.billing_period} {one.invoiced.invoice_id}"
    label = Cell(
        one.invoiced.invoice_id or "no invoice",
        sub=f"{short_period(one.invoiced.billing_period)}, {one.invoiced.issuer}",
    )
    return Row([label, *tied_cells([one], key)])


def sums_row(label: str, tied: Sequence[Tied], key: str, role: str) -> Row:
    """What several invoices come to."""
    return Row([Cell(label), *tied_cells(tied, key)], role)


def tied_cells(tied: Sequence[Tied], key: str) -> list[Cell]:
    """What is invoiced, charged, and the difference."""
    amounts = {
        "invoiced": sum((one.invoiced.total for one in tied), ZERO),
        "at-close": sum((one.at_close for one in tied), ZERO),
        "corrected": sum((one.corrected for one in tied), ZERO),
        "charged": sum((one.charged for one in tied), ZERO),
        "difference": sum((one.difference for one in tied), ZERO),
        "rounding": sum((one.invoiced.rounding for one in tied), ZERO),
    }
    return [
        amount_cell(amount, figure=(f"invoice-{name}", key), muted=not amount)
        for name, amount in amounts.items()
    ]


def overview(views: Sequence[View]) -> list[HtmlPart]:
    """A row for each of several years, and all of them."""
    rows = [
        Row(
            [
                Cell(one.year, sub=f"{len(one.closed)} of 12 months closed"),
                amount_cell(total(one.charged)),
                amount_cell(total(one.about)),
                amount_cell(one.invoiced),
                amount_cell(one.invoiced - total(one.about)),
            ]
        )
        for one in views
    ]
    sums = [
        sum((total(one.charged) for one in views), ZERO),
        sum((total(one.about) for one in views), ZERO),
        sum((one.invoiced for one in views), ZERO),
    ]
    rows.append(Row([Cell("All years"), *map(amount_cell, [*sums, sums[2] - sums[1]])], TOTAL))
    labels = ("Year", "As charged", "As corrected", "Invoiced", "Difference")
    return [StackedTable(labels, rows)]


def year_part(view: View, is_one_of_several: bool) -> YearPart:
    """All that is said of a year."""
    return YearPart(
        heading=view.year if is_one_of_several else "",
        months=[chart_of(view)],
        charged=as_charged(view),
        corrected=as_corrected(view),
        corrections=corrections(view),
        budgets=budgets(view),
        loss_ratio=loss_ratio_parts(view),
        services=services(view),
    )


def chart_of(view: View) -> HtmlPart:
    """Twelve months, in both views."""
    charged, about = by_month(view.charged), by_month(view.about, is_about=True)
    closed = set(view.closed)
    return year_chart(
        [
            Month(
                one,
                charged.get(one, ZERO) if one in closed else None,
                about.get(one, ZERO) if one in closed else None,
            )
            for one in months_of(view.year)
        ],
        view.gathered.currency,
    )


def by_month(charges: Iterable[Charge], is_about: bool = False) -> dict[str, Decimal]:
    """What is charged in each month, or about it."""
    if is_about:
        return summed(charges, lambda one: one.about_period)
    return summed(charges, lambda one: one.billing_period)


def as_charged(view: View) -> list[HtmlPart]:
    """Units by the months that charged them, corrections in them."""
    others = [one for one in view.charged if one.about_period[:4] != view.year]
    within = [
        one
        for one in view.charged
        if one.original_period and one.about_period[:4] == view.year
    ]  # fmt: skip
    asides = [
        (f"in it, corrections of {view.year}", "within", within),
        ("in it, corrections of other years", "others", others),
    ]
    words = "What each month charged, with the corrections of earlier months that it posted."
    return [Paragraph(words), *unit_tables(view, view.charged, "as-charged", asides, False)]


def as_corrected(view: View) -> list[HtmlPart]:
    """Units by the months that charges are about, whenever they were charged."""
    elsewhere = [one for one in view.about if one.billing_period[:4] != view.year]
    within = [
        one
        for one in view.about
        if one.original_period and one.billing_period[:4] == view.year
    ]  # fmt: skip
    asides = [
        (f"in it, corrections charged in {view.year}", "within", within),
        ("in it, corrections charged in other years", "others", elsewhere),
    ]
    words = (
        "What is charged about each month, each correction in the month that it corrects. "
        "Each month comes to its invoices."
    )
    return [Paragraph(words), *unit_tables(view, view.about, "as-corrected", asides, True)]


def unit_tables(
    view: View,
    charges: Sequence[Charge],
    section: str,
    asides: Sequence[tuple[str, str, Sequence[Charge]]],
    is_about: bool,
) -> list[HtmlPart]:
    """Units by month, half a year at a time; a half without a closed month is left out.

    Args:
        section: of the figures; those of rows below the total are of it and their name.
        asides: label, name and charges of rows below the total; left out without charges.
    """
    everything = months_of(view.year)
    halves = [
        half
        for half in (everything[:HALF], everything[HALF:])
        if any(one in view.closed for one in half)
    ]
    units = {unit: [one for one in charges if one.business_unit_id == unit] for unit in view.units}
    tables: list[HtmlPart] = []
    for half in halves:
        is_last = half is halves[-1]

        def row(
            label: Cell,
            own: Sequence[Charge],
            role: str,
            part: str,
            key: str,
            half: Sequence[str] = half,
            is_last: bool = is_last,
        ) -> Row:
            amounts = by_month(own, is_about)
            cells = [month_cell(view, amounts, one, (part, f"{key} {one}")) for one in half]
            if is_last:
                cells.append(amount_cell(total(own), figure=(part, f"{key} {view.year}")))
            return Row([label, *cells], role)

        rows = [
            row(unit_cell(view, unit), own, BODY, section, unit)
            for unit, own in units.items()
            if own
        ]
        rows.append(row(Cell("All"), charges, TOTAL, f"{section}-total", "all"))
        rows += [
            row(Cell(label), own, ASIDE, f"{section}-{name}", "all")
            for label, name, own in asides
            if own
        ]
        labels = ["Business unit", *(short_period(one) for one in half)]
        tables.append(StackedTable([*labels, view.year] if is_last else labels, rows))
    return tables


def month_cell(view: View, amounts: Amounts, period: str, figure: tuple[str, str]) -> Cell:
    """An amount of a month; one that is open has none."""
    if period not in view.closed:
        return Cell(OPEN, muted=True)
    amount = amounts.get(period, ZERO)
    return amount_cell(amount, figure=figure, muted=not amount)


def unit_cell(view: View, unit_id: str) -> Cell:
    """A business unit by its name, with its id."""
    name = view.gathered.names.units.get(unit_id, "")
    return Cell(name, sub=unit_id) if name else Cell(unit_id)


def corrections(view: View) -> list[HtmlPart]:
    """Each correction in the month that charged it, beside the month that it is about, unit by unit."""
    found = view.corrections
    if not found:
        words = f"No month of {view.year} corrects an earlier one, and none was corrected."
        return [Paragraph(words)]
    rows: list[Row] = []
    pairs = sorted({(one.billing_period, one.original_period) for one in found})
    for charged_in, about in pairs:
        own = [
            one for one in found if (one.billing_period, one.original_period) == (charged_in, about)
        ]
        rows.append(
            Row(
                [Cell(f"About {period_title(about)}, charged in {period_title(charged_in)}")], GROUP
            )
        )
        by_unit = summed(own, lambda one: one.business_unit_id)
        key = f"{view.year} {charged_in} {about}"
        rows += [
            Row([unit_cell(view, unit), change(by_unit[unit], ("correction", f"{key} {unit}"))])
            for unit in view.units
            if by_unit.get(unit)
        ]
        rows.append(Row([Cell("All"), change(total(own), ("correction-total", key))], SUBTOTAL))
    whole = change(total(found), ("correction-total", view.year))
    rows.append(Row([Cell("All corrections"), whole], TOTAL))
    return [Table([Column("Business unit", 1), Column(view.gathered.currency)], rows)]


def change(amount: Decimal, figure: tuple[str, str]) -> Cell:
    """What is charged more or less."""
    return Cell(signed(amount), figure=figure)


def budgets(view: View) -> list[HtmlPart]:
    """Units beside what was planned for them."""
    found = budgeted(view)
    if not found:
        return [Paragraph(f"No budget was entered for {view.year}.")]
    rows = [
        budget_row(
            unit_cell(view, one.business_unit_id), one, f"{view.year} {one.business_unit_id}"
        )
        for one in found
    ]
    whole = Budgeted(
        "all",
        sum((one.whole for one in found), ZERO),
        sum((one.to_date for one in found), ZERO),
        sum((one.charged for one in found), ZERO),
    )
    rows.append(budget_row(Cell("All with a budget"), whole, f"{view.year} all", TOTAL))
    charged, count = total(view.charged), len(view.closed)
    rest = charged - whole.charged
    if rest:
        cells = [Cell(""), amount_cell(rest, figure=("budget-none", view.year)), *[Cell("")] * 3]
        rows.append(Row([Cell("charged where there is no budget"), *cells], ASIDE))
    months = f"{count} closed month{'s' if count > 1 else ''}"
    labels = (
        "Business unit", f"Budget of {view.year}", f"Charged in {months}", f"Left of {view.year}",
        f"Budget of {months}", "Difference",
    )  # fmt: skip
    note = (
        f"Budgets as {period_title(view.closed[-1])} was closed with them, in cost centers that have one. "
        "A minus says that more was charged than was planned."
    )
    return [StackedTable(labels, rows), Paragraph(note, "note")]


def budget_row(label: Cell, one: Budgeted, key: str, role: str = BODY) -> Row:
    """A unit beside its budget."""
    return Row(
        [
            label,
            amount_cell(one.whole, figure=("budget-year", key)),
            amount_cell(one.charged, figure=("budget-charged", key)),
            amount_cell(one.left, figure=("budget-left", key)),
            amount_cell(one.to_date, figure=("budget-to-date", key)),
            amount_cell(one.difference, figure=("budget-difference", key)),
        ],
        role,
    )


def services(view: View) -> list[HtmlPart]:
    """What each unit was charged for: services, pools, and what is neither."""
    rows = group_rows(view, Cell("All business units"), view.charged, "all")
    for unit in view.units:
        own = [one for one in view.charged if one.business_unit_id == unit]
        if own:
            rows += group_rows(view, unit_cell(view, unit), own, unit)
    words = (
        f"What the closed months of {view.year} charged: direct cost by service, shared cost by pool, "
        "and the rest by kind."
    )
    columns = [Column("", 1), Column(view.gathered.currency), Column("Share", optional=True)]
    return [Paragraph(words), Table(columns, rows)]


def group_rows(view: View, label: Cell, charges: Sequence[Charge], key: str) -> list[Row]:
    """A unit, or all of them, in the parts of its charges."""
    whole = total(charges)

    def row(label: str, amount: Decimal, part: str, role: str = BODY) -> Row:
        cells = [
            amount_cell(amount, figure=("service", f"{view.year} {key} {part}")),
            Cell(share_text(amount, whole, 1), muted=True),
        ]
        return Row([Cell(label), *cells], role)

    found = [
        row(said, amount, part) for said, part, amount in service_rows(charges, view.gathered.names)
    ]
    return [Row([label], GROUP), *found, row("Together", whole, "together", SUBTOTAL)]


def method(gathered: Gathered) -> list[HtmlPart]:
    """How the page was made, of what, and what was checked."""
    steps: Sequence[str] = (
        "Only closed months are read, each file as its signed manifest has it. A month that is not closed is "
        "said to be open; nothing is estimated.",
        "Before this page was published, year.csv was read back and compared to the cent: each month with what "
        "its ledger charged, each invoice with its total, each correction with what the close that posted it "
        "kept, and each year with its invoices.",
        "Business units and cost centers are named as in the last closed month shown here that has them. A "
        "charge, and so a correction, stands with the unit that owned its cost center in the month that "
        "charged it. All rows are in year.csv, the invoices in invoices.csv.",
    )
    rows = [
        (f"Manifest of {period_title(period)}", sha256)
        for period, sha256 in sorted(gathered.manifests.items())
    ]
    return [*(Paragraph(one) for one in steps), Digests(rows)]
