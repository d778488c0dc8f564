"""A split for the medical loss ratio comes to 100, is another person's decision, and holds without a gap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.core.paths import ROOT
from chargeback.params import params_problems, read_params
from chargeback.params.medical_loss_ratio import (
    declared_for,
    in_force,
    is_declared,
    split_words,
    undeclared,
)
from chargeback.params.ratification import rules_digest
from tests.params_folder import write_params

MAY, APRIL = "2026-05", "2026-04"
HEADER = (
    "cost_center_id,valid_from,valid_to,claims,quality_improvement,administration,basis,reference,"
    "entered_by,approved_by,approved_on\n"
)
GOOD = {
    "cost_center_id": "CC-1", "valid_from": "2026-01", "valid_to": "", "claims": "12.5",
    "quality_improvement": "37.25", "administration": "50.25", "basis": "time study", "reference": "MLR-1",
    "entered_by": "Ann Okafor", "approved_by": "Bob Lind", "approved_on": "2026-01-20",
}  # fmt: skip


def row(**cells: str) -> str:
    """A row that is approved, but for these cells."""
    return ",".join({**GOOD, **cells}.values()) + "\n"


def read(tmp_path, *rows: str, period: str = MAY):
    """The params of a folder with some rows."""
    folder = write_params(tmp_path, medical_loss_ratio_csv=HEADER + "".join(rows))
    return read_params(folder, period)


def refused(tmp_path, *rows: str) -> str:
    """The block with which they are refused, by a close and by check-params."""
    with pytest.raises(Refusal) as raised:
        read(tmp_path, *rows)
    assert raised.value.exit_code == BAD_USAGE
    _, problems = params_problems(tmp_path, MAY)
    assert raised.value.block() in [one.block() for one in problems]
    return raised.value.block()


def test_a_row_of_its_own_counts_before_that_of_all_others(tmp_path):
    everybody = row(cost_center_id="*", claims="0", quality_improvement="0", administration="100")
    params = read(tmp_path, everybody, row())
    own = declared_for(params.loss_ratio, "CC-1", MAY)
    other = declared_for(params.loss_ratio, "CC-2", MAY)
    assert own and own.percents["claims"] == Decimal("12.5") and sum(own.weights.values()) == 10**6
    assert other and other.cost_center_id == "*" and other.percents["administration"] == 100
    held = in_force(params.loss_ratio, params.cost_centers, MAY)
    assert [(one.cost_center_id, centers) for one, centers in held] == [
        ("CC-1", ["CC-1"]), ("*", ["CC-2", "CC-9"]),
    ]  # fmt: skip
    assert (
        split_words(held[0][0])
        == "12.5 % claims, 37.25 % quality improvement and 50.25 % administration"
    )
    assert split_words(held[1][0]) == "100 % administration"
    assert undeclared(params.loss_ratio, params.cost_centers, "2025-12") == ["CC-1", "CC-2", "CC-9"]


def test_what_held_is_found_in_each_period(tmp_path):
    params = read(
        tmp_path, row(valid_to=APRIL), row(valid_from=MAY, claims="0", administration="62.75")
    )
    april, may = (declared_for(params.loss_ratio, "CC-1", one) for one in (APRIL, MAY))
    assert april and april.percents["claims"] == Decimal("12.5")
    assert may and may.percents["claims"] == 0
    assert declared_for(params.loss_ratio, "CC-1", "2025-12") is None


def test_without_the_register_nothing_is_declared(tmp_path):
    params = read_params(write_params(tmp_path), MAY)
    assert not is_declared(params.digests) and params.loss_ratio == ()
    with_it = read(tmp_path / "with", row())
    assert is_declared(with_it.digests)
    assert rules_digest(params) == rules_digest(with_it), "it is no rule that a council ratifies"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"administration": "50.24"}, "99.99, 0.01 too little"),
        ({"administration": "50.2501"}, "100.0001, 0.0001 too much"),
    ],
)
def test_what_does_not_come_to_100_is_refused(tmp_path, cells, said):
    block = refused(tmp_path, row(**cells))
    assert "a split for the medical loss ratio does not come to 100 percent" in block
    assert said in block and "medical_loss_ratio.csv line 2" in block


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        ({"claims": "-0.25", "administration": "63"}, "claims is not a percentage"),
        ({"claims": "112.5"}, "claims is not a percentage"),
        ({"claims": "12.50001"}, "claims has more than 4 decimals"),
        ({"claims": "12,5"}, "has the wrong number of cells"),
        ({"claims": "a lot"}, "claims is not a plain decimal number"),
        ({"claims": "\u0661\u0662.5"}, "claims is not a plain decimal number"),
        ({"cost_center_id": "CC-7"}, "medical_loss_ratio.csv names an unknown cost center"),
        ({"cost_center_id": "**"}, "cost_center_id is not a valid id"),
        ({"valid_from": "2026-5"}, "2026-5"),
        ({"approved_on": "soon"}, "approved_on is not a date"),
        ({"approved_on": ""}, "approved_on is not a date"),
    ],
)  # fmt: skip
def test_a_cell_of_the_wrong_form_is_refused(tmp_path, cells, what):
    block = refused(tmp_path, row(**cells))
    assert what in block and "medical_loss_ratio.csv line 2" in block


@pytest.mark.parametrize("column", ["basis", "reference", "entered_by", "approved_by"])
@pytest.mark.parametrize("text", ["", "  ", "<who approves it>"])
def test_a_cell_that_says_nothing_is_named(tmp_path, column, text):
    block = refused(tmp_path, row(**{column: text}))
    assert f"a split for the medical loss ratio lacks its {column}" in block


def test_who_enters_is_not_who_approves(tmp_path):
    block = refused(tmp_path, row(approved_by=" ANN  okafor"))
    assert "a split for the medical loss ratio is approved by who entered it" in block


def test_an_approval_has_come(tmp_path):
    today = datetime.now(UTC).date()
    later = (today + timedelta(days=2)).isoformat()
    block = refused(tmp_path / "1", row(approved_on=later))
    assert "is approved on a day that has not come" in block and later in block
    assert read(tmp_path / "2", row(approved_on=today.isoformat())).loss_ratio


@pytest.mark.parametrize(
    ("ends", "begins", "what"),
    [
        (APRIL, "2026-06", "dated rows leave a gap"),
        (MAY, MAY, "dated rows overlap"),
        ("", MAY, "dated rows overlap"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("center", ["CC-1", "*"])
def test_gaps_and_overlaps_name_both_rows(tmp_path, ends, begins, what, center):
    block = refused(
        tmp_path, row(cost_center_id=center, valid_to=ends), row(cost_center_id=center, valid_from=begins)
    )  # fmt: skip
    assert f"{what} in medical_loss_ratio.csv: {center}" in block
    assert "line 2" in block and "line 3" in block


def test_all_mistakes_are_told_at_once(tmp_path):
    folder = write_params(
        tmp_path,
        medical_loss_ratio_csv=HEADER + row(claims="13") + row(cost_center_id="CC-2", basis=""),
    )
    _, problems = params_problems(folder, MAY)
    assert [one.what for one in problems] == [
        "a split for the medical loss ratio does not come to 100 percent",
        "a split for the medical loss ratio lacks its basis",
    ]


def test_the_sample_declares_all_of_its_cost_centers():
    for period in ("2025-12", APRIL, MAY):
        params = read_params(ROOT / "params", period)
        assert undeclared(params.loss_ratio, params.cost_centers, period) == []
