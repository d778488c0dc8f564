"""Which renderer is used, what it is asked for, and what a person reads when a statement cannot be made.

What Quarto does with a notebook is in tests/quarto; here a stand-in answers, and its calls are looked at.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pypandoc
import pytest

from chargeback.core.errors import UNREACHABLE, Refusal
from chargeback.core.paths import REPORTS
from chargeback.statements import write
from chargeback.statements.model import Statement
from chargeback.statements.project import LOOK, RENDERED, begin_project, presented
from chargeback.statements.render import (
    CONVERSION,
    TYPST_TEMPLATE,
    EmbeddedRenderer,
    Page,
    QuartoRenderer,
    convert_pages,
    find_renderer,
    font_folder,
)
from chargeback.statements.write import write_statements
from tests.quarto.on_path import calls, quarto_on_path, renders
from tests.statements.rendered import ALL_HOLD, Rendered, changed, set_pages

TYPST = "QUARTO_STAND_IN_TYPST"


@dataclass(frozen=True)
class Quarto:
    """The stand-in for Quarto first on PATH, and statements that it is to render."""

    log: Path
    finished: Rendered
    target: Path
    evidence: Path

    def write(self) -> None:
        """Write all statements by it."""
        write_statements(
            self.finished.inputs, self.target, self.evidence, lambda _: None, find_renderer()
        )

    def left_in_target(self) -> list[Path]:
        """The files that a reader of the target folder would find."""
        return [path for path in self.target.rglob("*") if path.is_file()]


@pytest.fixture
def quarto(rendered, tmp_path, monkeypatch) -> Quarto:
    """Quarto on PATH; the notebooks are those that were executed already."""
    log = quarto_on_path(tmp_path / "bin", monkeypatch)

    def executed_before(unit_id: str, folder: Path) -> Path:
        return Path(shutil.copyfile(rendered.notebook(unit_id), folder / "executed.ipynb"))

    monkeypatch.setattr(write, "execute_notebook", executed_before)
    return Quarto(log, rendered, tmp_path / "target", tmp_path / "evidence")


def test_quarto_is_used_when_it_is_on_path_and_else_the_embedded_renderer(quarto, monkeypatch):
    assert isinstance(find_renderer(), QuartoRenderer)
    assert isinstance(find_renderer("embedded"), EmbeddedRenderer)
    monkeypatch.setenv("PATH", "")
    assert isinstance(find_renderer(), EmbeddedRenderer)
    with pytest.raises(Refusal) as refused:
        find_renderer("quarto")
    assert refused.value.exit_code == UNREACHABLE
    assert refused.value.found == "none on PATH, nor in this environment"


def test_no_program_that_sets_pages_inherits_a_secret(rendered, monkeypatch, tmp_path):
    """Neither to set a page, nor to find the program or its version."""
    monkeypatch.setenv("CHARGEBACK_SMTP_PASSWORD", "canary")
    started: list[str] = []

    class Watched(subprocess.Popen):
        def __init__(self, command, *more, **options) -> None:
            started.append(command[0])
            environment = options.get("env")
            assert "canary" not in (os.environ if environment is None else environment).values()
            super().__init__(command, *more, **options)

    version = str(pypandoc.get_pandoc_version())
    pypandoc.clean_pandocpath_cache()
    pypandoc.clean_version_cache()
    monkeypatch.setattr(subprocess, "Popen", Watched)
    renderer = EmbeddedRenderer()
    assert renderer.versions["pandoc"] == version
    write_statements(
        rendered.inputs, tmp_path / "target", tmp_path / "kept", lambda _: None, renderer
    )
    assert {Path(one).name for one in started} == {"pandoc"}


def test_quarto_of_the_environment_is_found_although_it_is_not_on_path(quarto, monkeypatch):
    """The package quarto-cli puts it beside Python, and make puts that folder on no PATH."""
    monkeypatch.setattr("sys.executable", str(quarto.log.parent / "python"))
    monkeypatch.setenv("PATH", "")
    found = find_renderer()
    assert isinstance(found, QuartoRenderer)
    assert found.command == str(quarto.log.parent / "quarto")


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
    monkeypatch.setenv(TYPST, version)
    assert isinstance(find_renderer(), used)
    if used is EmbeddedRenderer:
        with pytest.raises(Refusal) as refused:
            find_renderer("quarto")
        assert refused.value.found.startswith("Quarto 1.10.18, with Typst ")


def test_the_version_of_typst_is_read_from_where_quarto_prints_it(quarto, monkeypatch):
    """It passes standard error on, and nothing on standard output."""
    monkeypatch.setenv(TYPST, "typst 0.15.1 (deadbeef)")
    found = find_renderer()
    assert isinstance(found, QuartoRenderer)
    assert (found.version, found.typst) == ("1.10.18", "0.15.1")
    assert calls(quarto.log)[-1] == ["--version"]


def test_what_quarto_made_is_published_and_read_back(quarto):
    quarto.write()
    assert renders(quarto.log) == [["render", ".", "--no-execute"]]
    made = Rendered(quarto.finished.inputs, quarto.target, quarto.evidence)
    assert made.broken() == ALL_HOLD
    kept = Counter(path.suffix for path in quarto.evidence.iterdir())
    units = len(made.units)
    look = Counter(Path(one).suffix for one in LOOK)
    assert kept == {".ipynb": units + 1, ".json": units + 1, **look}, "all units, and the index"
    for unit_id in made.units:
        assert "quarto-1.10.18" in made.file(unit_id, "html").read_text()


def test_each_unit_is_executed_in_a_folder_of_its_own(rendered, tmp_path, monkeypatch):
    """Shared folders have swapped charts between reports; here each has one unit's data."""
    seen: dict[str, tuple[Path, list[str]]] = {}

    def executed_before(unit_id: str, folder: Path) -> Path:
        data = json.loads((folder / "unit.json").read_text())
        assert data["unit"]["business_unit_id"] == unit_id
        seen[unit_id] = folder, sorted(one.name for one in folder.iterdir())
        return Path(shutil.copyfile(rendered.notebook(unit_id), folder / "executed.ipynb"))

    monkeypatch.setattr(write, "execute_notebook", executed_before)
    target = tmp_path / "target"
    write_statements(rendered.inputs, target, tmp_path / "kept", lambda _: None, EmbeddedRenderer())
    assert len({folder for folder, _ in seen.values()}) == len(rendered.units)
    assert {tuple(names) for _, names in seen.values()} == {("statement.csv", "unit.json")}
    assert not any(folder.exists() for folder, _ in seen.values()), "nothing of it stays"


