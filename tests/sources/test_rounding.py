"""Costs with more decimals than AWS writes are rounded the same way wherever they are counted."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from chargeback.close.stages import derive
from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.core.money import rounded_once
from chargeback.engine import Engine, read_sql, translate
from chargeback.review.audit.delivered_rows import ten_places, ten_places_in_parts
from chargeback.sources.cost_units import (
    LARGEST_COST,
    cost_units,
    cost_units_in_parts,
    count_of,
)
from chargeback.sources.ownership_ranks import RANKS, no_ranks, ownership_parameters
from chargeback.sources.report import COLUMNS, tag_letters
from tests.examples import examples
from tests.reports import PERIOD, line_item
from tests.sources.doubles import WIDE, doubles, exact

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
    """Seven million and a trillion too, where a double's digits are not its text's; twice, or less itself."""
    costs = [*HALVES, 7_000_000.1234567, -7_000_000.1234567, 1_000_000_000_000.37]
    parts = {"RIFee": 2, "SavingsPlanRecurringFee": 0}.get(kind, 1)
    assert by_engine(costs, kind) == [parts * exact(one) for one in costs]


def test_twenty_thousand_doubles_are_cast_by_their_text():
    """What the engine makes of a cast that says it casts a double, in any file of SQL."""
    values = doubles(20_000, largest=1e28)
    engine = Engine(threads=1)
    table = {"place": pa.array(range(len(values)), pa.int64()), "x": pa.array(values, pa.float64())}
    engine.register("amounts", pa.table(table))
    sql = "select place, cast(cast(x as double) as decimal(38, 10)) as amount from amounts order by place"
    cast = engine.run(translate(sql, {}), "amounts")["amount"].to_pylist()
    assert [(x, one) for x, one in zip(values, cast, strict=True) if one != exact(x)] == []


def test_twenty_thousand_doubles_are_counted_by_their_text():
    """Control totals, by Arrow and by SQL, and the audit's own amounts."""
    values = doubles(20_000, largest=LARGEST_COST)
    wrong = [x for x in values if cost_units(np.array([x])) != exact(x).scaleb(10, WIDE)]
    assert wrong == []
    assert [x for x in values if ten_places(x) != exact(x)] == []
    total = int(sum((exact(x) for x in values), Decimal(0)).scaleb(10, WIDE))
    assert cost_units(np.array(values)) == total
    engine = Engine(threads=1)
    columns = {
        "$path": ["a"] * len(values), "billing_period": [PERIOD] * len(values),
        "line_item_unblended_cost": pa.array(values, pa.float64()),
    }  # fmt: skip
    engine.register("report", pa.table(columns))
    [row] = engine.query("sources", "control_totals", {"period": PERIOD}).to_pylist()
    assert row["whole_cost"] * 10**10 + row["cost_units"] == total


def test_a_batch_of_the_largest_ordinary_costs_stays_within_its_bits():
    assert cost_units(np.full(32_768, -74_000.25)) == -32_768 * 740_002_500_000_000


@pytest.mark.parametrize("cost", [math.nan, math.inf, -math.inf, 1e14])
def test_what_is_no_cost_is_not_counted(cost):
    with pytest.raises(ValueError, match=r"is not a finite number|is no amount of a bill"):
        cost_units(np.array([1.0, cost]))


@pytest.mark.parametrize("amount", [math.nan, math.inf, 1e30])
def test_a_usage_amount_that_no_decimal_holds_is_one_block(
    amount, make_report, make_params, make_closing
):
    item = line_item(1.0, "CC-1") | {"line_item_usage_amount": amount}
    with pytest.raises(Refusal) as raised:
        derive(make_closing(make_report([item]), make_params()))
    assert raised.value.exit_code == UNREACHABLE
    assert "DuckDB could not answer a query" in raised.value.block()


def test_sql_of_before_is_counted_as_it_cast():
    """Evidence of periods closed before holds SQL that took whole and fraction apart, by binary digits."""
    before = "cast(round(x - truncate(x), 10) as decimal(38, 10))"
    assert count_of(before) is cost_units_in_parts
    assert count_of(read_sql("sources", "line_items")) is cost_units
    cost = 7_000_000.1234567
    assert cost_units_in_parts(np.array([cost])) == 70_000_001_234_566_998
    assert cost_units(np.array([cost])) == 70_000_001_234_567_000
    assert ten_places_in_parts(cost) == Decimal("7000000.1234566998")


@examples(60)
@given(
    st.lists(
        st.one_of(
            st.floats(-1e13, 1e13),
            st.integers(-(10**11), 10**11).map(lambda cents: cents / 100),
            st.floats(-2, 2),
            st.integers(-(10**13), 10**13).map(lambda one: (2 * one + 1) / 2e10),
        ),
        min_size=1, max_size=20,
    )
)  # fmt: skip
def test_every_count_rounds_alike(costs):
    cast = by_engine(costs)
    assert cast == [ten_places(one) for one in costs] == [exact(one) for one in costs]
    assert sum(cast, Decimal(0)) == Decimal(cost_units(np.array(costs))).scaleb(-10)


def test_a_month_with_more_than_ten_decimals_is_whole(make_report, make_params, make_closing):
    """Three half units of the tenth decimal: 0.0000000003 in every count, where DuckDB alone once had more."""
    items = [line_item(100.0, "CC-1"), *(line_item(0.00000000005, "CC-1") for _ in range(3))]
    closing = make_closing(make_report(items), make_params())
    derive(closing)
    assert closing.source_record().unblended_cost == "100.0000000003"


def test_a_month_of_large_and_of_doubtful_costs_is_whole(make_report, make_params, make_closing):
    """Every doubtful value there is in a report, in every column of amounts, ties to the control totals."""
    costs = doubles(400, largest=1e12)
    items = [
        line_item(cost, "CC-1") | {"line_item_usage_amount": amount}
        for cost, amount in zip(costs, reversed(costs), strict=True)
    ]
    total = sum((exact(one) for one in costs), Decimal(0))
    header = "invoice_id,billing_period,issuer,currency,total,entered_by,source"
    invoices = f"{header}\n900000001,{PERIOD},AWS,USD,{rounded_once(total)},finance,PDF\n"
    closing = make_closing(make_report(items), make_params(invoices_csv=invoices))
    derive(closing)
    rolled_up = closing.table("rollup")
    assert Decimal(closing.source_record().unblended_cost) == total
    for name in ("unblended_cost", "amortized_cost", "usage_amount"):
        assert sum(rolled_up[name].to_pylist(), Decimal(0)) == total
