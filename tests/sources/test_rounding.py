"""Costs with more decimals than AWS writes are rounded the same way wherever they are counted."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from chargeback.close.stages import derive
from chargeback.engine import Engine
from chargeback.review.audit.delivered_rows import ten_places
from chargeback.sources.freeze import cost_units
from chargeback.sources.report import COLUMNS, ownership_rank, tag_letters
from tests.examples import examples
from tests.reports import line_item

#: Halves of the tenth decimal, of either sign, small and large; what they become is worked out by hand.
HALVES = {
    0.00000000005: "0.0000000001", -0.00000000005: "-0.0000000001", 0.00000000015: "0.0000000002",
    0.12345678905: "0.1234567891", 1e-11: "0.0000000000", 0.5: "0.5000000000", -2.5: "-2.5000000000",
    123456.78125: "123456.7812500000",
}  # fmt: skip


ARROW = {
    name: {"varchar": pa.string(), "double": pa.float64(), "timestamp": pa.timestamp("us")}.get(
        kind, pa.map_(pa.string(), pa.string())
    )
    for name, kind in COLUMNS.items()
}


PARAMETERS = {
    "period": "2026-05", "ownership_rank": ownership_rank(()), "mandatory_tags": tag_letters([]),
    "is_ahead": exp.false(),
    **{f"tag_value_{number}": exp.cast(exp.null(), "varchar") for number in (1, 2, 3)},
}  # fmt: skip


def by_engine(costs: list[float]) -> list[Decimal]:
    """Costs as sql/sources/line_items.sql casts them."""
    engine = Engine(threads=1)
    columns = {name: pa.nulls(len(costs), kind) for name, kind in ARROW.items()}
    columns |= {
        "billing_period": pa.array(["2026-05"] * len(costs)),
        "line_item_unblended_cost": pa.array(costs, pa.float64()),
        "line_item_usage_amount": pa.array(range(len(costs)), pa.float64()),
    }
    engine.register("report", pa.table(columns))
    sql = engine.translate("sources", "line_items", PARAMETERS)
    answer = engine.run(sql, "line_items").sort_by("usage_amount")
    return answer["unblended_cost"].to_pylist()


@pytest.mark.parametrize(("cost", "expected"), HALVES.items())
def test_a_half_goes_away_from_zero(cost, expected):
    assert by_engine([cost]) == [Decimal(expected)]
    assert Decimal(cost_units(np.array([cost]))).scaleb(-10) == Decimal(expected)
    assert ten_places(cost) == Decimal(expected)


@examples(60)
@given(
    st.lists(
        st.one_of(
            st.floats(-1e9, 1e9),
            st.floats(-2, 2),
            st.integers(-(10**13), 10**13).map(lambda one: (2 * one + 1) / 2e10),
        ),
        min_size=1, max_size=20,
    )
)  # fmt: skip
def test_every_count_rounds_alike(costs):
    cast = by_engine(costs)
    assert cast == [ten_places(one) for one in costs]
    assert sum(cast, Decimal(0)) == Decimal(cost_units(np.array(costs))).scaleb(-10)


def test_a_month_with_more_than_ten_decimals_is_whole(make_report, make_params, make_closing):
    """Three half units of the tenth decimal: 0.0000000003 in every count, where DuckDB alone once had more."""
    items = [line_item(100.0, "CC-1"), *(line_item(0.00000000005, "CC-1") for _ in range(3))]
    closing = make_closing(make_report(items), make_params())
    derive(closing)
    assert closing.source_record().unblended_cost == "100.0000000003"
