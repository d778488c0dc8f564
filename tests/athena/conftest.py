"""A cloud for all tests of a process, and an account in it for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chargeback.books.work_folder import WorkFolder
from chargeback.core.books_folders import Books
from tests.athena.cloud import Account, Cloud, open_account
from tests.close.conftest import run, without_notebooks
from tests.close.months import MAY, Month, write_month

__all__ = ["run", "without_notebooks"]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The cloud."""
    made = Cloud(tmp_path_factory.mktemp("objects"))
    yield made
    made.close()


@pytest.fixture
def month(tmp_path: Path) -> Month:
    """Three small months in a folder."""
    return write_month(tmp_path)


@pytest.fixture
def account(cloud: Cloud, month: Month, monkeypatch: pytest.MonkeyPatch) -> Account:
    """The same months in S3, and an environment that points there."""
    made = open_account(cloud, month.report)
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    for key in ("database", "table", "workgroup", "region"):
        monkeypatch.setenv(f"CHARGEBACK_ATHENA_{key.upper()}", getattr(made.settings, key))
    return made


@pytest.fixture
def closing(account: Account, month: Month, tmp_path: Path) -> Callable[[str], WorkFolder]:
    """Closings of May that read with Athena, each with a work folder of its own."""

    def make(name: str) -> WorkFolder:
        work = tmp_path / f"work-{name}"
        work.mkdir()
        return WorkFolder(MAY, account.settings, month.params, Books(tmp_path / "books"), work)

    return make
