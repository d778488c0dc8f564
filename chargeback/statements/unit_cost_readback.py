"""Unit costs read back from finished statements, and what they are to be, for the control on them.

Comes in: a folder with `<business_unit_id>/statement.{html,pdf}`, and the period's inputs. Goes out: what the
files show of each month and of each change, one row each; and, from the quantities and the ledgers alone,
what was charged to whom a quantity is of. Nothing here divides: the control asks whether what is shown, times
the quantity, is the cost within half of the last digit.

In the PDF a table is known by what heads its first two columns, as far as a PDF tells letters, a row by its
label, a figure by its place.

Known drawback: which owners stand together, and which months are listed, is taken from the data of the
statement, which is proved to depend on the unit's own rows alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.core.money import MINUS
from chargeback.core.period import period_title
from chargeback.core.text import plain
from chargeback.ledger.unit_costs import PLACES
from chargeback.params.metrics import QUANTITY_PLACES
from chargeback.statements import unit_cost_wording as said
from chargeback.statements import wording
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import Statement
from chargeback.statements.pieces import canonical, is_same
from chargeback.statements.readback import html_texts, statement_file
from chargeback.statements.sections.unit_cost import (
    cost_title,
    one_title,
    title_of,
)
from chargeback.statements.tagged_pdf import HEADING, ROW, Element, read_pdf
from chargeback.statements.unit_cost_model import BASES, TOGETHER, WHOLE_UNIT, UnitCost
from chargeback.statements.unit_cost_wording import OF_COST, OF_MONTH, OF_ONE

MONEY, EXACT = pa.decimal128(38, 2), pa.decimal128(38, max(PLACES, QUANTITY_PLACES))

_LINE = [
    ("business_unit_id", pa.string()),
    ("metric", pa.string()),
    (
        "line",
        pa.string(),
    ),  # blank for the unit, "=" for its cost centers together, else the id of one
]
#: A quantity of a line: of the unit, whose cost_center_id is blank, or of a cost center.
QUANTITIES = pa.schema(
    [*_LINE, ("billing_period", pa.string()), ("cost_center_id", pa.string()), ("quantity", EXACT),
     ("per", pa.int32())]
)  # fmt: skip
CHARGES = pa.schema(
    [("billing_period", pa.string()), ("business_unit_id", pa.string()), ("cost_center_id", pa.string()),
     ("kind", pa.string()), ("amount", MONEY)]
)  # fmt: skip
#: What a file shows; null where it shows no number, or two that are not the same.
MONTHS = pa.schema(
    [("medium", pa.string()), *_LINE, ("billing_period", pa.string()), ("quantity", EXACT),
     ("direct", MONEY), ("direct_of_one", EXACT), ("loaded", MONEY), ("loaded_of_one", EXACT)]
)  # fmt: skip
CHANGES = pa.schema(
    [("medium", pa.string()), *_LINE, ("basis", pa.string()), *((one, MONEY) for one in OF_COST),
     *((one, EXACT) for one in OF_ONE)]
)  # fmt: skip

#: Unit, medium, metric, line; period or basis, and what the figure is.
Where = tuple[str, str, str, str, str]
Shown = dict[Where, dict[str, Decimal | None]]

#: A figure as a file shows it: medium, the parts of its key, and the number.
FileFigure = tuple[str, list[str], Decimal | None]

_NUMBER = re.compile(rf"[{MINUS}+]?[0-9]{{1,3}}(,[0-9]{{3}})*(\.[0-9]+)?")


def unit_cost_tables(
    inputs: StatementInputs,
    statements: Mapping[str, Statement],
    read: Mapping[str, Iterable[FileFigure]],
) -> dict[str, pa.Table]:
    """What the control on unit costs reads; empty where no quantities are known.

    Args:
        read: by unit, what `unit_cost_figures` reads in its files.
    """
    known = statements if inputs.metrics else {}
    lines = [
        (unit_id, one)
        for unit_id, found in known.items()
        for one in found.unit_costs
        if not one.ended
    ]
    periods = sorted({month.billing_period for _, one in lines for month in one.months})
    months, changes = shown_figures(read) if inputs.metrics else ({}, {})
    closed = {one: inputs.history[one] for one in periods if one in inputs.history}
    before = inputs.previous_period
    is_compared = before is not None and not inputs.provisional
    return {
        "unit_quantities": pa.Table.from_pylist(list(quantities(inputs, lines)), schema=QUANTITIES),
        "unit_charges": charges_of(closed | {inputs.billing_period: inputs.postings}),
        "unit_cost_periods": pa.table(
            {
                "billing_period": pa.array([inputs.billing_period], pa.string()),
                "compared_period": pa.array([before if is_compared else None], pa.string()),
            }
        ),
        "unit_cost_months": table_of(months, MONTHS),
        "unit_cost_changes": table_of(changes, CHANGES),
    }


def quantities(
    inputs: StatementInputs, lines: list[tuple[str, UnitCost]]
) -> Iterator[dict[str, object]]:
    """The quantities of all lines that statements show, straight from what was counted."""
    by_unit = {
        (one.count.business_unit_id, one.count.metric, one.count.billing_period)
        for one in inputs.metrics
        if one.count.cost_center_id == WHOLE_UNIT
    }
    for unit_id, one in lines:
        months = {month.billing_period for month in one.months}
        for counted in inputs.metrics:
            count = counted.count
            if (count.business_unit_id, count.metric) != (unit_id, one.metric):
                continue
            is_of_unit = (unit_id, one.metric, count.billing_period) in by_unit
            is_of_line = count.cost_center_id == one.line or (
                one.line in (WHOLE_UNIT, TOGETHER) and not is_of_unit
            )
            if is_of_line and count.billing_period in months:
                yield {
                    "business_unit_id": unit_id,
                    "metric": one.metric,
                    "line": one.line,
                    "billing_period": count.billing_period,
                    "cost_center_id": count.cost_center_id,
                    "quantity": count.quantity,
                    "per": counted.name.per,
                }


def charges_of(ledgers: Mapping[str, pa.Table]) -> pa.Table:
    """What ledgers charge to cost centers, line by line."""
    found = [CHARGES.empty_table()]
    for period, postings in sorted(ledgers.items()):
        rows = postings.filter(pc.is_valid(postings["cost_center_id"]))
        columns = {name: rows[name].cast(CHARGES.field(name).type) for name in CHARGES.names[1:]}
        periods = pa.array([period] * rows.num_rows, pa.string())
        found.append(pa.table({"billing_period": periods, **columns}, schema=CHARGES))
    return pa.concat_tables(found)


def unit_cost_figures(folder: Path, statement: Statement) -> list[FileFigure]:
    """The figures of unit costs in a unit's HTML and PDF."""
    unit_id = statement.unit.business_unit_id
    html = html_figures(statement_file(folder, unit_id, "html"))
    pdf = pdf_figures(statement_file(folder, unit_id, "pdf"), list(statement.unit_costs))
    return [
        (medium, key, amount)
        for medium, figures in (("html", html), ("pdf", pdf))
        for key, amount in figures
    ]


