"""What the unit's accounts put into the pool for untagged cost, beside what the unit pays of it."""

from __future__ import annotations

from chargeback.pages.parts import (
    Cell,
    Column,
    Paragraph,
    Part,
    Row,
    Table,
    amount_cell,
    change_cell,
)
from chargeback.statements import wording as words
from chargeback.statements.model import Statement


def put_in_and_paid(statement: Statement) -> list[Part]:
    """A table of one row, and how to read it; nothing where the unit has no part in the pool."""
    found = statement.untagged_pool
    if found is None:
        return []
    total = found.pool_total
    # Who takes no part has no such figure in the ledger, nor in statements of earlier versions.
    figure = ("pool", found.pool_id) if found.split_by else None
    row = Row(
        [
            Cell(found.name, sub=found.pool_id),
            amount_cell(found.put_in),
            amount_cell(found.paid, figure=figure),
            change_cell(found.paid - found.put_in),
            *([] if total is None else [amount_cell(total, muted=True)]),
        ]
    )
    columns = [
        Column(words.POOL, 1),
        Column(words.PUT_IN),
        Column(words.PAID),
        Column(words.MORE_OR_LESS, optional=True),
        *([] if total is None else [Column(words.POOL_TOTAL, optional=True)]),
    ]
    paid = words.PAYS_NO_PART
    if found.split_by:
        paid = words.PAID_BY_KEY.format(key=found.split_by)
    says = Paragraph(f"{words.HOW_TO_READ_PUT_IN} {paid}", "note")
    return [Table(columns, [row], words.PUT_IN_AND_PAID), says]
