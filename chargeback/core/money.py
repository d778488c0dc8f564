"""Money, exactly: decimals with ten places before posting, whole cents after it.

Inside the close an exact amount is an integer count of `TEN_BILLIONTHS` (1e-10 of the currency), so that no
operation can round by accident; AWS writes at most ten decimals (CUR fact 2.9). Cents are integers too. The
tables show both as DECIMAL. Nothing here accepts a float.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

EXACT_PLACES = 10
UNITS_PER_CENT = 10 ** (EXACT_PLACES - 2)  # exact units in a cent
WHOLE_DIGITS = (
    15  # before the point of an amount that is entered: with ten after it, sums stay exact
)
MINUS = "\u2212"  # the typographic minus sign of statements


_PLAIN = re.compile(rf"-?[0-9]{{1,{WHOLE_DIGITS}}}(\.[0-9]+)?")


def read_decimal(text: str) -> Decimal:
    """A number as people enter it: digits and a point, at most WHOLE_DIGITS before it.

    Raises:
        InvalidOperation: it is written in another way, such as 1e6, 1_000 or NaN, or is larger.
    """
    if not _PLAIN.fullmatch(text):
        raise InvalidOperation
    return Decimal(text)


def exact_units(amount: Decimal) -> int:
    """An amount with at most ten decimals as a whole number of 1e-10 units.

    Raises:
        ValueError: the amount has more than ten decimals or is not finite.
    """
    scaled = amount.scaleb(EXACT_PLACES)
    units = int(scaled)
    if units != scaled:
        raise ValueError(f"{amount} has more than {EXACT_PLACES} decimals")
    return units


def exact_amount(units: int) -> Decimal:
    """The inverse of `exact_units`: a Decimal with exactly ten places."""
    return Decimal(units).scaleb(-EXACT_PLACES)


def cents(amount: Decimal) -> int:
    """An amount in whole cents.

    Raises:
        ValueError: the amount has a fraction of a cent.
    """
    scaled = amount.scaleb(2)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{amount} has a fraction of a cent")
    return whole


def cents_amount(whole: int) -> Decimal:
    """The inverse of `cents`: a Decimal with exactly two places."""
    return Decimal(whole).scaleb(-2)


def nearest_cents(units: int) -> int:
    """Exact units rounded once to cents, halves away from zero, so that negating in negates out."""
    quotient, rest = divmod(abs(units), UNITS_PER_CENT)
    whole = quotient + (1 if 2 * rest >= UNITS_PER_CENT else 0)
    return whole if units >= 0 else -whole


def shown(amount: Decimal, places: int = 2) -> str:
    """An amount for a reader: thousands separators, fixed places, a real minus sign.

    >>> shown(Decimal("-1234.5"))
    '\u22121,234.50'
    """
    text = f"{abs(amount):,.{places}f}"
    return f"{MINUS}{text}" if amount < 0 and text.strip("0.,") else text


def sum_shown(parts: Iterable[tuple[Decimal, str]], total: Decimal) -> str:
    """Named amounts that come to a total, as a sum for a reader; those of nothing are left out.

    Raises:
        AssertionError: they do not come to it, which is a defect of the caller.

    >>> sum_shown([(Decimal("7.00"), "direct"), (Decimal("-2.00"), "commitments")], Decimal("5.00"))
    '7.00 direct \u2212 2.00 commitments = 5.00'
    """
    counted = [(amount, name) for amount, name in parts if amount]
    assert sum((amount for amount, _ in counted), Decimal(0)) == total, (counted, total)
    text = ""
    for amount, name in counted:
        sign = f" {MINUS if amount < 0 else '+'} " if text else MINUS if amount < 0 else ""
        text += f"{sign}{shown(abs(amount))} {name}"
    return f"{text or shown(Decimal(0))} = {shown(total)}"


def rounded_once(exact: Decimal) -> Decimal:
    """An exact amount rounded once to cents, halves away from zero."""
    return cents_amount(nearest_cents(exact_units(exact)))
