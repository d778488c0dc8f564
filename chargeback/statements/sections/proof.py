"""How the statement ties to the AWS invoice, and how a reader verifies it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Protocol

from chargeback.core.money import rounded_once, shown
from chargeback.core.period import period_title
from chargeback.ledger.invoices import InvoiceTie
from chargeback.pages.approvals import change_words, who_words
from chargeback.pages.parts import (
    BODY,
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
from chargeback.pages.terms import DIGEST, LEDGER, LINE_ITEM, MANIFEST, ROUNDING, Terms
from chargeback.pages.vocabulary import share_text
from chargeback.params.invoicing import PRO_FORMA
from chargeback.params.published_totals import NONE, SHARES
from chargeback.signing import Signer
from chargeback.statements import wording as words
from chargeback.statements.model import (
    ZERO,
    InvoiceChange,
    InvoicedTotals,
    Ratified,
    Statement,
)
from chargeback.statements.month import MonthIndex
from chargeback.statements.sections.cells import empty_cells
from chargeback.statements.sections.first_page import MEANINGS, deferred_paragraphs


def invoices(statement: Statement) -> Section:
    """How the charges of all business units tie to what AWS invoiced; the totals that are published only."""
    tie = statement.tie_out
    listed = [*tie.invoices, *tie.changes]
    if tie.difference is None:
        return Section([Paragraph(_not_invoiced(statement)), *deferred_paragraphs(statement)])
    parts: list[Part] = [Paragraph(words.SEVERAL_PROVIDERS)] if tie.of_several else []
    if listed or tie.invoiced:
        parts.append(Table(invoice_columns(), invoice_rows(statement)))
        parts.append(Terms([LINE_ITEM, ROUNDING]))
    parts.append(Paragraph(_tied(statement)))
    if tie.kept and tie.invoiced:
        parts.append(Paragraph(words.WHY_INVOICES_ARE_KEPT, "note"))
    if statement.invoicing:
        parts.append(Paragraph(MEANINGS[statement.invoicing]))
    return Section([*parts, *deferred_paragraphs(statement)])


def invoice_columns() -> list[Column]:
    """The columns of `invoice_rows`."""
    return [
        Column(words.INVOICE, 1),
        Column(words.LINE_ITEMS, optional=True),
        Column(words.ROUNDING, optional=True),
        Column(words.TOTAL),
    ]


def _not_invoiced(statement: Statement) -> str:
    """What is charged where there is no invoice to tie it to."""
    charged = statement.tie_out.charged
    if charged is None:
        kept = words.NOTHING_AND_KEPT if statement.invoicing else words.NOT_INVOICED_KEPT
        return " ".join([kept, *_why_kept(statement)])
    if statement.invoicing:
        return words.NOTHING_WITHOUT_INVOICE.format(
            charged=shown(charged), currency=statement.currency
        )
    return words.NOT_INVOICED.format(
        charged=shown(charged),
        currency=statement.currency,
        share=share_text(statement.total, charged),
    )


def _tied(statement: Statement) -> str:
    """The unit's part of all that was charged; where that is kept, that it ties."""
    tie, total, currency = statement.tie_out, shown(statement.total), statement.currency
    if tie.charged is None:
        sentence = words.TIES_AND_KEPT
        if statement.invoicing == PRO_FORMA:
            sentence = words.REPORT_TIES_AND_KEPT
        tied = sentence.format(difference=shown(tie.difference or ZERO), currency=currency)
        return " ".join([tied, *_why_kept(statement), words.EVERY_CENT])
    if not tie.charged:
        return words.SHARE_OF_NOTHING.format(
            total=total, currency=currency, charged=shown(tie.charged)
        )
    sentence = words.SHARE_OF_OWN_SUM if statement.invoicing == PRO_FORMA else words.SHARE_OF_ALL
    share = share_text(statement.total, tie.charged)
    return sentence.format(total=total, currency=currency, share=share)


