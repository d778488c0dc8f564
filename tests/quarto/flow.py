"""A flow of months through Quarto, and everything that is wrong with what came of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from chargeback.core.books_folders import Books
from chargeback.statements.pieces import HEADING, PICTURE, ROW, TEXT, pieces_of
from chargeback.statements.project import RENDERED, statement_page
from chargeback.statements.render import EmbeddedRenderer, Page
from tests.close.months import manifest

PLACES = (ROW, HEADING, PICTURE, TEXT)


def units_of(books: Books, period: str) -> list[str]:
    """Who has a statement."""
    return sorted(one.name for one in books.statements(period).iterdir() if one.is_dir())


def other_than_embedded(books: Books, period: str, folder: Path) -> Iterator[str]:
    """In what the statements of a closed period are not what the embedded renderer makes of their project."""
    project = folder / "project"
    shutil.copytree(books.evidence(period) / "statements", project)
    units = units_of(books, period)
    EmbeddedRenderer().render(project, [Page(statement_page(one)) for one in units], 1)
    for unit in units:
        made = project / RENDERED / statement_page(unit)
        closed = books.statements(period) / unit / "statement"
        unsigned = manifest(books, period)["unsigned_pdfs"][f"statements/{unit}/statement.pdf"]
        for medium in ("html", "pdf"):
            expected, found = (
                sorted(one.key for one in pieces_of(path, medium) if one.place in PLACES)
                for path in (made.with_suffix(f".{medium}"), closed.with_suffix(f".{medium}"))
            )
            if expected != found:
                yield f"{unit}: other pieces in {medium}"
        pdf = closed.with_suffix(".pdf").read_bytes()[: unsigned["bytes"]]
        if pdf != made.with_suffix(".pdf").read_bytes():
            yield f"{unit}: other bytes in pdf"
        page = closed.with_suffix(".html").read_text(encoding="utf-8")
        if page.count('<main class="content">') != 1 or page.count("<h1") != 1:
            yield f"{unit}: not one <main> and one <h1> in html"
    shutil.rmtree(project)
