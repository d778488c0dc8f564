"""The CFO's page, part by part: the total and why it changed first, who pays, and that it ties out.

Comes in: a `Summary`. Goes out: the parts of the page, for HTML and PDF alike. What always holds: whatever
there is in a period, so many rows are shown and no more, and a last row says how many others there are and
what they sum to; so that all of it is one page, or two where the letters of one would be too small.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.delivery import summary_words as words
from chargeback.delivery.summary import BudgetLine, Line, Reason, Summary
from chargeback.delivery.summary_budgets import budgets
from chargeback.delivery.summary_facts import facts
from chargeback.delivery.summary_loss_ratio import loss_ratio
from chargeback.delivery.summary_parts import Facts, Heading, Pages, Pair
from chargeback.delivery.summary_unit_costs import unit_costs
from chargeback.pages.charts import half_waterfall_chart, totals_chart
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
    amount_cell,
    change_cell,
    part_cell,
    signed,
)
from chargeback.pages.vocabulary import CHANGES, joined, share_text
from chargeback.params.invoicing import PRO_FORMA
from chargeback.statements import wording
from chargeback.statements.model import ZERO
from chargeback.statements.sections.change import SMALLEST_STEP
from chargeback.statements.sections.first_page import MARKS, MEANINGS, change_sentence

#: So many rows of a table are shown, that of the rest among them.
MOST_REASONS, MOST_UNITS, MOST_CENTERS, MOST_POOLS, MOST_LINES = 7, 9, 9, 8, 3

#: So many parts of the change are said in the first sentence.
REASONS_SAID = 3

#: The keys of the row that sums what is not shown, and of what all rows come to; no id is like them.
REST, WHOLE = "…", "="


def page_of(summary: Summary) -> Section:
    """The whole page; where it is two, budgets, medical loss ratio and unit costs are on the second."""
    return Section(
        [
            Pages(
                [
                    *head(summary),
                    *changes(summary),
                    Pair(units(summary), cost_centers(summary)),
                ],
                [Pair(pools(summary), [*figures(summary), Facts(facts(summary))])],
                [*budgets(summary), *loss_ratio(summary), *unit_costs(summary)],
            )
        ]
    )


def file_title(summary: Summary) -> str:
    """What the files call themselves."""
    named = words.FILE_TITLE_OF_SEVERAL if summary.tie_out.of_several else words.FILE_TITLE
    title = named.format(period=period_title(summary.billing_period))
    mark = MARKS.get(summary.invoicing, "")
    return f"{mark} {title}" if mark else title


def head(summary: Summary) -> list[Part]:
    """The total, its change, and in one sentence why."""
    period = period_title(summary.billing_period)
    mark = MARKS.get(summary.invoicing, "")
    status = words.RELEASED if summary.approval else words.CLOSED
    picture = None
    if len(summary.trend) > 1:
        totals = ", ".join(
            f"{period_title(one.billing_period)} {shown(one.amount)}" for one in summary.trend
        )
        says = wording.TOTAL_PER_PERIOD.format(periods=totals)
        picture = Chart(totals_chart(summary.trend), says)
    parts: list[Part] = [
        Masthead(
            title=words.TITLE,
            unit=words.ALL_UNITS,
            unit_id="",
            period=period,
            facts=[
                (wording.BILLING_PERIOD, period),
                (words.STATUS, status),
                (words.UNITS, str(len(summary.units))),
                (words.COST_CENTERS, str(len(summary.cost_centers))),
            ],
            total=amount_cell(summary.total, figure=("total", "total")),
            total_label=wording.TOTAL_FOR.format(period=period),
            currency=summary.currency,
            change=change_sentence(summary),
            provisional=mark,
            is_settled=bool(mark),
            picture=picture,
        ),
        Paragraph(why(summary), "lead"),
    ]
    if mark:
        parts.append(Paragraph(MEANINGS[summary.invoicing], "note"))
    return parts


def why(summary: Summary) -> str:
    """The sentence that a reader wants first: what the change is made of, the largest first."""
    if summary.reasons is None:
        return words.FIRST_PERIOD
    parts = sorted(summary.reasons, key=lambda one: -abs(one.amount))
    if not parts and not summary.ended:
        return words.UNCHANGED
    said = [_said(one) for one in parts[:REASONS_SAID]]
    rest = sum((one.amount for one in parts[REASONS_SAID:]), ZERO) - summary.ended
    if rest or not said:
        said.append(words.WHY_REST.format(amount=signed(rest)))
    return f"{words.WHY} {'; '.join(said)}."


def _said(reason: Reason) -> str:
    values = {"label": label_of(reason), "amount": signed(reason.amount)}
    if not reason.largest:
        return words.WHY_PART.format(**values)
    return words.WHY_LARGEST.format(**values, largest=joined(list(reason.largest)))


def label_of(reason: Reason) -> str:
    """What a part of the change is called on this page."""
    return words.LABELS.get(reason.code, CHANGES[reason.code][0])


def changes(summary: Summary) -> list[Part]:
    """The parts of the change as a table and as a picture; nothing for the first period."""
    if summary.reasons is None or summary.previous_total is None or not summary.previous_period:
        return []
    parts = [(one.code, label_of(one), one.amount) for one in summary.reasons]
    if summary.ended:
        parts.append(("ended-units", words.ENDED, -summary.ended))
    parts.sort(key=lambda one: -abs(one[2]))
    if len(parts) > MOST_REASONS:
        rest = parts[MOST_REASONS - 1 :]
        label = words.OTHER_REASONS.format(count=len(rest))
        parts[MOST_REASONS - 1 :] = [(REST, label, sum((one[2] for one in rest), ZERO))]
    change = summary.total - summary.previous_total
    rows = [
        Row([Cell(label), part_cell(amount, ("change", code))]) for code, label, amount in parts
    ]
    rows.append(Row([Cell(words.CHANGE), part_cell(change, ("change", "total"))], TOTAL))
    table = Table([Column(wording.WHAT_CHANGED, 1), Column(wording.AMOUNT)], rows)
    heading = Heading(words.WHAT_CHANGED)
    steps = [(label, amount) for _, label, amount in parts if abs(amount) >= SMALLEST_STEP]
    if len(steps) < 2:
        return [heading, table]
    caption = words.CHART_CAPTION.format(
        before=shown(summary.previous_total), then=period_title(summary.previous_period),
        total=shown(summary.total), now=period_title(summary.billing_period),
    )  # fmt: skip
    says = "; ".join(f"{label} {signed(amount)}" for label, amount in steps)
    return [Pair([heading, table], [Chart(half_waterfall_chart(steps), says, caption)])]


def units(summary: Summary) -> list[Part]:
    """The business units, the largest first."""
    return [
        Heading(words.BY_UNIT),
        lines_table(summary, "unit", words.UNIT, words.TOTAL, summary.units, MOST_UNITS),
    ]


def cost_centers(summary: Summary) -> list[Part]:
    """The cost centers of all units, the largest first."""
    lines = summary.cost_centers
    return [
        Heading(words.BY_CENTER),
        lines_table(summary, "cost_center", words.CENTER, words.TOTAL, lines, MOST_CENTERS),
    ]


def pools(summary: Summary) -> list[Part]:
    """The pools of shared cost, each with what splits it; those that matter most first, whatever their sign."""
    lines = sorted(summary.pools, key=lambda one: (-abs(one.amount), one.key))
    return [
        Heading(words.SHARED),
        lines_table(summary, "pool", words.POOL, words.ALL_SHARED, lines, MOST_POOLS),
    ]


def lines_table(
    summary: Summary, section: str, label: str, total: str, lines: Sequence[Line], most: int
) -> Table:
    """Lines with their change and amount, the rest in one, and what all of them sum to.

    Args:
        section: of the figures, as they are read back.
    """
    compared = summary.previous_period is not None
    rest = [*lines[most - 1 :]] if len(lines) > most else []
    rows = [_line_row(section, one, compared) for one in lines[: len(lines) - len(rest)]]
    if rest:
        more = words.MORE.format(count=len(rest))
        rows.append(_sum_row(section, REST, more, rest, compared))
    rows.append(_sum_row(section, WHOLE, total, lines, compared, TOTAL))
    change = [Column(words.CHANGE)] if compared else []
    period = period_title(summary.billing_period)
    return Table([Column(label, 1), *change, Column(period)], rows)


def _line_row(section: str, line: Line, compared: bool) -> Row:
    change = [change_cell(line.amount - (line.previous or ZERO))] if compared else []
    about = line.about if section == "pool" else ""
    amount = amount_cell(line.amount, figure=(section, line.key))
    return Row([Cell(line.name, sub="" if about else line.key, aside=about), *change, amount])


def _sum_row(
    section: str, key: str, label: str, lines: Sequence[Line], compared: bool, role: str = "body"
) -> Row:
    now = sum((one.amount for one in lines), ZERO)
    then = sum((one.previous or ZERO for one in lines), ZERO)
    change = [change_cell(now - then)] if compared else []
    amount = amount_cell(now, figure=(section, key))
    return Row([Cell(label, muted=key == REST), *change, amount], role)


def figures(summary: Summary) -> list[Part]:
    """What was invoiced and charged, and what of it nobody's tag owns; budgets, corrections and disputes."""
    rows = [
        *_tie_rows(summary),
        _untagged_row(summary),
        *_correction_rows(summary),
        *(row for one in summary.budgets for row in _budget_rows(one)),
        *_dispute_rows(summary),
    ]
    columns = [Column("", 1), Column(wording.AMOUNT)]
    return [Heading(words.FIGURES), Table(columns, rows)]


