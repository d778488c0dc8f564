"""The one set of weights: what a pool held, and everybody who took a part."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.allocation.apportion import divide
from chargeback.core.money import exact_amount
from chargeback.ledger.splits import SHARE_PLACES, Split, recomputes, splits_of


def row(account: str, amount: str, weight: str | None, **values: Any) -> dict[str, Any]:
    center = account.partition(":")[2] if account.startswith("cost-center:") else None
    found = {
        "kind": "allocated", "pool_id": "support", "invoice_id": "1", "ledger_account": account,
        "cost_center_id": center, "allocation_key": "even", "original_period": None,
        "amount": Decimal(amount), "exact_amount": Decimal(amount).quantize(Decimal("1e-10")),
        "weight": None if weight is None else Decimal(weight),
    }  # fmt: skip
    return found | values


ROWS = [
    row("pool:support", "-60.00", None),
    row("cost-center:A", "30.00", "3"),
    row("cost-center:B", "20.00", "2"),
    row("pool:network", "10.00", "1"),
    row("pool:support", "-6.00", None, invoice_id="2"),
    row("cost-center:A", "3.00", "3", invoice_id="2"),
    row("cost-center:B", "2.00", "2", invoice_id="2"),
    row("pool:network", "1.00", "1", invoice_id="2"),
    row("pool:network", "-11.00", None, pool_id="network"),
    row("cost-center:B", "11.00", "1", pool_id="network"),
    row("cost-center:A", "99.00", "9", original_period="2026-04", kind="adjustment"),
]


@pytest.mark.parametrize("rows", [ROWS, ROWS[::-1]])
def test_a_pool_counts_the_later_pools_that_took_a_part(rows):
    support = splits_of(rows)["support"]
    assert (support.amount, support.total_weight, support.weight_of_centers) == (66, 6, 5)
    assert support.exact == {"1": Decimal(60), "2": Decimal(6)}
    assert support.weights == {"A": 3, "B": 2, "pool:network": 1}


def test_a_pool_that_is_passed_on_whole_is_paid_by_no_cost_center():
    rows = [row("pool:support", "-1.00", None), row("pool:network", "1.00", "1")]
    assert not splits_of(rows)["support"].pays_centers
    assert splits_of(ROWS)["support"].pays_centers


def test_the_share_of_cost_centers_alone_recomputes_nothing():
    """What pages had once: 3 of 5, of the 55 that cost centers pay. It is not what the pool was divided by."""
    assert recomputes(Decimal(60), Decimal(3), Decimal(6), Decimal(30))
    assert not recomputes(Decimal(60), Decimal(3), Decimal(5), Decimal(30))
    assert not recomputes(Decimal(60), Decimal(3), Decimal(0), Decimal(30))


@given(
    held=st.integers(10**8, 10**17),
    sign=st.sampled_from((1, -1)),
    weights=st.lists(st.integers(1, 10**17), min_size=1, max_size=12),
)
def test_weights_and_shares_recompute_every_exact_amount(held, sign, weights):
    units, named = sign * held, {str(place): one for place, one in enumerate(weights)}
    split = Split("p", weights={name: exact_amount(one) for name, one in named.items()})
    for name, part in divide(units, named).items():
        own, exact = split.weights[name], exact_amount(part)
        assert recomputes(exact_amount(units), own, split.total_weight, exact)
        share = split.share(own)
        assert -share.as_tuple().exponent == SHARE_PLACES
        assert recomputes(
            exact_amount(units), share.scaleb(SHARE_PLACES), Decimal(10**SHARE_PLACES), exact
        )
        assert not recomputes(exact_amount(units), own, split.total_weight, exact + Decimal("1e-9"))
