"""What the total is made of: by kind, by cost center, by period, and the lines of the small kinds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from chargeback.allocation.pools import COMMITMENT
from chargeback.ledger.post import ROUNDING, in_order
from chargeback.ledger.references import rule_reference
from chargeback.pages.vocabulary import KINDS
from chargeback.params import Params
from chargeback.params.adjustments import Adjustment
from chargeback.statements.extract.charges import Row
from chargeback.statements.extract.unit_rows import (
    UnitRows,
    cost_center_name,
    listed,
    rows_by,
    rows_of_kind,
    sum_of,
    sums_by,
)
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import (
    ZERO,
    AdjustmentAmount,
    CommitmentAmount,
    CostCenterAmount,
    KindAmount,
    Listed,
    PeriodAmount,
    RoundingAmount,
)

ROWS_OF_COMMITMENTS = 12


def by_kind(mine: UnitRows) -> tuple[KindAmount, ...]:
    """By kind, in the order of the statement; direct and shared cost even when zero."""
    found = {kind: KindAmount(kind, now, then) for kind, now, then in mine.compared("kind")}
    for kind in ("direct", "allocated"):
        found.setdefault(kind, KindAmount(kind, ZERO, ZERO if mine.previous_period else None))
    return tuple(found[kind] for kind in KINDS if kind in found)


def cost_centers(
    params: Params, mine: UnitRows, own: Iterable[str]
) -> tuple[CostCenterAmount, ...]:
    """Every cost center of the unit, and those that were charged or had been, the largest first.

    Args:
        own: the unit's cost centers by the params.
    """
    charged = rows_by(mine.rows, "cost_center_id")
    then = sums_by(mine.previous, "cost_center_id")
    found = []
    for key in {*own, *charged, *then}:
        direct, allocated, other, amount = _parts(charged.get(key, []))
        found.append(
            CostCenterAmount(
                cost_center_id=key,
                name=cost_center_name(params, key),
                direct=direct,
                allocated=allocated,
                other=other,
                amount=amount,
                previous=then.get(key, ZERO) if mine.previous_period else None,
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.amount, one.cost_center_id)))


def period_amount(period: str, rows: list[Row]) -> PeriodAmount:
    """The total of a period and its parts."""
    direct, allocated, other, amount = _parts(rows)
    return PeriodAmount(period, direct, allocated, other, amount)


def _parts(rows: list[Row]) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Direct, allocated, all else, and what they come to."""
    direct = sum_of(rows_of_kind(rows, "direct"))
    allocated = sum_of(rows_of_kind(rows, "allocated"))
    total = sum_of(rows)
    return direct, allocated, total - direct - allocated, total


def commitments(inputs: StatementInputs, mine: UnitRows) -> Listed[CommitmentAmount]:
    """Commitments by service and line item type, the largest first, whatever their sign."""
    groups: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for row in rows_of_kind(mine.rows, "commitment"):
        groups[row["product_code"] or "", row["line_item_type"] or ""] += row["amount"]
    ordered = sorted(groups.items(), key=lambda item: (-abs(item[1]), item[0]))
    return listed(
        [
            CommitmentAmount(
                code, inputs.product_names.get(code, ""), item_type, amount,
                mine.references.of_key(COMMITMENT, code, item_type),
            )
            for (code, item_type), amount in ordered
        ],
        ROWS_OF_COMMITMENTS,
    )  # fmt: skip


def roundings(mine: UnitRows) -> tuple[RoundingAmount, ...]:
    """What was posted to tie invoices out, by invoice."""
    sums = sums_by(rows_of_kind(mine.rows, "rounding"), "invoice_id")
    return tuple(
        RoundingAmount(invoice_id, amount, mine.references.of_key(ROUNDING, invoice_id))
        for invoice_id, amount in sums.items()
    )


def adjustments(params: Params, mine: UnitRows) -> tuple[AdjustmentAmount, ...]:
    """What people moved, why, and who approved it, as the params have it; corrections are apart."""
    lines = [row for row in rows_of_kind(mine.rows, "adjustment") if not row["original_period"]]
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row, found in with_register_rows(params, lines):
        said = (found.reason, found.approved_by, found.approved_on) if found else ("", "", "")
        groups[rule_reference(row), row["cost_center_id"], *said].append(row)
    return tuple(
        AdjustmentAmount(
            reference=reference,
            reason=reason,
            cost_center_id=center,
            name=cost_center_name(params, center),
            amount=sum_of(rows),
            approved_by=approved_by,
            approved_on=approved_on,
            reference_of_line=mine.references.of_rows(rows),
        )
        for (reference, center, reason, approved_by, approved_on), rows in sorted(
            groups.items(), key=lambda one: one[0]
        )
    )


def with_register_rows(params: Params, lines: Sequence[Row]) -> list[tuple[Row, Adjustment | None]]:
    """Lines of adjustments, each with its row in the params; None where the params do not have it.

    A reference may be that of several rows, of other units too. A line is of a row that has its reference, and
    moves its amount from or to its cost center; where several do, they are about the same cost center, and are
    posted in their order. So reason and approval are shown only to those whose cost the row moves.
    """
    moved: dict[tuple[str, str, Decimal], list[Adjustment]] = defaultdict(list)
    for one in in_order(params.adjustments):
        moved[one.reference, one.from_cost_center_id, -one.amount].append(one)
        moved[one.reference, one.to_cost_center_id, one.amount].append(one)
    by_side: dict[tuple[str, str, Decimal], list[Row]] = defaultdict(list)
    for row in sorted(lines, key=lambda one: (one["entry_id"], one["line"])):
        by_side[rule_reference(row), row["cost_center_id"], row["amount"]].append(row)
    found: list[tuple[Row, Adjustment | None]] = []
    for side, rows in by_side.items():
        registered: Sequence[Adjustment | None] = moved.get(side, ())
        if len(registered) != len(rows):
            registered = [None] * len(rows)
        found += zip(rows, registered, strict=True)
    return found