def _tie_rows(summary: Summary) -> list[Row]:
    tie = summary.tie_out
    if tie.invoiced is None or tie.difference is None:
        return []
    what = words.PROVIDERS_INVOICED if tie.of_several else words.INVOICED
    if summary.invoicing == PRO_FORMA:
        what = words.OWN_SUM
    many = words.INVOICES if tie.has_changes else wording_of_invoices(tie.invoiced.invoices)
    about = words.INVOICED_ABOUT.format(
        count=many.format(count=tie.invoiced.invoices), rounding=shown(tie.invoiced.rounding)
    )
    return [
        Row([Cell(what, aside=about), amount_cell(tie.invoiced.total, figure=("tie", "invoiced"))]),
        Row([Cell(words.CHARGED), amount_cell(summary.total, figure=("tie", "charged"))]),
        Row([Cell(words.DIFFERENCE), amount_cell(tie.difference, figure=("tie", "difference"))], TOTAL),
    ]  # fmt: skip


def wording_of_invoices(count: int) -> str:
    """How many invoices there are, in words."""
    return words.ONE_INVOICE if count == 1 else "{count} invoices"


def _untagged_row(summary: Summary) -> Row:
    share = share_text(summary.untagged, summary.total, 1)
    about = words.SHARE.format(share=share)
    if summary.previous_untagged is not None and summary.previous_period:
        before = share_text(summary.previous_untagged, summary.previous_total or ZERO, 1)
        about = words.SHARE_CHANGED.format(
            share=share, before=before, period=period_title(summary.previous_period)
        )
    amount = amount_cell(summary.untagged, figure=("untagged", "untagged"))
    return Row([Cell(words.WITHOUT_TAG, aside=about), amount])


