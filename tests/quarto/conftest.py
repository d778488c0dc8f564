"""Months that are closed with the stand-in for Quarto on PATH."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargeback.close import stages
from tests.close.conftest import closed, month, run  # noqa: F401  fixtures that these tests use as well
from tests.quarto.on_path import quarto_on_path
from tests.stage_runs import run_stage


@pytest.fixture
def quarto(tmp_path, monkeypatch) -> Path:
    """The stand-in first on PATH; the file in which it notes its calls."""
    return quarto_on_path(tmp_path / "bin", monkeypatch)


@pytest.fixture
def without_notebooks(monkeypatch) -> None:
    """The stages run in this process, where the program can be altered."""
    monkeypatch.setattr(stages, "run_stage_notebook", run_stage)
