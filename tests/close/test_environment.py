"""A close takes its places from the environment, as make gives them, and its notebooks hear of none of it."""

from __future__ import annotations

import json

import pytest

from chargeback.core.errors import DONE
from chargeback.core.options import PREFIX
from tests.close.months import MAY, manifest, run_process, write_month

pytestmark = pytest.mark.slow


def test_the_environment_alone_closes_and_other_places_in_it_confuse_no_notebook(tmp_path):
    month = write_month(tmp_path / "first")
    places = {"PERIOD": MAY, "CUR": month.report, "PARAMS": month.params, "BOOKS": month.books.root}
    given = {PREFIX + name: str(place) for name, place in places.items()}
    ended = run_process("monthly-close", environment=given)
    assert ended.exit_code == DONE, ended.refused
    assert f"{MAY} is closed." in ended.said
    other = write_month(tmp_path / "second")
    wrong = {name: str(tmp_path / "elsewhere") for name in given}
    ended = run_process("monthly-close", MAY, *other.options, environment=wrong)
    assert ended.exit_code == DONE, ended.refused
    assert not (tmp_path / "elsewhere").exists()
    one, same = (manifest(books)["postings"] for books in (month.books, other.books))
    assert one == same and one["charged"] == "100.01"
    for path in other.books.evidence(MAY).rglob("*.ipynb"):
        said = json.dumps([cell.get("outputs") for cell in json.loads(path.read_text())["cells"]])
        assert "elsewhere" not in said
