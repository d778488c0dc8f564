"""Carried on: a rollup of some days of a month, made into one of the whole month, or of fewer days.

In: the days of a rollup (`chargeback.rollup.days`). Out: a rollup that attribution, allocation and the ledger
take like any other, so an estimate is owned and split by the rules of the close, to the cent. Assumptions, for
each row of the rollup:

1. Usage, and discounts that stand on their day, go on: each weekday to come as the average of the weekdays
   so far, each day of a weekend as that of those. Where one of the two has not been, as all days so far.
2. A commitment's fee by the hour goes on as on the last day, used or not: what of it the usage to come does
   not use is left unused, never less than nothing.
3. Discounts and taxes that stand on the first day for all of the month follow the usage.
4. What a reservation leaves unused stands on the first day as well. Where it is told for the whole month (used
   and unused come to the month's fee), the usage to come uses of it; where to date, it grows with the days.
5. Support, which AWS charges after the month has ended, is expected as it was in the month before, where that
   is at hand and this month is open and has none.
6. All else is for the whole month, and stays: fees, credits, refunds, and usage that is charged on the first
   day alone, once two days have passed since.

Backwards, for the first days of a month that is known, the same: what is of its day counts to that day, 3 by
the usage of these days, 4 as the month that it is compared with has it, and all else where it stands.

What always holds: of a month whose last day is there, each row is itself. Known drawbacks: what has not been
charged yet is not expected, but for 5; the last day so far may not be whole; growth within the month is only
in the range.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from chargeback.allocation.apportion import divide, proportional
from chargeback.core.money import exact_amount, exact_units
from chargeback.core.period import first_day, last_day
from chargeback.core.sums import sums_by
from chargeback.rollup.charged import AHEAD
from chargeback.rollup.days import AMOUNTS, DAY, MONTH_ROW
from chargeback.rollup.roll_up import numbered
from chargeback.sources.report import AHEAD_OF_TIME, OF_THEIR_DAY

#: After how many days usage of the first day alone is taken to be charged once a month.
DAYS_TO_TELL = 3

RESERVATION_FEE, TAX, DISCOUNT = "RIFee", "Tax", "Discount"
DISCOUNTED, COVERED = "DiscountedUsage", "SavingsPlanCoveredUsage"
SUPPORT = "Support"  # in the code of each product of AWS Support
UNBLENDED, AMORTIZED = "unblended_cost", "amortized_cost"

#: How a row goes on.
BY_DAY, COMMITTED, FOLLOWS, UNUSED, STAYS = "by day", "committed", "follows", "unused", "stays"

#: Units of 1e-10 by row of the month.
Units = dict[int, int]


@dataclass(frozen=True)
class Reservation:
    """What a reservation, or several under one ARN, come to.

    Args:
        unused: what the rows of its fee say is left unused.
        users: the rows of the usage that it covers; `used` is what they come to.
        fee: what its month costs besides what was paid upfront.
    """

    unused: Units
    users: tuple[int, ...]
    used: int
    fee: int

    @property
    def left(self) -> int:
        """All of it that is unused."""
        return sum(self.unused.values())

    @property
    def capacity(self) -> int:
        """Used and unused together."""
        return self.left + self.used

    def is_whole(self, passed: int, in_month: int) -> bool:
        """Whether what is unused is told for the whole month.

        It is where with what is used it comes to the month's fee. Of one that is paid upfront: where the month
        has room for all days to be used like those that have passed.
        """
        if self.fee > 0:
            return self.capacity >= self.fee
        return self.capacity * passed >= self.used * in_month

    def shared(self, left: int) -> Units:
        """Another amount that is left unused, by row."""
        first = min(self.unused)
        weights = self.unused if any(one > 0 for one in self.unused.values()) else {first: 1}
        return {**dict.fromkeys(self.unused, 0), **divide(left, weights)}


def is_weekend(day: date) -> bool:
    """Saturday or Sunday, in UTC."""
    return day.weekday() >= 5


@dataclass(frozen=True)
class MonthSoFar:
    """The days of a month up to one of them.

    Args:
        days: of `chargeback.rollup.days.read_days`.
        through: the last day that counts.
        is_known: the month is known to its end, and only what stands up to that day counts. Of an open one all
            counts that a draft charges: also a fee that is dated ahead.
    """

    days: pa.Table
    period: str
    through: date
    is_known: bool = False

    @cached_property
    def counted(self) -> pa.Table:
        """The days that count: those that stand on no day, or up to the last one, and are not ahead."""
        days = self.days
        in_time = pc.fill_null(pc.less_equal(days[DAY], pa.scalar(self.through)), True)
        if not self.is_known:
            of_their_day = pc.is_in(days["line_item_type"], pa.array(OF_THEIR_DAY))
            in_time = pc.or_(in_time, pc.invert(of_their_day))
        return days.filter(pc.and_(in_time, pc.invert(days[AHEAD])))

    @cached_property
    def kinds(self) -> dict[int, str]:
        """How each row goes on."""
        first, passed = first_day(self.period), self.through.day
        spans = self.days.group_by(MONTH_ROW, use_threads=False).aggregate(
            [(DAY, "max"), ("line_item_type", "min")]
        )
        return {
            row: self._kind(kind, last is None or last == first, passed)
            for row, last, kind in zip(
                spans[MONTH_ROW].to_pylist(), spans[f"{DAY}_max"].to_pylist(),
                spans["line_item_type_min"].to_pylist(), strict=True,
            )
        }  # fmt: skip

    @staticmethod
    def _kind(line_item_type: str, is_first: bool, passed: int) -> str:
        """How a row of a type goes on that stands on the first day alone, or not."""
        if line_item_type == AHEAD_OF_TIME:
            return COMMITTED
        if line_item_type == RESERVATION_FEE:
            return UNUSED
        if line_item_type == TAX or (
            DISCOUNT in line_item_type and line_item_type not in OF_THEIR_DAY
        ):
            return FOLLOWS if is_first else BY_DAY
        if line_item_type in OF_THEIR_DAY and not (is_first and passed >= DAYS_TO_TELL):
            return BY_DAY
        return STAYS

    def to_date(self, amount: str) -> Units:
        """What each row comes to so far."""
        return sums_of(self.counted, amount)

    def to_come(self) -> list[date]:
        """The days of the month after the last one that counts."""
        last = last_day(self.period)
        return [self.through + timedelta(one + 1) for one in range((last - self.through).days)]

    def passed(self) -> list[date]:
        """The days from the first of the month to the last one that counts."""
        return [first_day(self.period) + timedelta(one) for one in range(self.through.day)]

    def whole(
        self, seen: Collection[date] | None = None, awaited: pa.Table | None = None
    ) -> pa.Table:
        """The rollup of the whole month, estimated.

        Args:
            seen: the days whose averages go on; all that count when they are not given.
            awaited: rows that the month is to have besides, of `awaited_rows`.
        """
        days = sorted(seen if seen is not None else self.passed())
        found = {one: self.to_date(one) for one in AMOUNTS}
        coming = self.to_come()
        if not coming:
            return self._rollup(found, awaited)
        more: dict[str, Units] = {}
        for amount in AMOUNTS:
            more[amount] = self._by_day(amount, days, coming)
        more[UNBLENDED] |= self._committed(UNBLENDED, len(coming))
        more[AMORTIZED] |= self._left_unused(more[AMORTIZED], len(coming))
        more[AMORTIZED] |= self._reserved(more[AMORTIZED])
        used = self._usage(found[UNBLENDED])
        to_use = self._usage(more[UNBLENDED])
        for amount in (UNBLENDED, AMORTIZED):
            for row, kind in self.kinds.items():
                if kind == FOLLOWS and used > 0 and to_use > 0:
                    more[amount][row] = proportional(found[amount].get(row, 0), to_use, used)
        for amount, units in more.items():
            for row, extra in units.items():
                found[amount][row] = found[amount].get(row, 0) + extra
        return self._rollup(found, awaited)

    def _reserved(self, to_use: Units) -> Units:
        """What the days to come change of what reservations leave unused, by row of their fees."""
        passed, in_month = self.through.day, last_day(self.period).day
        found: Units = {}
        for one in self.reservations:
            left = proportional(one.left, in_month, passed)
            if one.is_whole(passed, in_month):
                left = max(one.left - sum(to_use.get(row, 0) for row in one.users), 0)
            found |= {row: now - one.unused[row] for row, now in one.shared(left).items()}
        return found

    def part(self, reports_whole: bool) -> pa.Table:
        """The rollup of the days that count, of a month that is known to its end.

        Args:
            reports_whole: as the month that it is compared with tells what reservations leave unused.
        """
        found = {one: self.to_date(one) for one in AMOUNTS}
        passed, in_month = self.through.day, last_day(self.period).day
        used = {one.users: one.used for one in self.reservations}
        for one in self._reservations(self.days):
            held = one.capacity if reports_whole else proportional(one.capacity, passed, in_month)
            found[AMORTIZED] |= one.shared(max(held - used.get(one.users, 0), 0))
        part = self._usage(found[UNBLENDED])
        whole = self._usage(sums_of(self.days, UNBLENDED))
        for amount in (UNBLENDED, AMORTIZED):
            for row, kind in self.kinds.items():
                if kind == FOLLOWS and whole > 0 and part >= 0:
                    found[amount][row] = proportional(found[amount].get(row, 0), part, whole)
        return self._rollup(found)

    def so_far(self) -> pa.Table:
        """The rollup to date without what reservations have in it for days to come: fees, and unused hours."""
        found = {one: self.to_date(one) for one in AMOUNTS}
        passed, in_month = self.through.day, last_day(self.period).day
        for one in self.reservations:
            if one.is_whole(passed, in_month):
                left = max(proportional(one.capacity, passed, in_month) - one.used, 0)
                found[AMORTIZED] |= one.shared(left)
            for row in one.unused:
                found[UNBLENDED][row] = proportional(found[UNBLENDED][row], passed, in_month)
        return self._rollup(found)

    @property
    def reports_whole(self) -> bool:
        """Whether reservations' unused hours are told for the whole month, those of days to come among them."""
        passed, in_month = self.through.day, last_day(self.period).day
        return any(one.is_whole(passed, in_month) for one in self.reservations)

    @cached_property
    def reservations(self) -> list[Reservation]:
        """The reservations whose fees count, with what used them to date."""
        return self._reservations(self.counted)

    def _reservations(self, days: pa.Table) -> list[Reservation]:
        amortized, paid, arns = sums_of(days, AMORTIZED), sums_of(days, UNBLENDED), self._arns
        unused: dict[str, Units] = defaultdict(dict)
        for row in self._rows(UNUSED):
            if row in amortized:
                unused[arns[row] or f"row {row}"][row] = amortized[row]
        users: dict[str, list[int]] = defaultdict(list)
        for row in self._rows_of(DISCOUNTED):
            users[arns[row] or ""].append(row)
        return [
            Reservation(
                rows, tuple(users[arn]), sum(amortized.get(one, 0) for one in users[arn]),
                sum(paid.get(row, 0) for row in rows),
            )
            for arn, rows in sorted(unused.items())
        ]  # fmt: skip

    @cached_property
    def _arns(self) -> dict[int, str | None]:
        """The commitment of each row."""
        rows, arns = self.days[MONTH_ROW].to_pylist(), self.days["commitment_arn"].to_pylist()
        return dict(zip(rows, arns, strict=True))

    def _rows_of(self, line_item_type: str) -> list[int]:
        """The rows of a line item type, in order."""
        days = self.days.filter(pc.equal(self.days["line_item_type"], line_item_type))
        return sorted(set(days[MONTH_ROW].to_pylist()))

    def _usage(self, units: Units) -> int:
        """What the rows that go on by day come to."""
        return sum(one for row, one in units.items() if self.kinds.get(row) == BY_DAY)

    def _by_day(self, amount: str, seen: list[date], coming: list[date]) -> Units:
        """What the days to come add to rows that go on by day: averages of weekdays and of weekends."""
        found: Units = defaultdict(int)
        for (_, count), days in averaged(seen, coming).items():
            there = self.counted.filter(pc.is_in(self.counted[DAY], pa.array(days, pa.date32())))
            for row, units in sums_of(there, amount).items():
                if self.kinds[row] == BY_DAY:
                    found[row] += proportional(units, count, len(days))
        return dict(found)

    def _on_last_day(self, amount: str) -> Units:
        """What each row comes to on the last day that counts."""
        last = self.counted.filter(pc.equal(self.counted[DAY], pa.scalar(self.through)))
        return sums_of(last, amount)

    def _committed(self, amount: str, days: int) -> Units:
        """The fees by the hour of some days to come, as on the last day."""
        last = self._on_last_day(amount)
        return {row: last.get(row, 0) * days for row in self._rows(COMMITTED)}

    def _left_unused(self, to_use: Units, days: int) -> Units:
        """What of the commitments of some days to come is not used, by row of the fees."""
        arns = self._arns
        using = self._rows_of(COVERED)
        last = self._on_last_day(AMORTIZED)
        held: dict[str, int] = defaultdict(int)
        used: dict[str, int] = defaultdict(int)
        fees: dict[str, Units] = defaultdict(dict)
        paid = self._on_last_day(UNBLENDED)
        for row in self._rows(COMMITTED):
            if row in last:
                held[arns[row] or ""] += last[row] * days
                fees[arns[row] or ""][row] = max(paid.get(row, 0), last[row], 0)
        for row in using:
            arn = arns[row]
            if arn is not None and arn in fees:
                held[arn] += last.get(row, 0) * days
                used[arn] += to_use.get(row, 0)
        found: Units = {}
        for arn, rows in fees.items():
            left = max(held[arn] - used[arn], 0)
            found |= divide(left, rows) if any(rows.values()) else dict.fromkeys(rows, 0)
        return found

    def _rows(self, kind: str) -> Iterator[int]:
        """The rows that go on in a way."""
        return (row for row, one in self.kinds.items() if one == kind)

    def _rollup(self, units: dict[str, Units], more: pa.Table | None = None) -> pa.Table:
        """A rollup with other amounts: one row per row of the month that counts, and some more rows."""
        rows, places = np.unique(
            np.asarray(self.counted[MONTH_ROW].to_pylist(), dtype=np.int64), return_index=True
        )
        made = self.counted.take(pa.array(places)).drop_columns([MONTH_ROW, DAY])
        for amount in AMOUNTS:
            at = made.column_names.index(amount)
            values = [exact_amount(units[amount].get(int(row), 0)) for row in rows]
            made = made.set_column(at, amount, pa.array(values, pa.decimal128(38, 10)))
        for count in ("line_items", "open_line_items"):
            sums = sums_by(self.counted, [MONTH_ROW], count)
            at = made.column_names.index(count)
            made = made.set_column(
                at, count, pa.array([sums[int(row),] for row in rows], pa.int64())
            )
        return numbered(
            pa.concat_tables([made, more.select(made.column_names)]) if more is not None else made
        )


