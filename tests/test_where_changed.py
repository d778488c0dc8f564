"""Slow tests of a part are left out where that part did not change, and never by mistake."""

from __future__ import annotations

import subprocess

import pytest

from tests.where_changed import VARIABLE, is_changed


@pytest.fixture
def repository(tmp_path):
    """A repository with two commits: the second changes infra/ alone."""

    def git(*arguments: str) -> str:
        own = [
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@example.com",
            "-c",
            "commit.gpgsign=false",
        ]
        command = ["git", *own, *arguments]
        ended = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        return ended.stdout.strip()

    git("init", "-q")
    for text in ("1", "2"):
        (tmp_path / "infra").mkdir(exist_ok=True)
        (tmp_path / "infra" / "main.tf").write_text(text)
        (tmp_path / "docs.md").write_text("same")
        git("add", "-A")
        git("commit", "-q", "-m", text)
    return tmp_path, git("rev-parse", "HEAD~1")


def test_what_changed_is_run_and_what_did_not_is_left_out(repository):
    root, since = repository
    assert is_changed(("infra",), {VARIABLE: since}, root)
    assert is_changed(("docs.md", "infra/main.tf"), {VARIABLE: since}, root)
    assert not is_changed(("docs.md",), {VARIABLE: since}, root)


def test_without_a_commit_or_with_one_that_git_does_not_know_all_is_run(repository):
    root, _ = repository
    assert is_changed(("docs.md",), {}, root)
    assert is_changed(("docs.md",), {VARIABLE: ""}, root)
    assert is_changed(("docs.md",), {VARIABLE: "no-such-commit"}, root)