def test_a_page_keeps_nothing_of_the_run_that_made_it():
    """The same cells, whatever papermill says of the times at which they ran."""
    cell = {
        "cell_type": "code", "id": "a1", "source": ["x"], "execution_count": 3,
        "metadata": {"tags": ["parameters"], "papermill": {"start_time": "2026-06-01T00:00:00"}},
        "outputs": [{"output_type": "display_data", "data": {}, "metadata": {"time": 1}}],
    }  # fmt: skip
    front = {"cell_type": "raw", "id": "r", "metadata": {}, "source": "---\ntitle: T\n---"}
    page = presented({"cells": [front, cell], "metadata": {"papermill": {}}}, 'A "b", *c*')
    assert page["cells"][1]["metadata"] == {"tags": ["parameters"]}
    assert page["cells"][1]["outputs"][0]["metadata"] == {}
    assert "2026-06-01" not in json.dumps(page)
    assert page["cells"][0]["source"] == [
        "---\n", "title: T\n", 'pagetitle: "A \\\\\\"b\\\\\\"\\\\, \\\\*c\\\\*"\n',
        "execute:\n", "  enabled: false\n", "---\n",
    ]  # fmt: skip


def test_fonts_are_those_of_a_package_and_no_copies(tmp_path, rendered, quarto):
    """matplotlib's, in which all signs have some shape."""
    names = {one.name for one in font_folder().iterdir()}
    assert {"DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "LastResortHE-Regular.ttf"} <= names


def test_a_failing_quarto_is_refused_in_its_own_words(quarto, monkeypatch):
    """Nobody finds half a statement."""
    monkeypatch.setenv("QUARTO_STAND_IN_FAILS", "statement-corporate.ipynb")
    with pytest.raises(Refusal) as raised:
        quarto.write()
    assert raised.value.exit_code == UNREACHABLE
    assert raised.value.what == "Quarto could not render a statement"
    assert raised.value.found == "exit code 1: ERROR: Typst compilation failed"
    assert "[3/5] statement-corporate.ipynb" in raised.value.where
    assert "Traceback" not in raised.value.block()
    assert quarto.left_in_target() == []


def test_a_quarto_that_writes_nothing_is_refused(quarto, monkeypatch):
    monkeypatch.setenv("QUARTO_STAND_IN_FORGETS", "statement-corporate.ipynb")
    with pytest.raises(Refusal) as raised:
        quarto.write()
    assert raised.value.exit_code == UNREACHABLE
    assert "wrote no statement-corporate.html" in raised.value.what
    assert quarto.left_in_target() == []


def test_what_typst_cannot_set_is_refused_in_its_own_words(rendered, tmp_path):
    """The embedded renderer: a page that calls a function which does not exist."""
    text = rendered.notebook("innovation").read_text(encoding="utf-8")
    notebook = json.loads(changed(text, [("#statement-steps(", "#no-such-part(")]))
    with pytest.raises(Refusal) as raised:
        set_pages(notebook, "Statement", tmp_path)
    assert raised.value.exit_code == UNREACHABLE
    assert raised.value.what == "Typst could not set a statement"
    assert "no-such-part" in raised.value.found
    assert not list(tmp_path.rglob("*.pdf"))


def test_of_several_pages_the_first_that_fails_is_the_answer(rendered, tmp_path):
    """The others are not waited for, and no error of theirs is lost in a traceback."""
    begin_project(tmp_path)
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": [
            {"cell_type": "raw", "source": "---\ntitle: T\nlang: en\n---"},
            {"cell_type": "markdown", "source": "```{=typst}\n#no-such-part()\n```\n"},
        ]}))  # fmt: skip
    with pytest.raises(Refusal) as raised:
        EmbeddedRenderer().render(tmp_path, [Page(name) for name in ("a", "b", "c")], 2)
    assert raised.value.what == "Typst could not set a statement"


