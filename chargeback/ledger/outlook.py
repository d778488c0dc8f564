"""Outlook: what an open month is charged to date, what the same days of the month before were, and an estimate.

`foresee` makes it; a draft shows it on its pages, on the terminal and in accrual.csv. What always holds: the
cost centers' figures to date, of the days before and estimated sum to those of the whole; their lowest and
highest do not, because not all of them are at their lowest at once.

The kernels of statements import this module, so nothing heavy is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

#: Why there is nothing to compare with: the report of the month before is not there, not readable, not by day.
NOT_AT_HAND, UNREADABLE, NOT_DATED = "not-at-hand", "unreadable", "not-dated"

#: How the estimate is made, as accrual.csv names it.
METHOD = "weekday and weekend averages"


@dataclass(frozen=True)
class Figures:
    """Cents of a cost center, of a unit, or of all.

    Args:
        to_date: charged for the days so far, corrections of earlier periods among it.
        corrections: of earlier periods, in all other figures but `before`.
        ahead: in to_date, what reservations cost for days to come: AWS writes their fees, and may write what
            they leave unused, for the whole month at once.
        before: what the same days of the month before are charged by the same method; None where unknown.
        estimate: what the whole month comes to; low and high are None after a single day.
    """

    to_date: Decimal
    corrections: Decimal
    ahead: Decimal
    before: Decimal | None
    estimate: Decimal
    low: Decimal | None
    high: Decimal | None

    @property
    def accrual(self) -> Decimal:
        """What is still expected: the estimate less what is charged to date."""
        return self.estimate - self.to_date

    @property
    def comparable(self) -> Decimal:
        """What is compared with the days before: to date, without corrections of earlier periods."""
        return self.to_date - self.corrections


@dataclass(frozen=True)
class Days:
    """How far the data reaches.

    Args:
        through: the last day of usage, such as "2026-06-15".
        passed, in_month: the days from the first to that day, and all of the month.
        before_period: the month before.
        before_days: how many of its first days are compared with; 0 where none are.
        why_not: why none are, one of the words of this module; blank where some are.
        awaited: codes of AWS Support that the month does not have yet: expected as in the month before, and
            not compared.
    """

    through: str
    passed: int
    in_month: int
    before_period: str
    before_days: int
    why_not: str
    awaited: tuple[str, ...]


@dataclass(frozen=True)
class CenterOutlook:
    """A cost center's figures."""

    business_unit_id: str
    cost_center_id: str
    figures: Figures


@dataclass(frozen=True)
class UnitOutlook:
    """A unit's figures, and how far the data of its month reaches."""

    days: Days
    figures: Figures


@dataclass(frozen=True)
class NamedFigures:
    """Figures of the unit with an id."""

    business_unit_id: str
    figures: Figures


@dataclass(frozen=True)
class Outlook:
    """The figures of all cost centers and units, in the order of their ids, and of the whole.

    Args:
        said: what was refused where the month before cannot be read; blank else.
    """

    days: Days
    centers: tuple[CenterOutlook, ...]
    units: tuple[NamedFigures, ...]
    total: Figures
    said: str

    def of_unit(self, unit_id: str) -> UnitOutlook:
        """A unit's own; of one that is not known, nothing in each figure."""
        for one in self.units:
            if one.business_unit_id == unit_id:
                return UnitOutlook(self.days, one.figures)
        none = Decimal("0.00")
        before = none if self.days.before_days else None
        return UnitOutlook(self.days, Figures(none, none, none, before, none, none, none))
