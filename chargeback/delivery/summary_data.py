"""From a closed period to the CFO's page of it.

Comes in: the data of its statements and of its index, as they were closed, its postings and those of the last
closed period, the delivery log, today's budgets where the statements have none. Goes out: a `Summary`. Why the
total changed is what the statements say, summed over the units.

Known drawback: what is moved from one unit to another is nothing in the sum, so that a rule that moves much
may not be on this page; it is on the statements.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from chargeback.allocation.pools import ALLOCATED, DIRECT
from chargeback.books.checked import checked_bytes, checked_postings
from chargeback.books.counted import counted_metrics
from chargeback.books.delivery_log import APPROVED, now
from chargeback.books.manifest import recorded_sha256
from chargeback.core.errors import Refusal, bad_params
from chargeback.delivery.disputes import open_disputes
from chargeback.delivery.loss_ratio import kept_loss_ratio
from chargeback.delivery.released import ClosedForDelivery
from chargeback.delivery.summary import (
    Accepted,
    Approval,
    BudgetLine,
    CorrectedPeriod,
    Line,
    OpenDispute,
    Reason,
    Summary,
)
from chargeback.delivery.summary_budgets import unit_budgets_of
from chargeback.delivery.summary_unit_costs import unit_costs_of
from chargeback.pages.vocabulary import CHANGES, with_unit
from chargeback.params import Params
from chargeback.params.budgets import Budget, read_budgets
from chargeback.params.rules import UNTAGGED
from chargeback.signing import Signer
from chargeback.signing.signing_key import find_signer
from chargeback.statements.by_hand import DATA, INDEX_DATA, units_kept
from chargeback.statements.model import ZERO, Statement
from chargeback.statements.month import MonthIndex

#: The rules of direct cost that no usable tag decides begin otherwise.
TAG_RULES = ("tag:", "tag-normalized:")

#: What a page was made of.
Data = TypeVar("Data")

#: How many things a reason names.
LARGEST = 2

#: Who knows the open disputes of a period.
Disputes = Callable[[ClosedForDelivery], Sequence[OpenDispute]]


def disputes_known(period: ClosedForDelivery) -> Sequence[OpenDispute]:
    """Those of any period that the delivery log has open today, the one that is due first at the top."""
    return [
        OpenDispute(one.dispute_id, one.business_unit_id, one.amount, one.due_on.isoformat())
        for one in open_disputes(period.log, datetime.now(UTC).date())
    ]


def make_summary(period: ClosedForDelivery, disputes: Disputes = disputes_known) -> Summary:
    """The summary of a closed period as of now.

    Args:
        disputes: what is disputed and not decided.

    Raises:
        Refusal: (exit 2) a version closed it that kept no data of statements, or budgets.csv is malformed;
            (exit 4) something is not as it was closed.
    """
    month = read_month(period)
    statements = [read_statement(period, one) for one in units_kept(period.books, period.period)]
    before = month.previous_period
    charges = charged_rows(period.postings)
    earlier = charged_rows(checked_postings(period.books, before)) if before else None
    signer, unsigned = who_signs(period)
    unit_budgets = unit_budgets_of(statements)
    return Summary(
        billing_period=month.billing_period,
        currency=month.currency,
        invoicing=month.invoicing,
        handed_out_at=now(),
        total=month.total,
        previous_period=before,
        previous_total=month.previous_total,
        trend=month.trend,
        reasons=reasons_of(statements) if before else None,
        ended=month.ended,
        units=tuple(
            Line(one.business_unit_id, one.name, "", one.amount, one.previous)
            for one in month.units
        ),
        cost_centers=cost_centers_of(statements, charges, earlier),
        pools=pools_of(statements, charges, earlier, period.params),
        untagged=untagged_in(charges),
        previous_untagged=untagged_in(earlier) if earlier is not None else None,
        budgets=()
        if unit_budgets
        else tuple(budgets_of(period, read_budgets(period.params_folder))),
        tie_out=month.tie_out,
        deferred=month.deferred,
        controls=len(period.manifest["controls"]),
        accepted=tuple(accepted_of(period.manifest)),
        governed=any(one.governed for one in statements),
        ratification=next((one.ratification for one in statements), None),
        asks_approval=period.asks_approval,
        approval=approval_of(period),
        disputes=tuple(disputes(period)),
        corrections=corrections_in(charges),
        signer=signer,
        unsigned=unsigned,
        unit_budgets=unit_budgets,
        loss_ratio=kept_loss_ratio(period.books, period.period, before),
        unit_costs=unit_costs_of(
            statements, counted_metrics(period.books, period.params), month.trend
        ),
    )


def read_month(period: ClosedForDelivery) -> MonthIndex:
    """The index of the month, as it was closed."""
    return read_data(period, INDEX_DATA, MonthIndex.from_json)


def read_statement(period: ClosedForDelivery, unit_id: str) -> Statement:
    """The data of a unit's statement, as it was closed."""
    return read_data(period, DATA.format(unit_id), Statement.from_json)


def read_data(period: ClosedForDelivery, name: str, read: Callable[[str], Data]) -> Data:
    """What a page of the statements was made of.

    Raises:
        Refusal: (exit 2) the version that closed the period kept none, or in another form.
    """
    if recorded_sha256(period.manifest, name):
        content = checked_bytes(period.books, period.period, name, period.manifest)
        with contextlib.suppress(ValueError):
            return read(content.decode("utf-8"))
    raise bad_params(
        "an earlier version closed this period and kept no data of its statements",
        "a period that this version closed", period.period, [f"{name} of {period.period}"],
        ["hand out its statements by hand: they stand in " + str(period.books.statements(period.period))],
    )  # fmt: skip


