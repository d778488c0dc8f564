"""Progress: lines for somebody who is waiting, on a terminal or in a log."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

#: Takes one line.
Progress = Callable[[str], None]


def say(line: str) -> None:
    """Print a line at once; a reader who went away does not stop a close."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say_nothing(line: str) -> None:
    """Progress that nobody waits for."""


def show_path(path: Path) -> str:
    """A path as short as the reader's folder allows."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
