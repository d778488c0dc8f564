"""What the index of a month says, section by section: one function per cell of `reports/index.ipynb`.

Comes in: the `MonthIndex` that the notebook read. Goes out: a `Section` as of a statement, in HTML only.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from urllib.parse import quote

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.pages.charts import totals_chart
from chargeback.pages.folded import FoldedLinks
from chargeback.pages.outlines import mark
from chargeback.pages.parts import (
    TOTAL,
    Cell,
    Chart,
    Column,
    Digests,
    Masthead,
    Paragraph,
    Part,
    Row,
    Section,
    Steps,
    Table,
    amount_cell,
    change_cell,
)
from chargeback.pages.sparkline import sparkline
from chargeback.pages.terms import DIGEST, LEDGER, LINE_ITEM, MANIFEST, ROUNDING, Terms
from chargeback.statements import index_wording as words
from chargeback.statements import outlook_wording as outlook_words
from chargeback.statements import wording
from chargeback.statements.model import ZERO
from chargeback.statements.month import MonthIndex, UnitOfMonth
from chargeback.statements.sections import outlook
from chargeback.statements.sections.cells import share_cell, total_cell, trend_words
from chargeback.statements.sections.first_page import (
    MEANINGS,
    change_sentence,
    deferred_paragraphs,
    has_development_key,
    status_facts,
    status_mark,
)
from chargeback.statements.sections.opened import open_month
from chargeback.statements.sections.proof import invoice_columns, invoice_rows, ratified_words

#: So many units are found in the table; of more there is a list by name besides.
FOUND_AT_SIGHT = 24

#: The file that a name leads to.
PAGE = words.FILES[0][1]

__all__ = ["head", "invoices", "open_month", "page_title", "units", "verify"]


def head(month: MonthIndex) -> Section:
    """Which month, the total of all units and its change from the last closed period."""
    period = period_title(month.billing_period)
    is_open = month.provisional
    parts: list[Part] = [
        Masthead(
            title=words.INDEX_TITLE,
            unit=words.ALL_UNITS,
            unit_id="",
            period=period,
            facts=_facts(month),
            total=total_cell(month.total),
            total_label=outlook.total_label(month)
            if is_open
            else wording.TOTAL_FOR.format(period=period),
            currency=month.currency,
            change=outlook.headline(month) if is_open else change_sentence(month),
            provisional=status_mark(month),
            is_settled=bool(month.invoicing) and not is_open,
            watermark=mark(wording.PROVISIONAL) if is_open else "",
            picture=_picture(month),
        ),
    ]
    if is_open:
        parts.append(Paragraph(wording.NOT_TO_BOOK, "warning"))
    if month.invoicing:
        parts.append(Paragraph(MEANINGS[month.invoicing], "warning"))
    return Section([*parts, *deferred_paragraphs(month), *outlook.unit_estimates(month)])


def page_title(month: MonthIndex) -> str:
    """What the file calls itself, in the tab of a browser."""
    title = words.INDEX_FILE_TITLE.format(period=period_title(month.billing_period))
    said = status_mark(month)
    return f"{said} {title}" if said else title


def _facts(month: MonthIndex) -> list[tuple[str, str]]:
    """What stands under the title."""
    return [
        (wording.BILLING_PERIOD, period_title(month.billing_period)),
        (words.STATEMENTS, str(len(month.units))),
        *((words.PAYERS, one) for one in [", ".join(_payers(month))] if one),
        *status_facts(month),
    ]


def _payers(month: MonthIndex) -> list[str]:
    """The payer accounts, by name where the params know one."""
    return [
        one.account_id if one.name == one.account_id else f"{one.name} ({one.account_id})"
        for one in month.payers
    ]


def _picture(month: MonthIndex) -> Chart | None:
    """The totals of the periods; nothing where there is one only."""
    if len(month.trend) == 1:
        return None
    says = wording.TOTAL_PER_PERIOD.format(periods=trend_words(month))
    return Chart(totals_chart(month.trend), says)


def units(month: MonthIndex) -> Section:
    """A line per business unit, the largest first, with its files; all of them together."""
    rows = [_unit_row(month, one) for one in month.units]
    if month.ended:
        rows.append(_row(month, Cell(words.ENDED), ZERO, month.ended, "", ()))
    amounts = tuple(one.amount for one in month.trend)
    total = Cell(wording.TOTAL)
    return Section(
        [
            *_names(month),
            Table(
                _columns(month),
                [*rows, _row(month, total, month.total, month.previous_total, "total", amounts)],
            ),
            Paragraph(words.WHO_MAY_SEE_IT, "note"),
        ]
    )


def _names(month: MonthIndex) -> list[FoldedLinks]:
    """All units by name, where there are too many to find one by what it is charged."""
    if len(month.units) <= FOUND_AT_SIGHT:
        return []
    often = Counter(one.name for one in month.units)
    links = sorted(
        (one.name if often[one.name] == 1 else f"{one.name} ({one.business_unit_id})",
         f"{quote(one.business_unit_id)}/{PAGE}")
        for one in month.units
    )  # fmt: skip
    return [FoldedLinks(words.FIND_A_UNIT.format(count=len(links)), links)]


def _columns(month: MonthIndex) -> list[Column]:
    compared = []
    if month.previous_period:
        compared = [
            Column(wording.TREND, 0, optional=True),
            Column(_whole_month(month), optional=True),
            *([] if month.provisional else [Column(wording.CHANGE)]),
        ]
    return [
        Column(wording.BUSINESS_UNIT, 1),
        *compared[:1],
        Column(wording.OF_TOTAL, optional=True),
        *compared[1:],
        Column(period_title(month.billing_period)),
    ]


def _whole_month(month: MonthIndex) -> str:
    """What the column of the last closed period is called; a draft says that it is all of it."""
    period = period_title(month.previous_period or "")
    return outlook_words.ALL_OF_MONTH.format(period=period) if month.provisional else period


def _unit_row(month: MonthIndex, unit: UnitOfMonth) -> Row:
    """A unit and its files, beside what it is charged."""
    folder = quote(unit.business_unit_id)
    links = tuple(
        (label, f"{folder}/{name}", words.FILE_OF.format(file=label, unit=unit.name))
        for label, name in words.FILES
    )
    cell = Cell(unit.name, sub=unit.business_unit_id, links=links)
    return _row(month, cell, unit.amount, unit.previous, unit.business_unit_id, unit.trend)


def _row(
    month: MonthIndex,
    label: Cell,
    amount: Decimal,
    previous: Decimal | None,
    key: str,
    trend: tuple[Decimal, ...],
) -> Row:
    """A line of the table.

    Args:
        key: of its two figures as they are read back: a unit's id, `total` for all, blank for none.
    """
    is_total = not label.sub and key == "total"
    now, then = ("total", "previous_total") if is_total else ("unit", "previous")
    compared = []
    if month.previous_period:
        before = previous or ZERO
        compared = [
            Cell("", drawing=sparkline(trend) if trend else ""),
            amount_cell(before, figure=(then, key) if key else None, muted=True),
            *([] if month.provisional else [change_cell(amount - before)]),
        ]
    cells = [
        label,
        *compared[:1],
        share_cell(amount, month.total),
        *compared[1:],
        amount_cell(amount, figure=(now, key) if key else None),
    ]
    return Row(cells, TOTAL) if is_total else Row(cells)


def invoices(month: MonthIndex) -> Section:
    """How the charges of all units tie to what AWS invoiced, with every total."""
    if month.tie_out.difference is None:
        said = words.CHARGED_SO_FAR.format(charged=shown(month.total), currency=month.currency)
        return Section([Paragraph(said)])
    return Section(
        [
            Table(invoice_columns(), invoice_rows(month)),
            Terms([LINE_ITEM, ROUNDING]),
            Paragraph(f"{wording.EVERY_CENT} {words.KEPT_IN_STATEMENTS}", "note"),
        ]
    )


def verify(month: MonthIndex) -> Section:
    """The digests that pin the month to its sources, and how to check it."""
    steps = list(words.OPEN_STEPS)
    if not month.provisional:
        steps = [one.format(period=month.billing_period) for one in words.CLOSED_STEPS]
        steps += _signed(month)
    terms = Terms([DIGEST] if month.provisional else [DIGEST, LEDGER, MANIFEST])
    ratified = [Paragraph(ratified_words(month.ratification))] if month.ratification else []
    digests = Digests([(one.label, one.digest) for one in month.digests])
    return Section([*ratified, digests, terms, Steps(steps)])


def _signed(month: MonthIndex) -> list[str]:
    """Who must have signed, and who says when, where somebody does."""
    if month.signer is None:
        return []
    said = words.SIGNED_BY.format(name=month.signer.name)
    if has_development_key(month):
        said = words.SIGNED_FOR_DEVELOPMENT
    if month.signer.time_stamp is None:
        return [said]
    stamped = words.TIME_IS_STAMPED.format(host=month.signer.time_stamp)
    return [said, stamped if month.signer.time_stamp else words.TIME_BY_OUR_WORD]
