"""The cents of a flow are those of every period closed so far: what is fast now finds the same loops."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.allocation.apportion import Arc, divide, round_flow
from chargeback.core.money import UNITS_PER_CENT, nearest_cents
from tests.allocation import link_by_link
from tests.allocation.test_apportion import CHAINS, TABLES, grand_total, nearest_totals

KINDS = ("direct", "commitment")


def amount(chance: random.Random) -> int:
    """Small and large, of both signs, and often a whole cent, half of one, or nothing."""
    return chance.choice(
        [
            chance.randrange(-3 * UNITS_PER_CENT, 3 * UNITS_PER_CENT),
            chance.randrange(-(10**15), 10**15),
            chance.randrange(-9, 9) * UNITS_PER_CENT // 2,
            chance.choice([0, 1, -1, UNITS_PER_CENT - 1, UNITS_PER_CENT // 3]),
        ]
    )


def invoice(chance: random.Random, centers: int, pools: int) -> dict[Arc, int]:
    """Direct costs, commitments, and pools that give to cost centers and to later pools, as an invoice has."""
    dense = chance.choice([0.3, 0.6, 1.0])
    prefix = chance.choice(["cost-center:", "a", "z"])  # before and after all that give
    payers = sorted({f"{prefix}{chance.randrange(3 * centers)}" for _ in range(centers)})
    flow = {
        (kind, payer): amount(chance)
        for kind in KINDS
        for payer in payers
        if chance.random() < dense
    }
    order = [f"pool:{number}" for number in range(pools)]
    chance.shuffle(order)
    for at, pool in enumerate(order):
        for kind in ("pooled", "commitment"):
            if chance.random() < 0.5:
                flow[kind, pool] = amount(chance)
        takers = [one for one in payers + order[at + 1 :] if chance.random() < dense] or payers[:1]
        alike = chance.random() < 0.3
        weights = {one: 1 if alike else chance.randrange(1, 9) for one in takers}
        if received := [units for (_, taker), units in flow.items() if taker == pool]:
            flow |= {(pool, taker): part for taker, part in divide(sum(received), weights).items()}
    return flow


def asked_for(chance: random.Random, cents: dict[Arc, int]) -> dict[Arc, int]:
    """Cents of which some cannot be had, and most differ by one from those at hand or not at all."""
    apart = chance.choice([[0, 0, 0, 1, -1], [0, 1], [0, -1], [0, 2]])
    return {arc: one + chance.choice(apart) for arc, one in cents.items() if chance.random() < 0.6}


@pytest.mark.parametrize("seed", range(8))
def test_an_invoice_has_the_cents_it_always_had(seed):
    chance = random.Random(seed)
    for _ in range(60):
        flow = invoice(chance, chance.randrange(1, 14), chance.randrange(6))
        for total in nearest_totals(flow):
            cents = link_by_link.round_flow(flow, total)
            assert round_flow(flow, total) == cents
            wanted = asked_for(chance, cents)
            expected = link_by_link.round_flow(flow, total, wanted)
            assert round_flow(flow, total, wanted) == expected


def test_so_has_a_larger_one():
    """Where loops are long and many ways are as short as each other."""
    chance = random.Random(11)
    for centers, pools in ((120, 3), (60, 12), (25, 30)):
        flow = invoice(chance, centers, pools)
        total = nearest_cents(grand_total(flow))
        cents = link_by_link.round_flow(flow, total)
        assert round_flow(flow, total) == cents
        wanted = asked_for(chance, cents)
        expected = link_by_link.round_flow(flow, total, wanted)
        assert round_flow(flow, total, wanted) == expected


@given(st.one_of(TABLES, CHAINS), st.data())
def test_so_has_whatever_else_flows(flow, data):
    for total in nearest_totals(flow):
        cents = link_by_link.round_flow(flow, total)
        assert round_flow(flow, total) == cents
        wanted = {
            arc: one + data.draw(st.integers(-1, 1))
            for arc, one in cents.items()
            if data.draw(st.booleans())
        }
        expected = link_by_link.round_flow(flow, total, wanted)
        assert round_flow(flow, total, wanted) == expected


def test_cents_that_are_asked_for_move_some():
    """Else the comparison with `wanted` would show nothing."""
    chance = random.Random(5)
    moved = 0
    for _ in range(40):
        flow = invoice(chance, 8, 3)
        total = nearest_cents(grand_total(flow))
        cents = round_flow(flow, total)
        moved += round_flow(flow, total, asked_for(chance, cents)) != cents
    assert moved > 10