def shown_figures(read: Mapping[str, Iterable[FileFigure]]) -> tuple[Shown, Shown]:
    """What the files show of months, and of changes."""
    months: Shown = {}
    changes: Shown = {}
    for unit_id in sorted(read):
        for medium, key, amount in read[unit_id]:
            metric, line, of, name = [*key, "", "", "", ""][:4]
            rows = changes if of in BASES else months
            row = rows.setdefault((unit_id, medium, metric, line, of), {})
            row[name] = amount if row.get(name, amount) == amount else None
    return months, changes


def html_figures(path: Path) -> Iterator[tuple[list[str], Decimal | None]]:
    """The figures of an HTML file, by the parts of their keys."""
    for section, key, text in html_texts(path):
        if section == wording.UNIT_COST_FIGURE:
            yield key.split("/"), number(text)


def pdf_figures(path: Path, own: list[UnitCost]) -> Iterator[tuple[list[str], Decimal | None]]:
    """The figures of a PDF that stand under the heading of unit costs."""
    heads = [
        (canonical(plain(title)), canonical(second), one, names)
        for one in own
        for title, second, names in (
            (title_of(one), said.QUANTITY, OF_MONTH),
            (cost_title(one), wording.DIRECT_COST, OF_COST),
            (one_title(one), wording.DIRECT_COST, OF_ONE),
        )
    ]
    is_here = False
    table: tuple[UnitCost, tuple[str, ...]] | None = None
    for element in (one for page in read_pdf(path).pages for one in page.elements):
        if element.role == HEADING:
            is_here, table = element.content.text == wording.UNIT_COST, None
        elif is_here and element.role == ROW and len(element.cells) > 1:
            first, second = (canonical(cell.text) for cell in element.cells[:2])
            found = [head[2:] for head in heads if head[1] == second and is_same(first, head[0])]
            if found:
                table = found[0]
            elif table:
                yield from row_figures(element, *table)


def row_figures(
    row: Element, one: UnitCost, names: tuple[str, ...]
) -> Iterator[tuple[list[str], Decimal | None]]:
    """Each figure of a row; what is said in words in its place is none."""
    label, cells = row.cells[0].main, row.cells[1:]
    if names == OF_MONTH:
        periods = {period_title(month.billing_period): month.billing_period for month in one.months}
        named = [(periods.get(label, label), name) for name in names]
    else:
        before, now = period_title(one.before), period_title(one.now.billing_period)
        labels = [before, said.VOLUME, said.RATE, now]
        if names == OF_ONE:
            labels = [before, said.COST_EFFECT, said.QUANTITY_EFFECT, now]
        name = dict(zip(labels, names, strict=True)).get(label, label)
        named = [(effects.basis, name) for effects in one.effects]
    for (of, name), cell in zip(named, cells, strict=False):
        if cell.text not in (said.NOT_IN_YET, said.NOT_DIVIDED):
            yield [one.metric, one.line, of, name], number(cell.text)


def number(text: str) -> Decimal | None:
    """The number that a reader sees; None where it is none.

    >>> number("+1,234.5670"), number("none")
    (Decimal('1234.5670'), None)
    """
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    return Decimal(text.lstrip("+").replace(",", "").replace(MINUS, "-"))


def table_of(shown: Shown, schema: pa.Schema) -> pa.Table:
    """What is shown as a table; a number with more decimals than its column is none."""
    names = schema.names[5:]
    rows = []
    for (unit_id, medium, metric, line, of), found in sorted(shown.items()):
        values = [fitting(found.get(name), schema.field(name).type) for name in names]
        row = (medium, unit_id, metric, line, of, *values)
        rows.append(dict(zip(schema.names, row, strict=True)))
    return pa.Table.from_pylist(rows, schema=schema)


def fitting(amount: Decimal | None, kind: pa.Decimal128Type) -> Decimal | None:
    """A number in the decimals of its column."""
    if amount is None or amount != round(amount, kind.scale):
        return None
    return amount
