"""The lab's copies of notebooks: brought up to date, and never written over once somebody changed one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chargeback.core.books_folders import Books
from chargeback.core.errors import BAD_USAGE, Refusal
from chargeback.core.paths import BOOKS_VARIABLE, CUR_VARIABLE, PARAMS_VARIABLE
from chargeback.review import lab


def notebook(*sources: str, outputs: list | None = None) -> str:
    """A notebook of code cells."""
    cells = [
        {"cell_type": "code", "source": [one], "metadata": {}, "outputs": outputs or [],
         "execution_count": 1 if outputs else None}
        for one in sources
    ]  # fmt: skip
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two notebooks as a repository has them, one in a folder."""
    folder = tmp_path / "notebooks"
    (folder / "explore").mkdir(parents=True)
    (folder / "01-first.ipynb").write_text(notebook("one = 1"))
    (folder / "explore" / "spend.ipynb").write_text(notebook("spend = 1"))
    return folder


def copied(source: Path, folder: Path) -> list[str]:
    """Bring the copies up to date; what was said."""
    said: list[str] = []
    lab.copy_notebooks(folder, said.append, source)
    return said


def test_every_notebook_is_copied_with_its_folder(source, tmp_path):
    assert copied(source, tmp_path / "lab") == []
    for path in source.rglob("*.ipynb"):
        assert (tmp_path / "lab" / path.relative_to(source)).read_bytes() == path.read_bytes()


def test_a_copy_that_nobody_changed_follows_the_repository(source, tmp_path):
    copied(source, tmp_path / "lab")
    (source / "01-first.ipynb").write_text(notebook("one = 2"))
    assert copied(source, tmp_path / "lab") == []
    assert "one = 2" in (tmp_path / "lab" / "01-first.ipynb").read_text()


def test_a_changed_copy_is_kept_and_it_is_said_when_there_is_a_newer_one(source, tmp_path):
    copied(source, tmp_path / "lab")
    mine = tmp_path / "lab" / "explore" / "spend.ipynb"
    mine.write_text(notebook("spend = 'mine'"))
    assert copied(source, tmp_path / "lab") == []
    (source / "explore" / "spend.ipynb").write_text(notebook("spend = 2"))
    said = copied(source, tmp_path / "lab")
    assert len(said) == 1 and "explore/spend.ipynb" in said[0]
    assert "mine" in mine.read_text()
    assert copied(source, tmp_path / "lab") == said, "it is said as long as it is so"


def test_outputs_are_no_change(source, tmp_path):
    copied(source, tmp_path / "lab")
    mine = tmp_path / "lab" / "01-first.ipynb"
    mine.write_text(notebook("one = 1", outputs=[{"output_type": "stream", "text": ["1"]}]))
    copied(source, tmp_path / "lab")
    assert "stream" in mine.read_text(), "a run that the repository has nothing newer for is kept"
    (source / "01-first.ipynb").write_text(notebook("one = 2"))
    copied(source, tmp_path / "lab")
    assert "one = 2" in mine.read_text()


def test_a_copy_of_a_user_s_own_is_left_alone(source, tmp_path):
    (tmp_path / "lab" / "explore").mkdir(parents=True)
    own = tmp_path / "lab" / "explore" / "spend.ipynb"
    own.write_text("not a notebook")
    said = copied(source, tmp_path / "lab")
    assert own.read_text() == "not a notebook"
    assert len(said) == 1


def test_options_are_passed_on_as_a_shell_would_read_them(monkeypatch):
    monkeypatch.setenv(lab.OPTIONS_VARIABLE, "--no-browser --port 8899 --notebook-dir='a folder'")
    options = lab.lab_options()
    assert options == ["--no-browser", "--port", "8899", "--notebook-dir=a folder"]
    assert lab.lab_command(options)[-4:] == options
    monkeypatch.setenv(lab.OPTIONS_VARIABLE, "--port '8899")
    with pytest.raises(Refusal) as refused:
        lab.lab_options()
    assert refused.value.exit_code == BAD_USAGE


@pytest.mark.parametrize(("user", "allowed"), [(0, 1), (1000, 0)])
def test_root_is_told_that_it_may(monkeypatch, user, allowed):
    monkeypatch.setattr(lab.os, "geteuid", lambda: user)
    assert lab.lab_command([]).count("--allow-root") == allowed
    assert lab.lab_command(["--allow-root"]).count("--allow-root") == 1


def test_every_kernel_inherits_the_places(tmp_path):
    found = lab.lab_environment("athena", tmp_path / "params", Books(tmp_path / "books"))
    assert found[CUR_VARIABLE] == "athena"
    assert found[PARAMS_VARIABLE] == str(tmp_path / "params")
    assert found[BOOKS_VARIABLE] == str(tmp_path / "books")
