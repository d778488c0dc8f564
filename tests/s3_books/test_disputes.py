"""Disputes of books in S3: written down from one machine, looked at from another, nothing closed changed."""

from __future__ import annotations

import pytest

from chargeback.books import shelf
from tests.close.conftest import run, without_notebooks
from tests.close.months import MAY, write_month
from tests.delivery.disputes.estate import RAISED, write_rows

__all__ = ["run", "without_notebooks"]


@pytest.mark.slow
@pytest.mark.usefixtures("without_notebooks")
def test_a_dispute_is_written_down_once_whichever_machine_reads_it(
    place, run, tmp_path, monkeypatch
):
    def machine(name: str) -> None:
        monkeypatch.setattr(shelf, "BUILD", tmp_path / name)

    month = write_month(tmp_path)
    common = ["--params", str(month.params), "--books", place.uri]
    machine("closing")
    ended = run("monthly-close", MAY, "--cur", str(month.report), *common)
    assert (ended.exit_code, ended.refused) == (0, ""), ended
    closed = place.objects()
    row = {**RAISED, "billing_period": MAY, "raised_on": "2026-06-08", "amount": "6.00"}
    write_rows(month.params, "disputes.csv", row)
    for name in ("one", "another"):
        machine(name)
        ended = run("disputes", "--date", "2026-06-09", *common)
        assert (ended.exit_code, ended.refused) == (0, ""), ended
        assert "D-2026-04-001" in ended.said
    assert ("written down" in ended.said) is False
    after = place.objects()
    new = after.keys() - closed.keys()
    assert [name for name in new if name.startswith("delivery/billing_period=2026-05/disputes/")]
    assert {name for name in new if not name.startswith("delivery/")} == set()
    assert {name: after[name] for name in closed} == closed
    assert run("verify", *common).exit_code == 0
