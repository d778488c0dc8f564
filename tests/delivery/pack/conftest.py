"""Closed months that the tests of this folder hand out."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.delivery.summary import Summary
from chargeback.delivery.summary_data import make_summary
from tests.close.months import MAY, Month
from tests.delivery.pack.months import copy_month, make_months, of
from tests.made_once import made_once


@pytest.fixture(scope="session")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """May and June closed; not to be changed, nothing handed out."""
    return made_once(tmp_path_factory, "handed-out", make_months)


@pytest.fixture
def month(closed: Path, tmp_path: Path) -> Month:
    """A copy of the months, to be handed out."""
    return copy_month(closed, tmp_path / "month")


@pytest.fixture(scope="session")
def june(closed: Path, tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """The summary of June."""
    return make_summary(of(copy_month(closed, tmp_path_factory.mktemp("june"))))


@pytest.fixture(scope="session")
def may(closed: Path, tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """The summary of May, the first period."""
    return make_summary(of(copy_month(closed, tmp_path_factory.mktemp("may")), MAY))
