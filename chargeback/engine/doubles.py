"""Doubles as exact decimals: what Athena's cast gives, given by DuckDB as well.

A report has its amounts as doubles. Athena's `cast(x as decimal(38, 10))` takes the shortest decimal number
that reads back as the double, which is what AWS wrote, and rounds it to ten decimals, halves away from zero.
DuckDB multiplies by 1e10 in binary, so that beyond some 500,000 its last decimals are others, and halves go
either way.

In: a parsed statement. A double says that it is one: `cast(cast(x as double) as decimal(38, 10))`. In Athena
the inner cast does nothing. For DuckDB each such cast is written out as cases, and the first that is surely
right is taken; chargeback/sources/cost_units.py counts control totals by the same rule.

    ordinary    scaled by slightly less and slightly more than 1e10 it rounds to the same whole number. The
                double is within half of its last place of its text, and each product within half of its own,
                together 2.3e-16 of it; the factors are 3 units in the last place of 1e10 away from it,
                5.7e-16 of it. So what the text says lies between the products, and rounds as they do. A half
                lies between them too, and they round apart.
    whole       below 2^53 a whole number is its own text
    tiny        below half a unit: nothing. (DuckDB would read the text of 6e-12 as 6e-11, and round it up.)
    small       by its text, which may have an exponent
    large       its whole is that of its text, as no whole number lies between a double and its text; what
                stands behind the point is read apart, because DuckDB reads a long text a hundred times slower
    beyond      2^53, by its text, however long that takes

NaN, infinity and what has more than 28 digits before the point are conversion errors, as they are in Athena.
"""

from __future__ import annotations

import functools

import sqlglot
from sqlglot import exp

EXACT = exp.DataType.build("decimal(38, 10)", dialect="athena")

#: How near to a half a scaled value may be for control totals, for each unit of the value, and at least: twice
#: what it can be wrong by, and more.
NEAR_HALF, NEAR_HALF_AT_LEAST = 4.5e-6, 1e-8

#: The third double below 1e10, and the third above it.
LESS, MORE = 1e10 - 3 * 2.0**-19, 1e10 + 3 * 2.0**-19

IN_DUCKDB = f"""
case
    when try_cast(x * {LESS!r}e0 as bigint) = try_cast(x * {MORE!r}e0 as bigint)
        then cast(x as decimal(38, 10))
    when x = trunc(x) and abs(x) < 9007199254740992e0
        then cast(cast(x as bigint) as decimal(38, 10))
    when abs(x) < 5e-11
        then cast(0 as decimal(38, 10))
    when abs(x) < 1e0
        then cast(cast(cast(x as varchar) as decimal(18, 10)) as decimal(38, 10))
    when abs(x) < 9007199254740992e0
        then cast(cast(trunc(x) as bigint) as decimal(38, 10)) + cast(
            case when x < 0e0 then '-0.' else '0.' end || split_part(cast(x as varchar), '.', 2)
            as decimal(18, 10)
        )
    else cast(cast(x as varchar) as decimal(38, 10))
end
"""


def is_exact_double(node: exp.Expr) -> bool:
    """Whether a part of a statement is a double cast to an exact amount, and says so."""
    return (
        isinstance(node, exp.Cast)
        and node.to == EXACT
        and isinstance(node.this, exp.Cast)
        and node.this.to.this == exp.DataType.Type.DOUBLE
    )


def write_out_doubles(statement: exp.Expr) -> None:
    """Write out each cast of a double to an exact amount as DuckDB needs it, in the statement itself."""
    for node in list(statement.find_all(exp.Cast)):
        if is_exact_double(node):
            written_out = cases().copy()
            for value in list(written_out.find_all(exp.Column)):
                value.replace(node.this.copy())
            node.replace(written_out)


@functools.cache
def cases() -> exp.Expr:
    """The cases of a value x, parsed once; a copy is taken of them."""
    return sqlglot.parse_one(IN_DUCKDB, read="duckdb")
