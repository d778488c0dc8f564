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
from chargeback.sources.ownership_ranks import RANKS, no_ranks, ownership_parameters
from chargeback.sources.report import COLUMNS, tag_letters
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
    "period": "2026-05", **ownership_parameters(()), "mandatory_tags": tag_letters([]),
    "is_ahead": exp.false(),
    **{f"tag_value_{number}": exp.cast(exp.null(), "varchar") for number in (1, 2, 3)},
}  # fmt: skip


#: The columns that effective cost is made of, by a line item type that takes them; the last is subtracted.
EFFECTIVE = {
    "SavingsPlanCoveredUsage": ("savings_plan_savings_plan_effective_cost",),
    "DiscountedUsage": ("reservation_effective_cost",),
    "RIFee": (
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        "reservation_unused_recurring_fee",
    ),
    "SavingsPlanRecurringFee": (
        "savings_plan_total_commitment_to_date", "savings_plan_used_commitment",
    ),
}  # fmt: skip


def by_engine(costs: list[float], kind: str = "Usage") -> list[Decimal]:
    """Costs as sql/sources/line_items.sql casts them: what was billed, or the effective cost of a type."""
    engine = Engine(threads=1)
    columns = {name: pa.nulls(len(costs), kind) for name, kind in ARROW.items()}
    columns |= {
        "billing_period": pa.array(["2026-05"] * len(costs)),
        **dict.fromkeys(
            EFFECTIVE.get(kind, ("line_item_unblended_cost",)), pa.array(costs, pa.float64())
        ),
        "line_item_line_item_type": pa.array([kind] * len(costs)),
        "line_item_usage_amount": pa.array(range(len(costs)), pa.float64()),
    }
    engine.register("report", pa.table(columns))
    engine.register(RANKS, no_ranks())
    sql = engine.translate("sources", "line_items", PARAMETERS)
    answer = engine.run(sql, "line_items").sort_by("usage_amount")
    return answer["amortized_cost" if kind in EFFECTIVE else "unblended_cost"].to_pylist()


@pytest.mark.parametrize(("cost", "expected"), HALVES.items())
def test_a_half_goes_away_from_zero(cost, expected):
    assert by_engine([cost]) == [Decimal(expected)]
    assert Decimal(cost_units(np.array([cost]))).scaleb(-10) == Decimal(expected)
    assert ten_places(cost) == Decimal(expected)


@pytest.mark.parametrize("kind", EFFECTIVE)
def test_effective_costs_are_rounded_as_unblended_ones_are(kind):
    """Seven million and a trillion too, where a double has fewer decimals than ten; twice, or less itself."""
    costs = [*HALVES, 7_000_000.1234567, -7_000_000.1234567, 1_000_000_000_000.37]
    parts = {"RIFee": 2, "SavingsPlanRecurringFee": 0}.get(kind, 1)
    assert by_engine(costs, kind) == [parts * ten_places(one) for one in costs]


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
