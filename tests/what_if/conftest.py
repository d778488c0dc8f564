"""The closed periods are made once in a test run; what changes them gets a copy."""

from __future__ import annotations

import pytest

from tests.close.conftest import copy_of, run
from tests.close.months import Month, month_in
from tests.made_once import made_once
from tests.what_if.estate import close_three

__all__ = ["run"]


@pytest.fixture(scope="session")
def three(tmp_path_factory) -> Month:
    """Three closed periods; not to be changed."""
    return month_in(made_once(tmp_path_factory, "three", close_three))


@pytest.fixture
def month(three, tmp_path) -> Month:
    """Three closed periods, to do with as a test likes."""
    return copy_of(three, tmp_path)
