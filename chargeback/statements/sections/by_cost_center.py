"""The total by cost center."""

from __future__ import annotations

from chargeback.pages.parts import TOTAL, Cell, Column, Paragraph, Row, Section, Table, amount_cell
from chargeback.statements import wording as words
from chargeback.statements.model import CostCenterAmount, Statement
from chargeback.statements.sections.cells import (
    compared_cells,
    compared_columns,
    sum_of,
    total_cell,
)


def cost_centers(statement: Statement) -> Section:
    """The total by cost center; the charge that finance posts to each."""
    listed = statement.cost_centers
    if not listed:
        return Section([Paragraph(words.NO_COST_CENTER)])
    has_other = any(one.other for one in listed)
    rows = [_row(statement, one, has_other) for one in listed]
    other = [amount_cell(sum_of(one.other for one in listed))] if has_other else []
    rows.append(
        Row(
            [
                Cell(words.TOTAL),
                *compared_cells(statement, statement.total, statement.previous_total),
                amount_cell(sum_of(one.direct for one in listed)),
                amount_cell(sum_of(one.allocated for one in listed)),
                *other,
                total_cell(statement.total),
            ],
            TOTAL,
        )
    )
    columns = [
        Column(words.COST_CENTER, 1),
        *compared_columns(statement),
        Column(words.DIRECT, optional=True),
        Column(words.SHARED, optional=True),
        *([Column(words.OTHER, optional=True)] if has_other else []),
        Column(words.TOTAL),
    ]
    return Section([Table(columns, rows)])


def _row(statement: Statement, one: CostCenterAmount, has_other: bool) -> Row:
    return Row(
        [
            Cell(one.name, sub=one.cost_center_id),
            *compared_cells(statement, one.amount, one.previous),
            amount_cell(one.direct),
            amount_cell(one.allocated),
            *([amount_cell(one.other)] if has_other else []),
            amount_cell(one.amount, figure=("cost_center", one.cost_center_id)),
        ]
    )
