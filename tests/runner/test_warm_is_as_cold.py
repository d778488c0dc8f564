"""The evidence of a close is the same whatever kernels its notebooks ran in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chargeback.books.work_folder import STAGES, WorkFolder
from chargeback.close import ahead
from chargeback.close.notebooks import STAGE_NOTEBOOKS, run_stage_notebook
from chargeback.core import kernels, runner
from tests.close.months import MAY, Month, write_month


def closed_in(month: Month, folder: Path) -> dict[str, Any]:
    """All notebooks of a period's stages, run in a folder, as they were executed; times and places left out."""
    work = WorkFolder(MAY, month.report, month.params, month.books, folder)
    folder.mkdir(parents=True)
    for stage in STAGES:
        run_stage_notebook(work, stage)
    paths = [*folder.glob("notebooks/*.ipynb"), *folder.glob("statement-project/*.ipynb")]
    assert len(paths) == len(STAGE_NOTEBOOKS) + 3, "six stages, two units and the index"
    return {path.name: executed(path, folder) for path in sorted(paths)}


def executed(path: Path, folder: Path) -> list[Any]:
    """What an executed notebook shows, cell by cell."""
    content = json.loads(path.read_text().replace(str(folder), "FOLDER"))
    # A page of a statement keeps nothing of its run.
    assert content["metadata"].get("papermill", {"exception": None})["exception"] is None
    return [
        (cell["cell_type"], cell["source"], cell.get("execution_count"), cell.get("outputs"))
        for cell in content["cells"]
    ]


@pytest.mark.slow
def test_executed_notebooks_are_the_same_cold_and_warm_and_warm_again(tmp_path, monkeypatch):
    month = write_month(tmp_path)
    with monkeypatch.context() as patch:
        patch.setenv(kernels.MODE_VARIABLE, "cold")
        cold = closed_in(month, tmp_path / "cold")
    counts = [count for _, _, count, _ in cold["03-attribution.ipynb"] if count is not None]
    assert counts == list(range(1, len(counts) + 1))
    runner.warm(1, ["chargeback.close.ahead:rehearse"])
    for name in ("warm", "again"):
        found = closed_in(month, tmp_path / name)
        for notebook, cells in cold.items():
            assert found[notebook] == cells, (name, notebook)


def test_what_kernels_rehearse_can_be_rehearsed():
    """The server leaves out what fails, for the notebook that needs it to say so."""
    ahead.rehearse()
