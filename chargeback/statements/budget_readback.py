"""Budgets read back from finished statements, and what they are to be, for the control on them.

Comes in: a folder with `<business_unit_id>/statement.{html,pdf}`, and the period's inputs. Goes out:
`budget_figures`, one row per row of a budget that is found in either medium; and, from the params and the
ledgers alone, the budgets as they are entered, month by month, and what was charged in the months of the year.

In the PDF a figure is known by the label of its column, and its row by the id below a cost center's name; the
total by its label.

Known drawback: how a budget is spread over months is taken from the one place that spreads it. The control asks
whether the months are what is entered, sum to the year, and are apart by a cent at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.ledger.budgets import month_budgets
from chargeback.statements import wording
from chargeback.statements.extract.budget import comparable, has_forecast, known_months
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.readback import (
    BUDGET,
    Figure,
    html_figures,
    known_id,
    known_ids,
    parse_figure,
    statement_file,
)
from chargeback.statements.sections.budget import ALL, LABELS, MEASURES, figure_key
from chargeback.statements.tagged_pdf import HEADING, ROW, Element, read_pdf

CENTS = pa.decimal128(38, 2)

FIGURES = pa.schema(
    [
        ("business_unit_id", pa.string()),
        ("medium", pa.string()),  # html, pdf
        ("span", pa.string()),  # month, to_date, year
        ("key", pa.string()),  # id of a cost center, "total"
        (
            "budget",
            CENTS,
        ),  # null, as the others, where the file shows no amount, or two that are not the same
        ("actual", CENTS),  # of a year the forecast
        ("difference", CENTS),
    ]
)
PLANNED = pa.schema([("cost_center_id", pa.string()), ("amount", CENTS)])
MONTHS = pa.schema(
    [
        ("business_unit_id", pa.string()),
        ("cost_center_id", pa.string()),
        ("billing_period", pa.string()),
        ("entered_amount", CENTS),  # null where the year's amount is spread
        ("amount", CENTS),
        (
            "compared_amount",
            CENTS,
        ),  # with which charges are compared; null of months without any yet
    ]
)
CHARGES = pa.schema(
    [
        ("billing_period", pa.string()),
        ("business_unit_id", pa.string()),
        ("cost_center_id", pa.string()),
        ("amount", CENTS),
    ]
)

#: Which figure a column of the PDF shows, by its label.
_COLUMNS = {
    label: (span, measure)
    for span, labels in LABELS.items()
    for label, measure in zip(labels, MEASURES, strict=True)
}


#: A figure of a budget as a file shows it: medium, section, key and amount.
Shown = tuple[str, str, str, Decimal | None]


def budget_tables(
    inputs: StatementInputs, shown: Mapping[str, Iterable[Shown]]
) -> dict[str, pa.Table]:
    """What the control on budgets reads.

    Args:
        shown: by unit, what `unit_budget_figures` reads in its files.
    """
    planned = inputs.params.budgets
    known = known_months(inputs)
    entered = {
        (one.cost_center_id, month.billing_period): month.amount
        for one in planned
        for month in one.months
    }
    months = [
        {
            "business_unit_id": one.business_unit_id,
            "cost_center_id": one.cost_center_id,
            "billing_period": one.billing_period,
            "entered_amount": entered[one.cost_center_id, one.billing_period],
            "amount": one.amount,
            "compared_amount": comparable(inputs, one) if one.billing_period in known else None,
        }
        for one in month_budgets(planned)
    ]
    years = [
        {"cost_center_id": one.cost_center_id, "amount": one.amount}
        for one in planned
        if one.amount is not None
    ]
    return {
        "planned_years": pa.Table.from_pylist(years, schema=PLANNED),
        "budget_months": pa.Table.from_pylist(months, schema=MONTHS),
        "budget_period": pa.table(
            {"billing_period": [inputs.billing_period], "has_forecast": [has_forecast(inputs)]}
        ),
        "charges_of_year": charges_of_year(inputs, known),
        "budget_figures": figures_table(shown),
    }


def charges_of_year(inputs: StatementInputs, known: list[str]) -> pa.Table:
    """What the ledgers of some periods charge to cost centers, line by line."""
    found = []
    for period in known:
        postings = inputs.postings if period == inputs.billing_period else inputs.history[period]
        rows = postings.filter(pc.is_valid(postings["cost_center_id"]))
        columns = {name: rows[name].cast(CHARGES.field(name).type) for name in CHARGES.names[1:]}
        periods = pa.array([period] * rows.num_rows, pa.string())
        found.append(pa.table({"billing_period": periods, **columns}, schema=CHARGES))
    return pa.concat_tables(found)


def budget_ids(inputs: StatementInputs) -> frozenset[str]:
    """The cost centers that a row of a budget can be about."""
    planned = {one.cost_center_id for one in inputs.params.budgets}
    return frozenset(known_ids(inputs)["cost_center"] | planned)


def unit_budget_figures(folder: Path, unit_id: str, ids: Set[str]) -> list[Shown]:
    """The figures of budgets in a unit's HTML and PDF, each once.

    Args:
        ids: of `budget_ids`.
    """
    html = statement_file(folder, unit_id, "html")
    pdf = statement_file(folder, unit_id, "pdf")
    found = [("html", *one) for one in html_figures(html) if one[0] == BUDGET]
    found += [("pdf", *one) for one in pdf_figures(pdf, ids)]
    return list(dict.fromkeys(found))


def figures_table(shown: Mapping[str, Iterable[Shown]]) -> pa.Table:
    """The figures of all units, a row for each row of a budget."""
    found: dict[tuple[str, str, str, str], dict[str, Decimal | None]] = {}
    for unit_id in sorted(shown):
        for medium, _, name, amount in shown[unit_id]:
            span, measure, key = [*name.split("/"), "", ""][:3]
            row = found.setdefault((unit_id, medium, span, key), {})
            row[measure] = amount if row.get(measure, amount) == amount else None
    rows = [
        dict(zip(FIGURES.names, (*where, *map(row.get, MEASURES)), strict=True))
        for where, row in sorted(found.items())
    ]
    return pa.Table.from_pylist(rows, schema=FIGURES)


def pdf_figures(path: Path, ids: Set[str]) -> Iterator[Figure]:
    """The figures of a PDF that stand under the heading of the budget."""
    is_here, labels = False, list[str]()
    for element in (one for page in read_pdf(path).pages for one in page.elements):
        if element.role == HEADING:
            is_here = element.content.text == wording.AGAINST_BUDGET
        elif is_here and element.role == ROW and len(element.cells) > 1:
            if element.cells[0].text == wording.COST_CENTER:
                labels = [cell.text for cell in element.cells]
            else:
                yield from _row_figures(element, labels, ids)


def _row_figures(row: Element, labels: list[str], ids: Set[str]) -> Iterator[Figure]:
    """Each figure of a row, by the label above it."""
    first = row.cells[0]
    is_total = first.is_strong and first.main == wording.TOTAL and not first.quiet
    key = ALL if is_total else known_id(first.quiet, ids)
    for label, cell in zip(labels, row.cells, strict=False):
        if label in _COLUMNS:
            span, measure = _COLUMNS[label]
            yield BUDGET, figure_key(span, measure, key), parse_figure(BUDGET, cell.text)
