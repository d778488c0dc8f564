"""Unit costs: a quotient is shown, never used; the effects sum to the change to the last digit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.books.schema import POSTINGS
from chargeback.core.money import cents_amount
from chargeback.ledger.produced import produced_by
from chargeback.ledger.unit_costs import (
    DIRECT,
    LOADED,
    PLACES,
    Produced,
    effects,
    unit_cost,
    unit_cost_of,
)
from chargeback.params.metrics import COMPANY, QUANTITY_PLACES, Metric, owned_counts

MONEY = st.integers(-(10**12), 10**12).map(cents_amount)
COUNTS = st.integers(1, 10**14).map(lambda one: Decimal(one).scaleb(-QUANTITY_PLACES))
MONTHS = st.builds(Produced, MONEY, MONEY, COUNTS)
PER = st.sampled_from([1, 1000])
HALF = Fraction(1, 2)


@given(before=MONTHS, after=MONTHS, basis=st.sampled_from([DIRECT, LOADED]), per=PER)
def test_effects_sum_to_the_change_exactly_and_are_right_to_half_of_a_digit(
    before, after, basis, per
):
    found = effects(before, after, basis, per)
    assert found is not None
    assert found.before + found.volume + found.rate == found.after
    assert found.one_before + found.cost_effect + found.quantity_effect == found.one_after
    c0, c1 = Fraction(before.cost(basis)), Fraction(after.cost(basis))
    q0, q1 = Fraction(before.quantity), Fraction(after.quantity)
    u0, u1 = c0 / q0, c1 / q1
    assert abs(Fraction(found.volume) - (q1 - q0) * u0) <= HALF / 100
    assert abs(Fraction(found.rate) - (u1 - u0) * q1) <= HALF / 100
    digit = Fraction(1, 10**PLACES)
    assert abs(Fraction(found.one_before) - u0 * per) <= HALF * digit
    assert abs(Fraction(found.one_after) - u1 * per) <= HALF * digit
    assert abs(Fraction(found.cost_effect) - (c1 - c0) / q1 * per) <= HALF * digit
    exact = c0 * (1 / q1 - 1 / q0) * per
    assert abs(Fraction(found.quantity_effect) - exact) <= 3 * HALF * digit, "takes what is left"


@given(before=MONTHS, after=MONTHS, basis=st.sampled_from([DIRECT, LOADED]), per=PER)
def test_negating_all_costs_negates_all_effects(before, after, basis, per):
    turned = [Produced(-one.direct, -one.loaded, one.quantity) for one in (before, after)]
    found, other = effects(before, after, basis, per), effects(*turned, basis, per)
    assert found is not None and other is not None
    for name in ("volume", "rate", "one_before", "cost_effect", "quantity_effect", "one_after"):
        assert getattr(other, name) == -getattr(found, name)


@given(cost=MONEY, quantity=COUNTS)
def test_the_same_quantity_has_no_volume_effect_and_the_same_unit_cost_no_rate(cost, quantity):
    now = Produced(cost, cost, quantity)
    same = effects(now, Produced(cost + 1, cost, quantity), DIRECT)
    assert (
        same is not None
        and same.volume == 0
        and same.quantity_effect == same.one_after - (same.one_before + same.cost_effect)
    )
    double = effects(now, Produced(2 * cost, 2 * cost, 2 * quantity), LOADED)
    assert double is not None and double.rate == 0 and double.volume == cost


@pytest.mark.parametrize("quantity", [None, Decimal(0)])
def test_nothing_is_divided_by_zero_or_by_what_is_not_known(quantity):
    known, none = (
        Produced(Decimal("1.00"), Decimal("2.00"), one) for one in (Decimal(3), quantity)
    )
    assert unit_cost_of(none, LOADED) is None and not none.is_divisible
    assert effects(known, none, LOADED) is None and effects(none, known, DIRECT) is None
    with pytest.raises(ValueError, match="positive"):
        unit_cost(Decimal("1.00"), Decimal(0))


def test_a_worked_example():
    """April 100.00 for 40 claims, 2.50 each; May 126.00 for 50, 2.52 each: 25.00 volume and 1.00 rate."""
    april, may = (
        Produced(Decimal("80.00"), Decimal("100.00"), Decimal(40)),
        Produced(Decimal("90.00"), Decimal("126.00"), Decimal(50)),
    )
    found = effects(april, may, LOADED)
    assert found is not None
    assert (found.volume, found.rate) == (Decimal("25.00"), Decimal("1.00"))
    assert (found.one_before, found.one_after) == (Decimal("2.5000"), Decimal("2.5200"))
    # 26.00 more on 50 claims is 0.52 each; the 100.00 of April on 50 instead of 40 is 0.50 less.
    assert (found.cost_effect, found.quantity_effect) == (Decimal("0.5200"), Decimal("-0.5000"))
    assert unit_cost(Decimal("126.00"), Decimal(50), per=1000) == Decimal("2520.0000")


def count(unit: str, quantity: str, center: str = "") -> Metric:
    """A count of May."""
    return Metric("2026-05", "claims", unit, center, Decimal(quantity), "s", "2026-06-01", True)


def ledger(*rows: tuple[str, str, str, str]) -> pa.Table:
    """Postings: unit, cost center, kind and amount; without a cost center it is what is owed."""
    names = ("business_unit_id", "cost_center_id", "kind", "amount")
    lines = [
        dict.fromkeys(POSTINGS.names)
        | dict(zip(names, (unit or None, center or None, kind, Decimal(amount)), strict=True))
        for unit, center, kind, amount in rows
    ]
    for one in lines:
        one["exact_amount"] = one["amount"]
    return pa.Table.from_pylist(lines, schema=POSTINGS)


ROWS = (
    ("a", "A1", "direct", "10.00"), ("a", "A1", "allocated", "2.00"), ("a", "A2", "direct", "5.00"),
    ("b", "B1", "direct", "7.00"), ("b", "B1", "adjustment", "-1.00"), ("", "", "direct", "-23.00"),
)  # fmt: skip


@given(st.permutations(ROWS))
def test_whose_cost_a_quantity_is_of_whatever_the_order(rows):
    table = ledger(*rows)
    whole, center = count("a", "4"), count("a", "3", "A2")
    assert produced_by(table, [whole]) == Produced(Decimal("15.00"), Decimal("17.00"), Decimal(4))
    assert produced_by(table, [center]) == Produced(Decimal("5.00"), Decimal("5.00"), Decimal(3))
    both = owned_counts([whole, center, count("b", "6", "B1")], COMPANY)
    assert produced_by(table, both) == Produced(Decimal("22.00"), Decimal("23.00"), Decimal(10)), (
        "the unit's own count goes before that of its cost center"
    )
    company = owned_counts([whole, count(COMPANY, "9")], COMPANY)
    assert produced_by(table, company).quantity == 9
    assert produced_by(table, company).loaded == Decimal("23.00")
    assert produced_by(table, []) == Produced(Decimal("0.00"), Decimal("0.00"), None)
