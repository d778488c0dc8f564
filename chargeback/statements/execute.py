"""One unit's notebook, executed in a kernel of its own that works in the unit's own folder.

Goes in: `reports/statement.ipynb` and a folder with `unit.json`. Comes out: the executed notebook in that
folder. Several units run at the same time in threads: the work happens in the kernels, which are processes.
"""

from __future__ import annotations

from pathlib import Path

from chargeback.core.errors import UNREACHABLE
from chargeback.core.paths import REPORTS
from chargeback.core.runner import NotebookFailed, run_notebook

NOTEBOOK = REPORTS / "statement.ipynb"

CELL_TIMEOUT_SECONDS = 300


def execute_notebook(unit_id: str, folder: Path) -> Path:
    """Execute the statement notebook over `folder/unit.json`; returns the executed copy.

    Raises:
        Refusal: what a cell refused; or (exit 6) the cell that failed and its error, without a traceback.
    """
    executed = folder / "executed.ipynb"
    parameters = {"unit_file": "unit.json"}
    try:
        run_notebook(NOTEBOOK, executed, parameters, folder, cell_seconds=CELL_TIMEOUT_SECONDS)
    except NotebookFailed as failed:
        raise NotebookFailed(
            UNREACHABLE, f"the statement of {unit_id} could not be made", failed.expected,
            failed.found, "", failed.where[:1],
            ["nothing was published; correct the cause and run the same command again"],
        ) from None  # fmt: skip
    return executed
