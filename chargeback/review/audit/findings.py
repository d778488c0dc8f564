"""The findings of an audit: checks, each with what it compared and every difference, for the files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

import pyarrow as pa

from chargeback.core.money import MINUS

PASSED, FAILED, NOT_DONE = "passed", "failed", "not done"

#: What reading files raises that are no longer what they were.
UNREADABLE = (
    pa.ArrowException, ArithmeticError, LookupError, OSError, RecursionError, StopIteration, TypeError,
    ValueError,
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """Something that is not what it must be.

    Args:
        file: from the books' or the report's folder on.
        row: which row of it, in words; empty for the file as a whole.
        amount: found less expected, in currency, where it is about money.
    """

    file: str
    row: str
    expected: str
    found: str
    amount: Decimal | None = None

    @property
    def line(self) -> str:
        """For a reader."""
        row = f", {self.row}" if self.row else ""
        by = "" if self.amount is None else f"; difference {plain_amount(self.amount, sign=True)}"
        return f"{self.file}{row}: {self.found or 'nothing'} instead of {self.expected or 'nothing'}{by}"


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    Args:
        name: a few words.
        compared: what was compared with what, with counts.
        remarks: what a reader should know although it is no difference.
        undone: why it could not be done; empty when it was.
    """

    name: str
    compared: str
    differences: tuple[Difference, ...] = ()
    remarks: tuple[str, ...] = ()
    undone: str = ""

    @property
    def verdict(self) -> str:
        """passed, failed or not done."""
        if self.differences:
            return FAILED
        return NOT_DONE if self.undone else PASSED


@dataclass
class Notes:
    """Differences and remarks as they are collected."""

    differences: list[Difference] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def expect(self, file: str, row: str, expected: str, found: str) -> None:
        """Note a difference of texts, if there is one."""
        if expected != found:
            self.differences.append(Difference(file, row, expected, found))

    def expect_amount(
        self, file: str, row: str, expected: Decimal, found: Decimal, by: Decimal = Decimal(0)
    ) -> None:
        """Note a difference of amounts, if it is larger than what is allowed."""
        if abs(found - expected) > by:
            self.differences.append(
                Difference(file, row, plain_amount(expected), plain_amount(found), found - expected)
            )

    def check(self, name: str, compared: str) -> Check:
        """A finished check."""
        return Check(name, compared, tuple(self.differences), tuple(dict.fromkeys(self.remarks)))


def plain_amount(amount: Decimal, sign: bool = False) -> str:
    """An amount with all the places that say something, two at least.

    >>> plain_amount(Decimal("-1234.5000000000"))
    '\u22121,234.50'
    """
    whole, _, places = f"{abs(amount):,f}".partition(".")
    mark = MINUS if amount < 0 else "+" if sign and amount > 0 else ""
    return f"{mark}{whole}.{places.rstrip('0').ljust(2, '0')}"


def differences_in(checks: Iterable[Check]) -> list[Difference]:
    """All differences, in the order of the checks."""
    return [one for check in checks for one in check.differences]
