"""The first page: whose statement, for when, the total, and what kinds of cost it is made of."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.pages.charts import totals_chart
from chargeback.pages.outlines import mark
from chargeback.pages.parts import (
    TOTAL,
    Cell,
    Chart,
    Column,
    Masthead,
    Paragraph,
    Part,
    Row,
    Section,
    Table,
)
from chargeback.pages.terms import AMORTIZED, UNBLENDED, Terms
from chargeback.pages.vocabulary import KINDS
from chargeback.params.invoicing import NO_INVOICE, PRO_FORMA
from chargeback.statements import wording as words
from chargeback.statements.model import Statement
from chargeback.statements.month import MonthIndex
from chargeback.statements.sections import outlook
from chargeback.statements.sections.budget import budget_phrase
from chargeback.statements.sections.cells import (
    compared_cells,
    compared_columns,
    kind_cell,
    percent,
    share_cell,
    total_cell,
    trend_words,
)
from chargeback.statements.sections.change import movers_sentence

BASES = {"amortized": AMORTIZED, "unblended": UNBLENDED}


class Compared(Protocol):
    """A total and that of the last closed period."""

    @property
    def total(self) -> Decimal: ...

    @property
    def previous_period(self) -> str | None: ...

    @property
    def previous_total(self) -> Decimal | None: ...


#: What every page says of a month that AWS sends no invoice for, and what that means.
MARKS = {PRO_FORMA: words.PRO_FORMA_MARK, NO_INVOICE: words.NO_INVOICE_MARK}
MEANINGS = {PRO_FORMA: words.PRO_FORMA_MEANS, NO_INVOICE: words.NO_INVOICE_MEANS}


def head(statement: Statement) -> Section:
    """Whose statement, for when, the total and its change from the last closed period."""
    unit, period = statement.unit, period_title(statement.billing_period)
    is_open, is_development = statement.provisional, has_development_key(statement)
    parts: list[Part] = [
        Masthead(
            title=page_title(statement),
            unit=unit.name,
            unit_id=unit.business_unit_id,
            period=period,
            facts=_facts(statement),
            total=total_cell(statement.total),
            total_label=outlook.total_label(statement)
            if is_open
            else words.TOTAL_FOR.format(period=period),
            currency=statement.currency,
            change=outlook.headline(statement) if is_open else change_sentence(statement),
            provisional=status_mark(statement),
            is_settled=bool(statement.invoicing) and not is_open,
            watermark=mark(words.PROVISIONAL) if is_open else "",
            picture=_picture(statement),
            signature=words.SIGNED_BY_DEVELOPMENT_KEY if is_development else "",
        )
    ]
    if moved := movers_sentence(statement):
        parts.append(Paragraph(moved))
    if is_open:
        parts.append(Paragraph(words.NOT_TO_BOOK, tone="warning"))
    if statement.invoicing:
        parts.append(Paragraph(MEANINGS[statement.invoicing], tone="warning"))
    parts += deferred_paragraphs(statement)
    return Section([*parts, *outlook.estimate(statement)])


def status_mark(statement: Statement | MonthIndex) -> str:
    """What every page says of the period's kind; empty for a closed one that AWS invoiced."""
    kind = MARKS.get(statement.invoicing, "")
    if statement.provisional and kind:
        return words.BOTH_MARKS.format(status=words.PROVISIONAL, kind=kind)
    return words.PROVISIONAL if statement.provisional else kind


def page_title(statement: Statement) -> str:
    """What the page calls itself: a statement of AWS's charges, or also of other providers'."""
    return words.TITLE_OF_SEVERAL if statement.tie_out.of_several else words.TITLE


def file_title(statement: Statement) -> str:
    """What the files call themselves: the tab of a browser, the window of a PDF reader."""
    period = period_title(statement.billing_period)
    name = statement.unit.name
    title = words.FILE_TITLE.format(unit=name, period=period)
    if statement.tie_out.of_several:
        title = words.FILE_TITLE_OF_SEVERAL.format(unit=name, period=period)
    mark = status_mark(statement)
    return f"{mark} {title}" if mark else title


