"""Workers: the same function for many tasks, in several processes at once.

In: a function of the product by its name, what all tasks need, and the tasks. Out: what it returns for each of
them, in their order, whoever was done first. A worker is a plain kernel (`plain_kernel`): a fresh copy of the
process that kernels come from, in which the module of the function is imported already. It takes one task after
the other, so that none waits while there is one left.

What always holds: results are those of doing one after the other in this process. Of several tasks that fail
the first in their order is told, as it was refused. A worker lives no longer than this call, nor than this
process, and what lay in between is gone with it, for it lies in the folder of the kernels' sockets.

Known drawback: what all tasks need is written once and read by each worker, so that it is in memory once for
each. Tasks and results are pickled, in a private folder that nobody else can write to.
"""

from __future__ import annotations

import importlib
import os
import pickle
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from chargeback.core.confidential import without_secrets
from chargeback.core.errors import Refusal
from chargeback.core.kernels import KernelLost, PlainKernel, most_at_once, pool, start_seconds
from chargeback.core.private import current_umask
from chargeback.core.runner import stop, warm

#: What a worker finds in the folder that it works in.
COMMON, TASK, RESULT = "common", "{}.task", "{}.result"

#: What is done with all that tasks need, and one task.
Work = Callable[[Any, Any], Any]

#: The refusal of a task that could not be done, and what was found.
Lost = Callable[[Any, str], Refusal]


def can_share() -> bool:
    """Whether there are several workers, and they start in milliseconds."""
    return most_at_once() > 1 and not pool().is_cold


def share_work(work: str, common: Any, tasks: Sequence[Any], lost: Lost) -> list[Any]:
    """What a function returns for each task, in the order of the tasks.

    Args:
        work: "module:function", of what all tasks need and one task.
        common: what all tasks need; it and the tasks can be pickled.
        lost: the refusal (exit 6) of a task that could not be done, and of what was found: what failed with
            what error, or how the worker ended.

    Raises:
        Refusal: what the function refused; or what `lost` says where it failed otherwise, or a worker ended. It
            is that of the first task in their order that failed.
    """
    module, _, _ = work.partition(":")
    warm(0, [module])
    folder = Path(tempfile.mkdtemp(prefix="work-", dir=pool().place()))
    try:
        (folder / COMMON).write_bytes(pickle.dumps(common, pickle.HIGHEST_PROTOCOL))
        sharing = _Sharing(work, folder, tasks, lost)
        several = min(most_at_once(), len(tasks))
        with ThreadPoolExecutor(max(1, several)) as threads:
            work_of_each = [threads.submit(sharing.take_tasks) for _ in range(several)]
            try:
                for one in work_of_each:
                    one.result()
            except BaseException:
                stop()  # whoever interrupts does not wait for what is running either
                raise
        return sharing.results()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Sharing:
    """Tasks that are being done, each by whoever is free."""

    def __init__(self, work: str, folder: Path, tasks: Sequence[Any], lost: Lost) -> None:
        self.work, self.folder, self.tasks, self.lost = work, folder, tasks, lost
        self.lock = threading.Lock()
        self.taken = 0
        self.failed: dict[int, Refusal] = {}

    def _next(self) -> int | None:
        """The next task that nobody has taken; none once one has failed, for then those before it are taken."""
        with self.lock:
            if self.failed or self.taken == len(self.tasks):
                return None
            self.taken += 1
            return self.taken - 1

    def take_tasks(self) -> None:
        """Do one task after the other in a worker of its own, until none is left."""
        number = self._next()
        if number is None:
            return
        with pool().kernel(plain=True) as kernel:
            assert isinstance(kernel, PlainKernel)
            try:
                kernel.wait_started(start_seconds())
                kernel.begin(self.folder, without_secrets(os.environ), current_umask())
                while number is not None:
                    self._do(kernel, number)
                    number = self._next()
            except (KernelLost, OSError) as lost:
                kernel.kill()
                if number is not None:
                    self._fail(number, str(lost))

    def _do(self, kernel: PlainKernel, number: int) -> None:
        task = pickle.dumps(self.tasks[number], pickle.HIGHEST_PROTOCOL)
        (self.folder / TASK.format(number)).write_bytes(task)
        answer = kernel.run(
            f"__import__({__name__!r}, fromlist=['do_task']).do_task({self.work!r}, {number})", None
        )
        if answer["refusal"]:
            with self.lock:
                self.failed[number] = Refusal(**answer["refusal"])
        for one in answer["outputs"]:
            if one["output_type"] == "error" and not answer["refusal"]:
                self._fail(number, f"{one['ename']}: {one['evalue']}")

    def _fail(self, number: int, found: str) -> None:
        with self.lock:
            self.failed[number] = self.lost(self.tasks[number], found)

    def results(self) -> list[Any]:
        """Of all tasks, in their order; or the refusal of the first that failed."""
        if self.failed:
            raise self.failed[min(self.failed)]
        places = (self.folder / RESULT.format(number) for number in range(len(self.tasks)))
        return [pickle.loads(place.read_bytes()) for place in places]


_common: Any = None
_is_read = False


def do_task(work: str, number: int) -> None:
    """Do a task in a worker, whose folder is the working folder, and leave the result there."""
    global _common, _is_read
    module, _, name = work.partition(":")
    function: Work = getattr(importlib.import_module(module), name)
    if not _is_read:
        _common, _is_read = pickle.loads(Path(COMMON).read_bytes()), True
    place = Path(TASK.format(number))
    result = function(_common, pickle.loads(place.read_bytes()))
    place.unlink()
    Path(RESULT.format(number)).write_bytes(pickle.dumps(result, pickle.HIGHEST_PROTOCOL))
