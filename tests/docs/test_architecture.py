"""docs/architecture.md and the repository agree: rooms, their order, folders, and the files that it names."""

from __future__ import annotations

import re
import tomllib

import pytest

from chargeback.core.paths import ROOT, sql_folder
from chargeback.sources.report import COLUMNS

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROOMS = PAGE.partition("<!-- rooms:")[2].partition("<!-- end of rooms -->")[0]


def layers() -> list[str]:
    """The layers of the contract, from the top; those that stand side by side apart."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [contract] = [
        one for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers"
    ]
    return [name for layer in contract["layers"] for name in re.split(r" *: *", layer)]


def test_rooms_are_the_layers_in_their_order():
    beside = re.findall(r"`(\w+)`", ROOMS.partition("Beside it")[2].partition("|")[0])
    described = re.findall(r"^\| `(\w+)` \|", ROOMS, re.MULTILINE)
    assert beside and [described[0], *beside, *described[1:]] == layers()


def test_rooms_are_the_packages_and_no_others():
    described = set(re.findall(r"^\| `(\w+)` \|", ROOMS, re.MULTILINE))
    packages = {path.parent.name for path in (ROOT / "chargeback").glob("*/__init__.py")}
    modules = {path.stem for path in (ROOT / "chargeback").glob("*.py")} - {"__init__", "__main__"}
    assert described & packages == packages
    assert described - packages <= modules
    assert modules <= set(layers())


def test_every_folder_of_sql_is_named():
    [row] = [line for line in PAGE.splitlines() if line.startswith("| `sql/` |")]
    folders = {path.name for path in sql_folder().iterdir() if path.is_dir()}
    assert set(re.findall(r"`(\w+)`", row.partition("|")[2].partition("|")[2])) == folders


def test_every_notebook_is_named():
    [row] = [line for line in PAGE.splitlines() if line.startswith("| `notebooks/` |")]
    named = set(re.findall(r"`([\w-]+)`", row.partition("|")[2].partition("|")[2]))
    found = {path.stem for path in (ROOT / "notebooks").rglob("*.ipynb")}
    assert named <= found
    assert {one for one in found if not re.match(r"0\d-", one)} <= named
    assert {min(found), max(one for one in found if one.startswith("0"))} <= named


def named_paths() -> list[str]:
    """Files and folders that the page names by their place, those that a reader is to choose left out."""
    found = re.findall(r"`((?:chargeback|tests|sql|notebooks|reports|docs|params)/[\w./-]*)`", PAGE)
    return sorted(set(found))


@pytest.mark.parametrize("path", named_paths())
def test_what_is_named_exists(path):
    assert (ROOT / path).exists()


def test_the_paths_that_are_named_are_found():
    assert len(named_paths()) > 20


def test_every_key_in_sql_has_a_row_and_a_case():
    names = {path.stem for path in (sql_folder() / "keys").glob("*.sql")}
    page = (ROOT / "docs" / "method" / "allocation.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| sql:(\w+) \|", page, re.MULTILINE)) == names
    cases = "".join(one.read_text() for one in (ROOT / "tests" / "cases").glob("*.toml"))
    assert set(re.findall(r'"sql:(\w+)"', cases)) >= names


def test_the_table_for_athena_has_the_columns_that_are_read():
    page = (ROOT / "docs" / "athena.md").read_text(encoding="utf-8")
    table = page.partition("create external table")[2].partition("partitioned by")[0]
    columns = dict(re.findall(r"^    (\w+) ([\w<>,]+?),?$", table, re.MULTILINE))
    types = {"varchar": "string", "map(varchar, varchar)": "map<string,string>"}
    assert columns == {name: types.get(kind, kind) for name, kind in COLUMNS.items()}
