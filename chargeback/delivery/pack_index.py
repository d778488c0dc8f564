"""The index of a pack: for finance, every unit with what it is charged and links to its files.

One page that works offline, with the look of all pages. It shows every unit and lies over their folders, each
of which may be handed out as it is. The same summary gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import quote

from chargeback.core.period import period_title
from chargeback.delivery.pack_names import UnitFiles, loss_ratio_file, summary_file
from chargeback.delivery.summary import Line, Summary
from chargeback.pages.parts import (
    TOTAL,
    Cell,
    Column,
    Masthead,
    Paragraph,
    Row,
    Table,
    amount_cell,
    change_cell,
)
from chargeback.pages.shell import render_page
from chargeback.pages.vocabulary import share_text
from chargeback.params.invoicing import PRO_FORMA
from chargeback.statements import wording
from chargeback.statements.model import ZERO
from chargeback.statements.sections.first_page import MARKS, change_sentence

TEMPLATE, INDEX_FILE = "pack.html", "index.html"
TITLE = "Pack of the month"
PAGE_TITLE = "Pack of {period}"
ALL_UNITS, UNIT = "All business units", "Business unit"
SUMMARY_OF = "The summary for finance"
LOSS_RATIO_OF = "Every charge by type of expense, for the medical loss ratio"
MAILS_ARE_IN = (
    "Covering mails lie in the folder mail, one a unit: opened in a mail program, each is a draft."
)
WHO_MAY_SEE_IT = (
    "This page and the summary show every business unit. They are for finance, and no part of what a unit "
    "receives: that is the unit's own folder."
)
UNIT_COSTS = "Unit costs"
ENDINGS = (("PDF", "pdf"), ("HTML", "html"), ("CSV", "csv"))


def index_page(
    summary: Summary,
    files: Mapping[str, UnitFiles],
    has_mails: bool,
    with_unit_costs: Collection[str] = (),
) -> bytes:
    """The page.

    Args:
        files: how those of each unit are called.
        with_unit_costs: the units that have a table of unit costs.
    """
    period = period_title(summary.billing_period)
    mark = MARKS.get(summary.invoicing, "")
    title = PAGE_TITLE.format(period=period)
    head = Masthead(
        title=TITLE, unit=ALL_UNITS, unit_id="", period=period,
        facts=[(wording.BILLING_PERIOD, period)],
        total=amount_cell(summary.total), total_label=wording.TOTAL_FOR.format(period=period),
        currency=summary.currency, change=change_sentence(summary), provisional=mark,
        is_settled=summary.invoicing == PRO_FORMA or bool(mark),
    )  # fmt: skip
    rows = [
        _summary_row(summary),
        *_loss_ratio_rows(summary),
        *(_row(summary, one, files, one.key in with_unit_costs) for one in summary.units),
    ]
    notes = [Paragraph(WHO_MAY_SEE_IT, "note")]
    if has_mails:
        notes.insert(0, Paragraph(MAILS_ARE_IN))
    page = render_page(
        TEMPLATE, title=f"{mark} {title}" if mark else title, head=head,
        units=Table(_columns(summary), [*rows, _total_row(summary)]), notes=notes,
    )  # fmt: skip
    return page.encode()


def _columns(summary: Summary) -> list[Column]:
    change = [Column(wording.CHANGE)] if summary.previous_period else []
    period = period_title(summary.billing_period)
    return [Column(UNIT, 1), Column(wording.OF_TOTAL, optional=True), *change, Column(period)]


def _summary_row(summary: Summary) -> Row:
    links = [
        (label, quote(summary_file(summary.billing_period, ending)), f"{label} of the summary")
        for label, ending in ENDINGS[:2]
    ]
    empty = [Cell("")] * (3 if summary.previous_period else 2)
    return Row([Cell(SUMMARY_OF, sub="finance", links=links), *empty])


def _loss_ratio_rows(summary: Summary) -> list[Row]:
    if summary.loss_ratio is None:
        return []
    link = ("CSV", quote(loss_ratio_file(summary.billing_period)), f"CSV of: {LOSS_RATIO_OF}")
    empty = [Cell("")] * (3 if summary.previous_period else 2)
    return [Row([Cell(LOSS_RATIO_OF, sub="finance", links=[link]), *empty])]


def _row(summary: Summary, line: Line, files: Mapping[str, UnitFiles], has_unit_costs: bool) -> Row:
    own = files[line.key]
    links = [
        (label, quote(own.in_pack(ending)), f"{label} of {line.name}") for label, ending in ENDINGS
    ]
    if has_unit_costs:
        links.append((UNIT_COSTS, quote(own.unit_costs), f"{UNIT_COSTS} of {line.name}, as CSV"))
    change = [change_cell(line.amount - (line.previous or ZERO))] if summary.previous_period else []
    share = Cell(share_text(line.amount, summary.total, 1), muted=True)
    return Row(
        [Cell(line.name, sub=line.key, links=links), share, *change, amount_cell(line.amount)]
    )


def _total_row(summary: Summary) -> Row:
    whole = summary.total
    change = []
    if summary.previous_period:
        change = [change_cell(whole - (summary.previous_total or ZERO) + summary.ended)]
    share = Cell(share_text(whole, whole, 1), muted=True)
    return Row([Cell(wording.TOTAL), share, *change, amount_cell(whole)], TOTAL)
