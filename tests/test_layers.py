"""The package's rooms: what may import what, and that no import goes round in a circle."""

from __future__ import annotations

import subprocess
import sys

import grimp

from chargeback.core.paths import ROOT


def test_layers_hold():
    """The contracts of pyproject.toml, each of which import-linter explains when it is broken."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def circles(graph: grimp.ImportGraph) -> list[list[str]]:
    """Groups of modules that import each other, by Tarjan's algorithm; imports for types count as well."""
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        numbers[module] = lowest[module] = len(numbers)
        path.append(module)
        for other in sorted(graph.find_modules_directly_imported_by(module)):
            if other not in numbers:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in path:
                lowest[module] = min(lowest[module], numbers[other])
        if lowest[module] == numbers[module]:
            group = path[path.index(module) :]
            del path[path.index(module) :]
            if len(group) > 1:
                found.append(sorted(group))

    for module in sorted(graph.modules):
        if module not in numbers:
            visit(module)
    return found


def test_no_import_goes_round_in_a_circle():
    assert circles(grimp.build_graph("chargeback")) == []


def test_a_circle_is_found():
    graph = grimp.ImportGraph()
    for one, other in (("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")):
        graph.add_import(importer=one, imported=other)
    assert circles(graph) == [["a", "b", "c"]]
