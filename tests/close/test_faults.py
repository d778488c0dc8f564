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


def walk(folder: Path, phase: str, kind: str, step: int = 1, first: int = 0) -> dict[str, Any]:
    """The walk in a process that has done nothing before it forks."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.close.fault_walk", str(folder), phase, kind, str(step), str(first)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("kind, least", [(KILLED, 55), (TORN, 30)])
def test_a_close_that_is_killed_at_any_write_of_its_publishing_is_whole_or_open(
    kind, least, tmp_path
):
    found = walk(tmp_path, "publish", kind)
    assert found["wrong"] == []
    assert found["points"] == found["all"] == found["ends"]["-9"] >= least


def test_a_close_that_loses_its_disk_at_any_write_of_its_publishing_is_whole_or_open(tmp_path):
    found = walk(tmp_path, "publish", FULL)
    assert found["wrong"] == []
    assert found["points"] == found["all"] >= 55
    assert found["ends"]["6"] > 40  # what comes after the commit does not stop a close


@pytest.mark.parametrize("kind", [KILLED, TORN, FULL])
def test_a_close_that_meets_a_fault_in_its_stages_is_made_up_for(kind, tmp_path):
    found = walk(tmp_path, "stages", kind, step=7, first=2)
    assert found["wrong"] == []
    assert found["points"] >= 5
