"""Closed books whose statements are bundled; made once."""

from __future__ import annotations

import pytest

from chargeback.cli import main
from tests.close.months import Ended, Month, month_in
from tests.made_once import made_once
from tests.verify.books import two_periods


@pytest.fixture(scope="session")
def closed(tmp_path_factory) -> Month:
    """May and June, closed; not to be changed."""
    return month_in(made_once(tmp_path_factory, "two-periods", two_periods))


@pytest.fixture
def bundle(closed, capsys):
    """Runs the verb on these books."""

    def run(period: str, unit: str, *options: str) -> Ended:
        capsys.readouterr()
        given = ["--books", str(closed.books.root), "--params", str(closed.params), *options]
        exit_code = main(["bundle", period, unit, *given])
        said = capsys.readouterr()
        return Ended(exit_code, said.out, said.err)

    return run
