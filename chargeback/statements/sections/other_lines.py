"""Commitments, rounding and adjustments, and what is corrected of earlier periods."""

from __future__ import annotations

from chargeback.core.period import period_title
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
from chargeback.pages.terms import ADJUSTMENTS, CORRECTION, ROUNDING, Terms
from chargeback.pages.vocabulary import KINDS, OR, commitment_name, joined
from chargeback.statements import wording as words
from chargeback.statements.model import (
    AdjustmentAmount,
    Correction,
    CorrectionRow,
    Statement,
    total_of,
)
from chargeback.statements.sections.by_provider import beside
from chargeback.statements.sections.cells import (
    kind_cell,
    money,
    product_label,
    reference_cell,
    reference_column,
    rest_row,
    sum_of,
)


def other_lines(statement: Statement) -> Section:
    """Commitments, rounding and adjustments."""
    kinds = {one.kind: one.amount for one in statement.kinds}
    groups = [
        ("commitment", _commitment_rows(statement)),
        ("rounding", _rounding_rows(statement)),
        ("adjustment", _adjustment_rows(statement)),
    ]
    rows: list[Row] = []
    for kind, lines in groups:
        if lines:
            rows.append(Row([Cell(KINDS[kind])], GROUP))
            rows += lines
            total_of_kind = kind_cell(kinds[kind], kind)
            rows.append(Row([Cell(KINDS[kind]), reference_cell(), total_of_kind], SUBTOTAL))
    parts: list[Part] = []
    if rows:
        total = sum_of(kinds[kind] for kind, lines in groups if lines)
        rows.append(Row([Cell(words.TOGETHER), reference_cell(), amount_cell(total)], TOTAL))
        columns = [Column(words.WHAT_IT_IS, 1), reference_column(), Column(words.AMOUNT)]
        parts.append(Table(columns, rows))
    none = [KINDS[kind].lower() for kind, lines in groups if not lines]
    if none:
        parts.append(Paragraph(words.THERE_WERE_NO.format(kinds=joined(none, OR))))
    if statement.commitments.rows:
        parts.append(Paragraph(words.COMMITMENTS_MEAN, "note"))
    terms = {"rounding": ROUNDING, "adjustment": ADJUSTMENTS}
    if found := [terms[kind] for kind, lines in groups if lines and kind in terms]:
        parts.append(Terms(found))
    return Section(parts)


def _commitment_rows(statement: Statement) -> list[Row]:
    rows = [
        Row(
            [
                Cell(product_label(one), sub=commitment_name(one.line_item_type)),
                reference_cell(one.reference),
                money(one),
            ]
        )
        for one in statement.commitments.rows
    ]
    return rows + rest_row(statement.commitments.rest, between=1)


def _rounding_rows(statement: Statement) -> list[Row]:
    return [
        Row(
            [Cell(words.ROUNDING_OF, sub=one.invoice_id), reference_cell(one.reference), money(one)]
        )
        for one in statement.roundings
    ]


def _adjustment_rows(statement: Statement) -> list[Row]:
    """What people moved, and one line for each earlier period that is corrected."""
    corrected = [
        (words.CORRECTIONS_TO.format(period=period_title(one.original_period)), one)
        for one in statement.corrections
    ]
    return [
        *(_adjustment_row(one) for one in statement.adjustments),
        *(
            Row([Cell(about, sub=words.LISTED_BELOW), reference_cell(one.reference), money(one)])
            for about, one in corrected
        ),
    ]


def _adjustment_row(one: AdjustmentAmount) -> Row:
    name = one.name + (f": {one.reason}" if one.reason else "")
    about = f"{one.cost_center_id}, {one.reference}"
    if one.approved_by:
        approved = words.ADJUSTMENT_APPROVED.format(
            approved_by=one.approved_by, approved_on=one.approved_on
        )
        about = f"{about}, {approved}"
    return Row([Cell(name, sub=about), reference_cell(one.reference_of_line), money(one)])


def corrections(statement: Statement) -> Section:
    """What AWS changed in earlier periods after they were closed, and is charged or given back now."""
    listed = statement.corrections
    if not listed:
        return Section([Paragraph(words.NO_CORRECTION)])
    rows = [row for one in listed for row in _correction_rows(one)]
    if len(listed) > 1:
        total = amount_cell(total_of(listed))
        rows.append(Row([Cell(words.ALL_PERIODS), reference_cell(), total], TOTAL))
    columns = [Column(words.WHAT_IS_CORRECTED, 1), reference_column(), Column(words.CORRECTION)]
    how = words.HOW_PERIODS_ARE_CORRECTED
    if any(one.delivered_by for one in listed):
        how = words.HOW_PERIODS_OF_PROVIDERS_ARE_CORRECTED
    explained: list[Part] = [Terms([CORRECTION]), Paragraph(how, "note")]
    return Section([Table(columns, rows), *explained])


def _correction_rows(one: Correction) -> list[Row]:
    """An earlier period: why it is corrected, what changes, and what that comes to."""
    title = period_title(one.original_period)
    reasons = []
    if one.delivered_by:
        who = joined(list(one.delivered_by))
        reasons.append(words.PROVIDERS_DELIVERED_AGAIN.format(providers=who))
    elif one.execution_id:
        reasons.append(words.DELIVERED_AGAIN.format(execution_id=one.execution_id))
    if one.taken:
        reasons.append(words.TAKEN_NOW.format(invoice_ids=joined(list(one.taken))))
    why = ". ".join(reasons) or words.INVOICE_CHANGED
    total = amount_cell(one.amount, figure=("correction", one.original_period))
    all_of = Cell(words.ALL_OF.format(period=title), sub=one.original_period)
    return [
        Row([Cell(title, sub=why)], GROUP),
        *(_correction_row(row) for row in one.rows.rows),
        *rest_row(one.rows.rest, between=1),
        Row([all_of, reference_cell(one.reference), total], SUBTOTAL),
    ]


def _correction_row(row: CorrectionRow) -> Row:
    service = product_label(row)
    what = {
        "allocated": words.SHARED_COST_OF.format(pool=row.pool),
        "commitment": words.COMMITMENTS_OF.format(service=service),
        "rounding": KINDS["rounding"],
    }.get(row.kind, service)
    if row.account:
        what = words.IN_ACCOUNT.format(what=what, account=row.account)
    whose = f"{row.name}, {row.cost_center_id}"
    if row.ended:
        whose = words.BECAUSE_ENDED.format(whose=whose, cost_center=row.ended)
    whose = beside(row.provider, whose)
    return Row([Cell(what, sub=whose), reference_cell(row.reference), money(row)])