def _why_kept(statement: Statement) -> list[str]:
    """Why finance keeps totals; where policy has none printed there is nothing to explain."""
    return [] if statement.published_totals in (NONE, SHARES) else [words.WHY_TOTALS_ARE_KEPT]


def invoice_rows(statement: Statement | MonthIndex) -> list[Row]:
    """The invoices, the changes of earlier ones, and all together."""
    tie = statement.tie_out
    others = []
    if tie.others:
        label = words.OTHER_INVOICES.format(count=tie.others.invoices)
        others.append(_together_row(label, tie.others, BODY))
    return [
        *(_invoice_row(one) for one in tie.invoices),
        *(_invoice_change_row(one) for one in tie.changes),
        *others,
        *_tied_rows(statement),
    ]


def _tied_rows(statement: Statement | MonthIndex) -> list[Row]:
    """All that AWS invoiced, all that was charged, and that there is nothing between the two."""
    tie = statement.tie_out
    if tie.invoiced is None or tie.charged is None or tie.difference is None:
        return []
    what = words.PROVIDERS_INVOICED if tie.of_several else words.AWS_INVOICED
    if statement.invoicing == PRO_FORMA:
        what = words.OWN_SUM_AND_CHANGES if tie.has_changes else words.OWN_SUM
    return [
        _together_row(what, tie.invoiced, SUBTOTAL),
        Row([Cell(words.ALL_CHARGED), *empty_cells(2), amount_cell(tie.charged)]),
        Row([Cell(words.DIFFERENCE), *empty_cells(2), amount_cell(tie.difference)], TOTAL),
    ]


def _together_row(label: str, some: InvoicedTotals, role: str) -> Row:
    cells = [amount_cell(one) for one in (some.line_items, some.rounding, some.total)]
    return Row([Cell(label), *cells], role)


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
            words.ANY_LINE.format(period=period, unit=statement.unit.business_unit_id),
            words.CLOSE_AGAIN.format(period=period),
        ]
    return Section(
        [
            Paragraph(ratified_sentence(statement)),
            Digests([(one.label, one.digest) for one in statement.digests]),
            Terms([DIGEST] if statement.provisional else [DIGEST, LEDGER, MANIFEST]),
            Steps(steps),
            *([Digests(words.SIGNATURE_COMMANDS)] if statement.signer else []),
        ],
        together=True,
    )


def _signature_steps(statement: Statement) -> list[str]:
    """How to check who signed, with programs that are not ours."""
    signer = statement.signer
    if not signer:
        return []
    whose = words.PROVES_NO_CHANGE
    if not signer.development:
        whose = words.SIGNER_MUST_BE.format(name=signer.name)
    said = [words.PDF_IS_SIGNED.format(whose=whose), *_time_of_signing(signer)]
    return [" ".join(said), words.MANIFEST_IS_SIGNED]


def _time_of_signing(signer: Signer) -> Iterator[str]:
    """Who says when it was signed; nothing where the period was closed before statements said it."""
    if signer.time_stamp is not None:
        stamped = words.TIME_IS_STAMPED.format(host=signer.time_stamp)
        yield stamped if signer.time_stamp else words.TIME_BY_OUR_WORD
    if signer.long_term:
        yield words.STORE_FOLLOWS


class Governed(Protocol):
    """What has rules that a council may have ratified."""

    @property
    def governed(self) -> bool: ...

    @property
    def ratification(self) -> Ratified | None: ...


def ratified_sentence(page: Governed) -> str:
    """Who approved the rules that a page follows."""
    found = page.ratification
    if not found:
        return words.NOT_RATIFIED if page.governed else words.NOT_GOVERNED
    return ratified_words(found)


def ratified_words(found: Ratified) -> str:
    """Who ratified rules, when, under which number, and from when on they hold."""
    return words.RATIFIED.format(
        approved_by=who_words(found.approved_by),
        approved_on=found.approved_on,
        reference=change_words(found.reference),
        period=period_title(found.valid_from),
    )
