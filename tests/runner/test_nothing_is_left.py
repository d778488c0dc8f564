"""Kernels, their server and their folder end with whoever ran the notebook, however that ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chargeback.core import kernels
from tests.runner.notebooks import is_running, wait_until, write_notebook

pytestmark = pytest.mark.slow

#: Runs a notebook with some in stock; the notebook says who works for it, and waits where it is asked to.
RUNNING = """
import signal, sys
from pathlib import Path
from chargeback.core import runner
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background processes ignore it
folder = Path(sys.argv[1])
plain = sys.argv[3:] == ["plain"]
runner.warm(0 if plain else 2)
runner.run_notebook(
    folder / "source.ipynb", folder / "executed.ipynb", {"wait": sys.argv[2]}, folder, plain=plain
)
"""
CELL = """
import os, subprocess, sys, time
inner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open("working.new", "w") as stream:
    print(os.getpid(), os.getppid(), inner.pid, file=stream)
os.rename("working.new", "working")
if wait:
    time.sleep(600)
"""


def start(folder: Path, wait: str, *plain: str, **environment: str) -> subprocess.Popen[bytes]:
    """A process that runs the notebook, in a session of its own, as a terminal's is."""
    write_notebook(folder / "source.ipynb", CELL, parameters='wait = ""')
    return subprocess.Popen(
        [sys.executable, "-c", RUNNING, str(folder), wait, *plain], start_new_session=True,
        env={**os.environ, "TMPDIR": str(folder), **environment}, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def workers(folder: Path) -> list[int]:
    """The kernel, its parent, and a program that the notebook started, once they are there."""
    assert wait_until((folder / "working").is_file, 300)
    return [int(one) for one in (folder / "working").read_text().split()]


def in_session_of(pid: int) -> list[int]:
    """All processes that a server forked, besides those that are known: the stock."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(path.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def assert_nothing_is_left(pids: list[int], folder: Path) -> None:
    """All are gone, and so is the folder of their sockets."""
    for pid in pids:
        assert wait_until(lambda pid=pid: not is_running(pid), 30), pid
    assert wait_until(lambda: not list(folder.glob("chargeback-kernels-*")), 30)


@pytest.fixture
def folder(tmp_path_factory) -> Path:
    """A folder with a short path, for sockets are made in it."""
    made = Path(tmp_path_factory.mktemp("k"))
    if len(str(made)) > kernels.LONGEST_PLACE:
        pytest.skip("the folder of this test's files is too long for sockets")
    return made


def test_a_process_that_ends_leaves_nothing(folder):
    process = start(folder, "")
    assert process.wait(300) == 0
    assert_nothing_is_left(workers(folder), folder)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_stopped_leaves_nothing(folder, number):
    """SIGINT as Ctrl-C sends it: to all processes of the terminal."""
    process = start(folder, "yes")
    working = workers(folder)
    stock = in_session_of(working[1])
    assert len(stock) >= 3, "the notebook's kernel, and two in stock"
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    assert process.wait(60) != 0
    assert_nothing_is_left([*working, *stock], folder)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_process_with_plain_kernels_that_is_stopped_leaves_nothing(folder, number):
    process = start(folder, "yes", "plain")
    working = workers(folder)
    assert working[0] in in_session_of(working[1]), "the server's child"
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    assert process.wait(60) != 0
    assert_nothing_is_left(working, folder)


def test_a_cold_kernel_does_not_outlive_its_process(folder):
    process = start(folder, "yes", **{kernels.MODE_VARIABLE: "cold"})
    kernel, parent, _ = workers(folder)
    assert parent == process.pid
    process.kill()
    process.wait()
    assert wait_until(lambda: not is_running(kernel), 30)


def test_a_kernel_does_not_outlive_its_server(folder):
    process = start(folder, "yes")
    kernel, server, _ = workers(folder)
    os.kill(server, signal.SIGKILL)
    assert wait_until(lambda: not is_running(kernel), 30)
    assert process.wait(60) != 0, "the notebook failed"


def test_a_machine_without_a_network_runs_notebooks(folder):
    """Not even the loopback interface is up where unshare has been."""
    unshare = shutil.which("unshare")
    command = [str(unshare), "--user", "--map-root-user", "--net"]
    if not unshare or subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("no network can be taken away here: unshare is not permitted")
    write_notebook(folder / "source.ipynb", "print(1)", parameters='wait = ""')
    subprocess.run(
        [*command, sys.executable, "-c", RUNNING, str(folder), ""], check=True, timeout=300,
        env={**os.environ, "TMPDIR": str(folder)},
    )  # fmt: skip
    assert (folder / "executed.ipynb").is_file()