def _correction_rows(summary: Summary) -> list[Row]:
    found = summary.corrections
    rest = found[: -(MOST_LINES - 1)] if len(found) > MOST_LINES else ()
    rows = []
    if rest:
        label = words.CORRECTIONS.format(count=len(rest))
        whole = sum((one.amount for one in rest), ZERO)
        rows.append(Row([Cell(label, muted=True), amount_cell(whole, figure=("correction", REST))]))
    for one in found[len(rest) :]:
        label = words.CORRECTION.format(period=period_title(one.original_period))
        figure = ("correction", one.original_period)
        rows.append(Row([Cell(label), amount_cell(one.amount, figure=figure)]))
    return rows


def _budget_rows(line: BudgetLine) -> list[Row]:
    over = line.over if len(line.over) == 4 else period_title(line.over)
    difference = line.actual - line.budget
    against = words.OVER if difference > 0 else words.UNDER if difference else words.ON
    centers = words.ONE_CENTER if line.cost_centers == 1 else words.CENTERS
    about = [
        words.BUDGET_ABOUT.format(
            count=centers.format(count=line.cost_centers), actual=shown(line.actual)
        ),
        against.format(amount=shown(abs(difference))),
    ]
    if line.missing:
        about.append(words.MISSING.format(count=line.missing))
    label = Cell(words.BUDGET.format(over=over), aside="; ".join(about))
    return [Row([label, amount_cell(line.budget)])]


def _dispute_rows(summary: Summary) -> list[Row]:
    found = summary.disputes
    if not found:
        return []
    label = words.ONE_DISPUTE if len(found) == 1 else words.DISPUTES.format(count=len(found))
    about = ", ".join(one.reference for one in found[:MOST_LINES])
    about += (
        f" {words.MORE.format(count=len(found) - MOST_LINES)}" if len(found) > MOST_LINES else ""
    )
    amount: Decimal = sum((one.amount for one in found), ZERO)
    return [Row([Cell(label, aside=about), amount_cell(amount)])]
