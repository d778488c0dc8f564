"""Work that the tests of workers share out: what a worker does with what all tasks need, and one task."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from chargeback.core.errors import bad_params


def times(common: int, task: int) -> tuple[int, int]:
    """A product, later the earlier the task is; and which process made it."""
    time.sleep(0.02 * max(0, 5 - task))
    return common * task, os.getpid()


def refused(common: Any, task: int) -> int:
    """Every third task is refused, the first of them last."""
    time.sleep(0.3 if task == 2 else 0)
    if task % 3 == 2:
        raise bad_params(f"task {task} is no good", "another", str(task), [], [])
    return task


def broken(common: Any, task: int) -> int:
    """A defect, or a process that ends in the middle of it."""
    if task == 1 and common == "ends":
        os._exit(7)
    return 1 // (task - 1)


def waiting(common: str, task: int) -> None:
    """Says who works, and goes on for long."""
    Path(common, f"worker-{task}").write_text(f"{os.getpid()} {os.getppid()}\n")
    time.sleep(600)
