"""The sample's six periods: every unit's change is explained to the cent, and tells the estate's story."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from chargeback.books.tables import read_postings
from chargeback.core.books_folders import Books
from chargeback.sample import OPEN_PERIOD, PERIODS
from chargeback.statements.bridge import Bridge, closed_month, explain_change

pytestmark = pytest.mark.slow

FINAL = [period for period in PERIODS if period != OPEN_PERIOD]
Bridges = dict[str, dict[str, Bridge]]


@pytest.fixture(scope="module")
def books(sample) -> Books:
    """The final periods as closed, without statements."""
    return Books(sample / "books")


@pytest.fixture(scope="module")
def bridges(books) -> Bridges:
    """Period -> unit -> why it changed from the period before."""
    months = [closed_month(books, period) for period in FINAL]
    return {now.period: explain_change(before, now) for before, now in pairwise(months)}


def charged(books: Books, period: str) -> dict[str, Decimal]:
    """Each unit's total by the ledger."""
    sums: dict[str, Decimal] = {}
    for row in read_postings(books.ledger(period) / "postings.parquet").to_pylist():
        if row["business_unit_id"]:
            unit_id = row["business_unit_id"]
            sums[unit_id] = sums.get(unit_id, Decimal(0)) + row["amount"]
    return sums


def test_every_unit_of_every_period_is_explained_exactly(books, bridges):
    totals = {period: charged(books, period) for period in FINAL}
    assert list(bridges) == FINAL[1:]
    for before, now in pairwise(FINAL):
        assert bridges[now].keys() == totals[now].keys() and len(totals[now]) == 8
        for unit_id, found in bridges[now].items():
            assert (found.previous_period, found.remarks) == (before, ())
            change = totals[now][unit_id] - totals[before][unit_id]
            assert sum(part.amount for part in found.parts) == change
            assert all(abs(part.amount) < 1 for part in found.parts if part.code == "cents")


def amounts(bridges: Bridges, period: str, code: str) -> dict[str, Decimal]:
    """A part of every unit's change."""
    return {
        unit_id: sum((part.amount for part in found.parts if part.code == code), Decimal(0))
        for unit_id, found in bridges[period].items()
    }


def test_the_story_of_the_estate_is_told(bridges):
    """Care management moved to Digital in March, a savings plan was paid in January, rules changed in May."""
    moved = amounts(bridges, "2026-03", "owners")
    assert moved["digital"] > 10_000 and moved["members"] < -10_000
    paid = amounts(bridges, "2026-01", "commitment")
    assert paid["platform"] > 100_000
    assert {unit_id for unit_id, amount in paid.items() if amount} == {"platform"}
    changed = {period for period in bridges if any(amounts(bridges, period, "rules").values())}
    assert changed == {"2026-05"}
    archive = amounts(bridges, "2026-05", "owners")
    assert archive["claims"] > 10_000


def test_the_pool_that_began_in_may_is_one_event_for_everybody(books, bridges):
    """What its pods pay in May is what they are said to pay more; the owner of the cluster has one net line."""
    begun, paid = "container-platform", dict[str, Decimal]()
    for row in read_postings(books.ledger("2026-05") / "postings.parquet").to_pylist():
        if row["business_unit_id"] and row["pool_id"] == begun:
            unit_id = row["business_unit_id"]
            paid[unit_id] = paid.get(unit_id, Decimal(0)) + row["amount"]
    assert paid["claims"] == Decimal("5527.99") and len(paid) == 3
    said = dict[str, Decimal]()
    for unit_id, found in bridges["2026-05"].items():
        assert {(one.what, one.pool_id, one.reference) for one in found.rule_changes} == {
            ("begins", begun, "CHG0031502"), ("split", "aws-support", "CHG0031502"),
        }  # fmt: skip
        named = [
            (part.code, one.amount)
            for part in found.parts
            for one in part.details
            if one.pool_id == begun
        ]
        assert [code for code, _ in named] in ([], ["rules"])
        if named:
            said[unit_id] = named[0][1]
    owner = said.pop("platform")
    assert {one: amount - paid[one] for one, amount in said.items()} == dict.fromkeys(paid, 0)
    assert -sum(paid.values()) < owner < -15_000
    assert abs(sum(amounts(bridges, "2026-05", "rules").values())) < Decimal("0.05")


def test_no_rule_changed_before(bridges):
    for period, found in bridges.items():
        if period != "2026-05":
            assert {(one.rule_changes, one.rule_notes) for one in found.values()} == {((), ())}


def test_what_is_named_is_the_units_own(books, bridges):
    for before, now in pairwise(FINAL):
        own: dict[str, set[str]] = {}
        for period in (before, now):
            for row in read_postings(books.ledger(period) / "postings.parquet").to_pylist():
                if row["business_unit_id"] and row["account_id"]:
                    own.setdefault(row["business_unit_id"], set()).add(row["account_id"])
        for unit_id, found in bridges[now].items():
            named = {one.account_id for part in found.parts for one in part.details} - {""}
            assert named and named <= own[unit_id]
