"""Pages set by reports/typst-template.typ as a statement's are, and what stands on them, from top to bottom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pypdfium2
import typst

from chargeback.pages.parts import Cell, Masthead, Section
from chargeback.statements.execute import REPORTS
from chargeback.statements.model import Statement
from chargeback.statements.own_pieces import SECTIONS
from chargeback.statements.render import font_folder

#: The height of a page between its running head and foot, in points: letter less the margins.
BODY = 792 - (0.95 + 0.85) * 72
TOP, FOOT = 792 - 0.95 * 72, 0.85 * 72
BELOW = 3  # what letters of the last line reach below it, at most


@dataclass(frozen=True)
class Line:
    """A line of text; its upper and lower edge in points from the foot of the page."""

    text: str
    top: float
    bottom: float


def statement_source(statement: Statement) -> str:
    """All sections of a statement under their headings, as its notebook shows them."""
    parts = []
    for heading, section in SECTIONS:
        shown = section(statement)
        if shown:
            parts += [f"== {heading}\n" if heading else "", _typst(shown)]
    return "\n".join(parts)


def masthead() -> str:
    """A small first page."""
    return Masthead(
        title="Statement of AWS charges", unit="Claims", unit_id="claims", period="May 2026",
        facts=[("Status", "Closed")], total=Cell("1.00"), total_label="Total", currency="USD",
        change="",
    ).typst()  # fmt: skip


def _typst(section: Section) -> str:
    """The block of a section that is for Typst."""
    found = re.search(r"(`{3,})\{=typst\}\n(.*?)\n\1\n", section.markdown(), re.S)
    assert found
    return found[2]


def set_pages(path: Path, body: str) -> list[list[Line]]:
    """The lines of each page between its running head and foot; the PDF is at `path` then."""
    template = (REPORTS / "typst-template.typ").read_text(encoding="utf-8")
    show = '#show: doc => article(title: [Statement of AWS charges], lang: "en", doc)'
    typst.compile(
        f"{template}\n{show}\n{body}\n".encode(), output=str(path), ignore_system_fonts=True,
        font_paths=[str(font_folder())], pdf_standards=["ua-1"],
    )  # fmt: skip
    return lines_of(path)


def lines_of(path: Path) -> list[list[Line]]:
    """The lines of each page between its running head and foot."""
    document = pypdfium2.PdfDocument(path)
    try:
        return [_lines(page.get_textpage()) for page in document]
    finally:
        document.close()


def free_heights(path: Path) -> list[float]:
    """How much of each page is empty above its running foot, in points; charts are no emptiness."""
    document = pypdfium2.PdfDocument(path)
    try:
        return [
            min(bottom for _, bottom, _, _ in _bounds(page) if bottom >= FOOT - BELOW) - FOOT
            for page in document
        ]
    finally:
        document.close()


def _bounds(page: pypdfium2.PdfPage) -> list[tuple[float, float, float, float]]:
    """Left, bottom, right and top of all that is drawn on a page."""
    return [one.get_bounds() for one in page.get_objects(max_depth=1)]


def _lines(text_page: pypdfium2.PdfTextPage) -> list[Line]:
    """What stands side by side is one line."""
    spots = []
    for number in range(text_page.count_rects()):
        left, bottom, right, top = text_page.get_rect(number)
        if bottom >= FOOT - BELOW and top <= TOP + 1:
            text = text_page.get_text_bounded(left, bottom, right, top)
            spots.append((top, bottom, left, " ".join(text.split())))
    rows: list[list[tuple[float, float, float, str]]] = []
    for spot in sorted(spots, key=lambda one: -(one[0] + one[1])):
        middle = (spot[0] + spot[1]) / 2
        if rows and any(bottom <= middle <= top for top, bottom, _, _ in rows[-1]):
            rows[-1].append(spot)
        else:
            rows.append([spot])
    return [
        Line(
            " ".join(text for *_, text in sorted(row, key=lambda one: one[2]) if text).replace(
                " ,", ","
            ),
            max(top for top, *_ in row),
            min(bottom for _, bottom, *_ in row),
        )
        for row in rows
    ]
