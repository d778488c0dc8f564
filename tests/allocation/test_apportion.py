"""Whatever the amounts: nothing is lost, nothing moves by a cent, order and sign do not matter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.allocation.apportion import divide, round_flow, round_list
from chargeback.core.money import UNITS_PER_CENT, nearest_cents

NAMES = st.text("abcdef", min_size=1, max_size=2)
UNITS = st.one_of(
    st.integers(-3 * UNITS_PER_CENT, 3 * UNITS_PER_CENT),
    st.integers(-(10**15), 10**15),
    st.integers(-9, 9).map(lambda halves: halves * UNITS_PER_CENT // 2),  # ties
    st.just(0),
)
WEIGHTS = st.dictionaries(NAMES, st.integers(-5, 10**12), min_size=1, max_size=8).filter(
    lambda weights: any(weight > 0 for weight in weights.values())
)
LISTS = st.dictionaries(NAMES, UNITS, max_size=8)
TABLES = st.dictionaries(st.tuples(NAMES.map(str.upper), NAMES), UNITS, max_size=14)


def chain(own: list[int], gives: list[list[int]], direct: list[int]):
    """A step-down: pools that have costs of their own and give to later pools and payers, by weights."""
    payers = ["payer a", "payer b"]
    flow = {("report", f"pool {number}"): units for number, units in enumerate(own)}
    flow |= {("direct", payer): units for payer, units in zip(payers, direct, strict=True)}
    for number, weights in enumerate(gives):
        place = f"pool {number}"
        takers = [*payers, *(f"pool {later}" for later in range(number + 1, len(own)))]
        received = sum(units for (_, taker), units in flow.items() if taker == place)
        given = divide(received, dict(zip(takers, weights, strict=False)))
        flow |= {(place, taker): units for taker, units in given.items()}
    return flow


CHAINS = st.builds(
    chain,
    st.lists(UNITS, min_size=3, max_size=3),
    st.lists(st.lists(st.integers(1, 9), min_size=4, max_size=4), min_size=3, max_size=3),
    st.lists(UNITS, min_size=2, max_size=2),
)


def grand_total(exact) -> int:
    """What leaves the sources."""
    takers = {taker for _, taker in exact}
    return sum(units for (giver, _), units in exact.items() if giver not in takers)


def nearest_totals(exact) -> list[int]:
    """Every grand total in cents that is less than a cent away from the exact one."""
    whole = (
        grand_total(exact) if any(isinstance(key, tuple) for key in exact) else sum(exact.values())
    )
    low = whole // UNITS_PER_CENT
    return [
        cents for cents in (low, low + 1) if abs(cents * UNITS_PER_CENT - whole) < UNITS_PER_CENT
    ]


def mirrored(name: str) -> str:
    """The name at the same place from the end of the alphabet."""
    return name.translate(str.maketrans("abcdefABCDEF", "fedcbaFEDCBA"))


def backwards(table):
    """The same table, its keys in the opposite order."""
    return dict(reversed(table.items()))


@given(st.integers(-(10**16), 10**16), WEIGHTS)
def test_divide_keeps_the_total_and_each_share_within_one_unit(total, weights):
    parts = divide(total, weights)
    whole = sum(max(0, weight) for weight in weights.values())
    assert sum(parts.values()) == total
    assert parts.keys() == weights.keys()
    for key, part in parts.items():
        assert abs(part * whole - total * max(0, weights[key])) < whole
        if weights[key] <= 0:
            assert part == 0


@given(st.integers(-(10**16), 10**16), WEIGHTS)
def test_divide_depends_neither_on_order_nor_on_sign(total, weights):
    parts = divide(total, weights)
    assert divide(total, backwards(weights)) == parts
    assert divide(-total, weights) == {key: -part for key, part in parts.items()}


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": -1, "b": 0}])
def test_divide_refuses_to_split_by_nothing(weights):
    with pytest.raises(ValueError, match="no weight is positive"):
        divide(100, weights)


def test_divide_gives_the_odd_unit_to_the_larger_remainder_then_the_smaller_key():
    assert divide(100, {"b": 1, "a": 1, "c": 1}) == {"a": 34, "b": 33, "c": 33}
    assert divide(10, {"a": 1, "b": 2}) == {"a": 3, "b": 7}


@given(LISTS)
def test_round_list_sums_to_the_given_total_and_moves_nothing_by_a_cent(exact):
    for total in nearest_totals(exact):
        rounded = round_list(exact, total)
        assert sum(rounded.values()) == total
        for key, units in exact.items():
            assert abs(rounded[key] * UNITS_PER_CENT - units) < UNITS_PER_CENT
        assert round_list(backwards(exact), total) == rounded


@given(LISTS)
def test_round_list_negated_is_negated(exact):
    total = nearest_cents(sum(exact.values()))
    flipped = round_list({key: -units for key, units in exact.items()}, -total)
    assert flipped == {key: -cents for key, cents in round_list(exact, total).items()}


@given(TABLES)
def test_round_flow_keeps_cells_rows_and_columns_within_one_cent(exact):
    for total in nearest_totals(exact):
        rounded = round_flow(exact, total)
        assert rounded.keys() == exact.keys()
        assert sum(rounded.values()) == total
        for key, units in exact.items():
            assert abs(rounded[key] * UNITS_PER_CENT - units) < UNITS_PER_CENT
        for side in (0, 1):
            for line in {key[side] for key in exact}:
                moved = sum(
                    rounded[key] * UNITS_PER_CENT - exact[key] for key in exact if key[side] == line
                )
                assert abs(moved) < UNITS_PER_CENT, (side, line)


@given(CHAINS)
def test_what_goes_through_a_pool_is_lost_nowhere(exact):
    for total in nearest_totals(exact):
        rounded = round_flow(exact, total)
        assert grand_total(rounded) == total
        for arc, units in exact.items():
            assert abs(rounded[arc] * UNITS_PER_CENT - units) < UNITS_PER_CENT
        for place in {place for arc in exact for place in arc}:
            into = [arc for arc in exact if arc[1] == place]
            out = [arc for arc in exact if arc[0] == place]
            if into and out:
                assert sum(rounded[arc] for arc in into) == sum(rounded[arc] for arc in out)
            for side in filter(None, (into, out)):
                moved = sum(rounded[arc] * UNITS_PER_CENT - exact[arc] for arc in side)
                assert abs(moved) < UNITS_PER_CENT, place


@given(CHAINS)
def test_a_chain_depends_neither_on_order_nor_on_sign(exact):
    total = nearest_cents(grand_total(exact))
    rounded = round_flow(exact, total)
    assert round_flow(backwards(exact), total) == rounded
    flipped = round_flow({arc: -units for arc, units in exact.items()}, -total)
    assert flipped == {arc: -cents for arc, cents in rounded.items()}


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        ({("a", "b"): 5, ("b", "c"): 4}, "b gives something else than it receives"),
        ({("s", "a"): 5, ("a", "b"): 6, ("b", "a"): 1, ("b", "c"): 5}, "flow in a circle: a -> b"),
    ],
)
def test_a_flow_that_loses_something_or_comes_back_is_refused(flow, words):
    with pytest.raises(ValueError, match=words):
        round_flow(flow, 0)


def test_one_cent_through_two_pools_arrives_once():
    """A cent of support goes half to logging; all of it is paid by one of the seven."""
    seventh = UNITS_PER_CENT // 2 // 7
    rest = UNITS_PER_CENT // 2 - 7 * seventh
    flow = {("report", "support"): UNITS_PER_CENT, ("support", "logging"): UNITS_PER_CENT // 2}
    for number in range(7):
        more = rest if number == 0 else 0
        flow["support", f"payer {number}"] = seventh + more
        flow["logging", f"payer {number}"] = seventh + more
    rounded = round_flow(flow, 1)
    payers = {arc: cents for arc, cents in rounded.items() if arc[1].startswith("payer")}
    assert sorted(payers.values()) == [0] * 13 + [1]
    assert (
        sum(cents for (giver, _), cents in payers.items() if giver == "logging")
        == (rounded["support", "logging"])
    )


@given(TABLES)
def test_round_flow_depends_neither_on_order_nor_on_sign(exact):
    total = nearest_cents(sum(exact.values()))
    rounded = round_flow(exact, total)
    assert round_flow(backwards(exact), total) == rounded
    flipped = round_flow({key: -units for key, units in exact.items()}, -total)
    assert flipped == {key: -cents for key, cents in rounded.items()}


@pytest.mark.parametrize("operation", [round_flow, round_list])
@pytest.mark.parametrize("total", [2, 4])
def test_a_total_a_cent_away_is_refused(operation, total):
    with pytest.raises(ValueError, match="a cent or more away"):
        operation({("a", "x"): 3 * UNITS_PER_CENT}, total)


def test_cells_that_are_whole_cents_stay_as_they_are():
    half = UNITS_PER_CENT // 2
    exact = {("a", "x"): 7 * UNITS_PER_CENT, ("a", "y"): half, ("b", "x"): half}
    rounded = round_flow(exact, 8)
    assert rounded["a", "x"] == 7
    assert rounded["a", "y"] + rounded["b", "x"] == 1


@given(TABLES, st.data())
def test_wanted_cents_that_can_be_had_are_had(exact, data):
    """Any part of another rounding of the same table, found by going through its names backwards."""
    total = nearest_cents(sum(exact.values()))
    other = round_flow({tuple(map(mirrored, key)): units for key, units in exact.items()}, total)
    wanted = {
        key: other[tuple(map(mirrored, key))] for key in sorted(exact) if data.draw(st.booleans())
    }
    rounded = round_flow(exact, total, wanted)
    assert {key: rounded[key] for key in wanted} == wanted
    assert sum(rounded.values()) == total
    for side in (0, 1):
        for line in {key[side] for key in exact}:
            moved = sum(
                rounded[key] * UNITS_PER_CENT - exact[key] for key in exact if key[side] == line
            )
            assert abs(moved) < UNITS_PER_CENT


@given(TABLES, st.integers(-1, 2))
def test_wanted_cents_that_cannot_be_had_move_no_total(exact, apart):
    total = nearest_cents(sum(exact.values()))
    wanted = {key: units // UNITS_PER_CENT + apart for key, units in exact.items()}
    rounded = round_flow(exact, total, wanted)
    assert sum(rounded.values()) == total
    for key, units in exact.items():
        assert abs(rounded[key] * UNITS_PER_CENT - units) < UNITS_PER_CENT
