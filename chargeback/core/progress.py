"""Progress: lines for somebody who is waiting, on a terminal or in a log.

Every line of the command line leaves the process here. What always holds: a text of the data cannot act on
the terminal (core/text.py), a terminal that lacks a character gets its number instead, as `\\u5e97`, and a
reader who went away, or a log on a full disk, does not stop a close.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from chargeback.core.confidential import hidden
from chargeback.core.text import plain

#: Takes one line.
Progress = Callable[[str], None]


def say(line: str) -> None:
    """Print a line at once."""
    try:
        print_line(line, sys.stdout)
    except BrokenPipeError:
        print_nothing_more()
    except OSError as error:
        print_nothing_more()
        complain(f"nothing more is printed: {error.strerror}")


def print_text(text: str) -> None:
    """Print a text of several lines that is all that a verb makes.

    Raises:
        OSError: it could not be written; a reader who went away had enough.
    """
    try:
        for line in text.removesuffix("\n").split("\n"):
            print_line(line, sys.stdout)
    except BrokenPipeError:
        print_nothing_more()
    except OSError:
        print_nothing_more()
        raise


def complain(text: str) -> None:
    """Print lines on standard error; where nobody hears them, the exit code has to do."""
    with contextlib.suppress(OSError):
        for line in text.split("\n"):
            print_line(line, sys.stderr)


def print_line(line: str, stream: TextIO | None) -> None:
    """Print a line on a stream, harmless, without secrets, and in characters that the stream has.

    Args:
        stream: None where the process was started with it closed.
    """
    encoding = getattr(stream, "encoding", None) or "utf-8"
    shown = plain(hidden(line)).encode(encoding, "backslashreplace").decode(encoding)
    if stream is not None:
        print(shown, file=stream, flush=True)


def print_nothing_more() -> None:
    """Let standard output lead nowhere, also for what is flushed at the end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def open_standard_streams() -> None:
    """Let what was closed of the standard streams lead nowhere.

    Else the next file that is opened would be one of them, and what a library prints would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def say_nothing(line: str) -> None:
    """Progress that nobody waits for."""


def show_path(path: Path) -> str:
    """A path as short as the reader's folder allows."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
