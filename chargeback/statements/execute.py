"""One unit's notebook, executed by papermill in a kernel of its own that starts in the unit's own
folder.

Goes in: `reports/statement.ipynb` and a folder with `unit.json`. Comes out: the executed notebook
in that folder. Several units run at the same time in threads: the work happens in the kernels,
which are processes. The kernel's folder is given to the kernel, not to papermill's `cwd`, because
papermill would change the folder of this whole process, under the other threads.
"""

from __future__ import annotations

import logging
from pathlib import Path

from chargeback.core.errors import UNREACHABLE, Refusal

REPORTS = Path(__file__).resolve().parents[2] / "reports"
NOTEBOOK = REPORTS / "statement.ipynb"

START_TIMEOUT_SECONDS = 120
CELL_TIMEOUT_SECONDS = 300


def execute_notebook(unit_id: str, folder: Path) -> Path:
    """Execute the statement notebook over `folder/unit.json`; returns the executed copy.

    Raises:
        Refusal: a cell failed or the kernel did not start; carries the error itself, not the
            notebook's traceback.
    """
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import DeadKernelError

    executed = folder / "executed.ipynb"
    logging.getLogger("papermill").setLevel(logging.ERROR)
    try:
        papermill.execute_notebook(
            str(NOTEBOOK),
            str(executed),
            parameters={"unit_file": "unit.json"},
            kernel_name="python3",
            progress_bar=False,
            start_timeout=START_TIMEOUT_SECONDS,
            execution_timeout=CELL_TIMEOUT_SECONDS,
            request_save_on_cell_execute=False,
            resources={"metadata": {"path": str(folder)}},
            # Kernels warn about the loopback interface and report their own shutdown; neither is
            # news.
            extra_arguments=["--log-level=CRITICAL"],
        )
    except papermill.PapermillExecutionError as error:
        raise Refusal(
            UNREACHABLE,
            f"the statement of {unit_id} could not be made",
            found=f"{error.ename}: {error.evalue}",
            where=[f"{NOTEBOOK.name}, cell {error.cell_index}: {_first_line(error.source)}"],
            todo=["nothing was published; correct the cause and run the same command again"],
        ) from error
    except (DeadKernelError, NoSuchKernel, RuntimeError, TimeoutError) as error:
        raise Refusal(
            UNREACHABLE,
            f"the kernel for the statement of {unit_id} did not do its work",
            found=f"{type(error).__name__}: {error}",
            where=[str(NOTEBOOK)],
            todo=["check free memory, then run the same command again"],
        ) from error
    return executed


def _first_line(source: str) -> str:
    return source.strip().splitlines()[0] if source.strip() else ""
