"""Shared cost: the unit's part of each pool."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from chargeback.pages.approvals import approved_words, who_words
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
from chargeback.pages.terms import KEY, POOL, WEIGHT, Terms
from chargeback.pages.vocabulary import joined, share_text, weight_text, with_unit
from chargeback.params.published_totals import NONE, SHARES
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
    if statement.published_totals == SHARES:
        parts: list[Part] = [_shares_table(pools), Terms([POOL, KEY])]
        return Section([*parts, Paragraph(_how_to_read_a_share(pools), "note")])
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
    parts = [Table(columns, rows), Terms([POOL, KEY, WEIGHT])]
    parts += _how_to_read(statement, has_totals)
    if statement.steps:
        parts.append(_steps_table(statement.steps))
    return Section(parts)


def _pool_row(pool: PoolShare, has_totals: bool, currency: str) -> Row:
    is_money = pool.unit == currency
    return Row(
        [
            *_named(pool),
            Cell("" if pool.weight is None else weight_text(pool.weight, is_money)),
            *(_totals_of(pool, is_money) if has_totals else []),
            reference_cell(pool.reference),
            _pool_amount(pool),
        ]
    )


def _named(pool: PoolShare) -> list[Cell]:
    """A pool, and its key with who approved it."""
    return [
        Cell(pool.name, sub=pool.pool_id),
        Cell(with_unit(pool.split_by, pool.unit), sub=approved_words(pool.approved)),
    ]


def _pool_amount(pool: PoolShare) -> Cell:
    return amount_cell(pool.amount, figure=("pool", pool.pool_id))


def _totals_of(pool: PoolShare, is_money: bool) -> list[Cell]:
    """All weights, the share, and what was split; or that finance keeps them."""
    if pool.total_weight is None or pool.pool_total is None or pool.weight is None:
        return [Cell(words.KEPT, muted=True)] * 3 if pool.is_kept else empty_cells(3)
    return [
        Cell(weight_text(pool.total_weight, is_money)),
        Cell(share_text(pool.weight, pool.total_weight)),
        amount_cell(pool.pool_total, muted=True),
    ]


def _shares_table(pools: Sequence[PoolShare]) -> Table:
    """The pools where policy has shares only: neither weights nor totals."""
    rows = [
        Row([*_named(pool), _rounded(pool), reference_cell(pool.reference), _pool_amount(pool)])
        for pool in pools
    ]
    total = kind_cell(total_of(pools), "allocated")
    rows.append(Row([Cell(words.SHARED_COST), *empty_cells(3), total], TOTAL))
    columns = [
        Column(words.POOL, 5),
        Column(words.SPLIT_BY, 4, optional=True),
        Column(words.YOUR_SHARE),
        reference_column(optional=True),
        Column(words.AMOUNT),
    ]
    return Table(columns, rows)


def _rounded(pool: PoolShare) -> Cell:
    """A rounded share; or that finance keeps it."""
    if pool.share is None:
        return Cell(words.KEPT if pool.is_kept else "", muted=True)
    return Cell(share_text(pool.share, Decimal(1), 1))


def _how_to_read_a_share(pools: Sequence[PoolShare]) -> str:
    kept = [words.NAMED.format(name=pool.name) for pool in pools if pool.is_kept]
    more = [words.SHARES_OF_POOLS_KEPT.format(pools=joined(kept))] if kept else []
    return " ".join([words.HOW_TO_READ_A_SHARE, *more])


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
    if statement.ratification:
        who = who_words(statement.ratification.approved_by)
        sentences[0] += f" {words.SPLITS_ARE_APPROVED.format(who=who)}"
    return [Paragraph(one, "note") for one in sentences]


def _steps_table(steps: tuple[PassedOn, ...]) -> Table:
    """What pools passed on to later ones, which is in the totals of both."""
    rows = [Row([Cell(one.giver), Cell(one.receiver), money(one)]) for one in steps]
    rows.append(Row([Cell(words.PASSED_ON), Cell(""), amount_cell(total_of(steps))], TOTAL))
    columns = [Column(words.FROM_POOL, 1), Column(words.TO_POOL, 1), Column(words.AMOUNT)]
    return Table(columns, rows, words.POOLS_FOR_POOLS)
