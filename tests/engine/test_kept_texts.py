"""Kept texts are those that were made, for exactly what they were made from; nothing else is taken."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from chargeback import engine
from chargeback.core.paths import ROOT
from chargeback.engine import kept_texts

KEY = ("duckdb", "select 1", (), ())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty place for texts, and nothing kept in this process."""
    monkeypatch.setattr(kept_texts, "FOLDER", tmp_path / "sql")
    monkeypatch.setattr(engine, "KEPT", {})
    return tmp_path / "sql"


def test_a_text_is_made_once_on_a_machine(folder, monkeypatch):
    made = []
    for _ in range(2):
        monkeypatch.setattr(engine, "KEPT", {})  # as another process begins
        assert engine.kept(KEY, lambda: made.append(1) or "text\n\nof lines") == "text\n\nof lines"
    assert made == [1]


@pytest.mark.parametrize("other", [
    ("bound", "select 1", (), ()), ("duckdb", "select 2", (), ()),
    ("duckdb", "select 1", (("period", "2026-05"),), ()), ("duckdb", "select 1", (), ("source_row",)),
])  # fmt: skip
def test_what_a_text_is_made_from_tells_it_apart(folder, other):
    kept_texts.keep(KEY, "one")
    assert kept_texts.find(KEY) == "one"
    assert kept_texts.find(other) is None


def test_another_version_of_the_engine_has_its_own_texts(folder, monkeypatch):
    kept_texts.keep(KEY, "one")
    monkeypatch.setattr(kept_texts, "version", lambda: "later")
    assert kept_texts.find(KEY) is None


@pytest.mark.parametrize("spoil", [
    lambda place: place.write_bytes(place.read_bytes()[:-1]),
    lambda place: place.write_bytes(place.read_bytes() + b" "),
    lambda place: place.write_bytes(b""),
    lambda place: place.write_bytes(b"\xff\xfe"),
    lambda place: place.unlink(),
    lambda place: place.parent.chmod(0o770),
    lambda place: place.parent.chmod(0o707),
])  # fmt: skip
def test_what_is_not_as_it_was_written_is_made_again(folder, spoil):
    kept_texts.keep(KEY, "select 1 as one")
    spoil(kept_texts.place_of(KEY))
    assert kept_texts.find(KEY) is None


def test_a_text_under_another_name_is_not_taken(folder):
    kept_texts.keep(KEY, "one")
    other = ("duckdb", "select 2", (), ())
    kept_texts.place_of(KEY).rename(kept_texts.place_of(other))
    assert kept_texts.find(other) is None


def test_a_folder_that_is_a_link_is_not_read(folder, tmp_path):
    kept_texts.keep(KEY, "one")
    place = kept_texts.place_of(KEY).parent
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    assert kept_texts.find(KEY) is None


def test_where_nothing_can_be_written_nothing_is_kept(folder):
    folder.write_text("a file in the folder's place")
    assert engine.kept(KEY, lambda: "text") == "text"
    assert kept_texts.find(KEY) is None


def test_there_are_only_so_many(folder, monkeypatch):
    monkeypatch.setattr(kept_texts, "MOST_TEXTS", 3)
    for number in range(10):
        kept_texts.keep((number,), "text")
        assert kept_texts.find((number,)) == "text"
        assert len(os.listdir(folder / kept_texts.version())) <= 3


def test_there_are_only_so_many_versions(folder, monkeypatch):
    for number in range(8):
        monkeypatch.setattr(kept_texts, "version", lambda number=number: str(number))
        kept_texts.keep(KEY, "text")
        assert kept_texts.find(KEY) == "text"
    assert len(os.listdir(folder)) == kept_texts.MOST_VERSIONS


def test_a_fault_is_found_each_time(folder):
    for _ in range(2):
        engine.fault_in.cache_clear()
        assert engine.fault_in("select a from secret", frozenset({"known"}))
        assert engine.fault_in("select a from known", frozenset({"known"})) is None
        assert engine.fault_in("select a from known", frozenset({"other"}))


PRINTED = """
from chargeback.engine import bound_sql, translate, read_sql, sql_files
from chargeback.core.paths import sql_folder
for path in sql_files():
    if ":" not in path.read_text().partition("\\n\\n")[2].replace("::", ""):
        stage, name = path.relative_to(sql_folder()).with_suffix("").as_posix().split("/")
        print(bound_sql(stage, name), translate(read_sql(stage, name), {}))
"""


@pytest.mark.slow
def test_every_text_is_the_same_kept_or_made(tmp_path):
    def printed() -> str:
        done = subprocess.run(
            [sys.executable, "-c", PRINTED], cwd=ROOT, capture_output=True, text=True, check=True,
            env={**os.environ, "CHARGEBACK_BUILD": str(tmp_path)},
        )  # fmt: skip
        return done.stdout

    made = printed()
    assert made.count("WITH") > 10
    assert printed() == made
