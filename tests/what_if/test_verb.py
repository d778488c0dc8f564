"""`make what-if`: one folder of answers, and nothing else in the books is touched."""

from __future__ import annotations

import csv
import json

import pytest

from chargeback import cli as __main__
from tests.close.months import digests, state
from tests.params_folder import ALWAYS
from tests.what_if.estate import ALL, APRIL, BY_SPEND, propose


def options(month, params, periods=ALL):
    """The verb on these places, without a report: it is not needed."""
    return ["what-if", periods, "--params", str(params), "--books", str(month.books.root)]


@pytest.mark.slow
def test_three_periods_under_another_key(month, tmp_path, run, monkeypatch):
    monkeypatch.delattr(__main__, "chosen_report")
    proposed = propose(tmp_path / "proposed", allocation_toml=BY_SPEND)
    before, kept, given = state(month.books), digests(month.books.root), digests(proposed)
    ended = run(*options(month, proposed))
    assert (ended.exit_code, ended.refused) == (0, ""), ended
    for line in (
        "  pool 'untagged' (untagged): key even → direct_spend",
        f"  {'Shop':<34}{'330.00':>16}{'351.00':>16}{'+21.00':>16}",
        f"  {'Core':<34}{'60.00':>16}{'39.00':>16}{'−21.00':>16}",
        f"  {'all business units':<34}{'390.00':>16}{'390.00':>16}{'0.00':>16} USD",
        "24.00 USD would move between cost centers, 21.00 between business units",
    ):
        assert line in ended.said.splitlines(), ended.said

    [folder] = (month.books.root / "what-if").iterdir()
    assert folder.name.startswith(f"{ALL}-") and len(folder.name) == len(ALL) + 13
    assert sorted(one.name for one in folder.iterdir()) == [
        "what-if.csv", "what-if.html", "what-if.ipynb",
    ]  # fmt: skip
    with (folder / "what-if.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 3 * 6 + 2
    notebook = json.loads((folder / "what-if.ipynb").read_text())
    assert all(cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code")

    mine = [name for name in state(month.books) if name.split("/")[0] != "what-if"]
    assert {name: one for name, one in state(month.books).items() if name in mine} == before
    assert {
        name: sha for name, sha in digests(month.books.root).items() if name.split("/")[0] != "what-if"
    } == kept  # fmt: skip
    assert digests(proposed) == given

    again = run(*options(month, proposed))
    assert again.exit_code == 0
    assert [folder] == list((month.books.root / "what-if").iterdir())
    other = run(*options(month, month.params, APRIL))
    assert f"{'all business units':<34}{'130.00':>16}{'130.00':>16}{'0.00':>16} USD" in other.said
    assert "no other rules in these periods" in other.said
    assert len(list((month.books.root / "what-if").iterdir())) == 2


@pytest.mark.slow
def test_the_delivery_is_rolled_up_again_where_it_must_be(month, tmp_path, run):
    policy = ALWAYS["policy.toml"].replace('["user_cost_center"]', '["user_team"]', 1)
    proposed = propose(tmp_path / "proposed", policy_toml=policy)
    ended = run(*options(month, proposed, APRIL), "--cur", str(month.report))
    assert ended.exit_code == 0, ended
    assert f"{APRIL}  rolled up again" in ended.said
    # By user_team alone 30.00 are CC-2's, and the other 100.00 are split evenly.
    assert f"  {'Core':<34}{'20.00':>16}{'33.33':>16}{'+13.33':>16}" in ended.said.splitlines()
