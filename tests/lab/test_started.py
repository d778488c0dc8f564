"""The lab starts: JupyterLab itself, on copies of the notebooks, with the options that it was given."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from chargeback.core.paths import PARAMS
from chargeback.review.lab import OPTIONS_VARIABLE
from tests.reports import line_item, write_report

pytestmark = pytest.mark.slow
SECONDS_TO_START = 180
# A whole line: a token of which only the beginning is in the file yet opens nothing.
ADDRESS = re.compile(r"http://(?:localhost|127\.0\.0\.1):(\d+)/lab\?token=(\w+)\s")


def address_in(log: Path, process: subprocess.Popen) -> tuple[str, str]:
    """Port and token that JupyterLab prints once it answers."""
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until and process.poll() is None:
        found = ADDRESS.search(log.read_text())
        if found:
            return found[1], found[2]
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])


def contents(port: str, token: str, folder: str = "") -> list[str]:
    """What JupyterLab's file browser lists."""
    request = f"http://127.0.0.1:{port}/api/contents/{folder}?token={token}"
    until = time.monotonic() + SECONDS_TO_START
    while True:  # it prints its address a moment before it listens there
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return sorted(one["name"] for one in json.load(answer)["content"])
        except urllib.error.URLError as error:
            refused = isinstance(error.reason, ConnectionRefusedError)
            if not refused or time.monotonic() > until:
                raise
        time.sleep(0.2)


def test_jupyterlab_shows_the_copies_and_says_where(tmp_path):
    write_report(tmp_path / "cur", [line_item(1.0, "CC-1")])
    log = tmp_path / "log"
    environment = {
        **os.environ,
        OPTIONS_VARIABLE: "--no-browser --port=0 --ServerApp.port_retries=50",
    }
    options = [
        "--cur",
        str(tmp_path / "cur"),
        "--params",
        str(PARAMS),
        "--books",
        str(tmp_path / "books"),
    ]
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "chargeback", "lab", *options],
            env=environment, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        port, token = address_in(log, process)
        there, explore = contents(port, token), contents(port, token, "explore")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert {"03-attribution.ipynb", "what-if.ipynb", "explore"} <= set(there)
    assert "two-dimensions.ipynb" in explore
    said = log.read_text()
    assert str(tmp_path / "books" / "lab" / "notebooks") in said
    assert str(tmp_path / "cur") in said
