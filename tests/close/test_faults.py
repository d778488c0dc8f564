"""A close that is killed anywhere, or whose disk is full from anywhere on: wholly there or not at all, and made
up for by the next run with the same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.close.fault_walk import FULL, KILLED, TORN

pytestmark = pytest.mark.slow


def walk(folder: Path, phase: str, step: int = 1, first: int = 0) -> dict[str, dict[str, Any]]:
    """The walks in a process that has done nothing before it forks, by kind of fault."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.close.fault_walk", str(folder), phase, str(step), str(first)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    found: dict[str, dict[str, Any]] = json.loads(ended.stdout.splitlines()[-1])
    assert found.keys() == {KILLED, TORN, FULL}
    return found


def test_a_close_that_meets_a_fault_at_any_write_of_its_publishing_is_whole_or_open(tmp_path):
    found = walk(tmp_path, "publish")
    assert {kind: one["wrong"] for kind, one in found.items()} == {KILLED: [], TORN: [], FULL: []}
    for kind, least in ((KILLED, 55), (TORN, 30)):
        assert found[kind]["points"] == found[kind]["all"] == found[kind]["ends"]["-9"] >= least
    full = found[FULL]
    assert full["points"] == full["all"] >= 55
    assert full["ends"]["6"] > 40  # what comes after the commit does not stop a close


def test_a_close_that_meets_a_fault_in_its_stages_is_made_up_for(tmp_path):
    found = walk(tmp_path, "stages", step=7, first=2)
    assert {kind: one["wrong"] for kind, one in found.items()} == {KILLED: [], TORN: [], FULL: []}
    assert all(one["points"] >= 5 for one in found.values())