def charged_rows(postings: pa.Table) -> pa.Table:
    """The postings that charge a cost center."""
    return postings.filter(pc.is_valid(postings["cost_center_id"]))


def amounts_by(rows: pa.Table, column: str) -> dict[str, Decimal]:
    """What rows come to, by a column."""
    found: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for key, amount in zip(rows[column].to_pylist(), rows["amount"].to_pylist(), strict=True):
        found[key] += amount
    return dict(found)


def reasons_of(statements: Iterable[Statement]) -> tuple[Reason, ...]:
    """Why the total of all units changed: the parts of each, summed, in the order of statements."""
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    named: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for statement in statements:
        for part in statement.change.parts if statement.change else ():
            sums[part.code] += part.amount
            for one in part.details:
                named[part.code][one.label] += one.amount
    return tuple(
        Reason(code, sums[code], largest(named[code], sums[code]))
        for code in CHANGES
        if sums.get(code)
    )


def largest(named: dict[str, Decimal], whole: Decimal) -> tuple[str, ...]:
    """What went the same way as the whole, the largest first; units name their largest only, so no amounts."""
    same_way = [(label, amount) for label, amount in named.items() if amount * whole > 0]
    return tuple(
        label for label, _ in sorted(same_way, key=lambda one: (-abs(one[1]), one[0]))[:LARGEST]
    )


def ordered(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Lines, the largest first."""
    return tuple(sorted(lines, key=lambda one: (-one.amount, one.key)))


def lines_of(
    now_by: dict[str, Decimal],
    then_by: dict[str, Decimal] | None,
    told: dict[str, tuple[str, str]],
) -> tuple[Line, ...]:
    """A line for each key that was charged, now or then; `told` has names, and what is said of them."""
    return ordered(
        Line(
            key, *told.get(key, (key, "")), now_by.get(key, ZERO),
            None if then_by is None else then_by.get(key, ZERO),
        )
        for key in now_by.keys() | (then_by or {}).keys()
    )  # fmt: skip


def cost_centers_of(
    statements: Iterable[Statement], charges: pa.Table, earlier: pa.Table | None
) -> tuple[Line, ...]:
    """The cost centers of all units."""
    told = {
        center.cost_center_id: (center.name, one.unit.name)
        for one in statements
        for center in one.cost_centers
    }
    then = None if earlier is None else amounts_by(earlier, "cost_center_id")
    return lines_of(amounts_by(charges, "cost_center_id"), then, told)


def pools_of(
    statements: Iterable[Statement], charges: pa.Table, earlier: pa.Table | None, params: Params
) -> tuple[Line, ...]:
    """What each pool charged to cost centers, and what splits it."""
    told = {pool.pool_id: (pool.name, "") for pool in params.pools}
    told |= {
        pool.pool_id: (pool.name, with_unit(pool.split_by, pool.unit))
        for one in statements
        for pool in one.pools
    }

    def shared(rows: pa.Table) -> dict[str, Decimal]:
        return amounts_by(rows.filter(pc.equal(rows["kind"], ALLOCATED)), "pool_id")

    return lines_of(shared(charges), None if earlier is None else shared(earlier), told)


def untagged_in(charges: pa.Table) -> Decimal:
    """What no usable tag owns: direct cost by another rule than a tag, and what the pool `untagged` split."""
    total = ZERO
    columns = ("kind", "rule", "pool_id", "original_period", "amount")
    for row in charges.select(columns).to_pylist():
        if row["original_period"]:
            continue
        by_rule = row["kind"] == DIRECT and not (row["rule"] or "").startswith(TAG_RULES)
        if by_rule or (row["kind"] == ALLOCATED and row["pool_id"] == UNTAGGED):
            total += row["amount"]
    return total


def corrections_in(charges: pa.Table) -> tuple[CorrectedPeriod, ...]:
    """What corrects earlier periods, by period."""
    rows = charges.filter(pc.is_valid(charges["original_period"]))
    return tuple(
        CorrectedPeriod(*one) for one in sorted(amounts_by(rows, "original_period").items())
    )


def accepted_of(manifest: dict[str, Any]) -> Iterable[Accepted]:
    """What people let pass, as the manifest has it."""
    for outcome in manifest["controls"]:
        for one in outcome.get("accepted", ()):
            yield Accepted(outcome["control"], one["subject"], one["reference"], one["accepted_by"])


def approval_of(period: ClosedForDelivery) -> Approval | None:
    """Who has released the period; None where nobody had to."""
    entry = period.done(APPROVED)
    names = {one.approver_id: one.name for one in period.delivery.approvers}
    return Approval(names.get(entry.by, entry.by), entry.at) if entry else None


def who_signs(period: ClosedForDelivery) -> tuple[Signer | None, str]:
    """Who signs the summary, or why nobody does."""
    try:
        return find_signer(period.books), ""
    except Refusal as refusal:
        return None, refusal.what


def budgets_of(period: ClosedForDelivery, budgets: Sequence[Budget]) -> Iterable[BudgetLine]:
    """The month and the year against their budgets, where there are some."""
    month, year = period.period, period.period[:4]
    closed = [one for one in period.books.closed_periods() if one[:4] == year and one <= month]
    for over, summed in ((month, [month]), (year, closed)):
        own = {one.cost_center_id: one.amount for one in budgets if one.period == over}
        if not own:
            continue
        actual = ZERO
        for one in summed:
            rows = period.postings if one == month else checked_postings(period.books, one)
            by_center = amounts_by(charged_rows(rows), "cost_center_id")
            actual += sum((by_center.get(center, ZERO) for center in own), ZERO)
        yield BudgetLine(
            over, summed[0], month, len(own), sum(own.values(), ZERO), actual,
            int(month[5:]) - len(summed) if over == year else 0,
        )  # fmt: skip
