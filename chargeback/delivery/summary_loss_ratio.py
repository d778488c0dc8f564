"""The split for the medical loss ratio on the CFO's page: units, what is declared, and the proof.

Comes in: a `LossRatio`. Goes out: a table, a picture and sentences for the page, and what of its data is not
what the params and the postings of the closed period give when they are split again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from chargeback.core.money import shown
from chargeback.core.period import period_title
from chargeback.core.text import beginning
from chargeback.delivery import summary_words as words
from chargeback.delivery.loss_ratio import Change, Declared, LossRatio, LossRatioLine, units_of
from chargeback.delivery.released import ClosedForDelivery
from chargeback.delivery.summary import Summary
from chargeback.delivery.summary_parts import Facts, Heading, Pair
from chargeback.ledger.medical_loss_ratio import as_kept, kept_splits, split_charges
from chargeback.pages.approvals import change_words, who_words
from chargeback.pages.charts import half_parts_chart
from chargeback.pages.parts import (
    TOTAL,
    Cell,
    Chart,
    Column,
    Part,
    Row,
    Table,
    amount_cell,
)
from chargeback.pages.vocabulary import joined, share_text
from chargeback.params.medical_loss_ratio import CATEGORIES, EVERY
from chargeback.statements.model import ZERO

#: So many units, declarations and changes are named, the rest of the units among them.
MOST_UNITS, MOST_DECLARED, MOST_CHANGES, MOST_DECISIONS = 9, 3, 2, 3
#: So many letters a basis, and a reference or name, have on the page; the CSV file has all.
BASIS_LETTERS, NAME_LETTERS = 240, 80


def loss_ratio(summary: Summary) -> list[Part]:
    """The units by type of expense, and on what basis; nothing where nothing is declared."""
    found = summary.loss_ratio
    if found is None or not found.units:
        return []
    said = declared_facts(summary, found)
    basis = [one for one in said if one[0] == words.BASIS_LABEL]  # the longest by far
    beside = [one for one in said if one not in basis]
    return [
        Heading(words.LOSS_RATIO),
        units_table(found.units),
        Pair([chart(found.units)], [Facts(beside)]),
        Facts(basis),
    ]


def units_table(lines: Sequence[LossRatioLine]) -> Table:
    """Each unit, the rest in one, what all come to, and that in percent."""
    rest = [*lines[MOST_UNITS - 1 :]] if len(lines) > MOST_UNITS else []
    rows = [
        row_of(Cell(one.name, sub=one.key if one.name != one.key else ""), [one])
        for one in lines[: len(lines) - len(rest)]
    ]
    if rest:
        rows.append(row_of(Cell(words.MORE.format(count=len(rest)), muted=True), rest))
    rows.append(row_of(Cell(words.TOTAL), lines, TOTAL))
    whole = sum((one.amount for one in lines), ZERO)
    shares = [Cell(share_text(part, whole, 2), muted=True) for part in parts_of(lines)]
    rows.append(Row([Cell(words.OF_CHARGED, muted=True), *shares, Cell("")]))
    columns = [Column(words.UNIT, 1), *(Column(words.CATEGORIES[name]) for name in CATEGORIES)]
    return Table([*columns, Column(words.CHARGED_AS, optional=True)], rows)


def parts_of(lines: Sequence[LossRatioLine]) -> list[Decimal]:
    """What lines come to, by type of expense."""
    return [sum((getattr(one, name) for one in lines), ZERO) for name in CATEGORIES]


def row_of(label: Cell, lines: Sequence[LossRatioLine], role: str = "body") -> Row:
    """What one or several units are charged, by type of expense."""
    parts = parts_of(lines)
    cells = [amount_cell(part, muted=not part) for part in parts]
    return Row([label, *cells, amount_cell(sum(parts, ZERO))], role)


def chart(lines: Sequence[LossRatioLine]) -> Chart:
    """The same as bars."""
    shown_lines = [one for one in lines[: MOST_UNITS - 1] if one.amount]
    names = [words.CATEGORIES[name] for name in CATEGORIES]
    drawn = [(one.name, [getattr(one, name) for name in CATEGORIES]) for one in shown_lines]
    says = "; ".join(
        f"{label} {joined([f'{name} {shown(part)}' for name, part in zip(names, parts, strict=True)])}"
        for label, parts in drawn
    )
    return Chart(half_parts_chart(drawn, names), says, words.LOSS_RATIO_CAPTION)


def declared_facts(summary: Summary, found: LossRatio) -> list[tuple[str, str]]:
    """What is declared, by whom, on what basis, what changed, and what these figures are not."""
    rows = [(words.DECLARED_LABEL, " ".join(decisions(found.declared)))]
    own = [one for one in found.declared if one.declared_for != EVERY and one.administration < 100]
    others = [one for one in found.declared if one not in own]
    named = sorted(own, key=lambda one: (-beside_administration(one), one.declared_for))[
        :MOST_DECLARED
    ]
    said = [declared_words(one) for one in [*named, *others[:1]]]
    left = len(found.declared) - len(said)
    if left > 0:
        said.append(words.BASES_LEFT.format(count=left))
    rows.append((words.BASIS_LABEL, " ".join(said)))
    rows.append((words.CHANGED_LABEL, changed_words(found)))
    if found.corrected:
        rows.append((words.CORRECTED_LABEL, corrected_words(found)))
    rows.append((words.LIMITS_LABEL, words.LIMITS))
    return rows


def beside_administration(one: Declared) -> Decimal:
    """How much a declaration takes out of administration, to order by: a hundred times the amount."""
    return abs(one.amount) * (100 - one.administration)


def decisions(declared: Sequence[Declared]) -> Iterator[str]:
    """Who approved what, each decision once."""
    found: dict[tuple[str, str, str, str], int] = {}
    for one in declared:
        key = (one.reference, one.entered_by, one.approved_by, one.approved_on)
        found[key] = found.get(key, 0) + one.cost_centers
    most_first = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    for (reference, entered_by, approved_by, day), count in most_first[:MOST_DECISIONS]:
        centers = words.ONE_CENTER if count == 1 else words.CENTERS
        yield words.DECISION.format(
            centers=centers.format(count=count), reference=on_page(change_words(reference)),
            entered_by=on_page(entered_by), approved_by=on_page(who_words(approved_by)), day=day,
        )  # fmt: skip
    if len(found) > MOST_DECISIONS:
        yield words.DECISIONS_LEFT.format(count=len(found) - MOST_DECISIONS)


def on_page(text: str) -> str:
    """A reference or a name, where there is little room."""
    return beginning(text, NAME_LETTERS)


def declared_words(one: Declared) -> str:
    """What is declared for whom, and why."""
    percents = split_words((one.claims, one.quality_improvement, one.administration))
    whom = (
        words.EVERY_OTHER
        if one.declared_for == EVERY
        else f"{on_page(one.name)} ({one.declared_for})"
    )
    return words.BASIS.format(
        whom=whom, percents=percents, basis=beginning(one.basis.rstrip(". "), BASIS_LETTERS)
    )


def split_words(percents: Sequence[Decimal]) -> str:
    """Percentages with their types of expense; those of nothing are left out."""
    return joined(
        [
            f"{percent_words(one)} {words.CATEGORIES_SAID[name]}"
            for name, one in zip(CATEGORIES, percents, strict=True)
            if one
        ]
    )


def percent_words(percent: Decimal) -> str:
    """A percentage as it was entered, without zeros that say nothing.

    >>> percent_words(Decimal("62.50")), percent_words(Decimal("100"))
    ('62.5%', '100%')
    """
    text = f"{percent:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"


def changed_words(found: LossRatio) -> str:
    """Whose declaration is another than the month before."""
    if found.previous_period is None:
        return words.NO_MONTH_BEFORE
    before = period_title(found.previous_period)
    if not found.changes:
        return words.NOTHING_CHANGED.format(period=before)
    said = [change_said(one) for one in found.changes[:MOST_CHANGES]]
    more = len(found.changes) - MOST_CHANGES
    if more > 0:
        said.append(words.CHANGES_LEFT.format(count=more))
    return f"{words.SINCE.format(period=before)} {' '.join(said)}"


def change_said(one: Change) -> str:
    """What was declared for a cost center, and what is."""
    words_now = split_words(one.now)
    values = {
        "whom": f"{on_page(one.name)} ({one.cost_center_id})",
        "now": words_now,
        "reference": on_page(change_words(one.reference)),
        "approved_by": on_page(who_words(one.approved_by)),
        "day": one.approved_on,
    }
    if not one.before:
        return words.DECLARED_ANEW.format(**values)
    before = split_words(one.before)
    if before == words_now:
        return words.DECLARED_AGAIN.format(**values)
    return words.DECLARED_CHANGED.format(**values, before=before)


def corrected_words(found: LossRatio) -> str:
    """What of the figures corrects earlier periods, and by what that is split."""
    periods = joined([period_title(one) for one in found.corrected])
    return words.CORRECTED.format(amount=shown(found.corrections), periods=periods)


def loss_ratio_differences(
    period: ClosedForDelivery, summary: Summary
) -> Iterator[tuple[str, str]]:
    """Where the data are not what params and postings give: what differs, and what is shown instead."""
    if summary.loss_ratio is None:
        return
    again = split_charges(period.postings, period.params)
    if as_kept(again) != kept_splits(period.books, period.period):
        yield (
            "medical loss ratio: expected what the ledger and the declarations give",
            "another split",
        )
    expected = {one.key: one for one in units_of(again)}
    found = {one.key: one for one in summary.loss_ratio.units}
    for unit in sorted(expected.keys() | found.keys()):
        for name in CATEGORIES:
            right, is_ = (
                getattr(those[unit], name) if unit in those else None for those in (expected, found)
            )
            if right != is_:
                yield (
                    f"medical loss ratio of {unit}, {name}: expected {said(right)}",
                    said(is_),
                )


def said(amount: Decimal | None) -> str:
    """An amount in words."""
    return "nothing" if amount is None else shown(amount)
