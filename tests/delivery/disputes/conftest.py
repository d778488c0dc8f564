"""Fixtures of the tests of delivery."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chargeback.cli import main
from tests.close.months import Ended
from tests.restatement.months import APRIL, MARCH, Estate, copied_estate


@pytest.fixture
def estate(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """March and April closed without statements, to do with as a test likes."""
    return copied_estate(tmp_path_factory, tmp_path, MARCH, APRIL)


@pytest.fixture
def disputes(estate: Estate, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Runs `disputes` on the estate, looking from a day."""

    def run(day: str = "2026-05-07", *arguments: str) -> Ended:
        capfd.readouterr()
        exit_code = main([
            "disputes", "--params", str(estate.params), "--books", str(estate.books.root), "--date", day,
            *arguments,
        ])  # fmt: skip
        said = capfd.readouterr()
        return Ended(exit_code, said.out, said.err)

    return run
