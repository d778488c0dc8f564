"""Tests that take minutes run where something has changed, and are not left out by mistake."""

from __future__ import annotations

import subprocess

import pytest

from tests import changed


@pytest.fixture(autouse=True)
def nothing_kept():
    """What another test found is not known here, nor afterwards."""
    changed.changed_files.cache_clear()
    yield
    changed.changed_files.cache_clear()


def anywhere(folder, monkeypatch):
    """Asks about another folder, with nothing in the environment."""
    monkeypatch.setattr(changed, "ROOT", folder)
    monkeypatch.delenv(changed.ALL_VARIABLE, raising=False)
    monkeypatch.delenv(changed.SINCE_VARIABLE, raising=False)


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

    anywhere(tmp_path, monkeypatch)
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


def test_a_commit_to_compare_with_can_be_named(history, monkeypatch):
    monkeypatch.setenv(changed.SINCE_VARIABLE, "main~1")
    changed.only_where_changed("first/b")
    changed.only_where_changed("second")
    with pytest.raises(pytest.skip.Exception, match="nothing changed in first/a"):
        changed.only_where_changed("first/a")


def test_a_commit_that_git_does_not_know_leaves_nothing_out(history, monkeypatch):
    monkeypatch.setenv(changed.SINCE_VARIABLE, "0" * 40)
    changed.only_where_changed("first/a")


def test_a_mark_leaves_out_what_the_function_does(history):
    left_out, run = changed.where_changed("first"), changed.where_changed("first", "second")
    assert left_out.args == (True,) and "nothing changed in first;" in left_out.kwargs["reason"]
    assert run.args == (False,)


def test_all_can_be_asked_for(history, monkeypatch):
    monkeypatch.setenv(changed.ALL_VARIABLE, "1")
    changed.only_where_changed("first")


def test_without_a_history_a_reason_is_given(tmp_path, monkeypatch):
    anywhere(tmp_path, monkeypatch)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(pytest.skip.Exception, match="no history here"):
        changed.only_where_changed("first")
