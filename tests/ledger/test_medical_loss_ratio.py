"""The split for the medical loss ratio conserves each charge, mirrors its sign, and knows no order."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargeback.books.schema import POSTINGS
from chargeback.core.csv_files import write_csv
from chargeback.engine import Engine
from chargeback.ledger.medical_loss_ratio import (
    SplitRow,
    as_kept,
    control_splits,
    read_splits,
    split_charges,
)
from chargeback.params import Params, read_params
from chargeback.params.medical_loss_ratio import CATEGORIES, Declaration
from chargeback.review.audit.loss_ratio_recount import parts_of
from tests.params_folder import write_params

MAY = "2026-05"

PERCENTS = st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)).map(
    lambda cuts: (min(cuts), max(cuts) - min(cuts), 10**6 - max(cuts))
)
CENTERS = ("CC-1", "CC-2", "CC-9")


def declared(
    center: str, parts: tuple[int, ...], first: str = "2026-01", last: str = ""
) -> Declaration:
    """A declaration in parts of a million."""
    percents = {
        name: Decimal(part).scaleb(-4) for name, part in zip(CATEGORIES, parts, strict=True)
    }
    return Declaration(center, first, last, percents, "study", "MLR-1", "Ann", "Bob", "2026-01-20")


def posting(
    center: str | None, amount: int, original: str | None = None, rule: str = "tag:t"
) -> dict[str, Any]:
    """A posting of some cents."""
    unit = {"CC-9": "core", None: None}.get(center, "shop")
    return {
        **dict.fromkeys(POSTINGS.names), "billing_period": MAY, "cost_center_id": center,
        "business_unit_id": unit, "amount": Decimal(amount).scaleb(-2), "original_period": original,
        "rule": rule,
    }  # fmt: skip


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=POSTINGS)


@pytest.fixture(scope="module")
def params(tmp_path_factory) -> Params:
    return read_params(write_params(tmp_path_factory.mktemp("params")), MAY)


def sums(rows: list[SplitRow]) -> dict[tuple[str, str], Decimal]:
    """What rows come to, by period and cost center."""
    found: dict[tuple[str, str], Decimal] = defaultdict(lambda: Decimal(0))
    for one in rows:
        found[one.original_period, one.cost_center_id] += one.amount
    return dict(found)


def amounts(rows: list[SplitRow]) -> dict[str, Decimal]:
    """The amounts of one charge."""
    return {one.category: one.amount for one in rows}


ROWS = st.lists(
    st.tuples(
        st.sampled_from([*CENTERS, None]),
        st.integers(-(10**12), 10**12),
        st.sampled_from([None, None, "2026-03", "2026-04"]),
    ),
    max_size=12,
).map(lambda those: [posting(*one) for one in those])
SPLITS = st.tuples(PERCENTS, PERCENTS, PERCENTS)


@given(rows=ROWS, splits=SPLITS, seed=st.integers(0, 10**6))
def test_every_charge_is_conserved_mirrored_and_of_no_order(params, rows, splits, seed):
    declarations = (
        declared("*", splits[0]), declared("CC-1", splits[1], "2026-01", "2026-04"),
        declared("CC-1", splits[2], "2026-05"),
    )  # fmt: skip
    with_them = replace(params, loss_ratio=declarations)
    found = split_charges(table(rows), with_them)
    charged: dict[tuple[str, str], Decimal] = defaultdict(lambda: Decimal(0))
    for row in rows:
        if row["cost_center_id"]:
            charged[row["original_period"] or "", row["cost_center_id"]] += row["amount"]
    assert sums(found) == charged

    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    backwards = replace(params, loss_ratio=declarations[::-1])
    assert split_charges(table(shuffled), backwards) == found

    negated = [{**row, "amount": -row["amount"]} for row in rows]
    assert split_charges(table(negated), with_them) == [
        one._replace(amount=-one.amount) for one in found
    ]

    for one in found:
        whole = charged[one.original_period, one.cost_center_id]
        assert abs(100 * one.amount - whole * one.percent) < 1, (
            "a part is within a cent of its share"
        )

    engine = Engine(threads=1)
    engine.register("postings", table(rows))
    assert [(one.name, one.rows.num_rows) for one in control_splits(engine, found)] == [
        ("every_charge_has_its_medical_loss_ratio_split", 0),
        ("medical_loss_ratio_splits_tie_to_ledger", 0),
    ]
    engine.close()


@given(cents=st.integers(-(10**13), 10**13), parts=PERCENTS)
def test_the_second_path_gives_the_same_cents(params, cents, parts):
    with_it = replace(params, loss_ratio=(declared("*", parts),))
    first = amounts(split_charges(table([posting("CC-1", cents)]), with_it))
    cells = {
        name: f"{Decimal(part).scaleb(-4):f}" for name, part in zip(CATEGORIES, parts, strict=True)
    }
    assert parts_of(Decimal(cents).scaleb(-2), cells) == first


def test_a_charge_worked_by_hand(params):
    """10.00 in thirds: each is 3.33 and the cent goes to the largest remainder; of a cent there is one part."""
    thirds = replace(params, loss_ratio=(declared("*", (333_333, 333_333, 333_334)),))
    assert amounts(split_charges(table([posting("CC-1", 1000)]), thirds)) == {
        "claims": Decimal("3.33"), "quality_improvement": Decimal("3.33"), "administration": Decimal("3.34"),
    }  # fmt: skip
    halves = replace(params, loss_ratio=(declared("*", (500_000, 0, 500_000)),))
    assert amounts(split_charges(table([posting("CC-1", 1)]), halves)) == {
        "claims": Decimal("0.00"), "quality_improvement": Decimal("0.00"), "administration": Decimal("0.01"),
    }  # fmt: skip


def test_a_correction_follows_the_period_that_it_is_about(params):
    declarations = (
        declared("CC-1", (10**6, 0, 0), "2026-01", "2026-04"), declared("CC-1", (0, 0, 10**6), "2026-05"),
    )  # fmt: skip
    with_them = replace(params, loss_ratio=declarations)
    rows = split_charges(table([posting("CC-1", 700), posting("CC-1", -300, "2026-04")]), with_them)
    assert [(one.about_period, one.category, one.amount) for one in rows if one.amount] == [
        (MAY, "administration", Decimal("7.00")), ("2026-04", "claims", Decimal("-3.00")),
    ]  # fmt: skip


def test_what_is_corrected_for_a_cost_center_that_ended_is_split_as_its_own(params):
    """CC-2 takes what CC-1 would be charged about April: it was CC-1's work."""
    declarations = (declared("CC-1", (10**6, 0, 0)), declared("CC-2", (0, 10**6, 0)))
    with_them = replace(params, loss_ratio=declarations)
    rows = split_charges(
        table([
            posting("CC-2", 400, "2026-04", "ended:CC-1:tag:user_cost_center"), posting("CC-2", 100, "2026-04"),
            posting("CC-2", 50, None, "ended:CC-1:tag:user_cost_center"),
        ]),
        with_them,
    )  # fmt: skip
    found = [one for one in rows if one.amount]
    assert [(one.original_period, one.declared_for, one.category, one.amount) for one in found] == [
        ("", "CC-2", "quality_improvement", Decimal("0.50")), ("2026-04", "CC-1", "claims", Decimal("4.00")),
        ("2026-04", "CC-2", "quality_improvement", Decimal("1.00")),
    ]  # fmt: skip


