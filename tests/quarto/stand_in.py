"""A program that does with a notebook what Quarto was seen to do, by the pandoc and Typst of the wheels.

It is written from Quarto's behaviour (1.9.38 and 1.10.18, seen on months that were closed with them), not from
what the product wants: where the product relies on something, the trap that it avoids is here as well.

    title       without `title:` the first heading of the first Markdown cell becomes the title
    levels      where no heading is of the first level, Typst gets all of them one level up
    metadata    what is an object in a cell's metadata stands in the page, whatever it is
    main        a page without a theme has no <main>
    raw         a raw cell whose source is one text is printed as text, unless it is the front matter
    block       a page with a title has a block with it above everything, by the partial title-block.html
    links       a partial that is a symbolic link is not found
    hidden      what lies in a folder that begins with a dot or a low line is no input
    versions    `quarto typst --version` says it on standard error
    notebooks   a notebook that is executed by hand has its outputs and parameters written into it
    dashboards  come with Bootstrap and more scripts, some as addresses, at the head of whatever template; each
                cell is a card that lays itself out and ends with a script; figures get a class; without a
                theme, Sass fails

Known drawbacks: it knows notebooks and the options that `reports/` uses, and no filters; Quarto writes its
pages through a browser's model of them, this one does not.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

VERSION = "1.10.18"
LOG = "QUARTO_STAND_IN_LOG"

HTML = """<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" lang="$lang$" xml:lang="$lang$"><head>

<meta charset="utf-8">
<meta name="generator" content="quarto-VERSION">

<meta name="viewport" content="width=device-width, initial-scale=1.0, user-scalable=yes">


<title>$pagetitle$</title>
<style>
code{white-space: pre-wrap;}
div.columns{display: flex; gap: min(4vw, 1.5em);}
</style>
$for(css)$
<link rel="stylesheet" href="$css$" />
$endfor$
</head>
<body>
$for(include-before)$
$include-before$
$endfor$
$if(title)$
$title-block.html()$
$endif$

$body$

$for(include-after)$
$include-after$
$endfor$
</body></html>
""".replace("VERSION", VERSION)

BLOCK = """<header id="title-block-header">
<h1 class="title">$title$</h1>
</header>
"""

TYPST = """#let horizontalrule = line(start: (25%,0%), end: (75%,0%))

$typst-template.typ()$

#set page(
  paper: $if(papersize)$"$papersize$"$else$"us-letter"$endif$,
  margin: ($for(margin/pairs)$$margin.key$: $margin.value$,$endfor$),
  numbering: none,
  columns: 1,
)

$typst-show.typ()$

