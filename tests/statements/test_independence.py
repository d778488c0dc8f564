"""A unit's statement depends on its own rows and on what all may know: what else has a part in it is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from chargeback.statements import extract
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.independence import Dependence, dependences, without_others
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.model import Statement
from tests.statements.estate import PRODUCT_NAMES, UNITS, Adjustment, business, estate


@pytest.fixture(scope="module")
def inputs() -> StatementInputs:
    """May 2026 of eight units, after five closed months."""
    return estate()


def asked(inputs: StatementInputs) -> list[Dependence]:
    """What the inputs' own statements are found to depend on."""
    charges = read_charges(inputs)
    return dependences(inputs, charges.published, extract_units(inputs, charges))


def test_no_statement_depends_on_another_unit(inputs):
    assert asked(inputs) == []


@pytest.mark.parametrize("count", range(1, len(UNITS) + 1))
def test_each_pair_of_units_is_apart_in_some_round(inputs, count):
    """However many there are; else one could have a part in the other's statement unseen."""
    names = dict(list(UNITS.items())[:count])
    few = estate(business(names), periods=())
    rounds: list[set[str]] = []

    def noted(inputs: StatementInputs, kept: set[str]) -> StatementInputs:
        rounds.append(set(kept))
        return without_others(inputs, kept)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chargeback.statements.independence.without_others", noted)
        assert asked(few) == []
    for one in names:
        for other in set(names) - {one}:
            assert any(one in kept and other not in kept for kept in rounds), (one, other)
    assert len(rounds) <= 2 * max(1, (count - 1).bit_length())


def test_what_belongs_to_others_is_replaced_and_what_all_may_know_stays(inputs):
    """No name, id, account or reason of others is left, and pools and the total are what they were."""
    kept = {"claims", "data"}
    alone = without_others(inputs, kept)
    left = repr([alone.params, alone.postings.to_pylist(), alone.owned_costs.to_pylist()])
    left += repr([postings.to_pylist() for postings in alone.history.values()])
    held = inputs.params.policy.commitments_cost_center_id  # which policy names
    for center in inputs.params.cost_centers.values():
        if center.cost_center_id == held:
            continue
        assert (center.name in left) is (center.business_unit_id in kept), center
        assert (center.cost_center_id in left) is (center.business_unit_id in kept), center
    for account in inputs.params.accounts.values():
        own = inputs.params.cost_centers[account.default_cost_center_id].business_unit_id in kept
        assert (account.account_id in left) is own
        assert (account.name in left) is own
    products = {
        row["product_code"] for unit_id in kept for row in read_charges(inputs).of_unit(unit_id)
    }
    assert products & PRODUCT_NAMES.keys() == {"6mc0codingvalidator3rk9fzl"}
    assert dict(alone.product_names) == {
        "6mc0codingvalidator3rk9fzl": "ICD-10 Coding Validator", "2hd7identityguardx5tw8j1pu": "~",
    }  # fmt: skip
    before, after = read_charges(inputs), read_charges(alone)
    assert after.total == before.total
    assert after.passed_on == before.passed_on
    for pool_id, pool in before.pools.items():
        assert after.pools[pool_id].amount == pool.amount
        assert after.pools[pool_id].total_weight == pool.total_weight
        assert len(after.pools[pool_id].weights) == len(pool.weights)
    for unit_id in kept:
        assert after.of_unit(unit_id) == before.of_unit(unit_id)


def test_what_others_are_charged_is_another_amount(inputs):
    """Else an amount of theirs in a statement would stay the same, and not be found."""
    alone = without_others(inputs, {"claims"})
    before = {
        sum(row["amount"] for row in rows)
        for unit_id, rows in read_charges(inputs).by_unit.items()
        if unit_id != "claims"
    }
    after = {
        sum(row["amount"] for row in rows)
        for unit_id, rows in read_charges(alone).by_unit.items()
        if unit_id != "claims"
    }
    assert len(after) == len(before) == 7
    assert not after & before


Fault = Callable[[Statement, StatementInputs, Any], Statement]


def with_foreign_name(statement: Statement, inputs: StatementInputs, _: Any) -> Statement:
    """The owner is another unit."""
    names = {one.business_unit_id: one.name for one in inputs.params.business_units.values()}
    first = min(names)
    return replace(statement, unit=replace(statement.unit, owner=names[first]))


