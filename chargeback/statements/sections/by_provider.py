"""Direct cost by provider, above that by service, and the provider's name beside a service and an account."""

from __future__ import annotations

from chargeback.core.period import period_title
from chargeback.pages.parts import Cell, Column, Row, Table, amount_cell
from chargeback.statements import wording as words
from chargeback.statements.model import Statement
from chargeback.statements.sections.cells import (
    compared_cells,
    compared_columns,
    direct_total,
    share_cell,
)


def beside(provider: str, text: str) -> str:
    """What stands below a name: its provider, where it is told, and what else does."""
    return (
        words.OF_PROVIDER.format(provider=provider, text=text)
        if provider and text
        else provider or text
    )


def providers_table(statement: Statement) -> list[Table]:
    """Direct cost by provider; nothing where all of it is of AWS."""
    direct = statement.direct
    if not direct.providers:
        return []
    rows = [
        Row(
            [
                Cell(one.provider),
                share_cell(one.amount, direct.total),
                *compared_cells(statement, one.amount, one.previous),
                amount_cell(one.amount),
            ]
        )
        for one in direct.providers
    ]
    rows.append(direct_total(direct, *compared_cells(statement, direct.total, direct.previous)))
    columns = [
        Column(words.PROVIDER, 1),
        Column(words.OF_DIRECT, optional=True),
        *compared_columns(statement),
        Column(period_title(statement.billing_period)),
    ]
    return [Table(columns, rows, words.BY_PROVIDER)]
