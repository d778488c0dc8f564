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
from chargeback.pages.vocabulary import joined, share_text, weight_text, with_unit
from chargeback.params.published_totals import NONE
from chargeback.statements import wording as words
from chargeback.statements.model import PassedOn, PoolShare, Statement, total_of
from chargeback.statements.sections.cells import (
    empty_cells,
    kind_cell,
    money,
    reference_cell,
    reference_column,
    sum_of,
)


def shared(statement: Statement) -> Section:
    """Each pool with its key, the unit's weight and amount, and the totals that are published."""
    pools = statement.pools
    if not pools:
        return Section([Paragraph(words.NO_SHARED_COST)])
    has_totals = not any(pool.is_kept for pool in pools) or any(
        pool.total_weight is not None for pool in pools
    )
    currency = statement.currency
    rows = [_pool_row(pool, has_totals, currency) for pool in pools]
    rows.append(
        Row(
            [
                Cell(words.SHARED_COST),
                *empty_cells(4 if has_totals else 2),
                *([_all_pools(statement)] if has_totals else []),
                reference_cell(),
                kind_cell(total_of(pools), "allocated"),
            ],
            TOTAL,
        )
    )
    columns = [
        Column(words.POOL, 5),
        Column(words.SPLIT_BY, 4, optional=True),
        Column(words.YOUR_WEIGHT, optional=True),
        *(
            [
                Column(words.ALL_WEIGHTS, optional=True),
                Column(words.YOUR_SHARE),
                Column(words.POOL_TOTAL, optional=True),
            ]
            if has_totals
            else []
        ),
        reference_column(optional=True),
        Column(words.AMOUNT),
    ]
    parts: list[Part] = [Table(columns, rows), *_how_to_read(statement, has_totals)]
    if statement.steps:
        parts.append(_steps_table(statement.steps))
    return Section(parts)


def _pool_row(pool: PoolShare, has_totals: bool, currency: str) -> Row:
    is_money = pool.unit == currency
    return Row(
        [
            Cell(pool.name, sub=pool.pool_id),
            Cell(with_unit(pool.split_by, pool.unit), sub=pool.approved),
            Cell(weight_text(pool.weight, is_money)),
            *(_totals_of(pool, is_money) if has_totals else []),
            reference_cell(pool.reference),
            amount_cell(pool.amount, figure=("pool", pool.pool_id)),
        ]
    )


def _totals_of(pool: PoolShare, is_money: bool) -> list[Cell]:
    """All weights, the share, and what was split; or that finance keeps them."""
    if pool.total_weight is None or pool.pool_total is None:
        return [Cell(words.KEPT, muted=True)] * 3 if pool.is_kept else empty_cells(3)
    return [
        Cell(weight_text(pool.total_weight, is_money)),
        Cell(share_text(pool.weight, pool.total_weight)),
        amount_cell(pool.pool_total, muted=True),
    ]


def _all_pools(statement: Statement) -> Cell:
    """What was split in all; nothing where a part of it is kept, or was split twice."""
    pools = statement.pools
    known = [pool.pool_total for pool in pools if pool.pool_total is not None]
    if any(pool.is_kept for pool in pools) or statement.steps:
        return Cell("", muted=True)
    return amount_cell(sum_of(known), muted=True)


def _how_to_read(statement: Statement, has_totals: bool) -> list[Part]:
    """How an amount follows from the line, and which totals finance keeps."""
    kept = [words.NAMED.format(name=pool.name) for pool in statement.pools if pool.is_kept]
    sentences = [words.HOW_TO_READ_A_POOL if has_totals else words.HOW_TO_READ_A_WEIGHT]
    if has_totals and kept:
        sentences.append(words.TOTALS_OF_POOLS_KEPT.format(pools=joined(kept)))
    elif kept and statement.published_totals != NONE:
        sentences.append(words.WHY_POOLS_ARE_KEPT)
    return [Paragraph(one, "note") for one in sentences]


def _steps_table(steps: tuple[PassedOn, ...]) -> Table:
    """What pools passed on to later ones, which is in the totals of both."""
    rows = [Row([Cell(one.giver), Cell(one.receiver), money(one)]) for one in steps]
    rows.append(Row([Cell(words.PASSED_ON), Cell(""), amount_cell(total_of(steps))], TOTAL))
    columns = [Column(words.FROM_POOL, 1), Column(words.TO_POOL, 1), Column(words.AMOUNT)]
    return Table(columns, rows, words.POOLS_FOR_POOLS)
