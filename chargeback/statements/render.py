"""An executed notebook as HTML and PDF: by Quarto when it is there, else by the embedded renderer.

Both start from the same executed notebook, read nothing else, execute nothing, and use the same
stylesheet and the same Typst partials (`reports/`). What always holds for the embedded renderer:
the same notebook gives the same bytes, because it uses only fonts that come with its wheels and
writes no date.

Known drawbacks: Quarto brings its own pandoc and Typst, so its files differ in bytes from the
embedded ones, and between Quarto's versions. The figures are read back from whichever files were
made, by the tags of the PDF: a Quarto whose Typst writes none is not used.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chargeback.core.errors import Refusal, unreachable
from chargeback.pages.escaping import markdown_text
from chargeback.statements.execute import REPORTS

SHARED_FILES = ("statement.css", "typst-template.typ", "typst-show.typ")
RENDER_TIMEOUT_SECONDS = 300
FIRST_TYPST_WITH_TAGS = (0, 14)
_VERSION = re.compile(r"typst ([0-9]+)\.([0-9]+)")


class Renderer(Protocol):
    """Makes `statement.html` and `statement.pdf` in the notebook's folder."""

    @property
    def name(self) -> str: ...

    def render(self, executed: Path, page_title: str) -> None: ...


def find_renderer() -> Renderer:
    """Quarto if one is on PATH whose PDFs say what they consist of, else the embedded renderer."""
    quarto = shutil.which("quarto")
    return QuartoRenderer(quarto) if quarto and writes_tags(quarto) else EmbeddedRenderer()


def writes_tags(quarto: str) -> bool:
    """Whether the Typst of a Quarto writes tagged PDFs, which screen readers and the controls read.

    One that does not say its version is taken for one that does not.
    """
    try:
        said = _run([quarto, "typst", "--version"], Path.cwd(), "Quarto")
    except Refusal:
        return False
    version = _VERSION.match(said)
    return version is not None and (int(version[1]), int(version[2])) >= FIRST_TYPST_WITH_TAGS


@dataclass(frozen=True)
class QuartoRenderer:
    """Calls `quarto render` twice, once per format, in the notebook's own folder."""

    command: str
    name: str = "Quarto"

    def render(self, executed: Path, page_title: str) -> None:
        folder = executed.parent
        _copy_shared_files(folder)
        _copy_fonts(folder / "fonts")
        title = _write_title(folder, page_title)
        for target, output in (("html", "statement.html"), ("typst", "statement.pdf")):
            arguments = [
                "render",
                executed.name,
                "--to",
                target,
                "--output",
                output,
                "--no-execute",
            ]
            _run([self.command, *arguments, "--metadata-file", title.name], folder, "Quarto")
            if not (folder / output).is_file():
                raise unreachable(
                    f"Quarto ended without an error but wrote no {output}", where=[str(executed)]
                )


@dataclass(frozen=True)
class EmbeddedRenderer:
    """Runs the pandoc of the pypandoc wheel, then the Typst of the typst wheel."""

    name: str = "embedded"

    def render(self, executed: Path, page_title: str) -> None:
        import pypandoc
        import typst

        folder = executed.parent
        _copy_shared_files(folder)
        for template in ("embedded.html", "embedded.typ"):
            shutil.copyfile(REPORTS / template, folder / template)
        markdown = folder / "statement.md"
        markdown.write_text(notebook_markdown(executed), encoding="utf-8")
        title = _write_title(folder, page_title)
        pandoc = pypandoc.get_pandoc_path()
        for target, output in (("html", "statement.html"), ("typst", "statement.typ")):
            template = "embedded.html" if target == "html" else "embedded.typ"
            arguments = [
                "--from",
                "markdown",
                "--to",
                target,
                "--template",
                template,
                "--output",
                output,
            ]
            inputs = ["--metadata-file", title.name, "--wrap", "preserve", markdown.name]
            _run([pandoc, *arguments, *inputs], folder, "pandoc")
        try:
            typst.compile(
                str(folder / "statement.typ"),
                output=str(folder / "statement.pdf"),
                root=str(folder),
                font_paths=[str(_font_folder())],
                ignore_system_fonts=True,
                pdf_standards=["ua-1"],
            )
        except typst.TypstError as error:
            raise unreachable(
                "Typst could not set a statement",
                found=str(error),
                where=[str(folder / "statement.typ")],
            ) from error


def notebook_markdown(executed: Path) -> str:
    """What a renderer that hides code sees: front matter, Markdown cells, Markdown outputs."""
    notebook = json.loads(executed.read_text(encoding="utf-8"))
    found = []
    for cell in notebook["cells"]:
        if cell["cell_type"] in ("raw", "markdown"):
            found.append(_text(cell["source"]))
        for output in cell.get("outputs", []):
            if "text/markdown" in output.get("data", {}):
                found.append(_text(output["data"]["text/markdown"]))
    return "\n\n".join(found) + "\n"


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _write_title(folder: Path, page_title: str) -> Path:
    """The title of the browser tab and of the PDF, in a file, because it contains a name."""
    path = folder / "title.json"
    # pandoc reads it as YAML, which knows no escapes in pairs.
    text = json.dumps({"pagetitle": markdown_text(page_title)}, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")
    return path


def _copy_shared_files(folder: Path) -> None:
    for name in SHARED_FILES:
        shutil.copyfile(REPORTS / name, folder / name)


def _font_folder() -> Path:
    """matplotlib's fonts, without importing matplotlib: DejaVu, for what Libertinus Serif lacks."""
    from importlib.util import find_spec

    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        raise unreachable("matplotlib, whose fonts the statements use, is not installed")
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"


def _copy_fonts(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for font in sorted(_font_folder().glob("DejaVuSans*.ttf")):
        shutil.copyfile(font, folder / font.name)


def _run(command: list[str], folder: Path, program: str) -> str:
    """Run a program; returns what it printed."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=RENDER_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise unreachable(
            f"{program} could not be run", found=str(error), where=[" ".join(command)]
        ) from error
    if done.returncode != 0:
        raise _failed(program, command, done)
    return done.stdout


def _failed(program: str, command: list[str], done: subprocess.CompletedProcess[str]) -> Refusal:
    lines = (done.stderr or done.stdout).strip().splitlines()
    return unreachable(
        f"{program} could not render a statement",
        found=f"exit code {done.returncode}" + (f": {lines[-1]}" if lines else ""),
        where=[" ".join(command), *lines[-6:-1]],
    )
