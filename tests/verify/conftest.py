"""Closed books, made once; a test that changes them gets a copy."""

from __future__ import annotations

import pytest

from chargeback.cli import main
from chargeback.core.books_folders import Books
from tests.close.months import Ended, Month, month_in
from tests.made_once import made_once
from tests.verify.books import copy_books, two_periods


@pytest.fixture(scope="session")
def closed(tmp_path_factory) -> Month:
    """May and June, closed; not to be changed."""
    return month_in(made_once(tmp_path_factory, "two-periods", two_periods))


@pytest.fixture
def books(closed, tmp_path) -> Books:
    """The books of May and June, to do with as a test likes."""
    return copy_books(closed, tmp_path)


@pytest.fixture
def verify(capsys):
    """Runs the verb on books; returns its code, its lines and its refusal."""

    def run(books, *options: str) -> Ended:
        capsys.readouterr()
        exit_code = main(["verify", "--books", str(books.root), *options])
        said = capsys.readouterr()
        return Ended(exit_code, said.out, said.err)

    return run
