"""What totals tell of one unit: by hand, and against every world that the totals leave possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chargeback.statements.isolation import (
    CHARGED_TOTAL,
    Told,
    Unknowns,
    change_total,
    invoice_total,
    pool_total,
)

Row = dict[str, Any]


@dataclass
class Ledger:
    """Lines that charge cost centers: a cost center "a2" is of the unit "a"."""

    rows: list[Row] = field(default_factory=list)

    def charge(
        self, center: str, kind: str, amount: object, invoice: str = "I", **more: Any
    ) -> None:
        self.rows.append(
            {
                "cost_center_id": center, "business_unit_id": center[0], "kind": kind, "pool_id": None,
                "allocation_key": None, "weight": None, "original_period": None, "invoice_id": invoice,
                "amount": Decimal(str(amount)), **more,
            }
        )  # fmt: skip

    def direct(self, invoice: str = "I", **amounts: object) -> None:
        for center, amount in amounts.items():
            self.charge(center, "direct", amount, invoice)

    def pool(self, pool_id: str, key: str, price: object = "0.5", **weights: object) -> None:
        for center, weight in weights.items():
            amount = Decimal(str(weight)) * Decimal(str(price))
            more = {"pool_id": pool_id, "allocation_key": key, "weight": Decimal(str(weight))}
            self.charge(center, "allocated", amount, **more)

    def told(self, *totals: str, to: str = "") -> list[Told]:
        """What totals tell the units, each of which sees the pools that it pays for."""
        units = {row["business_unit_id"] for row in self.rows} | {"z"}
        payers: dict[str, set[str]] = {}
        for row in self.rows:
            if row["pool_id"]:
                payers.setdefault(pool_total(row["pool_id"]), set()).add(row["business_unit_id"])
        seen = {
            unit_id: [one for one in totals if unit_id in payers.get(one, units)]
            for unit_id in units
            if unit_id == to or not to
        }
        return Unknowns.of(self.rows).told(seen)


def pairs(found: Sequence[Told]) -> list[tuple[str, str]]:
    return [(one.reader, one.unit_id) for one in found]


TAX, UNTAGGED = pool_total("tax"), pool_total("untagged")


def test_tax_less_untagged_is_what_the_platform_spends_directly():
    """100 + 200 + 300 of all, less 100 + 200 of all but the platform: its 300, to the cent."""
    ledger = Ledger()
    ledger.direct(a1="100.00", b1="200.00", p1="300.00")
    ledger.pool("tax", "direct_spend", a1="100.00", b1="200.00", p1="300.00")
    ledger.pool("untagged", "direct_spend", a1="100.00", b1="200.00")
    assert ledger.told(TAX) == []
    found = ledger.told(TAX, UNTAGGED)
    # a and b see both: with its own, each also knows what the other has. The platform sees the tax only.
    assert pairs(found) == [("a", "b"), ("a", "p"), ("b", "a"), ("b", "p")]
    [platform] = [one for one in found if (one.reader, one.unit_id) == ("a", "p")]
    assert platform.quantities == ("direct_spend",)
    assert platform.totals == (TAX, UNTAGGED)
    assert pairs(ledger.told(UNTAGGED)) == [("a", "b"), ("b", "a")]


def test_headcounts_likewise_and_of_one_cost_center_of_a_unit():
    heads = {"a1": 10, "b1": 20, "c1": 5, "p1": 7, "p2": 3}
    ledger = Ledger()
    ledger.pool("security", "driver:headcount", **heads)
    ledger.pool(
        "sign-in", "driver:headcount", **{one: n for one, n in heads.items() if one != "p1"}
    )
    security, sign_in = pool_total("security"), pool_total("sign-in")
    assert ledger.told(security) == []
    found = ledger.told(security, sign_in)
    assert pairs(found) == [("a", "p"), ("b", "p"), ("c", "p")]
    assert {one.quantities for one in found} == {("driver:headcount",)}


def test_pools_with_different_drivers_say_nothing_of_each_other():
    ledger = Ledger()
    ledger.pool("security", "driver:headcount", a1=1, b1=2, c1=3)
    ledger.pool("logs", "driver:log_volume_tb", a1=1, b1=2, c1=3, d1=4)
    assert ledger.told(pool_total("security"), pool_total("logs")) == []


def test_keys_in_sql_have_their_weights_in_common_where_they_agree():
    for weight_of_c, told in ((3, [("a", "d"), ("b", "d"), ("c", "d")]), (4, [])):
        ledger = Ledger()
        ledger.pool("first", "sql:split_cost", a1=1, b1=2, c1=3, d1=9)
        ledger.pool("second", "sql:split_cost", a1=1, b1=2, c1=weight_of_c)
        assert pairs(ledger.told(pool_total("first"), pool_total("second"))) == told


def test_a_pool_has_its_weights_in_common_with_each_before_it():
    """All that is charged less 0.5 x (1 + 1 + 1) leaves 0.5 of b to a: its headcount, and so that of c."""
    ledger = Ledger()
    ledger.pool("p0", "driver:x", "0.5", a0=1)
    ledger.pool("p1", "driver:x", "0.5", b0=1)
    ledger.pool("p2", "driver:x", "0.5", a0=1, b0=1, c0=1)
    told = pairs(ledger.told(pool_total("p2"), CHARGED_TOTAL))
    assert {("a", "b"), ("a", "c")} <= set(told)


def test_equal_parts_are_no_secret():
    ledger = Ledger()
    ledger.pool("audit", "even", a1=1, b1=1)
    assert ledger.told(pool_total("audit")) == []


def test_three_pools_tell_what_no_two_of_them_do():
    """(a + b + c + d) - (a + b) - (c): each sum alone has two others in it, for e."""
    ledger = Ledger()
    for name, heads in {
        "all": {"a1": 1, "b1": 2, "c1": 3, "d1": 4, "e1": 5},
        "some": {"a1": 1, "b1": 2, "e1": 5},
        "more": {"c1": 3, "e1": 5, "a1": 1},
    }.items():
        ledger.pool(name, "driver:headcount", **heads)
    totals = [pool_total(one) for one in ("all", "some", "more")]
    assert [one for one in pairs(ledger.told(*totals[:2])) if one[0] == "e"] == []
    assert ("e", "b") not in pairs(ledger.told(*totals[:2]))
    # all - some = c + d, and more - own = a + c: three unknown pairs, and no single one.
    assert [one for one in pairs(ledger.told(*totals)) if one[0] == "e"] == []
    ledger.pool("last", "driver:headcount", e1=5, a1=1, d1=4)
    # some: a + b; all less some: c + d; more: a + c; last: a + d. So 2a is more and last less c + d.
    found = ledger.told(*totals, pool_total("last"))
    assert {one for one in pairs(found) if one[0] == "e"} == {("e", one) for one in "abcd"}


def test_a_company_of_two_units_has_no_total_that_tells_nothing():
    """Commitments, which are the company's, do not hide what the other is charged."""
    ledger = Ledger()
    ledger.direct(a1=10, b1=20)
    ledger.charge("b1", "commitment", 3)
    found = ledger.told(CHARGED_TOTAL)
    assert pairs(found) == [("a", "b"), ("b", "a")]
    assert found[0].quantities == ("what it is charged",)
    assert pairs(ledger.told(invoice_total("I"))) == [("a", "b"), ("b", "a")]