def with_foreign_product(statement: Statement, inputs: StatementInputs, _: Any) -> Statement:
    """A service is called like a product that one unit alone has."""
    name = inputs.product_names["2hd7identityguardx5tw8j1pu"]
    services = statement.direct.services
    if not services.rows:
        return statement
    first, *others = services.rows
    listed = replace(services, rows=(replace(first, product_name=name), *others))
    return replace(statement, direct=replace(statement.direct, services=listed))


def with_foreign_center(statement: Statement, inputs: StatementInputs, _: Any) -> Statement:
    """The cost center to tag is the first of all."""
    [first, *_] = sorted(inputs.params.cost_centers.values(), key=lambda one: one.name)
    return replace(statement, untagged=replace(statement.untagged, tag_key=first.name))


def with_foreign_account(statement: Statement, inputs: StatementInputs, _: Any) -> Statement:
    """A tag key is an account of others."""
    return replace(
        statement, untagged=replace(statement.untagged, tag_key=max(inputs.params.accounts))
    )


def with_foreign_total(statement: Statement, _: StatementInputs, charges: Any) -> Statement:
    """What all units are charged is what the largest unit is."""
    totals = [sum(row["amount"] for row in rows) for rows in charges.by_unit.values()]
    return replace(statement, tie_out=replace(statement.tie_out, charged=max(totals)))


def with_foreign_weight(statement: Statement, _: StatementInputs, charges: Any) -> Statement:
    """A pool's total weight is the largest of all weights."""
    pools = tuple(
        replace(pool, total_weight=max(charges.pools[pool.pool_id].weights.values()))
        for pool in statement.pools
    )
    return replace(statement, pools=pools)


def with_all_history(statement: Statement, inputs: StatementInputs, _: Any) -> Statement:
    """The first period of the trend is that of all units."""
    period = min(inputs.history)
    rows = [row for row in inputs.history[period].to_pylist() if row["cost_center_id"]]
    amount = sum((row["amount"] for row in rows), Decimal(0))
    first, *others = statement.trend
    return replace(statement, trend=(replace(first, amount=amount), *others))


def with_all_reasons(statement: Statement, inputs: StatementInputs, _: Any) -> Statement:
    """The last adjustment of a reference gives the reason of all with it."""
    reasons = {one.reference: one.reason for one in inputs.params.adjustments}
    adjusted = tuple(
        replace(one, reason=reasons.get(one.reference, "")) for one in statement.adjustments
    )
    return replace(statement, adjustments=adjusted)


def with_a_secret(inputs: StatementInputs) -> StatementInputs:
    """Another adjustment with the reference of the first one, between two cost centers of pharmacy."""
    moved = inputs.params.adjustments
    centers = [
        key for key, one in inputs.params.cost_centers.items() if one.business_unit_id == "pharmacy"
    ]
    secret = Adjustment(
        centers[0], centers[1], Decimal("12.34"), "closes project Falcon", moved[0].reference
    )
    return replace(inputs, params=replace(inputs.params, adjustments=(*moved, secret)))


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        (with_foreign_name, "unit.owner"),
        (with_foreign_product, "direct.services.rows[0].product_name"),
        (with_foreign_center, "untagged.tag_key"),
        (with_foreign_account, "untagged.tag_key"),
        (with_foreign_total, "tie_out.charged"),
        (with_foreign_weight, "pools[0].total_weight"),
        (with_all_history, "trend[0].amount"),
        (with_all_reasons, "adjustments[0].reason"),
    ],
)
def test_whatever_another_unit_has_a_part_in_is_found(inputs, monkeypatch, fault, place):
    """A name or an amount, also one that looks like any other: where it stands is returned."""
    if fault is with_all_reasons:
        inputs = with_a_secret(inputs)
    statement_of = extract._statement

    def faulty(mine: Any, inputs: StatementInputs, charges: Any, *more: Any) -> Statement:
        return fault(statement_of(mine, inputs, charges, *more), inputs, charges)

    monkeypatch.setattr(extract, "_statement", faulty)
    found = asked(inputs)
    places = {one.place for one in found}
    assert place in places
    assert {one.partition("[")[0] for one in places} == {place.partition("[")[0]}
    assert all(one.shown for one in found)


def with_all_charged(statement: Statement, _: StatementInputs, charges: Any) -> Statement:
    """The trend says what all units are charged."""
    *before, last = statement.trend
    return replace(statement, trend=(*before, replace(last, amount=charges.total)))


