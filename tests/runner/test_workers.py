"""Work that is shared out comes back as if one had done it, in order; what fails is named; nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chargeback.core import kernels
from chargeback.core.errors import Refusal, unreachable
from chargeback.core.kernels import pool
from chargeback.core.workers import can_share, share_work
from tests.runner.notebooks import is_running, wait_until

WORK = "tests.runner.shared_work:{}"

#: Shares out two tasks that never end.
RUNNING = """
import signal, sys
from chargeback.core.workers import share_work
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background processes ignore it
share_work("tests.runner.shared_work:waiting", sys.argv[1], [0, 1], print)
"""


def lost(task: int, found: str) -> Refusal:
    return unreachable(f"task {task} could not be done", "an answer", found, [], [])


@pytest.fixture(autouse=True)
def several(monkeypatch):
    """Two workers, also on a machine with one processor."""
    monkeypatch.setattr("chargeback.core.workers.most_at_once", lambda: 2)
    if pool().is_cold:
        pytest.skip("every kernel starts alone here")


def test_results_come_in_the_order_of_the_tasks_from_other_processes():
    done = share_work(WORK.format("times"), 10, list(range(8)), lost)
    assert [product for product, _ in done] == [10 * task for task in range(8)]
    workers = {pid for _, pid in done}
    assert len(workers) == 2 and os.getpid() not in workers


def test_no_tasks_are_done_at_once():
    assert share_work(WORK.format("times"), 10, [], lost) == []


def test_the_first_task_in_order_that_is_refused_is_told_as_it_was_refused():
    with pytest.raises(Refusal) as refusal:
        share_work(WORK.format("refused"), None, list(range(9)), lost)
    assert refusal.value.what == "task 2 is no good"
    assert (refusal.value.exit_code, refusal.value.expected) == (2, "another")


@pytest.mark.parametrize(
    ("how", "found"), [("defect", "ZeroDivisionError"), ("ends", "the kernel ended with code 7")]
)
def test_what_was_being_done_is_named_where_a_worker_fails(how, found):
    with pytest.raises(Refusal) as refusal:
        share_work(WORK.format("broken"), how, list(range(4)), lost)
    assert refusal.value.what == "task 1 could not be done"
    assert found in refusal.value.found
    assert refusal.value.exit_code == 6


def test_nothing_lies_in_the_folder_of_the_kernels_afterwards():
    share_work(WORK.format("times"), 10, [1, 2], lost)
    assert not list(pool().place().glob("work-*"))


def test_where_kernels_start_alone_nothing_is_shared(monkeypatch):
    assert can_share()
    monkeypatch.setenv(kernels.MODE_VARIABLE, "cold")
    assert not can_share()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_who_is_stopped_leaves_no_worker_and_no_file(tmp_path_factory, number):
    folder = Path(tmp_path_factory.mktemp("k"))
    if len(str(folder)) > kernels.LONGEST_PLACE:
        pytest.skip("the folder of this test's files is too long for sockets")
    process = subprocess.Popen(
        [sys.executable, "-c", RUNNING, str(folder)], start_new_session=True,
        env={**os.environ, "TMPDIR": str(folder)}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert wait_until(lambda: (folder / "worker-0").is_file(), 300)
    assert wait_until(lambda: len((folder / "worker-0").read_text().split()) == 2, 10)
    pids = [int(one) for path in folder.glob("worker-*") for one in path.read_text().split()]
    assert list(folder.glob("chargeback-kernels-*/work-*")), "what the workers were told"
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    assert process.wait(60) != 0
    for pid in pids:
        assert wait_until(lambda pid=pid: not is_running(pid), 30), pid
    assert wait_until(lambda: not list(folder.glob("chargeback-kernels-*")), 30)
