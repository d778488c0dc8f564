"""Tests that take minutes run where something has changed, and are not left out by mistake."""

from __future__ import annotations

import subprocess

import pytest

from tests import changed


@pytest.fixture
def history(tmp_path, monkeypatch):
    """A repository with a branch that is one commit ahead of main; runs git in it."""

    def git(*arguments):
        options = [
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b.example",
            "-c",
            "commit.gpgsign=false",
        ]
        subprocess.run(["git", *options, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def write(name):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text")
        git("add", name)
        git("commit", "-m", name)

    monkeypatch.setattr(changed, "ROOT", tmp_path)
    monkeypatch.delenv(changed.ALL_VARIABLE, raising=False)
    git("init", "-b", "main")
    write("first/a")
    write("first/b")
    git("checkout", "-b", "branch")
    write("second/c")
    return git


def test_what_a_branch_changed_is_found_and_what_it_left_is_not(history):
    changed.only_where_changed("second")
    with pytest.raises(pytest.skip.Exception, match="nothing changed in first, sec"):
        changed.only_where_changed("first", "sec")


def test_what_is_not_committed_counts(history, tmp_path):
    (tmp_path / "third").mkdir()
    (tmp_path / "third" / "new").write_text("text")
    (tmp_path / "first" / "a").write_text("other")
    changed.only_where_changed("third")
    changed.only_where_changed("first/a")


def test_on_main_the_last_commit_counts(history):
    history("checkout", "main")
    assert changed.changed_files() == {"first/b"}


def test_all_can_be_asked_for(history, monkeypatch):
    monkeypatch.setenv(changed.ALL_VARIABLE, "1")
    changed.only_where_changed("first")


def test_without_a_history_a_reason_is_given(tmp_path, monkeypatch):
    monkeypatch.setattr(changed, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.delenv(changed.ALL_VARIABLE, raising=False)
    with pytest.raises(pytest.skip.Exception, match="no history here"):
        changed.only_where_changed("first")
