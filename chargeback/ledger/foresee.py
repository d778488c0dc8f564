"""Foresee: the outlook of a draft, from its days, its postings, and the days of the month before.

In: a work folder in which a draft is posted. Out: `Outlook`. An estimate is a rollup that is carried on
(`carried_on`) and then owned, split and posted like that of a close. The range is the lowest and the highest
that the same estimate gives when it goes by each half of the days so far in a row, instead of by all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from chargeback.books.work_folder import WorkFolder
from chargeback.core.errors import Refusal
from chargeback.core.period import last_day, month_before
from chargeback.core.sums import sums_by
from chargeback.ledger.carried_on import (
    MonthSoFar,
    awaited_products,
    awaited_rows,
    runs,
    without,
)
from chargeback.ledger.derive import derive_postings
from chargeback.ledger.outlook import (
    UNREADABLE,
    CenterOutlook,
    Days,
    Figures,
    NamedFigures,
    Outlook,
)
from chargeback.params import Params
from chargeback.rollup.charged import with_near_invoices
from chargeback.rollup.stage import DAYS, DAYS_BEFORE, LAST_DAY, NO_DAYS_BEFORE, params_of

ZERO = Decimal("0.00")

#: A cost center and its unit.
Center = tuple[str, str]
#: Cents by cost center.
Cents = dict[Center, Decimal]


def foresee(work: WorkFolder, postings: pa.Table) -> Outlook | None:
    """The outlook of a draft; None where its report does not tell days.

    Args:
        postings: of the draft, corrections of earlier periods among them.
    """
    told = work.path(LAST_DAY).read_text("utf-8").strip() if work.path(LAST_DAY).is_file() else ""
    if not told:
        return None
    month = MonthSoFar(pq.read_table(work.made(DAYS)), work.period, date.fromisoformat(told))
    earlier = before_of(work, month)
    products = awaited_products(month, earlier) if earlier else []
    awaited = awaited_rows(earlier, products) if earlier else None
    corrected = pc.is_valid(postings["original_period"])
    to_date, corrections = charged(postings), charged(postings.filter(corrected))

    def estimated(seen: list[date] | None = None) -> Cents:
        """What the whole month is charged, by the averages of some of its days."""
        return plus(charged(posted(month.whole(seen, awaited), work.params)), corrections)

    happened = plus(charged(posted(month.so_far(), work.params)), corrections)
    estimate = estimated()
    others = [estimated(one) for one in (runs(month.passed()) if month.to_come() else [])]
    before, days, said = compared(work, month, earlier, products)
    is_ranged = bool(others) or not month.to_come()
    ranged = [estimate, *others] if is_ranged else []
    every = sorted(
        {*to_date, *estimate, *(before or {}), *(one for each in others for one in each)}
    )

    def figures(own: Sequence[Center]) -> Figures:
        """The figures of some cost centers together."""

        def total(cents: Cents) -> Decimal:
            return sum((cents.get(one, ZERO) for one in own), ZERO)

        sums = [total(one) for one in ranged]
        return Figures(
            total(to_date), total(corrections), total(to_date) - total(happened),
            None if before is None else total(before),
            total(estimate), min(sums, default=None), max(sums, default=None),
        )  # fmt: skip

    by_unit: dict[str, list[Center]] = {one: [] for one in work.params.business_units}
    for one in every:
        by_unit.setdefault(one[0], []).append(one)
    return Outlook(
        days,
        tuple(CenterOutlook(*one, figures([one])) for one in every),
        tuple(NamedFigures(unit, figures(own)) for unit, own in sorted(by_unit.items())),
        figures(every),
        said,
    )


def before_of(work: WorkFolder, month: MonthSoFar) -> MonthSoFar | None:
    """The month before, up to the same day; None where it is not at hand."""
    if work.path(NO_DAYS_BEFORE).is_file():
        return None
    last = last_day(month_before(work.period))
    same = last.replace(day=min(month.through.day, last.day))
    days = pq.read_table(work.made(DAYS_BEFORE))
    return MonthSoFar(days, month_before(work.period), same, is_known=True)


def compared(
    work: WorkFolder, month: MonthSoFar, earlier: MonthSoFar | None, products: list[str]
) -> tuple[Cents | None, Days, str]:
    """What the same days of the month before are charged, how far the days reach, and what was refused.

    Args:
        products: what the month does not have yet, and is compared without.
    """
    period = month_before(work.period)
    why, said = "", ""
    if earlier is None:
        why, _, said = work.path(NO_DAYS_BEFORE).read_text("utf-8").strip().partition(" ")
    days = Days(
        str(month.through), month.through.day, last_day(work.period).day, period,
        earlier.through.day if earlier else 0, why, tuple(products),
    )  # fmt: skip
    if earlier is None:
        return None, days, said
    try:
        part = replace(earlier, days=without(earlier.days, products)).part(month.reports_whole)
        return charged(posted(part, params_of(work, period))), days, ""
    except Refusal as refusal:
        return None, replace(days, before_days=0, why_not=UNREADABLE), refusal.what


def posted(rollup: pa.Table, params: Params) -> pa.Table:
    """The postings of a rollup, by the rules of its period, with the invoices that are near it."""
    return derive_postings(rollup, with_near_invoices(rollup, params)).postings


def charged(postings: pa.Table) -> Cents:
    """What cost centers are charged."""
    rows = postings.filter(pc.is_valid(postings["cost_center_id"]))
    return sums_by(rows, ["business_unit_id", "cost_center_id"], "amount")


def plus(some: Cents, more: Cents) -> Cents:
    """Two sums together."""
    found: dict[Center, Decimal] = defaultdict(lambda: ZERO)
    for cents in (some, more):
        for center, amount in cents.items():
            found[center] += amount
    return dict(found)
