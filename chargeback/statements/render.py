"""A month's pages as HTML and PDF: by Quarto when it is there, else by the embedded renderer.

Both start from the same project (`project`), read nothing else, execute nothing, and use the same stylesheet
and the same Typst partials. Quarto renders the whole month at once, which takes half of the time of a render
a page. What always holds: the same project gives the same bytes, because fonts come from the packages that
render, and no date is written.

Known drawbacks: Quarto brings its own pandoc and Typst, so its files differ in bytes from the embedded ones,
and between Quarto's versions: the record of a renderer says which one it was. The figures are read back
from whichever files were made, by the tags of the PDF: a Quarto whose Typst writes none is not used.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from chargeback.core.confidential import without_secrets
from chargeback.core.errors import Refusal, unreachable
from chargeback.core.json_text import read_json
from chargeback.core.paths import REPORTS
from chargeback.statements.project import RENDERED, pages_digest, text_of

RENDER_TIMEOUT_SECONDS = 300
FIRST_TYPST_WITH_TAGS = (0, 14)
#: Of what a program says when it fails, the last lines.
LINES_TOLD = 10

#: How Typst begins when a page cannot keep to the standard.
NOT_BY_STANDARD = "PDF/UA-1 error"
#: What asks Quarto for it, a line of `_quarto.yml`.
STANDARD = re.compile(r"^ *pdf-standard:.*\n", re.M)
_VERSION = re.compile(r"typst ([0-9]+)\.([0-9]+)(\.[0-9]+)?")

#: Of reports/: what the embedded renderer has pandoc do, and puts around a page of Typst.
CONVERSION, TYPST_TEMPLATE = "embedded.lua", "embedded.typ"
#: Pages that one run of pandoc converts: its start no longer counts, and no processor waits for another's.
MOST_TOGETHER = 8

#: What RENDERER= can name.
QUARTO, EMBEDDED = "quarto", "embedded"
RENDERERS = (QUARTO, EMBEDDED)


@dataclass(frozen=True)
class Page:
    """A page of a project.

    Args:
        name: of its notebook, and of what is rendered, without an ending.
        has_pdf: whether it is set as a PDF as well.
        template: of reports/, what the embedded renderer puts around it.
    """

    name: str
    has_pdf: bool = True
    template: str = "embedded.html"

    @property
    def files(self) -> tuple[str, ...]:
        """What rendering makes of it."""
        return (f"{self.name}.html", *([f"{self.name}.pdf"] if self.has_pdf else []))


class Renderer(Protocol):
    """Makes the pages of a project, in its folder `_rendered`."""

    @property
    def record(self) -> dict[str, str]:
        """What a manifest says of it: name, versions, and what made the pages that it renders."""

    def render(self, project: Path, pages: Sequence[Page], at_once: int) -> None:
        """Render pages, some at the same time.

        Raises:
            Refusal: (exit 6) a page could not be made; says which and why.
        """


def find_renderer(wanted: str = "") -> Renderer:
    """The renderer of that name; else Quarto if there is one whose PDFs have tags, else the embedded one.

    Raises:
        Refusal: (exit 6) Quarto is wanted and not there, or is too old.
    """
    found = find_quarto() if wanted != EMBEDDED else None
    if found:
        quarto = QuartoRenderer(found)
        if quarto.writes_tags:
            return quarto
        if wanted == QUARTO:
            raise no_quarto(
                f"Quarto {quarto.version or 'of an unknown version'}, with Typst "
                f"{quarto.typst or 'of an unknown version'}",
                [found],
            )
    elif wanted == QUARTO:
        raise no_quarto("none on PATH, nor in this environment", [])
    return EmbeddedRenderer()


def find_quarto() -> str | None:
    """The path of a Quarto: on PATH, else where the package quarto-cli puts it, beside this Python."""
    return shutil.which("quarto") or shutil.which("quarto", path=str(Path(sys.executable).parent))


def renderer_text(record: Mapping[str, str]) -> str:
    """A renderer with its versions, for a reader."""
    if not record:
        return "a renderer that was not recorded"
    rest = {key: text for key, text in record.items() if key not in ("name", "version", "pages")}
    called = " ".join(record[key] for key in ("name", "version") if key in record)
    return f"{called} ({', '.join(f'{key} {text}' for key, text in sorted(rest.items()))})"


def there(name: str) -> str:
    """The name of the renderer that rendered before, where it is here; blank for any, where it is not."""
    try:
        find_renderer(name)
    except Refusal:
        return ""
    return name


def no_quarto(found: str, where: list[str]) -> Refusal:
    """That Quarto was asked for and cannot be used."""
    first = ".".join(map(str, FIRST_TYPST_WITH_TAGS))
    return unreachable(
        "there is no Quarto that can render statements",
        f"quarto on PATH, 1.9 or later: its Typst, {first} or later, writes tagged PDFs", found, where,
        ["install it: .venv/bin/python -m pip install quarto-cli, which fetches it, or from quarto.org",
         "or let the embedded renderer do it: RENDERER=embedded"],
    )  # fmt: skip


@dataclass(frozen=True)
class QuartoRenderer:
    """Calls `quarto render` once for the whole project.

    Args:
        command: the program's path.
    """

    command: str

    @cached_property
    def version(self) -> str:
        """Quarto's own version; empty where it does not say."""
        return self._said("--version").strip()

    @cached_property
    def typst(self) -> str:
        """The version of its Typst, which Quarto passes on to standard error; empty where it does not say."""
        version = _VERSION.search(self._said("typst", "--version"))
        return version[0].removeprefix("typst ") if version else ""

    @property
    def writes_tags(self) -> bool:
        """Whether its PDFs are tagged, which screen readers and the controls read."""
        major, _, rest = self.typst.partition(".")
        minor = rest.partition(".")[0]
        return bool(self.typst) and (int(major), int(minor)) >= FIRST_TYPST_WITH_TAGS

    @property
    def record(self) -> dict[str, str]:
        versions = {"name": QUARTO, "version": self.version, "typst": self.typst}
        return {**versions, "pages": pages_digest()}

    def render(self, project: Path, pages: Sequence[Page], at_once: int) -> None:
        (project / "fonts").symlink_to(font_folder())  # where `_quarto.yml` has Typst look for them
        # Fonts of this machine would be on the pages of this machine alone.
        environment = {
            **without_secrets(os.environ, aws=False),
            "TYPST_IGNORE_SYSTEM_FONTS": "true",
            "NO_COLOR": "1",
        }
        seconds = RENDER_TIMEOUT_SECONDS * max(1, len(pages))
        command = [self.command, "render", ".", "--no-execute"]
        try:
            run_program(command, project, "Quarto", environment, seconds)
        except Refusal as refusal:
            if not any(NOT_BY_STANDARD in one for one in (refusal.found, *refusal.where)):
                raise
            # As in `set_pdf`; here all pages of the month are set without it.
            settings = project / "_quarto.yml"
            kept = settings.read_text(encoding="utf-8")
            settings.write_text(STANDARD.sub("", kept), encoding="utf-8")
            run_program(command, project, "Quarto", environment, seconds)
            settings.write_text(kept, encoding="utf-8")
        for name in (name for page in pages for name in page.files):
            if not (project / RENDERED / name).is_file():
                raise unreachable(
                    f"Quarto ended without an error but wrote no {name}", where=[str(project)]
                )

    def _said(self, *arguments: str) -> str:
        """What it prints for some arguments, wherever it prints it; empty where it fails."""
        try:
            done = run_program([self.command, *arguments], Path.cwd(), "Quarto")
        except Refusal:
            return ""
        return done.stdout + done.stderr


