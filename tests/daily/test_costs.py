"""Daily costs are the close's costs by day: the same owners, the same money, nothing after the day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.attribution.owners import attribute
from chargeback.core.errors import BAD_USAGE, CONTROL_FAILED, UNREACHABLE, Refusal
from chargeback.daily.costs import DailyCosts, daily_costs
from chargeback.engine import Engine
from chargeback.params import read_params
from chargeback.rollup.roll_up import roll_up
from chargeback.sources.report import DAY_COLUMN
from tests.daily.month import PERIOD, day, item, owned
from tests.examples import examples
from tests.params_folder import ALWAYS, pool, write_params
from tests.reports import write_report

POLICY = ALWAYS["policy.toml"].replace(
    'mandatory_tags = ["user_cost_center"]',
    'mandatory_tags = ["user_cost_center", "user_application", "user_environment"]',
)
OWNERS = ("cost_center_id", "pool_id", "rule", "account_id", "product_code", "line_item_type")


@pytest.fixture
def costs_of(make_report, make_params):
    """Daily costs of some line items up to a day."""

    def make(items, last: date, **params: str) -> DailyCosts:
        folder = make_params(**{"policy_toml": POLICY, **params})
        return daily_costs(make_report(items), read_params(folder, PERIOD), last)

    return make


def sums(table: pa.Table, keys: tuple[str, ...]) -> dict[tuple, tuple[Decimal, Decimal, int]]:
    """Unblended cost, amortized cost and line items by some columns."""
    found: dict[tuple, tuple[Decimal, Decimal, int]] = {}
    for row in table.to_pylist():
        place = tuple(row[key] for key in keys)
        before = found.get(place, (Decimal(0), Decimal(0), 0))
        found[place] = (
            before[0] + row["unblended_cost"],
            before[1] + row["amortized_cost"],
            before[2] + row["line_items"],
        )
    return found


cells = st.fixed_dictionaries(
    {
        "line_item_resource_id": st.sampled_from(["", "i-1", "i-2"]),
        "line_item_product_code": st.sampled_from(["AmazonEC2", "AmazonS3"]),
        "line_item_line_item_type": st.sampled_from(["Usage", "Tax", "SavingsPlanNegation"]),
    }
)
tags = st.dictionaries(
    st.sampled_from(["user_cost_center", "user_application"]),
    st.sampled_from(["CC-1", "CC-2", "CC-x", "", "NULL"]),
)
items = st.builds(
    lambda number, cents, tags, cells: item(number, cents / 100, tags, **cells),
    st.integers(1, 5), st.integers(-500, 500), tags, cells,
)  # fmt: skip
SHARED = pool("storage", '{ product_code = ["AmazonS3"] }', more="overrides_tags = true") + pool()


@examples(15)
@given(line_items=st.lists(items, min_size=1, max_size=12), last=st.integers(1, 5))
def test_owners_and_money_are_those_of_the_close(tmp_path_factory, line_items, last):
    folder = tmp_path_factory.mktemp("month")
    report = write_report(folder / "report", [*line_items, owned(5, 1.0)])
    made = write_params(folder / "params", policy_toml=POLICY, allocation_toml=SHARED)
    params = read_params(made, PERIOD)
    whole = daily_costs(report, params, day(5))
    engine = Engine()
    closed, _ = attribute(engine, roll_up(engine, report, whole.record, params), params)
    engine.close()
    assert sums(whole.table, OWNERS) == sums(closed, OWNERS)
    part = daily_costs(report, params, day(last)).table
    until = pc.less_equal(whole.table["usage_date"], pa.scalar(day(last)))
    assert part.equals(whole.table.filter(until))


def test_a_day_is_utc_s_and_a_row_says_what_its_tags_are(costs_of):
    found = costs_of(
        [
            owned(1, 1.0),
            item(1, 2.0, {"user_cost_center": "CC-77", "user_application": ""}),
            item(2, 4.0, line_item_resource_id=""),
        ],
        day(2),
    )
    rows = [
        (row["usage_date"], row["business_unit_id"], row["pool_id"], row["is_taggable"],
         row["tag_state"], row["unusable_tag_value"], row["mandatory_tags"], row["unblended_cost"])
        for row in found.table.to_pylist()
    ]  # fmt: skip
    assert rows == [
        (day(1), None, "untagged", True, "unusable", "CC-77", "10-", Decimal(2)),
        (day(1), "shop", None, True, "usable", None, "11-", Decimal(1)),
        (day(2), None, "untagged", False, "missing", None, "---", Decimal(4)),
    ]
    assert found.absent_tags == ("user_environment",)
    assert found.table.schema.field("usage_date").type == pa.date32()
    assert found.table.schema.field("unblended_cost").type == pa.decimal128(38, 10)


def test_a_pool_that_overrides_tags_does_not_make_them_unusable(costs_of):
    found = costs_of(
        [owned(1, 1.0, line_item_product_code="AmazonS3")], day(1), allocation_toml=SHARED
    )
    [row] = found.table.to_pylist()
    assert (row["pool_id"], row["rule"], row["tag_state"]) == ("storage", "pool:storage", "usable")


def test_fees_written_ahead_do_not_make_a_day(costs_of):
    ahead = item(9, 1.0, line_item_line_item_type="SavingsPlanRecurringFee")
    unblended = POLICY.replace('"amortized"', '"unblended"')
    assert costs_of([owned(3, 1.0), ahead], day(3), policy_toml=unblended).last_day == day(3)


def test_a_day_that_is_not_delivered(costs_of):
    with pytest.raises(Refusal) as raised:
        costs_of([owned(3, 1.0)], day(4))
    assert raised.value.exit_code == BAD_USAGE
    assert "make daily DATE=2026-05-03" in raised.value.block()


@pytest.mark.parametrize(
    ("line_items", "options", "exit_code", "words"),
    [
        ([], {}, UNREACHABLE, "the delivery of 2026-05 is empty"),
        ([owned(1, 1.0)], {"without": [DAY_COLUMN]}, UNREACHABLE, f"no column {DAY_COLUMN}"),
        ([owned(1, 1.0, line_item_currency_code="EUR")], {}, CONTROL_FAILED, "one_currency"),
    ],
)
def test_a_delivery_that_cannot_be_looked_at(
    make_report, make_params, line_items, options, exit_code, words
):
    params = read_params(make_params(), PERIOD)
    with pytest.raises(Refusal) as raised:
        daily_costs(make_report(line_items, **options), params, day(1))
    assert raised.value.exit_code == exit_code
    assert words in raised.value.block()