def deferred_paragraphs(statement: Statement | MonthIndex) -> list[Paragraph]:
    """The invoices that are left to a later period, a sentence each."""
    return [
        Paragraph(
            words.LEFT_TO_KEPT.format(
                invoice_id=one.invoice_id, period=period_title(one.deferred_to)
            )
            if one.amount is None
            else words.LEFT_TO.format(
                invoice_id=one.invoice_id,
                amount=shown(one.amount),
                currency=statement.currency,
                period=period_title(one.deferred_to),
            )
        )
        for one in statement.deferred
    ]


def has_development_key(statement: Statement | MonthIndex) -> bool:
    """Whether the program signs with a key that it made for itself."""
    return statement.signer is not None and statement.signer.development


def _facts(statement: Statement) -> list[tuple[str, str]]:
    """What stands under the unit's name."""
    unit = statement.unit
    facts = [
        (words.BILLING_PERIOD, period_title(statement.billing_period)),
        (words.BUSINESS_UNIT, unit.business_unit_id),
    ]
    if unit.owner:
        facts.append((words.OWNER, unit.owner))
    if budgeted := budget_phrase(statement):
        facts.append((words.BUDGET, budgeted))
    return facts + status_facts(statement)


def status_facts(statement: Statement | MonthIndex) -> list[tuple[str, str]]:
    """Whether it is closed, what kind of month it is, and a key that says nothing of who signed."""
    status = words.PROVISIONAL if statement.provisional else words.CLOSED
    if statement.invoicing:
        kind = MARKS[statement.invoicing]
        status = words.BOTH_MARKS.format(status=status, kind=kind)
    facts = [(words.STATUS, status)]
    if has_development_key(statement):
        facts.append((words.SIGNATURE, words.DEVELOPMENT_KEY))
    return facts


def _picture(statement: Statement) -> Chart | None:
    """The totals of the periods; nothing where there is one only."""
    if len(statement.trend) == 1:
        return None
    says = words.TOTAL_PER_PERIOD.format(periods=trend_words(statement))
    return Chart(totals_chart(statement.trend), says)


def change_sentence(statement: Compared) -> str:
    """How the total compares with that of the last closed period."""
    if not statement.previous_period or statement.previous_total is None:
        return words.NOTHING_TO_COMPARE
    period, old = period_title(statement.previous_period), statement.previous_total
    change = statement.total - old
    if change == 0:
        return words.UNCHANGED.format(period=period)
    share = percent(change, old)
    sentence = words.MORE_THAN if change > 0 else words.LESS_THAN
    amount = shown(abs(change)) + (f" ({share})" if share else "")
    return sentence.format(amount=amount, period=period, before=shown(old))


def made_of(statement: Statement) -> Section:
    """What kinds of cost the total is made of."""
    total = statement.total
    rows = [
        Row(
            [
                Cell(KINDS[one.kind]),
                share_cell(one.amount, total),
                *compared_cells(statement, one.amount, one.previous),
                kind_cell(one.amount, one.kind),
            ]
        )
        for one in statement.kinds
    ]
    rows.append(
        Row(
            [
                Cell(words.TOTAL),
                share_cell(total, total),
                *compared_cells(statement, total, statement.previous_total),
                total_cell(total),
            ],
            TOTAL,
        )
    )
    columns = [
        Column(words.KIND_OF_COST, 1),
        Column(words.OF_TOTAL, optional=True),
        *compared_columns(statement),
        Column(period_title(statement.billing_period)),
    ]
    parts: list[Part] = [Table(columns, rows), Paragraph(_what_kinds_mean(statement), "note")]
    if basis := BASES.get(statement.cost_basis):
        parts.append(Terms([basis]))
    return Section(parts)


def _what_kinds_mean(statement: Statement) -> str:
    currency, basis = statement.currency, statement.cost_basis
    all_amounts = words.ALL_AMOUNTS_ARE_IN.format(currency=currency)
    if basis:
        all_amounts = words.AT_BASIS.format(currency=currency, basis=words.BASES[basis])
    sentences = [all_amounts, words.DIRECT_MEANS, words.SHARED_MEANS]
    if {one.kind for one in statement.kinds} & {"commitment", "rounding", "adjustment"}:
        sentences.append(words.OTHERS_FOLLOW)
    return " ".join(sentences)