def with_all_weights(statement: Statement, _: StatementInputs, charges: Any) -> Statement:
    """Each pool's total weight stands as the unit's own."""
    return replace(
        statement,
        pools=tuple(
            replace(pool, weight=charges.pools[pool.pool_id].total_weight)
            for pool in statement.pools
        ),
    )


def with_all_of_a_pool(statement: Statement, _: StatementInputs, charges: Any) -> Statement:
    """What was split in all stands as what the unit was charged before."""
    return replace(
        statement,
        pools=tuple(
            replace(pool, previous=charges.pools[pool.pool_id].amount) for pool in statement.pools
        ),
    )


def with_all_steps(statement: Statement, _: StatementInputs, charges: Any) -> Statement:
    """What pools passed on stands in the change."""
    [amount] = charges.passed_on.values()
    return replace(statement, previous_total=amount)


def with_an_invoice(statement: Statement, inputs: StatementInputs, _: Any) -> Statement:
    """The whole of an invoice is what nobody is charged."""
    return replace(
        statement, tie_out=replace(statement.tie_out, difference=inputs.invoices[0].rows_total)
    )


@pytest.mark.parametrize(
    ("fault", "place", "in_all"),
    [
        (with_all_charged, "trend", False),
        (with_all_weights, "pools", True),
        (with_all_of_a_pool, "pools", True),
        (with_all_steps, "previous_total", False),
        (with_an_invoice, "tie_out.difference", False),
    ],
)
def test_a_total_that_finance_keeps_is_found_wherever_it_stands(monkeypatch, fault, place, in_all):
    """Of two units every total tells the other's part, but of equal parts; of eight, those of untagged do."""
    statement_of = extract._statement

    def faulty(mine: Any, inputs: StatementInputs, charges: Any, *more: Any) -> Statement:
        return fault(statement_of(mine, inputs, charges, *more), inputs, charges)

    two = estate(business({name: UNITS[name] for name in ("claims", "pharmacy")}))
    eight = estate()
    monkeypatch.setattr(extract, "_statement", faulty)
    found = asked(two)
    assert {one.business_unit_id for one in found} == {"claims", "pharmacy"}
    assert {one.place.partition("[")[0] for one in found} == {place}
    if place == "pools":
        assert len(found) == 2 * 3
    assert {one.place.partition("[")[0] for one in asked(eight)} == ({place} if in_all else set())


def test_a_foreign_account_in_the_words_of_a_change_is_found(inputs):
    """Why a total changed comes from books that are not among the inputs."""
    parts = inputs.bridges["claims"].parts
    [account] = [
        one.account_id for one in inputs.params.accounts.values() if one.name == "web-prod"
    ]
    part = next(one for one in parts if one.details and one.details[0].account_id)
    wrong = replace(part, details=(replace(part.details[0], account_id=account),))
    bridge = replace(
        inputs.bridges["claims"], parts=tuple(wrong if one is part else one for one in parts)
    )
    found = asked(replace(inputs, bridges=inputs.bridges | {"claims": bridge}))
    assert Dependence("claims", f"change.{part.code}", account) in found
    assert {(one.business_unit_id, one.place.partition(".")[0]) for one in found} == {
        ("claims", "change")
    }


def test_a_figure_that_is_withheld_is_no_difference(inputs):
    """Whether a total is told may depend on who takes part; what is not told says nothing."""
    from chargeback.statements.independence import differences

    [statement, other] = [
        extract_units(inputs, read_charges(inputs))[unit_id] for unit_id in ("claims", "data")
    ]
    withheld = replace(statement, previous_total=None)
    assert list(differences(statement, withheld)) == list(differences(withheld, statement)) == []
    changed = replace(statement, total=statement.total + 1)
    assert list(differences(statement, changed)) == [("total", str(statement.total))]
    shorter = replace(statement, pools=statement.pools[1:])
    [(place, _)] = differences(statement, shorter)
    assert place == "pools"
    assert len(list(differences(statement, other))) > 10


def test_units_are_numbered_the_same_in_every_run(inputs):
    """What is found does not depend on chance."""
    first, second = (without_others(inputs, {"claims", "care"}) for _ in range(2))
    assert first.postings.equals(second.postings)
    assert repr(first.params) == repr(second.params)
    assert all(one < other for one, other in pairwise(sorted(first.params.business_units)))
