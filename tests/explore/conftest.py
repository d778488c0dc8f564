"""A small sample: two months closed and the open one drafted, as a lab has them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargeback.core.books_folders import Books
from chargeback.core.paths import BOOKS_VARIABLE, CUR_VARIABLE
from tests.made_once import made_once
from tests.notebooks.workplace import close_sample

MONTHS = ("2026-04", "2026-05", "2026-06")


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with cur/ and books/; nobody changes it."""
    return made_once(
        tmp_path_factory, "explored-estate", lambda folder: close_sample(folder, MONTHS, 5_000)
    )


@pytest.fixture
def books(estate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """The books, which notebooks find as in a lab."""
    monkeypatch.setenv(CUR_VARIABLE, str(estate / "cur"))
    monkeypatch.setenv(BOOKS_VARIABLE, str(estate / "books"))
    assert os.environ[CUR_VARIABLE]
    yield Books(estate / "books")
