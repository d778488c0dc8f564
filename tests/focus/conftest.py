"""Closed books that are written as FOCUS: the sample's May, and a month with a correction."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.made_once import made_once
from tests.notebooks.workplace import close_sample
from tests.restatement.example import restate_april
from tests.restatement.months import Estate

MONTHS = ("2026-04", "2026-05", "2026-06")


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sample's cur/ and books/; nobody changes the books."""
    return made_once(
        tmp_path_factory, "explored-estate", lambda folder: close_sample(folder, MONTHS, 5_000)
    )


@pytest.fixture(scope="session")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """April closed, delivered again and corrected in May."""
    return restate_april(tmp_path_factory.mktemp("corrected"))
