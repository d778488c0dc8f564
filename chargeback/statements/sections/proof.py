"""How the statement ties to the AWS invoice, and how a reader verifies it."""

from __future__ import annotations

from decimal import Decimal

from chargeback.core.money import rounded_once, shown
from chargeback.core.period import period_title
from chargeback.ledger.invoices import InvoiceTie
from chargeback.pages.parts import (
    SUBTOTAL,
    TOTAL,
    Cell,
    Column,
    Digests,
    Paragraph,
    Part,
    Row,
    Section,
    Steps,
    Table,
    amount_cell,
)
from chargeback.pages.vocabulary import share_text
from chargeback.params.invoicing import PRO_FORMA
from chargeback.statements import wording as words
from chargeback.statements.model import InvoiceChange, Statement
from chargeback.statements.sections.cells import empty_cells, sum_of
from chargeback.statements.sections.first_page import MEANINGS, deferred_paragraphs


def invoices(statement: Statement) -> Section:
    """How the charges of all business units tie to what AWS invoiced; totals only."""
    total, charged = statement.total, statement.charged_total
    share = share_text(total, charged)
    if not statement.invoices:
        sentence = words.NOT_INVOICED.format(
            charged=shown(charged), currency=statement.currency, share=share
        )
        if statement.invoicing:
            sentence = words.NOTHING_WITHOUT_INVOICE.format(
                charged=shown(charged), currency=statement.currency
            )
        return Section([Paragraph(sentence), *deferred_paragraphs(statement)])
    columns = [
        Column(words.INVOICE, 1),
        Column(words.LINE_ITEMS, optional=True),
        Column(words.ROUNDING, optional=True),
        Column(words.TOTAL),
    ]
    rows = [
        *(_invoice_row(one) for one in statement.invoices),
        *(_invoice_change_row(one) for one in statement.invoice_changes),
        *_tied_rows(statement),
    ]
    sentence = words.SHARE_OF_ALL.format(
        total=shown(total), currency=statement.currency, share=share
    )
    if statement.invoicing == PRO_FORMA:
        sentence = words.SHARE_OF_OWN_SUM.format(
            total=shown(total), currency=statement.currency, share=share
        )
    if not charged:
        sentence = words.SHARE_OF_NOTHING.format(
            total=shown(total), currency=statement.currency, charged=shown(charged)
        )
    parts: list[Part] = [Table(columns, rows), Paragraph(sentence)]
    if statement.invoicing:
        parts.append(Paragraph(MEANINGS[statement.invoicing]))
    return Section([*parts, *deferred_paragraphs(statement)])


def _tied_rows(statement: Statement) -> list[Row]:
    """All that AWS invoiced, all that was charged, and that there is nothing between the two."""
    changes, charged = statement.invoice_changes, statement.charged_total
    line_items = [rounded_once(one.rows_total) for one in statement.invoices]
    line_items += [one.line_items for one in changes]
    roundings = [one.rounding for one in statement.invoices]
    roundings += [one.rounding for one in changes]
    invoiced = sum_of(one.total for one in statement.invoices)
    invoiced += sum_of(one.total for one in changes)
    what = words.AWS_INVOICED
    if statement.invoicing == PRO_FORMA:
        what = words.OWN_SUM_AND_CHANGES if changes else words.OWN_SUM
    return [
        Row(
            [
                Cell(what),
                amount_cell(sum_of(line_items)),
                amount_cell(sum_of(roundings)),
                amount_cell(invoiced),
            ],
            SUBTOTAL,
        ),
        Row([Cell(words.ALL_CHARGED), *empty_cells(2), amount_cell(charged)]),
        Row([Cell(words.DIFFERENCE), *empty_cells(2), amount_cell(invoiced - charged)], TOTAL),
    ]


def _invoice_row(invoice: InvoiceTie) -> Row:
    exact = invoice.rows_total
    return Row(
        [
            Cell(invoice.issuer, sub=invoice.invoice_id),
            Cell(shown(rounded_once(exact)), sub=_exactly(exact)),
            amount_cell(invoice.rounding),
            amount_cell(invoice.total),
        ]
    )


def _exactly(exact: Decimal) -> str:
    """An amount with all its decimals; empty where it has no more than cents."""
    fraction = f"{exact:f}".partition(".")[2].rstrip("0")
    if len(fraction) <= 2:
        return ""
    return words.EXACTLY.format(amount=shown(exact, len(fraction)))


def _invoice_change_row(change: InvoiceChange) -> Row:
    """What an invoice of an earlier period changed by since that was closed."""
    period = period_title(change.original_period)
    about = words.CHANGE_OF.format(period=period, issuer=change.issuer)
    return Row(
        [
            Cell(about, sub=change.invoice_id),
            Cell(shown(change.line_items)),
            amount_cell(change.rounding),
            amount_cell(change.total),
        ]
    )


def verify(statement: Statement) -> Section:
    """The digests that pin this statement to its sources, and how to check them."""
    period = statement.billing_period
    if statement.provisional:
        steps = [words.EVERY_OPEN_LINE, words.NO_LEDGER_YET]
    else:
        steps = [
            words.EVERY_LEDGER_LINE,
            *_signature_steps(statement),
            words.LEDGER_OF_PERIOD.format(period=period),
            words.ANY_LINE.format(period=period),
            words.CLOSE_AGAIN.format(period=period),
        ]
    return Section(
        [
            Paragraph(_ratified_sentence(statement)),
            Digests([(one.label, one.digest) for one in statement.digests]),
            Steps(steps),
            *([Digests(words.SIGNATURE_COMMANDS)] if statement.signer else []),
        ]
    )


def _signature_steps(statement: Statement) -> list[str]:
    """How to check who signed, with programs that are not ours."""
    signer = statement.signer
    if not signer:
        return []
    whose = words.PROVES_NO_CHANGE
    if not signer.development:
        whose = words.SIGNER_MUST_BE.format(name=signer.name)
    return [words.PDF_IS_SIGNED.format(whose=whose), words.MANIFEST_IS_SIGNED]


def _ratified_sentence(statement: Statement) -> str:
    """Who approved the rules that this statement follows."""
    found = statement.ratification
    if not found:
        return words.NOT_RATIFIED if statement.governed else words.NOT_GOVERNED
    return words.RATIFIED.format(
        approved_by=found.approved_by,
        approved_on=found.approved_on,
        reference=found.reference,
        period=period_title(found.valid_from),
    )
