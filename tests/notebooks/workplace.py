"""The built-in sample as `make lab` leaves it: final months closed, the open one drafted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chargeback.books.work_folder import WorkFolder
from chargeback.close.draft import keep_draft
from chargeback.close.stages import derive
from chargeback.core.books_folders import Books
from chargeback.core.paths import BOOKS_VARIABLE, CUR_VARIABLE, NOTEBOOKS, PARAMS, PARAMS_VARIABLE
from chargeback.delivery.publish import publish
from chargeback.sample import LAST_FINAL_PERIOD, OPEN_PERIOD, PERIODS, write_estate
from tests.stage_runs import write_notebooks

IGNORED = "nbval-ignore-output"

#: What a close without configuration is of, and what the README and the stored facts are from.
SAMPLE_LINE_ITEMS = 250_000


def notebook_paths() -> list[Path]:
    """Every notebook below the repository's notebooks/, stages first."""
    found = [path for path in NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts]
    return sorted(found, key=lambda path: (path.parent != NOTEBOOKS, path))


def name_of(path: Path) -> str:
    """A notebook as tests name it."""
    return path.relative_to(NOTEBOOKS).as_posix()


def code_cells(path: Path) -> list[dict[str, Any]]:
    """The code cells of a notebook."""
    cells = json.loads(path.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def tags(cell: dict[str, Any]) -> list[str]:
    """A cell's tags."""
    return list(cell["metadata"].get("tags", []))


def is_fact(cell: dict[str, Any]) -> bool:
    """Whether nbval compares what the cell prints."""
    return IGNORED not in tags(cell) and "parameters" not in tags(cell)


def make_workplace(folder: Path) -> None:
    """The built-in sample at its full size, and copies of the notebooks."""
    close_sample(folder)
    for path in notebook_paths():
        copy = folder / "notebooks" / name_of(path)
        copy.parent.mkdir(exist_ok=True, parents=True)
        shutil.copyfile(path, copy)


def close_sample(
    folder: Path, periods: Sequence[str] = PERIODS, line_items: int = SAMPLE_LINE_ITEMS
) -> None:
    """Write the sample in a folder, close its final months in order, and draft the open one.

    Statements are left out: no notebook reads those of closed periods, and 06-statements makes its own.
    """
    report, books = folder / "cur", Books(folder / "books")
    write_estate(report, periods, line_items)
    for period in periods:
        work = books.work(period)
        work.mkdir(parents=True)
        month = WorkFolder(period, report, PARAMS, books, work, provisional=period == OPEN_PERIOD)
        derive(month)
        if period <= LAST_FINAL_PERIOD:
            lay_out_books(books, period, PARAMS)
        else:
            make_no_statements(work)
            keep_draft(month)


def lay_out_books(books: Books, period: str, params: Path) -> None:
    """Put a derived period where a close would; statements are left out."""
    work = books.work(period)
    make_no_statements(work)
    month = WorkFolder(period, books.root, params, books, work)
    month.finish("statements", [], [], "")
    write_notebooks(month)
    publish(month)


def make_no_statements(work: Path) -> None:
    """The folders of statements and notebooks, empty."""
    for name in ("statements", "notebooks", "statement-project"):
        (work / name).mkdir()


def environment_in(folder: Path) -> dict[str, str]:
    """An environment in which notebooks find the sample of a workplace, as in a lab."""
    return {
        **os.environ,
        CUR_VARIABLE: str(folder / "cur"),
        PARAMS_VARIABLE: str(PARAMS),
        BOOKS_VARIABLE: str(folder / "books"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def run_in(
    folder: Path, module: str, options: Sequence[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a module of this environment in the workplace."""
    return subprocess.run(
        [sys.executable, "-m", module, *options], cwd=folder, text=True, capture_output=True,
        env=environment or environment_in(folder), check=False,
    )  # fmt: skip
