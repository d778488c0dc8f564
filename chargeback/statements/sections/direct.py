"""Direct cost by service, by the rule that decided, and by account."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.pages.charts import bars_chart
from chargeback.pages.parts import (
    GROUP,
    SUBTOTAL,
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
from chargeback.pages.terms import DEFAULT_CENTER, OWNERSHIP_RULE, Terms
from chargeback.pages.vocabulary import joined, rule_name
from chargeback.statements import wording as words
from chargeback.statements.model import (
    AccountAmount,
    DirectCost,
    Rest,
    ServiceAmount,
    Statement,
)
from chargeback.statements.sections.by_provider import beside, providers_table
from chargeback.statements.sections.cells import (
    compared_cells,
    compared_columns,
    direct_total,
    kind_cell,
    money,
    picture_of,
    product_cell,
    product_label,
    reference_cell,
    reference_column,
    share_cell,
)

BARS_SHOWN = 10


def services(statement: Statement) -> Section:
    """Direct cost by service, and by what made it this unit's."""
    direct = statement.direct
    if not direct.services.rows:
        return Section([Paragraph(words.NO_DIRECT_COST)])
    parts: list[Part] = [
        *_bars(statement),
        *providers_table(statement),
        _services_table(statement),
        _rules_table(direct),
        *_terms(direct),
        *_included(direct),
    ]
    return Section(parts)


def _bars(statement: Statement) -> list[Part]:
    """The largest services as bars; nothing where there is one only."""
    bars = statement.direct.services.rows[:BARS_SHOWN]
    if len(bars) < 2:
        return []
    before = statement.compared_period
    caption = words.LARGEST_SERVICES
    if before:
        caption = words.LARGEST_SERVICES_MARKED.format(period=period_title(before))
    times = Counter(map(product_label, bars))
    rows = [
        (
            _told_apart(one) if times[product_label(one)] > 1 else product_label(one),
            one.amount,
            one.previous if before else None,
        )
        for one in bars
    ]
    says = "; ".join(f"{label} {shown(amount)}" for label, amount, _ in rows)
    return [picture_of(bars_chart(rows), says, caption)]


def _told_apart(service: ServiceAmount) -> str:
    """A service that is called as another one is: with who sells it, and as what."""
    cell = _sold(service)
    return f"{cell.text} ({cell.sub})" if cell.sub else cell.text


def _services_table(statement: Statement) -> Table:
    direct = statement.direct
    rows = [
        _service_row(statement, _sold(one), one.amount, one.previous, one.reference)
        for one in direct.services.rows
    ]
    rest = direct.services.rest
    if rest:
        rows.append(_service_row(statement, _rest_label(rest), rest.amount, rest.previous))
    compared = compared_cells(statement, direct.total, direct.previous)
    rows.append(direct_total(direct, *compared, reference_cell()))
    columns = [
        Column(words.SERVICE, 1),
        Column(words.OF_DIRECT, optional=True),
        *compared_columns(statement),
        reference_column(optional=True),
        Column(period_title(statement.billing_period)),
    ]
    return Table(columns, rows)


def _service_row(
    statement: Statement,
    label: Cell,
    amount: Decimal,
    previous: Decimal | None,
    reference: str = "",
) -> Row:
    return Row(
        [
            label,
            share_cell(amount, statement.direct.total),
            *compared_cells(statement, amount, previous),
            reference_cell(reference),
            amount_cell(amount),
        ]
    )


def _sold(service: ServiceAmount) -> Cell:
    """A service, with its provider where that is told."""
    cell = product_cell(service)
    return replace(cell, sub=beside(service.provider, cell.sub))


def _rest_label(rest: Rest) -> Cell:
    return Cell(words.SMALLER_SERVICES.format(count=rest.rows))


def _terms(direct: DirectCost) -> list[Part]:
    """The words of the table of rules, where it has them."""
    kinds = {one.rule.partition(":")[0] for one in direct.rules}
    named = {"ownership": OWNERSHIP_RULE, "account-default": DEFAULT_CENTER}
    found = [term for kind, term in named.items() if kind in kinds]
    return [Terms(found)] if found else []


def _rules_table(direct: DirectCost) -> Table:
    """What made the direct cost this unit's: tags apart from what had none that could be used."""
    rows = [
        Row(
            [
                Cell(rule_name(one.rule), sub=one.about),
                share_cell(one.amount, direct.total),
                money(one),
            ]
        )
        for one in direct.rules
    ]
    rows.append(direct_total(direct))
    columns = [
        Column(words.WHAT_DECIDED, 1),
        Column(words.OF_DIRECT, optional=True),
        Column(words.AMOUNT),
    ]
    return Table(columns, rows, words.WHY_IT_IS_YOURS)


def _included(direct: DirectCost) -> list[Part]:
    """Credits and tax, which the services and accounts contain."""
    included = []
    if direct.credits:
        included.append(words.CREDITS.format(amount=shown(direct.credits)))
    if direct.tax:
        included.append(words.TAX.format(amount=shown(direct.tax)))
    if not included:
        return []
    return [Paragraph(words.INCLUDED.format(parts=joined(included)), "note")]


def accounts(statement: Statement) -> Section:
    """Direct cost by account, and by service within each account."""
    direct = statement.direct
    if not direct.accounts:
        return Section([Paragraph(words.NO_ACCOUNT)])
    rows = [row for account in direct.accounts for row in _account_rows(account)]
    total = kind_cell(direct.total, "direct")
    rows.append(Row([Cell(words.DIRECT_COST), reference_cell(), total], TOTAL))
    columns = [Column(words.ACCOUNT_AND_SERVICE, 1), reference_column(), Column(words.AMOUNT)]
    return Section([Table(columns, rows)])


def _account_rows(account: AccountAmount) -> list[Row]:
    """An account's heading, its services and its total."""
    rest = account.services.rest
    return [
        Row([Cell(account.name, sub=beside(account.provider, account.account_id))], GROUP),
        *(
            Row([product_cell(one), reference_cell(one.reference), money(one)])
            for one in account.services.rows
        ),
        *([Row([_rest_label(rest), reference_cell(), money(rest)])] if rest else []),
        Row(
            [
                Cell(words.ACCOUNT_TOTAL, muted=True),
                reference_cell(account.reference),
                money(account),
            ],
            SUBTOTAL,
        ),
    ]
