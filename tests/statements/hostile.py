"""Names that people could write into params or tags: attacks on a medium or on the layout."""

from __future__ import annotations

from dataclasses import replace

from chargeback.statements.inputs import StatementInputs
from tests.statements.estate import SERVICES, Params, business, estate

SCRIPT = "<script>alert('x')</script><img src=x onerror=alert(1)> & \"quoted\""
TYPST = '#eval("1+1") #read("unit.json") ] } ) $x^2$ *bold* _it_ @ref <label> \\ // /* "'
MARKDOWN = (
    "```` ```{=html} <b>fence</b> ``` **bold** [a](javascript:1) | # heading {{< env HOME >}}"
)
FORMULA = '=HYPERLINK("http://example.com","click")'
MINUS_FORMULA = "-2+3+cmd|' /C calc'!A0"
LONG = "W" * 256
LONG_PATH = "arn:aws:ecs:us-east-1:123456789012:service/" + "very-long-segment/" * 11
EMOJI = "Claims 🚑 père & fils 日本語"
RTL = "تسوية المطالبات‏ \u202egnp.exe"
TOTAL = "Total"
AMOUNT = "9,999.99"

NAMES = [
    SCRIPT,
    TYPST,
    MARKDOWN,
    FORMULA,
    MINUS_FORMULA,
    LONG,
    LONG_PATH,
    EMOJI,
    RTL,
    TOTAL,
    AMOUNT,
    "Shared cost",
    "data",
    "Data",
    "table",
]

#: Each unit's cost centers; together they have all the names.
UNITS = {
    "markup": (SCRIPT, NAMES[0::3]),
    "typesetting": (f"{TYPST} {MARKDOWN}", NAMES[1::3]),
    "formula": (FORMULA, NAMES[2::3]),
}


#: Sellers name their products: each attack is the name of one.
PRODUCTS = dict(zip(SERVICES, NAMES, strict=False))


def hostile_params() -> Params:
    """Hostile names everywhere: cost centers, their accounts (shifted by one), pools, owners."""
    params = business(UNITS)
    account_names = [*NAMES[1:], NAMES[0]]
    pool_names = (SCRIPT, TYPST, MARKDOWN, MINUS_FORMULA)
    return replace(
        params,
        business_units={
            key: replace(unit, owner=unit.name) for key, unit in params.business_units.items()
        },
        accounts={
            key: replace(account, name=name)
            for (key, account), name in zip(params.accounts.items(), account_names, strict=True)
        },
        pools=tuple(
            replace(pool, name=name, approved=name)
            for pool, name in zip(params.pools, pool_names, strict=True)
        ),
    )


def hostile_estate() -> StatementInputs:
    """An open month, the first on record, of hostile names, tag values and names of products."""
    return estate(
        hostile_params(), provisional=True, periods=(), tag_values=NAMES, product_names=PRODUCTS
    )
