"""The estate of hostile names is closed once in a test run; what changes its books gets a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.cli import main
from chargeback.close import stages
from tests.close.months import JUNE, MAY, Month, month_in, run_process
from tests.daily.test_dashboard import browser
from tests.hostile.names import write_estate
from tests.made_once import made_once
from tests.stage_runs import run_stage

__all__ = ["browser"]


def close_both(folder: Path) -> None:
    """May, whose notebooks are left out, and June as finance closes it."""
    month = write_estate(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "run_stage_notebook", run_stage)
        assert main(["monthly-close", MAY, *month.options]) == 0
    ended = run_process("monthly-close", JUNE, *month.options)
    assert ended.exit_code == 0, ended.refused
    (folder / "said.txt").write_text(ended.said, encoding="utf-8")


@pytest.fixture(scope="session")
def named(tmp_path_factory) -> Month:
    """The estate of hostile names, May and June closed; not to be changed."""
    return month_in(made_once(tmp_path_factory, "hostile-names", close_both))