def awaited_products(month: MonthSoFar, before: MonthSoFar) -> list[str]:
    """The products of AWS Support that an open month does not have yet and the month before has."""
    if not pc.sum(month.counted["open_line_items"]).as_py():
        return []
    there = set(month.counted["product_code"].to_pylist())
    return sorted(
        code
        for code in set(before.days["product_code"].to_pylist()) - there
        if code and SUPPORT in code
    )


def awaited_rows(before: MonthSoFar, products: Collection[str]) -> pa.Table | None:
    """What the month before has of some products, as rows that stand on no invoice yet."""
    days = before.days.filter(
        pc.is_in(before.days["product_code"], pa.array(sorted(products), pa.string()))
    )
    if not days.num_rows:
        return None
    rows = MonthSoFar(days, before.period, last_day(before.period)).whole()
    for name in ("invoice_id", "ownership_rank"):  # the numbers of rules are those of their month
        at = rows.column_names.index(name)
        rows = rows.set_column(at, name, pa.nulls(rows.num_rows, rows.schema.field(name).type))
    return rows


def without(days: pa.Table, products: Collection[str]) -> pa.Table:
    """Days without some products."""
    named = pc.is_in(days["product_code"], pa.array(sorted(products), pa.string()))
    return days.filter(pc.invert(named))


