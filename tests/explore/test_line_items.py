"""Line items meet the row of the rollup that they were owned by, once: with two commitments, and in a draft."""

from __future__ import annotations

from decimal import Decimal

import pytest

from chargeback.core.errors import Refusal
from chargeback.review.explore.charges import finer_rows, read_line_items
from chargeback.review.explore.dimensions import dimension_of
from chargeback.review.explore.opened import CLOSED, Opened
from tests.reports import line_item
from tests.trace.estate import derived

ARN = "arn:aws:ec2:us-east-1:012345678901:reserved-instances/"


def test_two_reservations_of_one_owner_count_once(tmp_path):
    """20.00 and 5.00 of the same usage type, owner and product, from two reservations."""
    items = [
        line_item(0.0, "CC-1", line_item_line_item_type="DiscountedUsage", reservation_effective_cost=cost,
                  reservation_reservation_a_r_n=ARN + name)
        for cost, name in ((20.0, "a"), (5.0, "b"))
    ]  # fmt: skip
    report, origin = derived(tmp_path, [items], Decimal(0))
    found = read_line_items(Opened(origin, CLOSED), [], report)
    assert [(row["line_items"], row["charged_cost"]) for row in found.to_pylist()] == [(2, 25)]


@pytest.mark.parametrize(
    ("dimension", "column"),
    [("region", "product_region_code"), ("day", "line_item_usage_start_date"),
     ("tag:cost_category:team", "cost_category"), ("tag:tags:accountTag/team", "tags")],
)  # fmt: skip
def test_what_the_report_does_not_have_is_not_shown_as_blank(dimension, column, tmp_path):
    report, origin = derived(tmp_path, [[line_item(10.0, "CC-1")]], Decimal(10))
    with pytest.raises(Refusal) as raised:
        list(finer_rows(Opened(origin, CLOSED), [dimension_of(dimension)], str(report)))
    assert raised.value.what == f"the report has no column {column}"
    assert f"{column} is needed for the dimension {dimension}" in raised.value.where
