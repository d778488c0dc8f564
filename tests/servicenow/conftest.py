"""Closed months of the sample, and a ServiceNow to book them in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargeback.core.books_folders import Books
from chargeback.core.paths import PARAMS
from chargeback.params import read_params
from chargeback.sample import LAST_FINAL_PERIOD, PERIODS
from tests.close.conftest import run, without_notebooks
from tests.servicenow.stand_in import PASSWORD, USER, StandIn, servicenow
from tests.what_if.conftest import three

__all__ = ["run", "three", "without_notebooks"]

DELIVERY = "[servicenow]\nexpense_lines = true\n"
CLOSED = [one for one in PERIODS if one <= LAST_FINAL_PERIOD]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A ServiceNow with the cost centers of the sample, and the environment that names it."""
    with servicenow() as one:
        known = {id for period in CLOSED for id in read_params(PARAMS, period).cost_centers}
        one.add_cost_centers(sorted(known))
        for name, value in (("", one.address), ("_USER", USER), ("_PASSWORD", PASSWORD)):
            monkeypatch.setenv(f"CHARGEBACK_SERVICENOW{name}", value)
        yield one


@pytest.fixture
def books(sample: Path, tmp_path: Path) -> Books:
    """The sample's closed months, to be delivered."""
    shutil.copytree(sample / "books", tmp_path / "books")
    return Books(tmp_path / "books")


@pytest.fixture
def params(tmp_path: Path) -> Path:
    """The sample's params of today, with expense lines."""
    folder = tmp_path / "params"
    shutil.copytree(PARAMS, folder)
    (folder / "delivery.toml").write_text(DELIVERY)
    return folder
