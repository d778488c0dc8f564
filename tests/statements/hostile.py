"""Names that people could write into params or tags: attacks on a medium or on the layout."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle

import pyarrow as pa

from chargeback.statements.inputs import StatementInputs
from tests.statements.estate import OWNED, SERVICES, Params, business, estate

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

#: What somebody types into a tag to see what breaks; 256 characters are the most that AWS allows.
TAG_VALUES = (
    "<script>alert('cost center')</script>",
    '<img src=x onerror="alert(1)">',
    '#import "@preview/x:0.1.0": * #panic("no") $ sum_x $ *bold* @ref <label>',
    "[CC-1001](javascript:alert(1)) | `code` | **bold**",
    '=HYPERLINK("http://example.com","CC-1001")',
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    'O\'Brien "quoted", Ltd.',
    "CC\\1001\\n\\",
    "'; drop table postings; --",
    "\U0001f691 claims \U0001f469\u200d\u2695\ufe0f",
    "\u05de\u05e8\u05db\u05d6 \u05e2\u05dc\u05d5\u05ea \u202e1001-CC",
    "claims-" + "x" * 249,
    "CC-1001\nCC-1002",
)

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
    inputs = estate(
        hostile_params(), provisional=True, periods=(), tag_values=NAMES, product_names=PRODUCTS
    )
    rows = inputs.owned_costs.to_pylist()
    tagged = cycle([row for row in rows if row["unusable_tag_value"]])
    rows += [
        row | {"cost_center_tag_1": value, "unusable_tag_value": value}
        for value, row in zip(TAG_VALUES, tagged, strict=False)
    ]
    return replace(inputs, owned_costs=pa.Table.from_pylist(rows, schema=OWNED))
