"""Putting the stand-in for Quarto first on PATH, and what it was asked for."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

STAND_IN = Path(__file__).with_name("stand_in.py")


def quarto_on_path(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Make a `quarto` in a folder, which comes first on PATH from now on; the file in which it notes calls."""
    command = folder / "quarto"
    folder.mkdir(parents=True, exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I "{STAND_IN}" "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    log = folder / "calls"
    patch.setenv("QUARTO_STAND_IN_LOG", str(log))
    return log


def calls(log: Path) -> list[list[str]]:
    """The arguments of every call, in order."""
    if not log.exists():
        return []
    return [json.loads(line)["arguments"] for line in log.read_text().splitlines()]


def renders(log: Path) -> list[list[str]]:
    """The arguments of the calls that rendered."""
    return [one for one in calls(log) if one[0] == "render"]