@pytest.mark.parametrize("wanted", ["embedded", "quarto"])
def test_a_sign_without_a_shape_stops_no_page(wanted, quarto, tmp_path):
    """PDF/UA takes no such text: the page is set without the standard, and the settings stay as they were."""
    drawing = '<svg xmlns=\\"http://www.w3.org/2000/svg\\" width=\\"9\\" height=\\"9\\">{}</svg>'
    folder = tmp_path / "project"
    begin_project(folder)
    settings = (folder / "_quarto.yml").read_text()
    for name, text in (("usual", "Z"), ("strange", "Z\u0351")):
        drawn = drawing.format(f"<text font-family='Libertinus Serif' y='9'>{text}</text>")
        shown = f'```{{=typst}}\n#image(bytes("{drawn}"), format: "svg", alt: "a")\n```\n'
        (folder / f"{name}.ipynb").write_text(json.dumps({"metadata": {}, "cells": [
            {"cell_type": "raw", "metadata": {},
             "source": ["---\n", "title: T\n", "lang: en\n", "execute:\n", "  enabled: false\n", "---"]},
            {"cell_type": "markdown", "metadata": {}, "source": [shown]},
        ]}))  # fmt: skip
    pages = [Page("strange"), Page("usual")]
    find_renderer(wanted).render(folder, pages, 1)
    made = {one.name: (folder / "_rendered" / f"{one.name}.pdf").read_bytes() for one in pages}
    assert b"pdfuaid" not in made["strange"]
    assert (b"pdfuaid" in made["usual"]) == (wanted == "embedded"), "Quarto sets a month alike"
    assert (folder / "_quarto.yml").read_text() == settings


def test_a_failing_cell_is_refused_with_the_error_and_no_traceback(rendered, tmp_path, monkeypatch):
    """The reader is told which cell of which notebook, and the error that it met."""
    extract_units = write.extract_units

    def of_no_month(*arguments: Any) -> dict[str, Statement]:
        statement = extract_units(*arguments)["claims"]
        return {"claims": replace(statement, billing_period="2026-Mai")}

    monkeypatch.setattr(write, "extract_units", of_no_month)
    with pytest.raises(Refusal) as raised:
        write_statements(
            rendered.inputs, tmp_path / "target", tmp_path / "notes", lambda _: None,
            EmbeddedRenderer(),
        )  # fmt: skip
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


def test_of_pages_that_are_converted_together_the_one_that_cannot_be_is_named(tmp_path):
    project = tmp_path / "project"
    begin_project(project)
    (project / RENDERED).mkdir()
    pages = [Page(one) for one in ("first", "second", "third")]
    for name in (CONVERSION, TYPST_TEMPLATE, pages[0].template):
        shutil.copyfile(REPORTS / name, project / name)
    for page in pages:
        (project / f"{page.name}.md").write_text(f"## Of {page.name}\n", encoding="utf-8")
    convert_pages(project, pages)
    whole = {one.name: one.read_bytes() for one in (project / RENDERED).iterdir()}
    (project / "second.md").unlink()
    (project / RENDERED / "first.html").unlink()
    with pytest.raises(Refusal) as refused:
        convert_pages(project, pages)
    command = refused.value.where[0]
    assert "./second.md" in command
    assert "./first.md" not in command
    assert "./third.md" not in command
    assert {one.name: one.read_bytes() for one in (project / RENDERED).iterdir()} == whole
