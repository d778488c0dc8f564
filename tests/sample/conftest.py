"""A small estate of all seven periods, written once for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.sample import write_estate
from tests.made_once import made_once
from tests.sample.report import LINE_ITEMS


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(
        tmp_path_factory, "small-sample", lambda folder: write_estate(folder, line_items=LINE_ITEMS)
    )
