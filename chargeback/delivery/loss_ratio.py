"""What the CFO's page knows of the split for the medical loss ratio, from what the closes have kept of it.

Comes in: the rows of `medical_loss_ratio.csv` of a closed period, and those of the last one before it. Goes
out: a `LossRatio`. What always holds: a unit's amounts sum to what it is charged, corrections of earlier
periods among it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from chargeback.core.books_folders import Books
from chargeback.ledger.medical_loss_ratio import SplitRow, kept_splits
from chargeback.params.medical_loss_ratio import CATEGORIES, EVERY

ZERO = Decimal("0.00")


@dataclass(frozen=True)
class LossRatioLine:
    """What a business unit is charged, by type of expense."""

    key: str
    name: str
    claims: Decimal
    quality_improvement: Decimal
    administration: Decimal

    @property
    def amount(self) -> Decimal:
        """All of it."""
        return self.claims + self.quality_improvement + self.administration


@dataclass(frozen=True)
class Declared:
    """A declaration that held, and what it split.

    Args:
        declared_for: a cost center's id, or `*`.
        name: of the cost center; empty for `*`.
        cost_centers: how many it split.
        amount: what these were charged.
        claims, quality_improvement, administration: in percent.
    """

    declared_for: str
    name: str
    cost_centers: int
    amount: Decimal
    claims: Decimal
    quality_improvement: Decimal
    administration: Decimal
    basis: str
    reference: str
    entered_by: str
    approved_by: str
    approved_on: str


@dataclass(frozen=True)
class Change:
    """A cost center for which something else is declared than in the month before.

    Args:
        before: percentages of the types of expense, in their order; empty where it was not charged then.
    """

    cost_center_id: str
    name: str
    before: tuple[Decimal, ...]
    now: tuple[Decimal, ...]
    reference: str
    approved_by: str
    approved_on: str


@dataclass(frozen=True)
class LossRatio:
    """The split of a period.

    Args:
        units: the one that is charged most first.
        declared: what held in the period itself; that which splits most of it first.
        previous_period: the last closed period before it, where that was split; None where there is none.
        changes: since then, by cost center.
        corrected: the earlier periods that are corrected, and `corrections` what of the total is theirs.
    """

    units: tuple[LossRatioLine, ...]
    declared: tuple[Declared, ...]
    previous_period: str | None
    changes: tuple[Change, ...]
    corrected: tuple[str, ...]
    corrections: Decimal


def loss_ratio_of(
    rows: Sequence[SplitRow], before: Sequence[SplitRow] | None, previous_period: str | None
) -> LossRatio:
    """What a page shows of kept rows.

    Args:
        before: the rows of the last closed period; None where it was not split.
    """
    own = [one for one in rows if not one.original_period]
    corrections = [one for one in rows if one.original_period]
    return LossRatio(
        units=units_of(rows),
        declared=declared_of(own),
        previous_period=None if before is None else previous_period,
        changes=() if before is None else changes_since(before, own),
        corrected=tuple(sorted({one.original_period for one in corrections})),
        corrections=sum((one.amount for one in corrections), ZERO),
    )


def kept_loss_ratio(books: Books, period: str, before: str | None) -> LossRatio | None:
    """What a closed period has kept of its split; None where it was closed without one.

    Args:
        before: the last closed period before it.

    Raises:
        Refusal: (exit 4) a file is not what was closed.
    """
    rows = kept_splits(books, period)
    if rows is None:
        return None
    return loss_ratio_of(rows, kept_splits(books, before) if before else None, before)


def amounts_by(
    rows: Iterable[SplitRow], key: Callable[[SplitRow], str]
) -> dict[str, dict[str, Decimal]]:
    """What rows come to, by a key and by type of expense."""
    found: dict[str, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(CATEGORIES, ZERO))
    for one in rows:
        found[key(one)][one.category] += one.amount
    return dict(found)


def units_of(rows: Iterable[SplitRow]) -> tuple[LossRatioLine, ...]:
    """A line for each business unit."""
    rows = list(rows)
    names = {one.business_unit_id: one.business_unit_name for one in rows}
    lines = [
        LossRatioLine(unit, names[unit] or unit, *(parts[name] for name in CATEGORIES))
        for unit, parts in amounts_by(rows, lambda one: one.business_unit_id).items()
    ]
    return tuple(sorted(lines, key=lambda one: (-one.amount, one.key)))


def declared_of(rows: Iterable[SplitRow]) -> tuple[Declared, ...]:
    """A line for each declaration."""
    found: dict[str, list[SplitRow]] = defaultdict(list)
    for one in rows:
        found[one.declared_for].append(one)
    lines = []
    for declared_for, own in found.items():
        percents = {one.category: one.percent for one in own}
        first = own[0]
        lines.append(
            Declared(
                declared_for=declared_for,
                name="" if declared_for == EVERY else first.cost_center_name,
                cost_centers=len({one.cost_center_id for one in own}),
                amount=sum((one.amount for one in own), ZERO),
                claims=percents["claims"],
                quality_improvement=percents["quality_improvement"],
                administration=percents["administration"],
                basis=first.basis,
                reference=first.reference,
                entered_by=first.entered_by,
                approved_by=first.approved_by,
                approved_on=first.approved_on,
            )
        )
    return tuple(sorted(lines, key=lambda one: (-one.amount, one.declared_for)))


def changes_since(before: Iterable[SplitRow], now: Iterable[SplitRow]) -> tuple[Change, ...]:
    """The cost centers whose declaration is another than it was, and those that have one of their own anew."""
    then, since = declarations_in(before), declarations_in(now)
    found = []
    for center, rows in sorted(since.items()):
        was = then.get(center)
        if was is None and rows[0].declared_for == EVERY:
            continue
        if was is None or said_of(was) != said_of(rows):
            one = rows[0]
            found.append(
                Change(
                    center, one.cost_center_name, percents_of(was or ()), percents_of(rows), one.reference,
                    one.approved_by, one.approved_on,
                )
            )  # fmt: skip
    return tuple(found)


def declarations_in(rows: Iterable[SplitRow]) -> dict[str, list[SplitRow]]:
    """What is declared for each cost center that is charged for the period itself: a row for each type."""
    found: dict[str, list[SplitRow]] = defaultdict(list)
    for one in rows:
        if not one.original_period:
            found[one.cost_center_id].append(one)
    order = {name: place for place, name in enumerate(CATEGORIES)}
    return {key: sorted(those, key=lambda one: order[one.category]) for key, those in found.items()}


def percents_of(rows: Iterable[SplitRow]) -> tuple[Decimal, ...]:
    """The percentages of a declaration, by type of expense in their order."""
    return tuple({one.category: one.percent for one in rows}.values())


def said_of(rows: Sequence[SplitRow]) -> tuple[object, ...]:
    """What is declared: percentages, basis and the decision."""
    one = rows[0]
    return (percents_of(rows), one.basis, one.reference, one.approved_by, one.approved_on)
