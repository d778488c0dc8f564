"""Tests that take minutes run where what they protect has changed, or when somebody asks for all.

Changed is what differs from the commit that CHARGEBACK_TEST_SINCE names, as a workflow does; without it, from
where the branch left main; on main itself, what the last commit brought. What is not committed counts too.
CHARGEBACK_TEST_ALL=1 asks for all, and a commit that git does not know leaves nothing out.
"""

from __future__ import annotations

import functools
import os
import subprocess

import pytest

from chargeback.core.paths import ROOT

ALL_VARIABLE = "CHARGEBACK_TEST_ALL"
SINCE_VARIABLE = "CHARGEBACK_TEST_SINCE"
MAIN = ("origin/main", "main")


def where_changed(*paths: str) -> pytest.MarkDecorator:
    """A mark that leaves tests out where none of some folders or files has changed."""
    reason = why_left_out(*paths)
    return pytest.mark.skipif(reason is not None, reason=reason or "")


def only_where_changed(*paths: str) -> None:
    """Skip a test where none of some folders or files has changed."""
    reason = why_left_out(*paths)
    if reason is not None:
        pytest.skip(reason)


def why_left_out(*paths: str) -> str | None:
    """Why tests of some folders or files are left out; None where they run."""
    if os.environ.get(ALL_VARIABLE):
        return None
    since = os.environ.get(SINCE_VARIABLE) or None
    names = changed_files(since)
    if names is None:
        unknown = f"nobody knows what has changed: no history here; {ALL_VARIABLE}=1 runs it"
        return None if since else unknown
    if any(one == path or one.startswith(f"{path}/") for one in names for path in paths):
        return None
    return f"nothing changed in {', '.join(paths)}; {ALL_VARIABLE}=1 runs it"


@functools.cache
def changed_files(since: str | None = None) -> frozenset[str] | None:
    """The names of files that have changed since a commit, or since main; None where git does not tell."""
    base = where_it_left(since) if since else where_it_left_main()
    if base is None:
        return None
    tracked = git("diff", "--name-only", "-z", base)
    new = git("ls-files", "--others", "--exclude-standard", "-z")
    if tracked is None or new is None:
        return None
    return frozenset(one for one in (tracked + new).split("\0") if one)


def where_it_left(since: str) -> str | None:
    """The last commit that HEAD and another have in common."""
    return git("merge-base", "HEAD", since)


def where_it_left_main() -> str | None:
    """The commit that changes are counted from."""
    head = git("rev-parse", "HEAD")
    for main in MAIN:
        base = where_it_left(main)
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
