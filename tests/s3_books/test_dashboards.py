"""Dashboards of books in S3: published in the bucket by one machine, found unchanged by another."""

from __future__ import annotations

import pytest

from chargeback.books import shelf
from tests.close.conftest import run, without_notebooks
from tests.close.months import MAY, write_month
from tests.dashboards.months import VIEWERS

__all__ = ["run", "without_notebooks"]

EDITION = "dashboards/000001/"


@pytest.mark.slow
@pytest.mark.usefixtures("without_notebooks")
def test_pages_lie_in_the_bucket_and_are_made_once(place, run, tmp_path, monkeypatch):
    month = write_month(tmp_path)
    (month.params / "viewers.toml").write_text(VIEWERS)
    common = ["--cur", str(month.report), "--params", str(month.params), "--books", place.uri]
    monkeypatch.setattr(shelf, "BUILD", tmp_path / "closing")
    ended = run("monthly-close", MAY, *common, "--renderer", "embedded")
    assert (ended.exit_code, ended.refused) == (0, ""), ended
    before = place.objects()
    made = {name for name in before if name.startswith("dashboards/")}
    assert {f"{EDITION}index.json", f"{EDITION}all/dashboard.html"} <= made
    assert f"{EDITION}business-unit/shop/dashboard.json" in made
    # What was read of the report lies beside the local copy alone.
    assert not [name for name in made if "details" in name]
    monkeypatch.setattr(shelf, "BUILD", tmp_path / "another machine")
    ended = run("dashboards", *common, "--renderer", "embedded")
    assert (ended.exit_code, ended.refused) == (0, ""), ended
    assert "unchanged" in ended.said
    assert place.objects() == before
    assert run("verify", *common[2:]).exit_code == 0
