"""Line items meet the row of the rollup that they were owned by, once: with two commitments, and in a draft."""

from __future__ import annotations

from decimal import Decimal

from chargeback.review.explore.charges import read_line_items
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
