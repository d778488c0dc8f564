"""Delivery of books in S3: approved on one machine, handed out on another, verified from the bucket."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.books import shelf
from chargeback.signing.signing_key import KEY_VARIABLE
from tests.close.conftest import run, without_notebooks
from tests.close.months import MAY, assert_refused, write_month
from tests.delivery.conftest import approver_toml, people_in

__all__ = ["run", "without_notebooks"]

LOG = "delivery/log/000001.json", "delivery/log/000002.json"


@pytest.mark.slow
@pytest.mark.usefixtures("without_notebooks")
def test_a_period_is_approved_and_handed_out_from_other_machines(place, run, tmp_path, monkeypatch):
    def machine(name: str, key: Path | None = None) -> None:
        monkeypatch.setattr(shelf, "BUILD", tmp_path / name)
        if key:
            monkeypatch.setenv(KEY_VARIABLE, str(key))
        else:
            monkeypatch.delenv(KEY_VARIABLE, raising=False)

    carl, rita, _ = people_in(tmp_path)
    month = write_month(tmp_path, delivery_toml=approver_toml(carl, rita))
    common = ["--params", str(month.params), "--books", place.uri]
    machine("closing", carl.key_file)
    ended = run("monthly-close", MAY, "--cur", str(month.report), "--by", "Carl Close", *common)
    assert (ended.exit_code, ended.refused) == (0, ""), ended
    assert f"{MAY} is prepared" in ended.said
    assert f"make approve PERIOD={MAY} BY=rita.ng" in ended.said
    machine("handing out")
    assert_refused(run("handout", MAY, *common), 4, "nobody has approved it")
    machine("approving", rita.key_file)
    ended = run("approve", MAY, "--by", "rita.ng", *common)
    assert (ended.exit_code, ended.refused) == (0, ""), ended
    assert {*LOG} <= place.objects().keys()
    machine("handing out")
    ended = run("handout", MAY, *common)
    assert (ended.exit_code, ended.refused) == (0, ""), ended
    before = place.objects()
    assert run("handout", MAY, *common).exit_code == 0
    ended = run("verify", *common)
    assert ended.exit_code == 0 and f"{MAY} was approved on" in ended.said, ended
    assert place.objects() == before
    place.remove(LOG[0])
    assert_refused(
        run("verify", *common), 4, "the books are not as they were closed", "none, and later ones"
    )
