"""Kernels from a fork of the verb are as those of a started server, and it is forked only where it may be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chargeback.core.paths import ROOT
from tests.runner.notebooks import is_running, wait_until, write_notebook

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux", reason="kernels are forked from the verb on Linux alone"
    ),
]

#: Runs a notebook with kernels from a fork; prints who it is, and whether the server was forked.
RUNNING = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import json, os, threading
from pathlib import Path
from chargeback.core import runner
from chargeback.core.forked_server import ForkedServer
from chargeback.core.kernels import pool
folder = Path(sys.argv[1])
held = open(folder / "held", "w")
os.set_inheritable(held.fileno(), True)
if "threads" in sys.argv:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
runner.warm(0, ["json"], forks=True)
runner.run_notebook(
    folder / "source.ipynb", folder / "executed.ipynb", {{"wait": sys.argv[2]}}, folder, plain=True
)
print(json.dumps([os.getpid(), isinstance(pool().process, ForkedServer)]))
"""

CELL = """
import json, os, signal, sys, time
server = os.getppid()
said = {
    "kernel": os.getpid(), "server": server, "above": int(open(f"/proc/{server}/stat").read().split()[3]),
    "sessions": [os.getsid(0), os.getsid(server)], "folder": os.getcwd(), "modules": sorted(sys.modules),
    "variables": sorted(os.environ), "interrupt": repr(signal.getsignal(signal.SIGINT)),
    "files": [os.readlink(f"/proc/{server}/fd/{one}") for one in os.listdir(f"/proc/{server}/fd")],
}
with open("said.new", "w") as stream:
    json.dump(said, stream)
os.rename("said.new", "said")
if wait:
    time.sleep(600)
"""


def start(
    folder: Path, *told: str, isolated: bool = True, **environment: str
) -> subprocess.Popen[str]:
    """A process that runs the notebook."""
    write_notebook(folder / "source.ipynb", CELL, parameters='wait = ""')
    flags = ["-I"] if isolated else []
    return subprocess.Popen(
        [sys.executable, *flags, "-c", RUNNING, str(folder), *(told or ("",))], text=True,
        env={**os.environ, **environment}, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def ran(
    folder: Path, *told: str, isolated: bool = True, **environment: str
) -> tuple[dict, int, bool]:
    """What the notebook said of its kernel, the process that ran it, and whether that was forked."""
    process = start(folder, *told, isolated=isolated, **environment)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    pid, is_forked = json.loads(out.splitlines()[-1])
    return json.loads((folder / "said").read_text()), pid, is_forked


def test_a_forked_server_s_kernels_are_as_any(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    forked, pid, is_forked = ran(tmp_path / "a")
    started, _, is_other = ran(tmp_path / "b", "", "threads")
    assert (is_forked, is_other) == (True, False)
    assert forked["above"] == pid
    assert pid not in forked["sessions"], "Ctrl-C is for the verb"
    assert forked["interrupt"] == started["interrupt"]
    assert forked["variables"] == started["variables"]
    assert forked["folder"] == str(tmp_path / "a")
    assert not [one for one in forked["files"] if one.endswith("/held")], (
        "it holds a file of the verb"
    )
    assert not is_running(forked["server"])
    assert not is_running(forked["kernel"])


@pytest.mark.parametrize("why", ["a secret", "not isolated", "threads"])
def test_a_process_is_not_forked_that_may_not_be(why, tmp_path):
    secret = {"CHARGEBACK_SERVICENOW_PASSWORD": "hidden"} if why == "a secret" else {}
    told = ("", "threads") if why == "threads" else ("",)
    said, _, is_forked = ran(tmp_path, *told, isolated=why != "not isolated", **secret)
    assert not is_forked
    assert "CHARGEBACK_SERVICENOW_PASSWORD" not in said["variables"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_verb(number, tmp_path):
    process = start(tmp_path, "wait")
    assert wait_until((tmp_path / "said").is_file, 300)
    said = json.loads((tmp_path / "said").read_text())
    assert is_running(said["server"])
    process.send_signal(number)
    process.communicate(timeout=60)
    for one in ("server", "kernel"):
        assert wait_until(lambda pid=said[one]: not is_running(pid), 60), one
