"""Runner: the one place that runs notebooks, by papermill.

Parameters are passed as texts from Python, because papermill's command line turns an account id into a number.
A parameter that the notebook does not have is refused, where papermill only warns.
"""

from __future__ import annotations

import json
import logging
import os
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chargeback.core.errors import Refusal, unreachable
from chargeback.core.progress import Progress

#: What a notebook leaves when it stops with a refusal.
STOPPED = "stopped.json"


class Lines:
    """A stream that hands on whole lines, as a notebook's cells print them.

    Args:
        beginning: how lines begin that are handed on; blank for all.
    """

    def __init__(self, progress: Progress, beginning: str = "") -> None:
        self.progress, self.beginning = progress, beginning
        self.begun = ""

    def write(self, text: str) -> None:
        """Take some text, wherever it ends."""
        *lines, self.begun = (self.begun + text).split("\n")
        for line in lines:
            if line.startswith(self.beginning):
                self.progress(line)

    def flush(self) -> None:
        """Nothing waits but a line that has not ended."""


def show_refusals() -> None:
    """In a kernel, show a refusal as its one block in place of a traceback, and leave it for the runner."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None:
        return

    def handler(shell: Any, kind: type, refusal: Refusal, trace: Any, tb_offset: Any = None) -> Any:
        Path(STOPPED).write_text(json.dumps(asdict(refusal)))
        shell._showtraceback(kind, refusal, refusal.block().splitlines())
        return refusal.block().splitlines()

    shell.set_custom_exc((Refusal,), handler)


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
