"""Small ledgers and policies, made by hypothesis: cost centers that move, and rows that nobody is charged."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from chargeback.books.schema import POSTINGS
from chargeback.books.viewer_rules import Owners
from chargeback.params.viewers import ROLES, Grant, Viewers

UNITS, CENTERS = ("claims", "members", "lone", "u.4"), ("CC-1", "CC-2", "CC-3", "9", "1e5")
GROUPS = ("g-1", "g-2", "0f8fad5b-d9cb-469f-a165-70867728950e", "O'Neill's team", "never granted")
MONTHS = ("2026-03", "2026-04", "2026-05")


@st.composite
def ledgers(draw: st.DrawFn) -> pa.Table:
    """Postings of three months; `line` is a row's number. In each month each cost center has a unit."""
    rows: list[dict[str, Any]] = []
    for month in MONTHS:
        unit_of = {one: draw(st.sampled_from(UNITS)) for one in CENTERS}
        for center in draw(st.lists(st.sampled_from([*CENTERS, None]), max_size=6)):
            owner = (
                f"cost-center:{center}"
                if center
                else draw(st.sampled_from(["payable:1", "pool:p"]))
            )
            rows.append(
                {
                    **dict.fromkeys(POSTINGS.names),
                    "entry_id": f"{month}/direct/1/{center}", "line": len(rows) + 1, "billing_period": month,
                    "kind": "direct", "ledger_account": owner, "business_unit_id": unit_of.get(center),
                    "cost_center_id": center, "exact_amount": Decimal("1.0000000000"),
                    "amount": Decimal("1.00"), "currency": "USD",
                }
            )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=POSTINGS)


def names(of: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    """Some of the ids, each once."""
    return st.lists(st.sampled_from(of), max_size=3, unique=True).map(tuple)


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    """What a group sees: all, units, cost centers, or both."""
    group, role = draw(st.sampled_from(GROUPS[:-1])), draw(st.sampled_from(ROLES))
    if draw(st.integers(0, 7)) == 0:
        return Grant(group, role, all=True)
    units, centers = draw(names(UNITS)), draw(names(CENTERS))
    return Grant(group, role, units, centers or ((CENTERS[0],) if not units else ()))


POLICIES = st.lists(grants(), max_size=5).map(lambda found: Viewers(tuple(found)))
MEMBERSHIPS = st.lists(st.sampled_from(GROUPS), max_size=3, unique=True)


@st.composite
def registers(draw: st.DrawFn) -> set[tuple[str, str]]:
    """Pairs that registers have besides: units and cost centers without any cost."""
    return draw(st.sets(st.tuples(st.sampled_from(UNITS), st.sampled_from(CENTERS)), max_size=3))


def owners_in(ledger: pa.Table, more: set[tuple[str, str]]) -> Owners:
    """Which cost center was ever in which unit."""
    from chargeback.books.viewer_rules import pairs_of

    return Owners(frozenset(pairs_of(ledger) | more))
