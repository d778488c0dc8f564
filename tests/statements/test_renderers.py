"""What Quarto is asked for, and what a person reads when a statement cannot be made.

No Quarto is needed: a stand-in first on PATH notes how it is called. The arguments are those of
Quarto's documentation (quarto.org/docs/cli/render.html; what it does not know goes to pandoc).
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.statements import write
from chargeback.statements.model import Statement
from chargeback.statements.render import EmbeddedRenderer, QuartoRenderer, find_renderer
from chargeback.statements.write import write_statements
from tests.statements.rendered import ALL_HOLD, Rendered, changed

STAND_IN = """
import json, os, shutil, sys
from pathlib import Path

arguments, folder = sys.argv[1:], Path.cwd()
if arguments == ["typst", "--version"]:
    print(os.environ["TYPST"])
    sys.exit()
data = folder / "unit.json"
unit = json.loads(data.read_text(encoding="utf-8"))["unit"]["business_unit_id"] if data.is_file() else ""
target = arguments[arguments.index("--to") + 1]
output = arguments[arguments.index("--output") + 1]
call = {
    "arguments": arguments,
    "folder": str(folder),
    "unit": unit,
    "files": sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")),
    "title": json.loads((folder / "title.json").read_text(encoding="utf-8")),
}
Path(os.environ["CALLS"], f"{unit}-{target}.json").write_text(json.dumps(call))
if os.environ.get("FAILS") == target:
    print("Rendering executed.ipynb", file=sys.stderr)
    sys.exit("ERROR: the typst of this Quarto is too old")
if os.environ.get("FORGETS") != target:
    shutil.copyfile(Path(os.environ["FINISHED"], unit, output), folder / output)
"""


@dataclass(frozen=True)
class Quarto:
    """A stand-in for Quarto, and the folder in which it notes its calls."""

    calls_folder: Path
    finished: Rendered
    target: Path
    evidence: Path

    def write(self) -> None:
        """Write all statements by it."""
        write_statements(self.finished.inputs, self.target, self.evidence, lambda _: None)

    def calls(self) -> dict[tuple[str, str], dict[str, Any]]:
        """How it was called, by unit and target; no unit's is the index of the month."""
        found = {}
        for path in sorted(self.calls_folder.iterdir()):
            unit_id, _, target = path.stem.rpartition("-")
            found[unit_id, target] = json.loads(path.read_text())
        return found

    def left_in_target(self) -> list[Path]:
        """The files that a reader of the target folder would find."""
        return [path for path in self.target.rglob("*") if path.is_file()]


@pytest.fixture
def quarto(rendered, tmp_path, monkeypatch) -> Quarto:
    """Quarto on PATH; the notebooks are those that were executed already."""
    command = tmp_path / "bin" / "quarto"
    command.parent.mkdir()
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path / "stand_in.py"}" "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    made = Quarto(tmp_path / "calls", rendered, tmp_path / "target", tmp_path / "evidence")
    made.calls_folder.mkdir()
    monkeypatch.setenv("CALLS", str(made.calls_folder))
    monkeypatch.setenv("TYPST", "typst 0.14.2 (b33de9de)")
    monkeypatch.setenv("FINISHED", str(rendered.folder))

    def executed_before(unit_id: str, folder: Path) -> Path:
        return Path(shutil.copyfile(rendered.notebook(unit_id), folder / "executed.ipynb"))

    monkeypatch.setattr(write, "execute_notebook", executed_before)
    return made


def test_quarto_is_used_when_it_is_on_path_and_else_the_embedded_renderer(quarto, monkeypatch):
    assert isinstance(find_renderer(), QuartoRenderer)
    monkeypatch.setenv("PATH", "")
    assert isinstance(find_renderer(), EmbeddedRenderer)


@pytest.mark.parametrize(
    ("version", "used"),
    [
        ("typst 0.14.0 (deadbeef)", QuartoRenderer),
        ("typst 1.0.0", QuartoRenderer),
        ("typst 0.13.1 (8ace67d9)", EmbeddedRenderer),
        ("typst 0.9.0", EmbeddedRenderer),
        ("unknown command", EmbeddedRenderer),
    ],
)
def test_a_quarto_that_writes_no_tags_is_not_used(quarto, monkeypatch, version, used):
    """Its statements could be read neither by a screen reader nor by the controls."""
    monkeypatch.setenv("TYPST", version)
    assert isinstance(find_renderer(), used)


def test_quarto_is_called_as_its_documentation_says(quarto):
    """Once per format, on the executed notebook, which it must not execute again."""
    quarto.write()
    calls = quarto.calls()
    index = calls.pop(("", "html"))
    assert index["arguments"][:5] == ["render", "executed.ipynb", "--to", "html", "--output"]
    assert index["arguments"][5] == "index.html"
    assert set(calls) == {
        (unit_id, target) for unit_id in quarto.finished.units for target in ("html", "typst")
    }
    for (_, target), call in calls.items():
        output = {"html": "statement.html", "typst": "statement.pdf"}[target]
        assert call["arguments"] == [
            "render", "executed.ipynb", "--to", target, "--output", output, "--no-execute",
            "--metadata-file", "title.json",
        ]  # fmt: skip


