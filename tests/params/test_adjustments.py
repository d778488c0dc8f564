"""An adjustment is another person's decision, said in its row; rows of before stay as they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.params import params_problems, read_params
from chargeback.params.adjustments import check_approved, same_person
from tests.params_folder import added, write_params

MAY, APRIL = "2026-05", "2026-04"
BEFORE = "billing_period,from_cost_center_id,to_cost_center_id,amount,reason,reference\n"
GOOD = {
    "billing_period": MAY, "from_cost_center_id": "CC-1", "to_cost_center_id": "CC-2", "amount": "2.00",
    "reason": "licences", "reference": "REF-2", "entered_by": "Ann Okafor", "approved_by": "Bob Lind",
    "approved_on": "2026-01-20",
}  # fmt: skip


def row(**cells: str) -> str:
    """A row that is approved, but for these cells."""
    return ",".join({**GOOD, **cells}.values())


def refused(tmp_path, text: str) -> str:
    """The block with which a close of May stops."""
    params = read_params(write_params(tmp_path, adjustments_csv=text), MAY)
    with pytest.raises(Refusal) as raised:
        check_approved(params.adjustments)
    assert raised.value.exit_code == BAD_USAGE
    _, problems = params_problems(tmp_path, MAY)
    assert raised.value.block() in [one.block() for one in problems]
    return raised.value.block()


def test_an_approved_adjustment_is_posted(tmp_path):
    params = read_params(
        write_params(tmp_path, adjustments_csv=added("adjustments.csv", row())), MAY
    )
    check_approved(params.adjustments)
    [one] = params.adjustments
    assert (one.entered_by, one.approved_by, one.approved_on) == (
        "Ann Okafor", "Bob Lind", "2026-01-20",
    )  # fmt: skip
    assert params_problems(tmp_path, MAY)[1] == []


@pytest.mark.parametrize(
    "column", ["reason", "reference", "entered_by", "approved_by", "approved_on"]
)
@pytest.mark.parametrize("text", ["", "  ", "<who approves it>"])
def test_a_cell_that_says_nothing_is_named(tmp_path, column, text):
    if column == "approved_on" and text.strip():
        return  # what is written there and is no day is refused as that, below
    block = refused(tmp_path, added("adjustments.csv", row(**{column: text})))
    assert f"an adjustment lacks its {column}" in block
    assert f"nothing in {column}" in block and "adjustments.csv line 2" in block


@pytest.mark.parametrize("name", ["Ann Okafor", "ann okafor", " ANN  OKAFOR", "Ann\u00a0Okafor"])
def test_who_enters_is_not_who_approves(tmp_path, name):
    block = refused(tmp_path, added("adjustments.csv", row(approved_by=name)))
    assert "an adjustment is approved by who entered it" in block


def test_names_of_two_persons_are_two():
    assert not same_person("Ann Okafor", "Ann Okafo")
    assert same_person("Jose\u0301 Ruiz", "JOSÉ  RUIZ")


def test_an_approval_has_come(tmp_path):
    today = datetime.now(UTC).date()
    tomorrow = (today + timedelta(days=2)).isoformat()
    block = refused(tmp_path / "1", added("adjustments.csv", row(approved_on=tomorrow)))
    assert "an adjustment is approved on a day that has not come" in block and tomorrow in block
    now = write_params(
        tmp_path / "2", adjustments_csv=added("adjustments.csv", row(approved_on=str(today)))
    )
    check_approved(read_params(now, MAY).adjustments)


@pytest.mark.parametrize(
    "day", ["29.05.2026", "2026-5-29", "2026-02-30", "20260529", "<day of approval>"]
)
def test_a_day_is_written_as_one(tmp_path, day):
    folder = write_params(tmp_path, adjustments_csv=added("adjustments.csv", row(approved_on=day)))
    with pytest.raises(Refusal) as raised:
        read_params(folder, MAY)
    assert raised.value.exit_code == BAD_USAGE and "approved_on is not a date" in raised.value.what


def test_rows_of_before_are_read_and_not_posted_again(tmp_path):
    """With the six columns, and with three empty cells: other periods stay, the closed one does not."""
    moved = f"{APRIL},CC-1,CC-2,2.00,licences,REF-1"
    for number, text in enumerate((BEFORE + moved + "\n", added("adjustments.csv", moved + ",,,"))):
        folder = write_params(tmp_path / str(number), adjustments_csv=text)
        assert params_problems(folder, MAY)[1] == []
        [one] = read_params(folder, APRIL).adjustments
        assert (one.reference, one.approved_by) == ("REF-1", "")
        [problem] = params_problems(folder, APRIL)[1]
        assert problem.what == "an adjustment lacks its entered_by"
        assert problem.found == "nothing in entered_by, approved_by, approved_on"


def test_a_header_has_all_three_columns_or_none(tmp_path):
    half = write_params(tmp_path, adjustments_csv=BEFORE.replace("\n", ",approved_by\n"))
    with pytest.raises(Refusal) as raised:
        read_params(half, MAY)
    assert raised.value.what == "adjustments.csv lacks the column 'entered_by'"


def test_every_row_that_is_wrong_is_named_at_once(tmp_path):
    text = added(
        "adjustments.csv", row(approved_by=""), row(reference=""), row(approved_by="ann okafor")
    )
    _, problems = params_problems(write_params(tmp_path, adjustments_csv=text), MAY)
    assert [one.what for one in problems] == [
        "an adjustment lacks its approved_by", "an adjustment lacks its reference",
        "an adjustment is approved by who entered it",
    ]  # fmt: skip
