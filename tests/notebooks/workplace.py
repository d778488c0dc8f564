"""A small sample, two months of it closed, with copies of the notebooks, laid out as the repository is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chargeback.books.work_folder import WorkFolder
from chargeback.close.stages import derive
from chargeback.core.places import NOTEBOOKS, PARAMS, Books
from chargeback.delivery.publish import publish
from chargeback.sample import LAST_FINAL_PERIOD, PERIODS, write_estate

#: The stored facts are those of a sample of this size.
LINE_ITEMS = 20_000
IGNORED = "nbval-ignore-output"


def notebook_paths() -> list[Path]:
    """Every notebook of the repository's notebooks/, stages first."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


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
    """Derive the small sample's last two months in a folder as closed, with copies of params and notebooks."""
    report, books = folder / "build/sample/cur", Books(folder / "books")
    shutil.copytree(PARAMS, folder / "params")
    (folder / "notebooks").mkdir()
    for path in notebook_paths():
        shutil.copyfile(path, folder / "notebooks" / path.name)
    (folder / "build/explore" / LAST_FINAL_PERIOD).mkdir(parents=True)
    periods = [period for period in PERIODS if period <= LAST_FINAL_PERIOD][-2:]
    write_estate(report, periods, LINE_ITEMS)
    for period in periods:
        work = books.work(period)
        work.mkdir(parents=True)
        derive(WorkFolder(period, report, folder / "params", books, work))
        lay_out_books(books, period, folder / "params")


def lay_out_books(books: Books, period: str, params: Path) -> None:
    """Put a derived period where a close would; statements are left out, notebooks read none."""
    work = books.work(period)
    for name in ("statements", "notebooks", "statement-notebooks"):
        (work / name).mkdir()
    (work / "statements.stage.json").write_text('{"controls": [], "files": {}, "summary": ""}')
    publish(WorkFolder(period, books.root, params, books, work))


def run_in(folder: Path, module: str, options: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a module of this environment in the workplace, where notebooks find the small sample."""
    environment = {**os.environ, "CHARGEBACK_EXPLORE_ROOT": str(folder)}
    environment |= {"JUPYTER_PLATFORM_DIRS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    return subprocess.run(
        [sys.executable, "-m", module, *options],
        cwd=folder, env=environment, text=True, capture_output=True, check=False,
    )  # fmt: skip