def test_what_quarto_made_is_published_and_read_back(quarto):
    quarto.write()
    made = Rendered(quarto.finished.inputs, quarto.target, quarto.evidence)
    assert made.broken() == ALL_HOLD
    for unit_id in made.units:
        assert made.notebook(unit_id).is_file()


def test_each_unit_is_rendered_in_a_folder_of_its_own(quarto):
    """Shared folders have swapped charts between reports; here each has one unit's data."""
    quarto.write()
    calls = quarto.calls()
    del calls["", "html"]
    folders = {unit_id: call["folder"] for (unit_id, _), call in calls.items()}
    assert len(set(folders.values())) == len(quarto.finished.units)
    for (unit_id, _), call in calls.items():
        assert call["unit"] == unit_id
        assert call["folder"] == folders[unit_id], "both formats come from one notebook"
        needed = {"executed.ipynb", "statement.css", "typst-template.typ", "typst-show.typ"}
        assert needed <= set(call["files"])
        assert "fonts/DejaVuSans.ttf" in call["files"]
        name = quarto.finished.inputs.params.business_units[unit_id].name
        assert call["title"] == {"pagetitle": f"Statement of AWS charges\\, {name}\\, May 2026"}
        assert not Path(call["folder"]).exists(), "nothing of it stays"


def test_the_notebook_tells_quarto_to_make_one_file_and_to_run_nothing(rendered):
    """Front matter, which Quarto reads and the embedded renderer does not need."""
    cells = json.loads(rendered.notebook("claims").read_text(encoding="utf-8"))["cells"]
    assert cells[0]["cell_type"] == "raw"
    front = "".join(cells[0]["source"])
    for line in ("embed-resources: true", "enabled: false", "css: statement.css"):
        assert line in front
    for partial in ("typst-template.typ", "typst-show.typ"):
        assert f"- {partial}\n" in front


@pytest.mark.parametrize("target", ["html", "typst"])
def test_a_failing_quarto_is_refused_in_its_own_words(quarto, monkeypatch, target):
    """Also when the first of the two formats was made: nobody finds half a statement."""
    monkeypatch.setenv("FAILS", target)
    with pytest.raises(Refusal) as raised:
        quarto.write()
    assert raised.value.exit_code == UNREACHABLE
    assert raised.value.what == "Quarto could not render a statement"
    assert raised.value.found == "exit code 1: ERROR: the typst of this Quarto is too old"
    assert "Rendering executed.ipynb" in raised.value.where
    assert "Traceback" not in raised.value.block()
    assert quarto.left_in_target() == []


@pytest.mark.parametrize(("target", "output"), [("html", "html"), ("typst", "pdf")])
def test_a_quarto_that_writes_nothing_is_refused(quarto, monkeypatch, target, output):
    monkeypatch.setenv("FORGETS", target)
    with pytest.raises(Refusal) as raised:
        quarto.write()
    assert raised.value.exit_code == UNREACHABLE
    assert f"wrote no statement.{output}" in raised.value.what
    assert quarto.left_in_target() == []


def test_what_typst_cannot_set_is_refused_in_its_own_words(rendered, tmp_path):
    """The embedded renderer: a page that calls a function which does not exist."""
    text = rendered.notebook("innovation").read_text(encoding="utf-8")
    executed = tmp_path / "executed.ipynb"
    executed.write_text(changed(text, [("#statement-steps(", "#no-such-part(")]), encoding="utf-8")
    with pytest.raises(Refusal) as raised:
        EmbeddedRenderer().render(executed, "Statement")
    assert raised.value.exit_code == UNREACHABLE
    assert raised.value.what == "Typst could not set a statement"
    assert "no-such-part" in raised.value.found
    assert not (tmp_path / "statement.pdf").exists()


def test_a_failing_cell_is_refused_with_the_error_and_no_traceback(rendered, tmp_path, monkeypatch):
    """The reader is told which cell of which notebook, and the error that it met."""
    extract_units = write.extract_units

    def of_no_month(*arguments: Any) -> dict[str, Statement]:
        statement = extract_units(*arguments)["claims"]
        return {"claims": replace(statement, billing_period="2026-Mai")}

    monkeypatch.setattr(write, "extract_units", of_no_month)
    with pytest.raises(Refusal) as raised:
        write_statements(rendered.inputs, tmp_path / "target", tmp_path / "notes", lambda _: None)
    assert raised.value.exit_code == UNREACHABLE
    assert raised.value.what == "the statement of claims could not be made"
    assert raised.value.found.startswith("ValueError: ")
    [where] = raised.value.where
    assert where.startswith("statement.ipynb, cell ")
    assert where.endswith("sections.head(statement)")
    block = raised.value.block()
    assert "Traceback" not in block
    assert "\x1b[" not in block
    assert not (tmp_path / "target").exists()