def test_an_invoice_that_one_unit_pays_alone():
    """Also as what is left of all that was charged when the other invoice is known."""
    ledger = Ledger()
    ledger.direct(a1=10, b1=20, c1=30)
    ledger.direct("M", c1=5)
    assert pairs(ledger.told(invoice_total("M"))) == [("a", "c"), ("b", "c"), ("z", "c")]
    assert ledger.told(CHARGED_TOTAL) == []
    found = ledger.told(CHARGED_TOTAL, invoice_total("I"))
    assert ("a", "c") in pairs(found) and ("z", "c") in pairs(found)


def test_all_that_is_charged_less_what_the_pools_were_is_direct_cost():
    """Of the month with a tax on all, and an untagged pool without p whose total is kept."""
    ledger = Ledger()
    ledger.direct(a1=100, b1=200, c1=50, p1=300)
    ledger.pool("tax", "direct_spend", "0.1", a1=100, b1=200, c1=50, p1=300)
    ledger.pool("untagged", "direct_spend", "0.2", a1=100, b1=200, c1=50)
    # 650 direct, 65 of tax, 70 untagged: 785. Less the tax and 650: 0.2 for each unit of the weights without p.
    assert {one.unit_id for one in ledger.told(TAX, CHARGED_TOTAL, to="a")} == {"p"}
    assert ledger.told(TAX, to="a") == [] == ledger.told(CHARGED_TOTAL, to="a")
    ledger.charge("p1", "commitment", 12)
    # Now what is left may be prepaid as well, by so much as nobody knows.
    assert ledger.told(TAX, CHARGED_TOTAL, to="a") == []


def test_a_balance_of_commitments_is_the_companys_and_tells_of_nobody():
    ledger = Ledger()
    ledger.direct(a1=100, b1=200, p1=300)
    ledger.pool("tax", "direct_spend", a1=100, b1=200, p1=300)
    ledger.charge("p1", "commitment", 12)
    assert ledger.told(TAX, CHARGED_TOTAL) == []


