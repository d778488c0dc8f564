"""The year's charges by type of expense, for the medical loss ratio, which is a ratio of a year.

Comes in: a year, with the rows of what its closes have kept of their split. Goes out: tables: month by month as
charged, what of that is about other years, and the months of the year as corrected; and by unit.

What always holds: each figure is a sum of rows of the file, and what is split of a month is all that it
charged. A month that was closed before anything was declared has a row without parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from chargeback.core.period import period_title
from chargeback.ledger.medical_loss_ratio import SplitRow
from chargeback.pages.parts import (
    BODY,
    SUBTOTAL,
    TOTAL,
    Cell,
    Paragraph,
    Row,
    amount_cell,
)
from chargeback.pages.shell import HtmlPart
from chargeback.pages.vocabulary import joined, share_text
from chargeback.review.year.loss_ratio_rows import rows_of
from chargeback.review.year.stacked import StackedTable
from chargeback.review.year.views import View

ZERO = Decimal("0.00")

LABELS = {
    "claims": "Claims",
    "quality_improvement": "Quality improvement",
    "administration": "Administration",
}


def loss_ratio_parts(view: View) -> list[HtmlPart]:
    """The year by type of expense; nothing where no month of it was split."""
    splits = view.gathered.splits
    rows = rows_of(splits)
    charged = [one for one in rows if one.billing_period[:4] == view.year]
    if not charged:
        return []
    undeclared = sorted(
        {one.billing_period for one in (*view.charged, *view.about)} - splits.keys()
    )
    words = (
        "What is charged, as each close split it by what was declared: claims, activities that improve the "
        "quality of care, and administration, as 45 CFR Part 158 tells them apart. It is cloud cost alone."
    )
    parts: list[HtmlPart] = [
        Paragraph(words),
        StackedTable(
            labels("Month", view), [*month_rows(view, charged), *about_rows(view, rows, charged)]
        ),
        StackedTable(labels("Business unit", view), list(unit_rows(view, charged))),
    ]
    if undeclared:
        months = joined([period_title(one) for one in undeclared])
        parts.append(
            Paragraph(f"Closed without a declaration, and in no sum: {months}.", "warning")
        )
    return parts


def labels(first: str, view: View) -> list[str]:
    """The labels of the columns of both tables."""
    return [first, *LABELS.values(), view.gathered.currency]


def month_rows(view: View, charged: Sequence[SplitRow]) -> Iterator[Row]:
    """The closed months, what they come to, and that in percent."""
    for period in view.closed:
        own = [one for one in charged if one.billing_period == period]
        if period in view.gathered.splits:
            yield row_of(Cell(period_title(period)), own, ("split", period))
        else:
            yield Row(
                [
                    Cell(period_title(period)),
                    *[Cell("not declared", muted=True)] * len(LABELS),
                    Cell(""),
                ]
            )
    yield row_of(
        Cell(f"Charged in the months of {view.year}"),
        charged,
        ("split", f"{view.year} charged"),
        TOTAL,
    )
    yield share_row(charged)


def about_rows(view: View, rows: Sequence[SplitRow], charged: Sequence[SplitRow]) -> Iterator[Row]:
    """From what the months charged to what is charged about them; nothing where that is the same."""
    others = [one for one in charged if one.about_period[:4] != view.year]
    elsewhere = [
        one
        for one in rows
        if one.about_period[:4] == view.year and one.billing_period[:4] != view.year
    ]
    if not others and not elsewhere:
        return
    if others:
        said = Cell("less corrections of months of other years")
        yield row_of(said, others, ("split", f"{view.year} others"), sign=-1)
    if elsewhere:
        said = Cell("and corrections charged in other years")
        yield row_of(said, elsewhere, ("split", f"{view.year} elsewhere"))
    about = [one for one in rows if one.about_period[:4] == view.year]
    label = Cell(f"Charged about the months of {view.year}")
    yield row_of(label, about, ("split", f"{view.year} about"), SUBTOTAL)
    yield share_row(about)


def unit_rows(view: View, charged: Sequence[SplitRow]) -> Iterator[Row]:
    """The business units, as charged, and what they come to."""
    for unit in view.units:
        own = [one for one in charged if one.business_unit_id == unit]
        if own:
            name = view.gathered.names.units.get(unit, "")
            label = Cell(name, sub=unit) if name else Cell(unit)
            yield row_of(label, own, ("split", f"{view.year} {unit}"))
    yield row_of(Cell("All"), charged, ("split", f"{view.year} all"), TOTAL)


def row_of(
    label: Cell, rows: Sequence[SplitRow], figure: tuple[str, str], role: str = BODY, sign: int = 1
) -> Row:
    """What rows come to, by type of expense and in all; each cell says which figure it is."""
    section, key = figure
    parts = {name: sign * amount for name, amount in parts_of(rows).items()}
    cells = [
        amount_cell(amount, figure=(f"{section}-{name}", key), muted=not amount)
        for name, amount in parts.items()
    ]
    whole = sum(parts.values(), ZERO)
    return Row([label, *cells, amount_cell(whole, figure=(section, key))], role)


def share_row(rows: Sequence[SplitRow]) -> Row:
    """The types of expense in percent of all."""
    parts = parts_of(rows)
    whole = sum(parts.values(), ZERO)
    shares = [Cell(share_text(part, whole), muted=True) for part in parts.values()]
    return Row([Cell("of it", muted=True), *shares, Cell("")])


def parts_of(rows: Iterable[SplitRow]) -> dict[str, Decimal]:
    """What rows come to, by type of expense."""
    found = dict.fromkeys(LABELS, ZERO)
    for one in rows:
        found[one.category] += one.amount
    return found
