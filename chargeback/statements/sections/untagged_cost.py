"""What had no usable tag in the unit's accounts, and what to do about it."""

from __future__ import annotations

from chargeback.core.money import shown
from chargeback.pages.parts import (
    TOTAL,
    Cell,
    Column,
    Paragraph,
    Part,
    Row,
    Section,
    Steps,
    Table,
    amount_cell,
)
from chargeback.pages.terms import USABLE_TAG, Terms
from chargeback.pages.vocabulary import UNTAGGED_OWNERS, joined
from chargeback.statements import wording as words
from chargeback.statements.model import Statement, Untagged
from chargeback.statements.sections.cells import empty_cells, money, product_cell, rest_row
from chargeback.statements.sections.untagged_pool import put_in_and_paid

CENTERS_LISTED = 12


def untagged(statement: Statement) -> Section:
    """What had no usable tag in the unit's accounts, and what to do about it."""
    found = statement.untagged
    beside = put_in_and_paid(statement)
    if not found.accounts:
        return Section([Paragraph(words.NOTHING_TO_TAG), *beside])
    if not found.rows.rows:
        return Section([Paragraph(words.ALL_TAGGED), *beside])
    parts: list[Part] = [_costs_table(found)]
    if found.values.rows:
        parts.append(_values_table(found))
    parts += [Terms([USABLE_TAG]), Paragraph(_where_it_went(found)), *beside]
    parts.append(Steps(_what_to_do(found)))
    return Section(parts)


def _costs_table(found: Untagged) -> Table:
    """By account, service and who got it."""
    rows = [
        Row(
            [
                Cell(one.name, sub=one.account_id),
                product_cell(one),
                Cell(UNTAGGED_OWNERS[one.owner], muted=True),
                money(one),
            ]
        )
        for one in found.rows.rows
    ]
    rows += rest_row(found.rows.rest, between=2)
    rows.append(Row([Cell(words.UNTAGGED), *empty_cells(2), amount_cell(found.total)], TOTAL))
    columns = [
        Column(words.ACCOUNT, 5),
        Column(words.SERVICE, 4),
        Column(words.CHARGED_TO, 3, optional=True),
        Column(words.COST),
    ]
    return Table(columns, rows)


def _values_table(found: Untagged) -> Table:
    """Tag values that are no cost center."""
    rows = [
        Row(
            [
                Cell(words.NAMED.format(name=one.tag_value), sub=one.tag_key),
                Cell(one.account_id),
                Cell(f"{one.line_items:,}", muted=True),
                money(one),
            ]
        )
        for one in found.values.rows
    ]
    rows += rest_row(found.values.rest, between=2)
    rows.append(Row([Cell(words.UNUSABLE), *empty_cells(2), money(found.values)], TOTAL))
    columns = [
        Column(words.TAG_VALUE, 3),
        Column(words.ACCOUNT),  # an id, in one piece
        Column(words.LINE_ITEMS, optional=True),
        Column(words.COST),
    ]
    return Table(columns, rows, words.TAGGED_UNUSABLY)


def _where_it_went(found: Untagged) -> str:
    sentences = [words.COSTS_OF_LINE_ITEMS]
    if found.defaulted:
        sentences.append(words.DEFAULTED.format(amount=shown(found.defaulted)))
    if found.ruled:
        sentences.append(words.RULED.format(amount=shown(found.ruled)))
    if found.pooled:
        sentences.append(words.POOLED.format(amount=shown(found.pooled)))
    return " ".join(sentences)


def _what_to_do(found: Untagged) -> list[str]:
    listed = [f"{one.cost_center_id} ({one.name})" for one in found.cost_centers]
    if len(listed) > CENTERS_LISTED:
        more = words.MORE_LISTED_ABOVE.format(count=len(listed) - CENTERS_LISTED)
        listed = [*listed[:CENTERS_LISTED], more]
    return [
        words.SET_THE_TAG.format(tag_key=found.tag_key, cost_centers=joined(listed)),
        *([words.CORRECT_THE_VALUES] if found.values.rows else []),
        words.FROM_THE_DAY_ON,
    ]