@dataclass(frozen=True)
class EmbeddedRenderer:
    """Runs the pandoc of the pypandoc wheel, for some pages at a time, then the Typst of the typst wheel."""

    @cached_property
    def versions(self) -> dict[str, str]:
        """Of the two programs."""
        said = run_program([pandoc_program(), "--version"], Path.cwd(), "pandoc").stdout
        return {"pandoc": said.split(maxsplit=2)[1], "typst": metadata.version("typst")}

    @property
    def record(self) -> dict[str, str]:
        return {"name": EMBEDDED, **self.versions, "pages": pages_digest()}

    def render(self, project: Path, pages: Sequence[Page], at_once: int) -> None:
        (project / RENDERED).mkdir(exist_ok=True)
        for template in {CONVERSION, TYPST_TEMPLATE, *(page.template for page in pages)}:
            shutil.copyfile(REPORTS / template, project / template)
        with ThreadPoolExecutor(max(1, at_once)) as pool:
            some = batches(pages, at_once)
            for done in [pool.submit(self._render_pages, project, one) for one in some]:
                try:
                    done.result()
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise

    def _render_pages(self, project: Path, pages: Sequence[Page]) -> None:
        for page in pages:
            markdown = notebook_markdown(project / f"{page.name}.ipynb")
            (project / f"{page.name}.md").write_text(markdown, encoding="utf-8")
        convert_pages(project, pages)
        for page in pages:
            if page.has_pdf:
                output = project / RENDERED / f"{page.name}.pdf"
                set_pdf(project, project / f"{page.name}.typ", output)


