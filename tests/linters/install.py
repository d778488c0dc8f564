"""Installed: the packages of a lock, in an environment of their own, build/<name>.

    python3 -m tests.linters.install linters checkov

An environment is whole or it is made anew: what it was made of stands in it last. pip stops at a package whose
digest is another than that of the lock. This module needs nothing but Python, because CI installs before
there is an environment.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
BUILD = FOLDER.parents[1] / "build"
WHOLE = "made-of"


class NotInstalled(Exception):
    """What the command that failed said."""


def lock_of(name: str) -> Path:
    """The lock of an environment."""
    return FOLDER / f"{name}.lock"


def is_installed(name: str, build: Path = BUILD) -> bool:
    """Whether an environment is there, whole, and of the lock as it is."""
    whole = build / name / WHOLE
    return whole.is_file() and whole.read_text(encoding="utf-8") == digest_of(lock_of(name))


def digest_of(lock: Path) -> str:
    """What an environment says that it was made of."""
    version = ".".join(map(str, sys.version_info[:2]))
    return f"{version} {hashlib.sha256(lock.read_bytes()).hexdigest()}\n"


def install(name: str, build: Path = BUILD) -> Path:
    """Make an environment, unless it is there; of several processes one makes it.

    Returns:
        its folder.

    Raises:
        NotInstalled: a package cannot be had, or is not the one that the lock names.
    """
    place = build / name
    build.mkdir(parents=True, exist_ok=True)
    with (build / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not is_installed(name, build):
            run(sys.executable, "-m", "venv", "--clear", str(place))
            run(
                str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                "--require-hashes", "--only-binary", ":all:", "-r", str(lock_of(name)),
            )  # fmt: skip
            (place / WHOLE).write_text(digest_of(lock_of(name)), encoding="utf-8")
    return place


def run(*command: str) -> None:
    """A command that must succeed."""
    ended = subprocess.run(command, text=True, capture_output=True, check=False)
    if ended.returncode:
        raise NotInstalled(f"{' '.join(command)}\n{ended.stdout}{ended.stderr}")


if __name__ == "__main__":
    try:
        for one in sys.argv[1:]:
            install(one)
    except NotInstalled as failed:
        sys.exit(str(failed))