def test_a_correction_of_one_unit():
    ledger = Ledger()
    ledger.direct(a1=10, b1=20, c1=30)
    ledger.charge("b1", "adjustment", -5, "OLD", original_period="2026-04")
    assert pairs(ledger.told(change_total("2026-04", "OLD"))) == [
        ("a", "b"), ("c", "b"), ("z", "b"),
    ]  # fmt: skip
    ledger.charge("c1", "adjustment", 7, "OLD", original_period="2026-04")
    assert pairs(ledger.told(change_total("2026-04", "OLD"))) == [("b", "c"), ("c", "b")]


def test_what_comes_to_nothing_takes_no_part():
    """A correction that was reversed and booked again; a weight of nothing hides nobody."""
    ledger = Ledger()
    ledger.charge("b1", "adjustment", -5, "OLD", original_period="2026-04")
    ledger.charge("b1", "adjustment", 5, "OLD", original_period="2026-04")
    assert ledger.told(change_total("2026-04", "OLD")) == []
    ledger.pool("security", "driver:headcount", a1=1, b1=2, c1=0)
    assert pairs(ledger.told(pool_total("security"), to="a")) == [("a", "b")]


# --- against all possible worlds -----------------------------------------------------------------

UNITS = "abcd"
KEYS = ("direct_spend", "driver:x", "driver:y", "even")


@st.composite
def estates(draw: st.DrawFn) -> tuple[Ledger, list[str]]:
    """A ledger of two to four units, and totals that are published of it."""
    centers = [
        f"{unit_id}{number}"
        for unit_id in UNITS[: draw(st.integers(2, 4))]
        for number in range(draw(st.integers(1, 2)))
    ]
    some = st.lists(st.sampled_from(centers), min_size=1, unique=True)
    numbers = {key: {one: draw(st.integers(1, 9)) for one in centers} for key in KEYS[1:3]}
    ledger, totals = Ledger(), [CHARGED_TOTAL]
    for invoice in ("I", "M")[: draw(st.integers(1, 2))]:
        ledger.direct(invoice, **{one: draw(st.integers(1, 9)) for one in draw(some)})
        totals.append(invoice_total(invoice))
    spent: dict[str, int] = {}
    for row in ledger.rows:
        spent[row["cost_center_id"]] = spent.get(row["cost_center_id"], 0) + int(row["amount"])
    if draw(st.booleans()):
        ledger.charge(draw(st.sampled_from(centers)), "commitment", draw(st.integers(1, 9)))
    for number in range(draw(st.integers(1, 4))):
        key = draw(st.sampled_from(KEYS))
        weights = {
            one: {"direct_spend": spent.get(one, 0), "even": 1}.get(key)
            or numbers.get(key, {}).get(one, 0)
            for one in draw(some)
        }
        weights = {one: weight for one, weight in weights.items() if weight}
        if weights:
            ledger.pool(f"p{number}", key, draw(st.sampled_from(["0.5", "2", "0.1"])), **weights)
            totals.append(pool_total(f"p{number}"))
    published = draw(st.lists(st.sampled_from(totals), min_size=1, unique=True))
    return ledger, published


def worlds(
    ledger: Ledger, totals: Sequence[str], reader: str
) -> list[dict[tuple[str, ...], Fraction]]:
    """A basis of all changes to what the reader does not know that leave the totals as they are.

    An unknown is named by its unit first: (unit, kind, cost center, …).
    """
    names: list[tuple[str, ...]] = []
    sums: dict[str, dict[tuple[str, ...], Fraction]] = {one: {} for one in totals}

    def put(total: str, name: tuple[str, ...], factor: Fraction) -> None:
        if name not in names:
            names.append(name)
        if total in sums:
            sums[total][name] = sums[total].get(name, Fraction(0)) + factor

    direct = [row for row in ledger.rows if row["kind"] == "direct"]
    for row in direct:
        name = (row["business_unit_id"], "direct", row["cost_center_id"], row["invoice_id"])
        for total in (CHARGED_TOTAL, invoice_total(row["invoice_id"])):
            put(total, name, Fraction(1))
    for row in ledger.rows:
        if row["kind"] == "commitment":
            for total in (CHARGED_TOTAL, invoice_total(row["invoice_id"])):
                put(total, ("nobody", "commitment"), Fraction(1))
        if row["kind"] != "allocated" or row["allocation_key"] == "even":
            continue
        price = Fraction(row["amount"]) / Fraction(row["weight"])  # the same for all who pay
        unit_id, center = row["business_unit_id"], row["cost_center_id"]
        weight = (
            [(unit_id, "direct", center, one["invoice_id"]) for one in direct
             if one["cost_center_id"] == center]
            if row["allocation_key"] == "direct_spend"
            else [(unit_id, row["allocation_key"], center)]
        )  # fmt: skip
        for name in weight:
            put(pool_total(row["pool_id"]), name, Fraction(1))
            for total in (CHARGED_TOTAL, invoice_total(row["invoice_id"])):
                put(total, name, price)
    free = [name for name in names if name[0] != reader]
    return [dict(zip(free, one, strict=True)) for one in solutions(list(sums.values()), free)]


