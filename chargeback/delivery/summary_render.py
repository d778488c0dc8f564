"""The CFO's page as HTML and PDF, by whoever renders the statements.

Goes in: a `Summary`. Comes out: the bytes of both files. The page is a project of one document
(chargeback/statements/project.py) with one cell, which nobody executes: its text is made here. What always
holds: the same summary gives the same bytes with the same renderer.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from chargeback.core.paths import REPORTS
from chargeback.delivery.summary import Summary
from chargeback.delivery.summary_page import file_title, page_of
from chargeback.statements.project import RENDERED, begin_project, lines_of, presented
from chargeback.statements.render import Page, Renderer

#: What this page adds to the look of statements: appended to the file of that name in its project.
ADDED = {"summary.typ": "typst-template.typ", "summary.css": "statement.css"}

#: The page's name in its project.
PAGE = Page("summary")

FRONT_MATTER = "---\ntitle: Summary of AWS charges\nlang: en\n---\n"


@dataclass(frozen=True)
class RenderedSummary:
    """The page as it was rendered, not signed yet."""

    html: bytes
    pdf: bytes


def render_summary(summary: Summary, renderer: Renderer) -> RenderedSummary:
    """Render the page, in a folder that is gone afterwards.

    Raises:
        Refusal: (exit 6) it could not be made.
    """
    with tempfile.TemporaryDirectory(prefix="chargeback-") as temporary:
        project = Path(temporary) / "project"
        write_project(summary, project)
        renderer.render(project, [PAGE], 1)
        html, pdf = ((project / RENDERED / name).read_bytes() for name in PAGE.files)
    return RenderedSummary(html, pdf)


def write_project(summary: Summary, project: Path) -> None:
    """The project of the page."""
    begin_project(project)
    for added, name in ADDED.items():
        with (project / name).open("a", encoding="utf-8") as stream:
            stream.write((REPORTS / added).read_text("utf-8"))
    notebook = presented({"cells": cells_of(summary)}, file_title(summary))
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True)
    (project / f"{PAGE.name}.ipynb").write_text(text + "\n", encoding="utf-8")


def cells_of(summary: Summary) -> list[dict[str, object]]:
    """The front matter and the page."""
    page = page_of(summary).markdown()
    return [
        {"cell_type": "raw", "metadata": {}, "source": lines_of(FRONT_MATTER)},
        {"cell_type": "markdown", "metadata": {}, "source": lines_of(page)},
    ]