def batches(pages: Sequence[Page], at_once: int) -> Iterator[Sequence[Page]]:
    """Pages as they are rendered together: a few at a time, and no renderer without any of them."""
    each = max(1, min(MOST_TOGETHER, -(-len(pages) // max(1, at_once))))
    for first in range(0, len(pages), each):
        yield pages[first : first + each]


def convert_pages(project: Path, pages: Sequence[Page]) -> None:
    """Pages of a project from Markdown to HTML and to Typst, by one pandoc: it starts and reads each once.

    Raises:
        Refusal: (exit 6) pandoc could not convert a page; its command is that of the page alone.
    """
    try:
        run_conversion(project, pages)
    except Refusal:
        if len(pages) == 1:
            raise
        for page in pages:  # which of them it is
            run_conversion(project, [page])


def run_conversion(project: Path, pages: Sequence[Page]) -> None:
    """Run pandoc on some pages."""
    arguments = []
    for page in pages:
        arguments += [f"./{page.name}.md", page.template, f"{RENDERED}/{page.name}.html"]
        arguments += [TYPST_TEMPLATE, f"./{page.name}.typ" if page.has_pdf else ""]
    # What this machine's user has set for pandoc's scripts would be on the pages of this machine alone.
    own = {"HOME": str(project), "XDG_DATA_HOME": str(project)}
    environment = {**without_secrets(os.environ, aws=False), **own}
    command = [pandoc_program(), "lua", "-E", CONVERSION, *arguments]
    run_program(command, project, "pandoc", environment)


def pandoc_program() -> str:
    """The pandoc that lies in the pypandoc wheel.

    The wheel's own functions run pandoc to find it, with everything that stands in this process's environment.
    """
    from importlib.util import find_spec

    package = find_spec("pypandoc")
    folder = Path(package.origin).parent / "files" if package and package.origin else None
    found = shutil.which("pandoc", path=folder) if folder else None
    if found is None:
        raise unreachable(
            "pandoc, which sets the statements, is not installed", where=[str(folder)]
        )
    return found


def set_pdf(project: Path, source: Path, output: Path, to_standard: bool = True) -> None:
    """Set a page of Typst as a tagged PDF that keeps to PDF/UA-1.

    A page whose texts cannot keep to it, for a sign that no font has a shape for, is set without the standard:
    a name must not stop a close.
    """
    import typst

    try:
        typst.Compiler(str(source), root=str(project), font_paths=fonts()).compile(
            output=str(output), format="pdf", pdf_standards=["ua-1"] if to_standard else []
        )
    except typst.TypstError as error:
        if to_standard and NOT_BY_STANDARD in str(error):
            set_pdf(project, source, output, to_standard=False)
            return
        raise unreachable(
            "Typst could not set a statement", found=str(error), where=[str(source)]
        ) from error


@cache
def fonts() -> Any:
    """The fonts of the packages that render, and none of this machine; looked through once."""
    import typst

    return typst.Fonts(include_system_fonts=False, font_paths=[str(font_folder())])


def notebook_markdown(notebook: Path) -> str:
    """What a renderer that hides code sees: front matter, Markdown cells, Markdown outputs."""
    found = []
    for cell in read_json(notebook.read_bytes())["cells"]:
        if cell["cell_type"] in ("raw", "markdown"):
            found.append(text_of(cell["source"]))
        for output in cell.get("outputs", []):
            if "text/markdown" in output.get("data", {}):
                found.append(text_of(output["data"]["text/markdown"]))
    return "\n\n".join(found) + "\n"


def font_folder() -> Path:
    """matplotlib's fonts, without importing matplotlib: DejaVu, for what Libertinus Serif lacks."""
    from importlib.util import find_spec

    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        raise unreachable("matplotlib, whose fonts the statements use, is not installed")
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"


def run_program(
    command: list[str],
    folder: Path,
    program: str,
    environment: Mapping[str, str] | None = None,
    seconds: int = RENDER_TIMEOUT_SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run a program; returns what it printed (exit 6 where it fails)."""
    if environment is None:
        environment = without_secrets(os.environ, aws=False)
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, encoding="utf-8",
            errors="replace", timeout=seconds, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise unreachable(
            f"{program} could not be run", found=str(error), where=[" ".join(command)]
        ) from error
    if done.returncode != 0:
        raise failed(program, command, done)
    return done


def failed(program: str, command: list[str], done: subprocess.CompletedProcess[str]) -> Refusal:
    """That a program could not render, in its own words."""
    lines = [one for one in (done.stderr or done.stdout).splitlines() if one.strip()]
    return unreachable(
        f"{program} could not render a statement",
        found=f"exit code {done.returncode}" + (f": {lines[-1]}" if lines else ""),
        where=[" ".join(command), *lines[-LINES_TOLD:-1]],
    )
