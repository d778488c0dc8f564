"""The month's Quarto project: one folder with a notebook for each page, and what all pages look like.

Comes in: executed notebooks. Goes out: copies of them that any renderer shows alike, beside copies of the
files that `reports/` has for all pages. The folder is kept as evidence, so that `quarto render` and
`quarto preview` work in it years later, and both renderers start from it.

What always holds: the same notebook gives the same bytes. A copy has what cells show and their tags, and
nothing of the run that made it: Quarto puts all other metadata of a cell, papermill's times among it, into
the page.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from chargeback.core.paths import REPORTS, ROOT
from chargeback.pages.escaping import markdown_text

#: What all pages of a month have in common. Quarto needs copies: a link to a partial it does not follow.
LOOK = (
    "_quarto.yml", "statement.css", "title-block.html", "typst-template.typ", "typst-show.typ",
)  # fmt: skip

#: Where what is rendered lies in a project, as `_quarto.yml` has it.
RENDERED = "_rendered"

#: What decides what a page looks like and says, beside the renderer's own version.
PAGE_MAKERS = ("reports", "chargeback/pages", "chargeback/statements")

#: The tag of a cell with parameters that were given.
INJECTED = "injected-parameters"

#: How the notebook and the data of a unit's statement are called in a project.
STATEMENT_PAGE = "statement-{}"


def statement_page(unit_id: str) -> str:
    """The name of a unit's page in a project, without an ending."""
    return STATEMENT_PAGE.format(unit_id)


def begin_project(folder: Path, look: Mapping[str, str] | None = None) -> None:
    """A folder with what all pages have in common.

    Args:
        look: another look than that of statements: a name in the folder -> a file of reports/.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in (look or {one: one for one in LOOK}).items():
        shutil.copyfile(REPORTS / source, folder / name)


def add_page(
    project: Path, name: str, executed: Path, title: str, said: Mapping[str, str] | None = None
) -> None:
    """Put an executed notebook into a project.

    Args:
        title: of the browser's tab and the PDF; it may have names in it, and is escaped here.
        said: what else the front matter says.
    """
    notebook = json.loads(executed.read_text(encoding="utf-8"))
    made = presented(notebook, title, said or {})
    text = json.dumps(made, ensure_ascii=False, indent=1, sort_keys=True)
    (project / f"{name}.ipynb").write_text(text + "\n", encoding="utf-8")


def presented(
    notebook: dict[str, Any], title: str, said: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A notebook as it is rendered: what it shows, and nothing of its run."""
    cells = [presented_cell(number, cell) for number, cell in enumerate(notebook["cells"])]
    if cells and cells[0]["cell_type"] == "raw":
        cells[0]["source"] = front_matter(text_of(cells[0]["source"]), title, said or {})
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {
                "display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3",
            },
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }  # fmt: skip


def presented_cell(number: int, cell: dict[str, Any]) -> dict[str, Any]:
    """A cell with its tags for metadata, and an id that is the same in every run."""
    tags = cell["metadata"].get("tags")
    found = {
        "cell_type": cell["cell_type"],
        "id": f"cell-{number}",
        "metadata": {"tags": tags} if tags else {},
        "source": lines_of(text_of(cell["source"])),
    }
    if cell["cell_type"] == "code":
        outputs = [{**one, "metadata": {}} for one in cell.get("outputs", ())]
        found |= {"execution_count": cell.get("execution_count"), "outputs": outputs}
    return found


def front_matter(source: str, title: str, said: Mapping[str, str]) -> list[str]:
    """The front matter of a page that was executed: as in `reports/`, with the page's own title.

    JSON is YAML; pandoc knows no escapes in pairs, so letters stand as they are.
    """
    own = json.dumps(markdown_text(title), ensure_ascii=False)
    before, _, _ = source.rstrip().rpartition("---")
    more = "".join(f"{name}: {json.dumps(text)}\n" for name, text in said.items())
    return lines_of(f"{before}pagetitle: {own}\n{more}execute:\n  enabled: false\n---\n")


def text_of(source: str | list[str]) -> str:
    """A cell's source, which the format has as one text or as lines."""
    return source if isinstance(source, str) else "".join(source)


def lines_of(source: str) -> list[str]:
    """A cell's source as lines: Quarto prints a raw cell that is one text."""
    return source.splitlines(keepends=True)


@cache
def pages_digest() -> str:
    """sha256 of what makes pages: of another version of the program, they may differ in words and looks."""
    hashed = hashlib.sha256()
    for path in page_makers():
        hashed.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        hashed.update(hashlib.sha256(made_of(path)).digest())
    return hashed.hexdigest()


def made_of(path: Path) -> bytes:
    """What counts of a file: of a notebook what it does, because Quarto puts what it showed into it."""
    if path.suffix != ".ipynb":
        return path.read_bytes()
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    own = [one for one in cells if INJECTED not in one["metadata"].get("tags", ())]
    return "\0".join(text_of(one["source"]) for one in own).encode()


def page_makers() -> Iterator[Path]:
    """The files that decide what pages say and look like, in order."""
    for name in PAGE_MAKERS:
        for path in sorted((ROOT / name).rglob("*")):
            hidden = any(one.startswith((".", "__")) for one in path.relative_to(ROOT).parent.parts)
            made = path.name.startswith(".") or RENDERED in path.parts
            if path.is_file() and not hidden and not made:
                yield path
