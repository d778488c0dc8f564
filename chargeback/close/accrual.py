"""Accrual: what a draft is estimated to come to, for whoever accrues the month before it is invoiced.

In: the `Outlook` of a draft. Out: `accrual.csv` in the draft's folder, a row for each cost center in the order
of the ids, and the lines that the terminal shows for each business unit. What always holds: charged_to_date,
estimated and accrual sum, over all rows, to those of the whole; low and high do not (`ledger.outlook`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from chargeback.core.csv_files import write_csv
from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.core.text import plain
from chargeback.ledger.outlook import METHOD, Figures, Outlook
from chargeback.params import Params
from chargeback.statements.sections.cells import percent
from chargeback.statements.sections.outlook import compared, days_title, method

ACCRUAL = "accrual.csv"

LINE_WIDTH = 100

#: The columns of accrual.csv; amounts are cents with a point, blank where there is none.
COLUMNS = (
    "billing_period", "business_unit_id", "business_unit", "cost_center_id", "cost_center", "currency",
    "data_through", "charged_to_date", "of_days_to_come", "estimated", "accrual", "low", "high",
    "same_days_before", "method",
)  # fmt: skip


def write_accrual(path: Path, outlook: Outlook, params: Params) -> None:
    """Write a row for each cost center."""
    write_csv(path, COLUMNS, accrual_rows(outlook, params))


def accrual_rows(outlook: Outlook, params: Params) -> Iterator[tuple[object, ...]]:
    """The rows of accrual.csv."""
    for one in outlook.centers:
        unit = params.business_units.get(one.business_unit_id)
        center = params.cost_centers.get(one.cost_center_id)
        figures = one.figures
        yield (
            params.period, one.business_unit_id, unit.name if unit else "", one.cost_center_id,
            center.name if center else "", params.policy.currency, outlook.days.through,
            figures.to_date, figures.ahead, figures.estimate, figures.accrual, figures.low, figures.high,
            figures.before, METHOD,
        )  # fmt: skip


def outlook_lines(outlook: Outlook | None, params: Params) -> Iterator[str]:
    """What the terminal says: how far the data reaches, a line for each unit, and how it is estimated."""
    if outlook is None:
        yield "The report does not tell days: nothing is compared or estimated"
        return
    days = outlook.days
    yield f"Data through {days.through}: {days.passed} of {days.in_month} days"
    yield ""
    before = days_title(days.before_period, days.before_days) if days.before_days else ""
    heads = ["to date", *([before, "change"] if before else []), "estimate", "range"]
    names = {one: unit.name for one, unit in params.business_units.items()}
    listed = sorted(outlook.units, key=lambda one: (-one.figures.to_date, one.business_unit_id))
    rows = [(names.get(one.business_unit_id, one.business_unit_id), one.figures) for one in listed]
    table = [("", heads)]
    table += [
        (plain(name), cells(figures)) for name, figures in [*rows, ("together", outlook.total)]
    ]
    width = max(len(name) for name, _ in table)
    widths = [max(len(line[at]) for _, line in table) for at in range(len(heads))]
    for name, line in table:
        columns = [text.rjust(size) for text, size in zip(line, widths, strict=True)]
        yield f"{name.ljust(width)}  {'  '.join(columns)}".rstrip()
    yield ""
    if not before:
        said = compared(days, outlook.total) + (f" ({outlook.said})" if outlook.said else "")
        yield from wrap(said, LINE_WIDTH)
    if outlook.total.ahead:
        yield (
            f"{shown(outlook.total.ahead)} {params.policy.currency} of what is charged to date is reservations "
            "for the days to come"
        )
    yield f"Estimate of {period_title(params.period)}, in {params.policy.currency}: {METHOD}"
    yield from wrap(method(days), LINE_WIDTH)
    yield ""


def cells(figures: Figures) -> list[str]:
    """A line of figures, as `heads` has them."""
    low, high = figures.low, figures.high
    ranged = "" if low is None or high is None else f"{shown(low)} … {shown(high)}"
    before = []
    if figures.before is not None:
        share = percent(figures.comparable - figures.before, figures.before)
        before = [shown(figures.before), share]
    return [shown(figures.to_date), *before, shown(figures.estimate), ranged]
