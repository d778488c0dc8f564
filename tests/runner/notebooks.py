"""Small notebooks to run, and what their executed copies say."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chargeback.core.runner import run_notebook

KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}


def write_notebook(path: Path, *cells: str, parameters: str = 'word = "default"') -> Path:
    """A notebook with a cell of parameters and some more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}},
        "cells": [
            {
                "cell_type": "code", "id": f"c{number}", "execution_count": None, "outputs": [],
                "metadata": {} if number else {"tags": ["parameters"]}, "source": source,
            }
            for number, source in enumerate([parameters, *cells])
        ],
    }  # fmt: skip
    path.write_text(json.dumps(content))
    return path


@dataclass(frozen=True)
class Ran:
    """A notebook's folder and its executed copy."""

    folder: Path

    @property
    def target(self) -> Path:
        """The executed copy."""
        return self.folder / "executed.ipynb"

    def cells(self) -> list[dict[str, Any]]:
        """The code cells of the executed copy."""
        cells = json.loads(self.target.read_text())["cells"]
        return [cell for cell in cells if cell["cell_type"] == "code"]

    def counts(self) -> list[int | None]:
        """The execution count of each cell."""
        return [cell["execution_count"] for cell in self.cells()]

    def outputs(self) -> list[dict[str, Any]]:
        """What all cells showed."""
        return [output for cell in self.cells() for output in cell["outputs"]]

    def printed(self) -> str:
        """What all cells printed."""
        return "".join("".join(one["text"]) for one in self.outputs() if "text" in one)


def run_cells(
    folder: Path, *cells: str, parameters: dict[str, str] | None = None, **options: Any
) -> Ran:
    """Run some cells in a folder."""
    source = write_notebook(folder / "source.ipynb", *cells)
    ran = Ran(folder)
    run_notebook(source, ran.target, parameters or {}, folder, **options)
    return ran


def wait_until(happened: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether something happened in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not asked about any more does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    except OSError:
        os.kill(pid, 0)
        return True
    return state not in ("Z", "X")
