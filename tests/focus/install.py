"""Installed: FOCUS's own validator, in an environment of its own on Python 3.12, for all checkouts of a user.

    python3 -m tests.focus.install

It wants older libraries than the program has, and Python 3.12 alone. pip stops at a package whose digest is
another than that of the lock. This module needs nothing but Python, because CI installs before there is an
environment; where no Python 3.12 is found, it says so.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.portal.providers.npm import cache

LOCK = Path(__file__).with_name("validator.lock")
WHOLE = "made-of"


def place() -> Path:
    """The environment of this very lock, whether or not it is there."""
    return cache() / f"focus-validator-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"


def is_installed() -> bool:
    """Whether the environment is there; it is whole once this file stands in it."""
    return (place() / WHOLE).is_file()


def pythons() -> Iterator[str]:
    """Where a Python 3.12 may be: on PATH, or beside other versions."""
    yield from filter(None, [shutil.which("python3.12")])
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from (str(one) for one in sorted(root.glob("versions/3.12.*/bin/python3.12")))


def python_3_12() -> str:
    """A Python 3.12 that starts; blank where there is none."""
    for one in pythons():
        said = subprocess.run(
            [one, "-c", "import sys; print(sys.version_info[:2] == (3, 12))"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if said.stdout.strip() == "True":
            return one
    return ""


def install() -> Path:
    """Make the environment where it is not there.

    Returns:
        its folder; nothing is there where no Python 3.12 is found.
    """
    python = python_3_12()
    if is_installed() or not python:
        return place()
    place().parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(place(), ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(place())], check=True)
    subprocess.run(
        [str(place() / "bin" / "python"), "-m", "pip", "install", "--quiet",
         "--disable-pip-version-check", "--require-hashes", "-r", str(LOCK)],
        check=True,
    )  # fmt: skip
    (place() / WHOLE).write_text(LOCK.name + "\n", encoding="utf-8")
    return place()


if __name__ == "__main__":
    folder = install()
    print(folder if is_installed() else "no Python 3.12: FOCUS's validator is not installed")