def solutions(
    sums: list[dict[tuple[str, ...], Fraction]], free: list[tuple[str, ...]]
) -> list[list[Fraction]]:
    """What can be added to the free unknowns so that no sum changes: a basis, by plain elimination."""
    matrix = [[one.get(name, Fraction(0)) for name in free] for one in sums]
    pivots: list[int] = []
    for column in range(len(free)):
        row = next((r for r in range(len(pivots), len(matrix)) if matrix[r][column]), None)
        if row is None:
            continue
        at = len(pivots)
        matrix[at], matrix[row] = matrix[row], matrix[at]
        matrix[at] = [value / matrix[at][column] for value in matrix[at]]
        for other in range(len(matrix)):
            if other != at:
                factor = matrix[other][column]
                matrix[other] = [
                    x - factor * y for x, y in zip(matrix[other], matrix[at], strict=True)
                ]
        pivots.append(column)
    basis = []
    for column in range(len(free)):
        if column not in pivots:
            vector = [Fraction(0)] * len(free)
            vector[column] = Fraction(1)
            for row, pivot in enumerate(pivots):
                vector[pivot] = -matrix[row][column]
            basis.append(vector)
    return basis


def rank(vectors: list[list[Fraction]]) -> int:
    """How many of some vectors do not follow from the others."""
    size = len(vectors[0]) if vectors else 0
    names = [(str(place),) for place in range(size)]
    return size - len(solutions([dict(zip(names, one, strict=True)) for one in vectors], names))


@settings(max_examples=300, deadline=None)
@given(estates())
def test_a_unit_is_told_of_when_its_figures_cannot_be_just_anything(drawn):
    """In the worlds that leave all totals as they are, do one unit's figures take all values there are?"""
    ledger, published = drawn
    told = set(pairs(ledger.told(*published)))
    # What two units' charges alone tell has a plain count of its own, below.
    told -= {one for one in told if one in by_count(ledger, published)}
    units = {row["business_unit_id"] for row in ledger.rows} | {"z"}
    payers: dict[str, set[str]] = {}
    for row in ledger.rows:
        if row["pool_id"]:
            payers.setdefault(pool_total(row["pool_id"]), set()).add(row["business_unit_id"])
    expected = set()
    for reader in units:
        totals = [one for one in published if reader in payers.get(one, units)]
        possible = worlds(ledger, totals, reader)
        everything = worlds(ledger, [], reader)
        for unit_id in units - {reader}:
            names = sorted({name for one in everything for name in one if name[0] == unit_id})
            if names and rank([[one[name] for name in names] for one in possible]) < len(names):
                expected.add((reader, unit_id))
    assert told == expected - by_count(ledger, published)


def by_count(ledger: Ledger, published: Sequence[str]) -> set[tuple[str, str]]:
    """Who is told what one other unit is charged by totals of the company and of two invoices at most."""
    charged: dict[str, dict[str, set[str]]] = {}
    for row in ledger.rows:
        charged.setdefault(row["invoice_id"], {}).setdefault(row["business_unit_id"], set())
    groups = {
        invoice_total(invoice): {invoice}
        for invoice in charged
        if invoice_total(invoice) in published
    }
    if CHARGED_TOTAL in published:
        groups[CHARGED_TOTAL] = set(charged)
        known = {invoice for one, its in groups.items() if one != CHARGED_TOTAL for invoice in its}
        groups["rest"] = set(charged) - known
    units = {row["business_unit_id"] for row in ledger.rows} | {"z"}
    found = set()
    for invoices in groups.values():
        payers = {unit_id for invoice in invoices for unit_id in charged[invoice]}
        for reader in units:
            if len(payers - {reader}) == 1:
                found.add((reader, *(payers - {reader})))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_more_is_published_the_more_is_told(seed):
    ledger = Ledger()
    ledger.direct(a1=1 + seed, b1=2, c1=3, p1=4)
    ledger.pool("tax", "direct_spend", a1=1 + seed, b1=2, c1=3, p1=4)
    ledger.pool("untagged", "direct_spend", a1=1 + seed, b1=2, c1=3)
    totals = [TAX, UNTAGGED, CHARGED_TOTAL, invoice_total("I")]
    before: set[tuple[str, str]] = set()
    for count in range(1, len(totals) + 1):
        now = set(pairs(ledger.told(*totals[:count])))
        assert before <= now
        before = now
    assert before