$body$
"""


class Stopped(Exception):
    """What ends a render."""


def main(arguments: list[str]) -> int:
    """The command line."""
    note({"arguments": arguments, "folder": str(Path.cwd())})
    if arguments == ["--version"]:
        print(VERSION)
    elif arguments == ["typst", "--version"]:
        print(os.environ.get("QUARTO_STAND_IN_TYPST") or f"typst {metadata.version('typst')}",
              file=sys.stderr)  # fmt: skip
    elif arguments[:1] == ["render"]:
        try:
            render(*parsed(arguments[1:]))
        except Stopped as stopped:
            print(f"ERROR: {stopped}", file=sys.stderr)
            return 1
    else:
        print(f"ERROR: unknown command {arguments}", file=sys.stderr)
        return 1
    return 0


def note(call: dict[str, Any]) -> None:
    """Keep how it was called, for whoever asked."""
    if log := os.environ.get(LOG):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(json.dumps(call) + "\n")


def parsed(arguments: list[str]) -> tuple[Path, bool | None, dict[str, str]]:
    """The input, whether it is executed, and the parameters."""
    target, execute, parameters = Path(), None, {}
    rest = iter(arguments)
    for one in rest:
        if one == "--no-execute":
            execute = False
        elif one == "--execute":
            execute = True
        elif one == "-P":
            name, _, value = next(rest).partition("=")
            parameters[name] = value
        elif one.startswith("-"):
            raise Stopped(f"Unknown option {one}")
        else:
            target = Path(one)
    return target.resolve(), execute, parameters


def render(target: Path, execute: bool | None, parameters: dict[str, str]) -> None:
    """Render a project or one page of it."""
    if not target.exists():
        raise Stopped(f"No valid input files passed to render: {target}")
    root = project_of(target)
    config = yaml.safe_load((root / "_quarto.yml").read_text(encoding="utf-8"))
    inputs = list(inputs_of(root, config)) if target.is_dir() else [target]
    (root / ".quarto").mkdir(exist_ok=True)
    (root / ".quarto" / "index").write_text("\n".join(one.name for one in inputs))
    for number, path in enumerate(inputs, start=1):
        print(f"[{number}/{len(inputs)}] {path.relative_to(root)}", file=sys.stderr)
        if os.environ.get("QUARTO_STAND_IN_FAILS") == path.name:
            raise Stopped("Typst compilation failed")
        if os.environ.get("QUARTO_STAND_IN_FORGETS") != path.name:
            render_page(root, config, path, execute, parameters)


def project_of(target: Path) -> Path:
    """The folder of the project that a path is in."""
    for folder in (target, *target.parents):
        if (folder / "_quarto.yml").is_file():
            return folder
    raise Stopped(f"{target} is in no project, and this stand-in renders nothing else")


def inputs_of(root: Path, config: dict[str, Any]) -> Iterator[Path]:
    """The notebooks of a project."""
    patterns = config["project"].get("render", ["**/*.ipynb"])
    for path in sorted({one for pattern in patterns for one in root.glob(pattern)}):
        if not any(one.startswith((".", "_")) for one in path.relative_to(root).parts):
            yield path


def render_page(
    root: Path,
    config: dict[str, Any],
    path: Path,
    execute: bool | None,
    parameters: dict[str, str],
) -> None:
    """Every format of a page."""
    own = front_matter(json.loads(path.read_text(encoding="utf-8"))["cells"])[1]
    enabled = {**config.get("execute", {}), **own.get("execute", {})}.get("enabled", False)
    if enabled if execute is None else execute:
        execute_notebook(path, parameters)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells, said = titled(notebook["cells"])
    echo = {**config.get("execute", {}), **own.get("execute", {})}.get("echo", True)
    formats = said.get("format") or config.get("format", {})
    formats = (
        {formats: config.get("format", {}).get(formats, {})}
        if isinstance(formats, str)
        else formats
    )
    for name in formats:
        options = {**config.get("format", {}).get(name, {}), **(formats[name] or {})}
        write = {"html": write_html, "dashboard": write_dashboard}.get(name, write_pdf)
        of_cell = card_of if name == "dashboard" else markdown_of
        markdown = "".join(
            of_cell(number, cell, echo, name == "html") for number, cell in enumerate(cells)
        )
        page = {**said, "lang": said.get("lang", "en")}
        output = root / config["project"].get("output-dir", ".") / path.relative_to(root)
        output.parent.mkdir(parents=True, exist_ok=True)
        write(root, path, markdown, page, options, output)


def execute_notebook(path: Path, parameters: dict[str, str]) -> None:
    """Run a notebook, and write it back with what it shows."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(path, 4)
    if parameters:
        source = "# Injected Parameters\n" + "".join(
            f"{name} = {json.dumps(value)}\n" for name, value in parameters.items()
        )
        cells = [
            one
            for one in notebook.cells
            if "injected-parameters" not in one.metadata.get("tags", [])
        ]
        after = next(
            number + 1
            for number, one in enumerate(cells)
            if "parameters" in one.metadata.get("tags", [])
        )
        given = nbformat.v4.new_code_cell(source, metadata={"tags": ["injected-parameters"]})
        notebook.cells = [*cells[:after], given, *cells[after:]]
    try:
        client = NotebookClient(notebook, kernel_name="python3", record_timing=False,
                                resources={"metadata": {"path": str(path.parent)}})  # fmt: skip
        client.execute()
    except CellExecutionError as error:
        raise Stopped(str(error)) from error
    nbformat.write(notebook, path)


