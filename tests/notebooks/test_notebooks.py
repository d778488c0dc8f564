"""Notebooks print the facts that were stored, and keep to the rules for notebooks."""

from __future__ import annotations

import ast
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.notebooks.kernel_pool import NAME, serving
from tests.notebooks.workplace import (
    code_cells,
    environment_in,
    is_fact,
    name_of,
    notebook_paths,
    run_in,
    tags,
)

SQL_TEXT = re.compile(r"\bselect\b.+\bfrom\b|\bgroup by\b", re.IGNORECASE | re.DOTALL)
each_notebook = pytest.mark.parametrize("path", notebook_paths(), ids=name_of)


@pytest.fixture(scope="module")
def workplace(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the built-in sample at its full size, in which notebooks may work."""
    folder = tmp_path_factory.mktemp("workplace") / "estate"
    shutil.copytree(sample / "cur", folder / "cur", copy_function=os.link)
    for name in ("books", "notebooks"):
        shutil.copytree(sample / name, folder / name)
    return folder


@pytest.mark.slow
def test_facts_are_those_that_were_stored(workplace):
    # One run in the order of the names: a stage notebook reads what the one before it wrote.
    paths = [str(workplace / "notebooks" / name_of(path)) for path in notebook_paths()]
    options = ["--nbval", "--nbval-kernel-name", NAME, "-q", "-p", "no:cacheprovider", *paths]
    with serving(environment_in(workplace)) as environment:
        done = run_in(workplace, "pytest", options, environment)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@each_notebook
def test_a_fact_is_compared(path):
    # nbval passes a cell that has no stored output, whatever the cell prints.
    facts = [cell for cell in code_cells(path) if is_fact(cell)]
    assert len(facts) > 1, "fewer than two cells are compared"
    assert all(cell["outputs"] for cell in facts), (
        "facts are not stored: python -m tests.notebooks.store_facts " + path.stem
    )


@each_notebook
def test_only_facts_have_outputs(path):
    assert not [cell["id"] for cell in code_cells(path) if not is_fact(cell) and cell["outputs"]]


@each_notebook
def test_parameters_are_texts(path):
    found = [cell for cell in code_cells(path) if "parameters" in tags(cell)]
    assert len(found) == 1
    statements = ast.parse("".join(found[0]["source"])).body
    assert statements
    for statement in statements:
        assert isinstance(statement, ast.Assign), ast.unparse(statement)
        value = statement.value
        assert isinstance(value, ast.Constant) and isinstance(value.value, str)


@each_notebook
def test_cells_only_call_select_and_show(path):
    for cell in code_cells(path):
        text = "".join(cell["source"])
        assert len(text.splitlines()) <= 14, cell["id"]
        assert not SQL_TEXT.search(text), cell["id"]
        nodes = tuple(ast.walk(ast.parse(text)))
        refused = (ast.For, ast.While, ast.FunctionDef, ast.ClassDef, ast.Lambda)
        assert not [node for node in nodes if isinstance(node, refused)], cell["id"]
