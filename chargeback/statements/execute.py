"""One unit's notebook, executed in a kernel of its own that works in the unit's own folder.

Goes in: `reports/statement.ipynb` and a folder with `unit.json`. Comes out: the executed notebook in that
folder. Several units run at the same time in threads: the work happens in the kernels, which are processes.
"""

from __future__ import annotations

from pathlib import Path

from chargeback.core.errors import UNREACHABLE
from chargeback.core.paths import REPORTS
from chargeback.core.runner import NotebookFailed, run_notebook
from chargeback.statements.month import MONTH_FILE

NOTEBOOK, INDEX_NOTEBOOK = REPORTS / "statement.ipynb", REPORTS / "index.ipynb"

CELL_TIMEOUT_SECONDS = 300


def execute_notebook(unit_id: str, folder: Path) -> Path:
    """Execute the statement notebook over `folder/unit.json`; returns the executed copy.

    Raises:
        Refusal: what a cell refused; or (exit 6) the cell that failed and its error, without a traceback.
    """
    try:
        return _execute(NOTEBOOK, {"unit_file": "unit.json"}, folder)
    except NotebookFailed as failed:
        raise NotebookFailed(
            UNREACHABLE, f"the statement of {unit_id} could not be made", *_said(failed)
        ) from None


def execute_index(folder: Path) -> Path:
    """Execute the notebook of the month's index over `folder/month.json`; as `execute_notebook`."""
    try:
        return _execute(INDEX_NOTEBOOK, {"month_file": MONTH_FILE}, folder)
    except NotebookFailed as failed:
        raise NotebookFailed(
            UNREACHABLE, "the index of the month could not be made", *_said(failed)
        ) from None


def _execute(notebook: Path, parameters: dict[str, str], folder: Path) -> Path:
    executed = folder / "executed.ipynb"
    run_notebook(
        notebook, executed, parameters, folder, cell_seconds=CELL_TIMEOUT_SECONDS, plain=True
    )
    return executed


def _said(failed: NotebookFailed) -> tuple[str, str, str, list[str], list[str]]:
    """What a reader is told of it; the executed copy goes with the folder that it was made in."""
    todo = "nothing was published; correct the cause and run the same command again"
    return failed.expected, failed.found, "", failed.where[:1], [todo]