def front_matter(cells: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    """Which cell has the front matter, -1 for none, and what it says."""
    for number, cell in enumerate(cells):
        text = text_of(cell["source"]).strip()
        if cell["cell_type"] in ("raw", "markdown") and text.startswith("---"):
            found = yaml.safe_load(text.split("---")[1])
            return number, found if isinstance(found, dict) else {}
    return -1, {}


def titled(cells: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The cells below the front matter, and what that says; a title is snipped out where it has none."""
    number, said = front_matter(cells)
    cells = deepcopy(cells)
    if number >= 0 and isinstance(cells[number]["source"], list):
        del cells[number]
    if said.get("title"):
        return cells, said
    for cell in cells:
        if cell["cell_type"] == "markdown":
            first, _, rest = text_of(cell["source"]).strip().partition("\n")
            if first.startswith("#"):
                cell["source"] = [rest]
                return cells, {**said, "title": first.lstrip("# ")}
            break
    return cells, said


def markdown_of(number: int, cell: dict[str, Any], echo: bool, envelope: bool) -> str:
    """A cell, in HTML in its envelope, which filters take off for other formats."""
    text = text_of(cell["source"])
    if cell["cell_type"] == "raw":
        return f"\n{text}\n" if isinstance(cell["source"], list) else f"\n```\n{text}\n```\n"
    if cell["cell_type"] == "markdown":
        inner = text
    else:
        shown = [f"``` {{.python .cell-code}}\n{text}\n```"] if echo else []
        for output in cell.get("outputs", ()):
            if markdown := output.get("data", {}).get("text/markdown"):
                kind = "{.cell-output .cell-output-display .cell-output-markdown}"
                text = text_of(markdown)
                shown.append(f":::: {kind}\n{text}\n::::" if envelope else text)
        if not shown:
            return ""
        inner = "\n\n".join(shown)
    if not envelope:
        return f"\n{inner}\n"
    attributes = [f"#{cell.get('id', f'cell-{number}')}", ".cell"]
    for place, (name, value) in enumerate(cell["metadata"].items(), start=1):
        if isinstance(value, dict):
            private = json.dumps({"key": name, "value": value}).replace("\\", "\\\\")
            attributes.append(f'quarto-private-{place}="' + private.replace('"', '\\"') + '"')
        elif name == "tags":
            attributes.append(f"tags='{json.dumps(value)}'")
    return f"\n::::: {{{' '.join(attributes)}}}\n{inner}\n:::::\n"


CARD = """
```{=html}
<div class="card cell bslib-card html-fill-container" data-fill="false" data-bslib-card-init>
<div class="card-body html-fill-item html-fill-container">
<div class="cell-output cell-output-display cell-output-markdown html-fill-item html-fill-container">
```
%s
```{=html}
</div>
</div>
<script data-bslib-card-init>bslib.Card.initializeAllCards();</script></div>
```
"""

LIBRARIES = """
<script>/*!
 * clipboard.js v2.0.11
 */
!function(t,e){"use strict";}(this,function(){});</script>
<script src="data:application/javascript;base64,Ly8gdGFic2V0cw==" type="module"></script>
<link href="data:text/css,%3Aroot%7B%2D%2Dbs%2Dblue%3A%230d6efd%7D" rel="stylesheet">
<style type="text/css">.tippy-box{position:relative}</style>
"""


def card_of(number: int, cell: dict[str, Any], echo: bool, envelope: bool) -> str:
    """A cell of a dashboard: a card, where it shows something."""
    shown = [
        text_of(output["data"]["text/markdown"])
        for output in cell.get("outputs", ())
        if "text/markdown" in output.get("data", {})
    ]
    return CARD % "\n\n".join(shown) if any(shown) else ""


def write_dashboard(
    root: Path,
    path: Path,
    markdown: str,
    page: dict[str, Any],
    options: dict[str, Any],
    output: Path,
) -> None:
    """A page as a dashboard, which brings its libraries along."""
    if options.get("theme") == "none" or options.get("minimal"):
        raise Stopped("Theme file compilation failed:\n\nError: Undefined variable.")
    own = Path(root, options["template"]).read_text(encoding="utf-8")
    made = output.with_suffix(".html")
    with tempfile.TemporaryDirectory() as temporary:
        template = staged(root, options, own, {}, Path(temporary))
        pandoc("html", markdown, page, template, made, root, ["--wrap", "none"])
    text = re.sub(r"(<svg [^>]*)viewBox", r"\1viewbox", made.read_text(encoding="utf-8"))
    text = text.replace("<head>", f"<head>{LIBRARIES}", 1)
    text = text.replace(
        '<div class="beside">', '<div class="beside html-fill-item html-fill-container">'
    )
    text = re.sub(r"(<figure [^>]*)>", r'\1 class="figure">', text)
    grid = (
        '<div class="bslib-grid" data-layout="flow" style="display: grid; grid-auto-columns: 1fr;">'
    )
    text = text.replace('<main class="content">', f'<main class="content">\n{grid}', 1)
    hidden = (
        '<div id="3ade8a4a-fb1d-4a6c-8409-ac45482d5fc9" class="hidden">\n\n</div>\n</div>\n</main>'
    )
    made.write_text(text.replace("</main>", hidden, 1), encoding="utf-8")


def write_html(
    root: Path,
    path: Path,
    markdown: str,
    page: dict[str, Any],
    options: dict[str, Any],
    output: Path,
) -> None:
    """A page as one HTML file."""
    with tempfile.TemporaryDirectory() as temporary:
        template = staged(root, options, HTML, {"title-block.html": BLOCK}, Path(temporary))
        extra = []
        for option in ("include-before-body", "include-after-body"):
            if said := options.get(option):
                included = Path(temporary, option)
                included.write_text(said["text"] if isinstance(said, dict) else said)
                extra += [f"--{option}", str(included)]
        if options.get("css"):
            extra += ["--css", str(root / options["css"])]
        if options.get("embed-resources"):
            extra += ["--embed-resources"]
        page = {"pagetitle": page.get("title", path.stem), **page}
        pandoc("html", markdown, page, template, output.with_suffix(".html"), root, extra)


def write_pdf(
    root: Path,
    path: Path,
    markdown: str,
    page: dict[str, Any],
    options: dict[str, Any],
    output: Path,
) -> None:
    """A page as a PDF."""
    import typst

    source = path.with_suffix(".typ")
    with tempfile.TemporaryDirectory() as temporary:
        template = staged(root, options, TYPST, {}, Path(temporary))
        shift = options.get("shift-heading-level-by")
        if shift is None and not any(one.startswith("# ") for one in markdown.splitlines()):
            shift = -1
        extra = ["--shift-heading-level-by", str(shift or 0), "--wrap", "none"]
        page = {"margin": options.get("margin"), "papersize": options.get("papersize"), **page}
        pandoc("typst", markdown, page, template, source, root, extra)
    fonts = [str(root / options["font-paths"])] if options.get("font-paths") else []
    standard = [options["pdf-standard"]] if options.get("pdf-standard") else []
    try:
        typst.compile(str(source), output=str(output.with_suffix(".pdf")), root=str(root),
                      font_paths=fonts, ignore_system_fonts=True, pdf_standards=standard)  # fmt: skip
    except typst.TypstError as error:
        raise Stopped(f"{error}\nTypst compilation failed") from error
    source.unlink()


def staged(
    root: Path, options: dict[str, Any], template: str, known: dict[str, str], folder: Path
) -> Path:
    """The template with its partials beside it: Quarto's own, and those of the project over them."""
    for name, text in known.items():
        (folder / name).write_text(text)
    for name in options.get("template-partials", ()):
        path = root / name
        if path.is_symlink() or not path.is_file():
            raise Stopped(f"Template partial {name} was not found.")
        shutil.copyfile(path, folder / path.name)
    (folder / "template.patched").write_text(template)
    return folder / "template.patched"


def pandoc(
    target: str,
    markdown: str,
    page: dict[str, Any],
    template: Path,
    output: Path,
    root: Path,
    extra: list[str],
) -> None:
    """Convert by pandoc."""
    import subprocess

    import pypandoc

    said = template.with_name("metadata.json")
    said.write_text(json.dumps(page, ensure_ascii=False), encoding="utf-8")
    done = subprocess.run(
        [pypandoc.get_pandoc_path(), "--standalone", "--from", "markdown", "--to", target,
         "--template", str(template), "--metadata-file", str(said), "--output", str(output), *extra],
        input=markdown, cwd=root, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    if done.returncode:
        raise Stopped(done.stderr.strip())


def text_of(source: str | list[str]) -> str:
    """A cell's source, which may be one text."""
    return source if isinstance(source, str) else "".join(source)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