def sums_of(days: pa.Table, amount: str) -> Units:
    """The sum of an amount by row of the month, in units."""
    return {
        row: exact_units(total or Decimal(0))
        for (row,), total in sums_by(days, [MONTH_ROW], amount).items()
    }


def averaged(seen: list[date], coming: list[date]) -> dict[tuple[bool, int], list[date]]:
    """How many days to come are weekdays, and weekends, and the days whose average each of them takes.

    >>> monday, saturday, sunday = date(2026, 6, 1), date(2026, 6, 6), date(2026, 6, 7)
    >>> list(averaged([monday, saturday], [sunday]).values()) == [[saturday]]
    True
    """
    return {
        (weekend, count): [one for one in seen if is_weekend(one) == weekend] or seen
        for weekend, count in sorted(Counter(map(is_weekend, coming)).items())
    }


#: How many halves of the days so far a range is taken from, at most.
MOST_RUNS = 5


def runs(days: list[date]) -> list[list[date]]:
    """Halves of some days in a row, from the first to the last, at most `MOST_RUNS`; none of a single day.

    >>> [(one[0].day, one[-1].day) for one in runs([date(2026, 6, day) for day in range(1, 16)])]
    [(1, 8), (2, 9), (4, 11), (6, 13), (8, 15)]
    """
    if len(days) < 2:
        return []
    length = (len(days) + 1) // 2
    last = len(days) - length
    count = min(last + 1, MOST_RUNS)
    starts = sorted({last * one // (count - 1) for one in range(count)}) if count > 1 else [0]
    return [days[start : start + length] for start in starts]
