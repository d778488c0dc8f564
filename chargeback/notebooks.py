"""Notebooks: run a stage's notebook under papermill, and keep what it showed.

Parameters are passed as texts from Python, because papermill's command line turns an account id into a number.
A parameter that the notebook does not have is refused, where papermill only warns.
"""

from __future__ import annotations

import json
import logging
import os
import warnings
from pathlib import Path
from typing import Any

from chargeback.closing import QUERY_LINE, RUNNING, STOPPED, Closing
from chargeback.errors import Refusal, unreachable
from chargeback.places import NOTEBOOKS
from chargeback.report_engines import stop_left_running

#: The numbered set that a controller reads top to bottom, by stage.
STAGE_NOTEBOOKS = {
    "sources": "01-sources.ipynb",
    "attribution": "02-attribution.ipynb",
    "allocation": "03-allocation.ipynb",
    "ledger": "04-ledger.ipynb",
}


def closing_parameters(closing: Closing) -> dict[str, str]:
    """A closing as the texts that a stage notebook takes."""
    return {
        "period": closing.period,
        "report": str(closing.report),
        "params": str(closing.params_folder),
        "books": str(closing.books.root),
        "work": str(closing.work),
        "provisional": "yes" if closing.provisional else "no",
    }


def run_stage_notebook(closing: Closing, stage: str) -> None:
    """Execute a stage's notebook; its executed copy stays in the work folder's notebooks/.

    Raises:
        Refusal: what the stage itself refused; or (exit 6) that the notebook failed otherwise.
    """
    source = NOTEBOOKS / STAGE_NOTEBOOKS[stage]
    target = closing.path("notebooks") / source.name
    target.parent.mkdir(exist_ok=True)
    printed = None if isinstance(closing.report, Path) else QueryLines()
    try:
        run_notebook(source, target, closing_parameters(closing), closing.work, printed)
    finally:
        stop_left_running(closing.report, closing.path(RUNNING))


class QueryLines:
    """A stream that passes on what a notebook's cells print about running queries, and nothing else."""

    def __init__(self) -> None:
        self.begun = ""

    def write(self, text: str) -> None:
        """Take some text, wherever it ends."""
        *lines, self.begun = (self.begun + text).split("\n")
        for line in lines:
            if line.startswith(QUERY_LINE):
                print(line, flush=True)

    def flush(self) -> None:
        """Nothing waits but a line that has not ended."""


def run_notebook(
    source: Path, target: Path, parameters: dict[str, str], folder: Path, printed: Any = None
) -> None:
    """Execute a notebook in a folder, where it leaves a refusal as `stopped.json`.

    Args:
        printed: a stream that gets what cells print, while they print it.

    Raises:
        Refusal: what the notebook refused; or (exit 6) that it failed otherwise.
    """
    stopped = folder / STOPPED
    stopped.unlink(missing_ok=True)
    try:
        execute(source, target, parameters, folder, printed)
    except Exception as error:
        if stopped.is_file():
            raise Refusal(**json.loads(stopped.read_text())) from None
        said = getattr(error, "evalue", None) or str(error)
        name = getattr(error, "ename", None) or type(error).__name__
        raise unreachable(
            f"the notebook {source.name} failed", "every cell to run", f"{name}: {said}",
            [f"cell {getattr(error, 'cell_index', '?')} of {target}"],
            ["open that copy in JupyterLab: the failing cell is marked in it"],
        ) from None  # fmt: skip


def execute(
    source: Path, target: Path, parameters: dict[str, str], folder: Path, printed: Any = None
) -> None:
    """Run one notebook with checked parameter names, in a folder; silently unless there is a stream."""
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import papermill

        logging.getLogger("papermill").setLevel(logging.ERROR)
        known = set(papermill.inspect_notebook(str(source)))
        unknown = sorted(set(parameters) - known)
        if unknown:
            raise ValueError(f"{source.name} has no parameter {unknown[0]!r}")
        # The kernel warns about its loopback sockets, which is no news to whoever closes a month.
        options: dict[str, Any] = {
            "progress_bar": False, "log_output": False, "request_save_on_cell_execute": False,
            "extra_arguments": ["--log-level=CRITICAL"], "stdout_file": printed,
        }  # fmt: skip
        papermill.execute_notebook(
            str(source), str(target), parameters, cwd=str(folder), kernel_name="python3", **options
        )