def test_what_nothing_is_declared_for_is_named(params):
    with_it = replace(params, loss_ratio=(declared("CC-1", (10**6, 0, 0), MAY),))
    rows = table([posting("CC-1", 5), posting("CC-1", 7, "2026-04"), posting("CC-9", 9)])
    engine = Engine(threads=1)
    engine.register("postings", rows)
    first, second = control_splits(engine, split_charges(rows, with_it))
    engine.close()
    assert first.rows.to_pylist() == [
        {"cost_center_id": "CC-1", "business_unit_id": "shop", "period": "2026-04",
         "charged_cost": Decimal("0.07")},
        {"cost_center_id": "CC-9", "business_unit_id": "core", "period": MAY,
         "charged_cost": Decimal("0.09")},
    ]  # fmt: skip
    assert second.holds, "what is declared is split all the same"


def test_the_file_gives_back_what_was_written(params, tmp_path: Path):
    one = replace(declared("*", (625_000, 0, 375_000)), basis="=1+1\nof visits", reference="+MLR")
    rows = split_charges(table([posting("CC-1", -1001)]), replace(params, loss_ratio=(one,)))
    write_csv(tmp_path / "split.csv", SplitRow._fields, rows)
    content = (tmp_path / "split.csv").read_bytes()
    assert read_splits(content) == as_kept(rows)
    assert b",=1+1" not in content and b",+MLR" not in content
    with pytest.raises(ValueError, match="other columns"):
        read_splits(b"cost_center_id,amount\nCC-1,1.00\n")
