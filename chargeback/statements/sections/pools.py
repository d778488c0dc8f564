"""Shared cost: the unit's part of each pool."""

from __future__ import annotations

from chargeback.pages.parts import (
    TOTAL,
    Cell,
    Column,
    Paragraph,
    Part,
    Row,
    Section,
    Table,
    amount_cell,
)
from chargeback.pages.vocabulary import key_name, share_text, weight_text
from chargeback.statements import wording as words
from chargeback.statements.model import PassedOn, PoolShare, Statement, total_of
from chargeback.statements.sections.cells import empty_cells, kind_cell, money, sum_of


def shared(statement: Statement) -> Section:
    """Each pool with its key, the unit's weight, the total weight, the share and the amount."""
    pools = statement.pools
    if not pools:
        return Section([Paragraph(words.NO_SHARED_COST)])
    rows = [_pool_row(pool) for pool in pools]
    rows.append(
        Row(
            [
                Cell(words.SHARED_COST),
                *empty_cells(4),
                amount_cell(sum_of(pool.pool_total for pool in pools), muted=True),
                kind_cell(total_of(pools), "allocated"),
            ],
            TOTAL,
        )
    )
    columns = [
        Column(words.POOL, 5),
        Column(words.SPLIT_BY, 4, optional=True),
        Column(words.YOUR_WEIGHT, optional=True),
        Column(words.ALL_WEIGHTS, optional=True),
        Column(words.YOUR_SHARE),
        Column(words.POOL_TOTAL, optional=True),
        Column(words.AMOUNT),
    ]
    parts: list[Part] = [Table(columns, rows), Paragraph(words.HOW_TO_READ_A_POOL, "note")]
    if statement.steps:
        parts.append(_steps_table(statement.steps))
    return Section(parts)


def _pool_row(pool: PoolShare) -> Row:
    return Row(
        [
            Cell(pool.name, sub=pool.pool_id),
            Cell(key_name(pool.allocation_key), sub=pool.approved),
            Cell(weight_text(pool.weight, pool.allocation_key)),
            Cell(weight_text(pool.total_weight, pool.allocation_key)),
            Cell(share_text(pool.weight, pool.total_weight)),
            amount_cell(pool.pool_total, muted=True),
            amount_cell(pool.amount, figure=("pool", pool.pool_id)),
        ]
    )


def _steps_table(steps: tuple[PassedOn, ...]) -> Table:
    """What pools passed on to later ones, which is in the totals of those and no longer in their own."""
    rows = [Row([Cell(one.giver), Cell(one.receiver), money(one)]) for one in steps]
    rows.append(Row([Cell(words.PASSED_ON), Cell(""), amount_cell(total_of(steps))], TOTAL))
    columns = [Column(words.FROM_POOL, 1), Column(words.TO_POOL, 1), Column(words.AMOUNT)]
    return Table(columns, rows, words.POOLS_FOR_POOLS)
