"""Fixtures of the tests of the portal."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.delivery.pack import PackTarget
from tests.close.months import JUNE, MAY, Month, month_in
from tests.delivery.pack.months import copy_month, deliver, make_months
from tests.made_once import made_once
from tests.portal.place import Portal, portal_of


def hand_out(folder: Path) -> None:
    """May and June, closed and handed out."""
    make_months(folder)
    for period in (MAY, JUNE):
        deliver(month_in(folder), PackTarget("embedded"), period=period)


@pytest.fixture(scope="session")
def served_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of months that are handed out; not to be changed."""
    return made_once(tmp_path_factory, "served", hand_out)


@pytest.fixture
def served(served_once: Path, tmp_path: Path) -> Month:
    """May and June, to do with as a test likes."""
    return copy_month(served_once, tmp_path / "served")


@pytest.fixture
def portal(served: Month) -> Portal:
    """A portal on May and June."""
    return portal_of(served)
