"""Processes of our own run the package that started them, whatever package is installed."""

from __future__ import annotations

import subprocess

from chargeback.core import isolated_python as isolated


def where_found(monkeypatch, root) -> str:
    """Where a process that is started finds the package, when this one is of another checkout."""
    monkeypatch.setattr(isolated, "ROOT", root)
    command = isolated.isolated_python(
        "import chargeback; print(chargeback.__file__, sys.argv[1])", "x y"
    )
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_package_that_starts_a_process_runs_in_it(tmp_path, monkeypatch):
    other = tmp_path / "it's another" / "chargeback" / "__init__.py"
    other.parent.mkdir(parents=True)
    other.touch()
    assert where_found(monkeypatch, other.parents[1]) == f"{other} x y\n"


def test_modules_beside_the_package_do_not_come_first_where_it_is_installed(monkeypatch):
    """The place of this package is looked into already: it stays where it is among the others."""
    command = isolated.isolated_python("print(sys.path.index(sys.argv[1]))", str(isolated.ROOT))
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(said) > 0
