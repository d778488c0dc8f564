"""Three small months in a folder, and a server of Trino's protocol over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chargeback.books.work_folder import WorkFolder
from chargeback.core.books_folders import Books
from chargeback.params.trino_settings import TrinoSettings
from tests.close.conftest import run, without_notebooks
from tests.close.months import MAY, Month, write_month
from tests.lake.trino_service import Service, serving

__all__ = ["run", "without_notebooks"]


@pytest.fixture
def month(tmp_path: Path) -> Month:
    """Three small months in a folder."""
    return write_month(tmp_path)


@pytest.fixture
def service(month: Month, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The server, and an environment that points there; it is waited for briefly."""
    monkeypatch.setenv("CHARGEBACK_AWS_TIMEOUT", "5")
    with serving(month.report) as made:
        named = {"url": made.url, "catalog": "lake", "schema": "billing", "table": "cur2"}
        for key, text in {**named, "user": "finops"}.items():
            monkeypatch.setenv(f"CHARGEBACK_TRINO_{key.upper()}", text)
        yield made


@pytest.fixture
def settings(service: Service) -> TrinoSettings:
    """The same as the reader takes them."""
    return TrinoSettings(service.url, "lake", "billing", "cur2", "finops")


@pytest.fixture
def closing(settings: TrinoSettings, month: Month, tmp_path: Path) -> Callable[[str], WorkFolder]:
    """Closings of May that read with Trino, each with a work folder of its own."""

    def make(name: str) -> WorkFolder:
        work = tmp_path / f"work-{name}"
        work.mkdir()
        return WorkFolder(MAY, settings, month.params, Books(tmp_path / "books"), work)

    return make
