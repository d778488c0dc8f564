"""Doubles of every kind, the same each time, and the exact amount that each must become in every engine."""

from __future__ import annotations

import math
import random
from decimal import ROUND_HALF_UP, Context, Decimal

#: Digits enough for the text of any double.
WIDE = Context(prec=400)
TEN_PLACES = Decimal("1e-10")

#: At the edges of what is treated apart: halves and their neighbours, the smallest doubles, powers of two, the
#: last whole numbers that a double holds, and amounts of which the text has fewer digits than the double.
EDGES = (
    0.0, 5e-324, 2.2250738585072014e-308, 4.999999999999999e-11, 5e-11, 5.000000000000001e-11, 6e-12, 1.5e-10,
    2.5e-10, 0.12345678905, 0.30000000005, 1.00000000005, 0.1, 0.5, 2.5, 74_999.1234567891, 75_000.00000000005,
    111_111.11, 524_287.99, 524_288.01, 600_000.123456789, 7_000_000.1234567, 999_999_999.99, 4_294_967_296.5,
    9_007_199_254_740_991.0, 9_007_199_254_740_992.0, 9.3e8, 123_456_789_012_345.6, 1e15, 1e16,
    1.2345678901234567e20, 1e22, 9.999999999999999e27,
)  # fmt: skip


def exact(value: float) -> Decimal:
    """The rule: the shortest text that reads back as the double, rounded half up to ten decimals.

    >>> exact(0.00000000005), exact(7_000_000.1234567)
    (Decimal('1E-10'), Decimal('7000000.1234567000'))
    """
    return Decimal(repr(value)).quantize(TEN_PLACES, ROUND_HALF_UP, WIDE)


def doubles(count: int, largest: float = 1e15) -> list[float]:
    """So many doubles below a size, and the edges, of either sign."""
    chance = random.Random(20_260_501)
    found = [one for one in EDGES if one < largest]
    while len(found) < count:
        whole = chance.randrange(10 ** chance.randrange(1, 15))
        value = (
            chance.lognormvariate(-6, 3),
            round(chance.lognormvariate(-2, 4), 10),
            round(chance.uniform(0, 5e6), chance.randrange(12)),
            float(whole),
            whole / 100,
            float(f"{whole}e-10"),
            float(f"{whole}5e-11"),
            math.nextafter(float(f"{whole % 10**7}5e-11"), chance.choice((0.0, 1.0))),
            10 ** chance.uniform(-320, -9),
            10 ** chance.uniform(-9, 15),
        )[len(found) % 10]
        found.append(min(value, largest / 2))
    return [value * chance.choice((1, -1)) for value in found]
