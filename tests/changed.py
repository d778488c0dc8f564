"""Tests that take minutes run where what they protect has changed, or when somebody asks for all.

Changed is what differs from where the branch left main, and what is not committed. On main itself it is what
the last commit brought. CHARGEBACK_TEST_ALL=1 asks for all.
"""

from __future__ import annotations

import os
import subprocess

import pytest

from chargeback.core.paths import ROOT

ALL_VARIABLE = "CHARGEBACK_TEST_ALL"
MAIN = ("origin/main", "main")


def only_where_changed(*paths: str) -> None:
    """Skip a test where none of some folders or files has changed."""
    if os.environ.get(ALL_VARIABLE):
        return
    names = changed_files()
    if names is None:
        pytest.skip(f"nobody knows what has changed: no history here; {ALL_VARIABLE}=1 runs it")
    if not any(one == path or one.startswith(f"{path}/") for one in names for path in paths):
        pytest.skip(f"nothing changed in {', '.join(paths)}; {ALL_VARIABLE}=1 runs it")


def changed_files() -> set[str] | None:
    """The names of files that have changed; None where git does not tell."""
    base = where_it_left_main()
    if base is None:
        return None
    tracked = git("diff", "--name-only", "-z", base)
    new = git("ls-files", "--others", "--exclude-standard", "-z")
    if tracked is None or new is None:
        return None
    return {one for one in (tracked + new).split("\0") if one}


def where_it_left_main() -> str | None:
    """The commit that changes are counted from."""
    head = git("rev-parse", "HEAD")
    for main in MAIN:
        base = git("merge-base", "HEAD", main)
        if base:
            return base if base != head else git("rev-parse", "--verify", "HEAD^1")
    return git("rev-parse", "--verify", "HEAD^1")


def git(*arguments: str) -> str | None:
    """What git answers; None where it refuses, or is not there."""
    try:
        run = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.strip()
