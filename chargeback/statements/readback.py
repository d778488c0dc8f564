"""The figures of finished statements, read back from the files the way their readers see them.

Comes in: a folder with `<business_unit_id>/statement.{html,pdf,csv}`. Goes out:
`statement_figures`, one row per figure found: the total, each cost center's total, each kind's
total, each pool's amount, the change of the total and its parts. Nothing is taken from what the
statements were made of; a figure that cannot be read as an amount stays in the table without one,
so that the control finds it.

- HTML: the visible text of the elements that carry `data-section` and `data-key`.
- PDF: text by its place on the page. A row begins where an amount touches the right margin; what it
  is about stands at the left margin: a name with its id below, or a label. Headings say which table
  it is.
- CSV: sums of the column `amount`.

Known drawback: the PDF reader knows the headings and the columns of this statement. When the layout
changes, it finds too little, and the control fails rather than passing.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ctypes import c_double, create_string_buffer
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from chargeback.core.errors import unreachable
from chargeback.core.money import MINUS
from chargeback.pages.escaping import BREAK
from chargeback.pages.vocabulary import CHANGES, KINDS
from chargeback.statements import wording
from chargeback.statements.inputs import StatementInputs

FIGURES = pa.schema(
    [
        ("business_unit_id", pa.string()),
        ("medium", pa.string()),  # html, pdf, csv
        ("section", pa.string()),  # total, cost_center, kind, pool, correction, change
        ("key", pa.string()),  # "total", id of cost center or pool, kind, period, part of a change
        ("amount", pa.decimal128(38, 2)),  # null where the file shows something that is no amount
    ]
)
MEDIA = ("html", "pdf", "csv")

Figure = tuple[str, str, Decimal | None]

_AMOUNT = re.compile(rf"[{MINUS}-]?\d{{1,3}}(,\d{{3}})*\.\d\d")
_PLAIN_AMOUNT = re.compile(r"-?\d+\.\d\d", re.ASCII)

# The headings of the statement under which figures of the ledger stand, and what their rows are
# about.
_PDF_SECTIONS = {
    wording.WHY_IT_CHANGED: "change",
    wording.BY_COST_CENTER: "cost_center",
    wording.BY_SERVICE: "",
    wording.BY_ACCOUNT: "",
    wording.SHARED_COST: "pool",
    wording.OTHER_LINES: "",
    wording.CORRECTIONS: "correction",
    wording.UNTAGGED: None,  # nothing of the ledger from here on
}
_CHANGE_LABELS = {label: code for code, (label, _) in CHANGES.items()} | {wording.CHANGE: "total"}
_LABELS = {label: ("kind", kind) for kind, label in KINDS.items()} | {
    wording.TOTAL: ("total", "total")
}

_POINTS_OF_HEADING = 8.6  # a heading is taller than the same words in a table
_POINTS_OF_MARGIN = 2.0  # how far a glyph may stand off the margin that it touches
_POINTS_OFF_BASELINE = 1.0  # how far the letters of one line may differ
_POINTS_OF_SIZE = 0.5  # an amount and the currency beside it differ by more
_WORD_SPACE = 0.6  # of the type's size; columns stand further apart
_UNSEEN = {BREAK, "\0"}
_HYPHENS = {"\x02", "\ufffe"}
_POINTS_BETWEEN_LINES = 8.5  # lines of one cell are closer than a table and the text after it


def read_figures(folder: Path, inputs: StatementInputs) -> pa.Table:
    """All figures of all units in all media.

    Raises:
        Refusal: a file is absent.
    """
    rows = []
    ids = known_ids(inputs)
    for unit_id in sorted(inputs.params.business_units):
        for medium in MEDIA:
            path = statement_file(folder, unit_id, medium)
            if medium == "html":
                figures = html_figures(path)
            elif medium == "pdf":
                figures = pdf_figures(path, ids)
            else:
                figures = csv_figures(path)
            for section, key, amount in dict.fromkeys(figures):
                values = (unit_id, medium, section, key, amount)
                rows.append(dict(zip(FIGURES.names, values, strict=True)))
    return pa.Table.from_pylist(rows, schema=FIGURES)


def statement_file(folder: Path, unit_id: str, medium: str) -> Path:
    """The place of a finished file; it must be there."""
    path = folder / unit_id / f"statement.{medium}"
    if not path.is_file():
        raise unreachable(f"a statement of {unit_id} is missing", "a file", "none", [str(path)])
    return path


def known_ids(inputs: StatementInputs) -> dict[str, set[str]]:
    """The ids that a row of the PDF can be about."""
    postings = inputs.postings
    return {
        "cost_center": set(postings["cost_center_id"].to_pylist())
        | set(inputs.params.cost_centers),
        "pool": set(postings["pool_id"].to_pylist())
        | {pool.pool_id for pool in inputs.params.pools},
        "correction": set(postings["original_period"].to_pylist()),
    }


def parse_amount(text: str) -> Decimal | None:
    """The amount a reader sees; None when it is none.

    >>> parse_amount("\u22121,234.50")
    Decimal('-1234.50')
    """
    text = text.strip()
    if not _AMOUNT.fullmatch(text):
        return None
    return Decimal(text.replace(",", "").replace(MINUS, "-"))


def parse_figure(section: str, text: str) -> Decimal | None:
    """The amount of a figure; a rise is shown with its sign where changes are."""
    return parse_amount(text.strip().removeprefix("+") if section == "change" else text)


class _FigureParser(HTMLParser):
    """Collects the visible text of elements that name a figure."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.figures: list[tuple[str, str, str]] = []
        self._open: list[str] = []  # the elements around, from the one that names a figure on
        self._named: tuple[str, str] = ("", "")
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if self._open:
            self._open.append(tag)
        elif "data-section" in values:
            self._open = [tag]
            self._named = (values["data-section"] or "", values.get("data-key") or "")
            self._text = ""

    def handle_endtag(self, tag: str) -> None:
        if self._open and tag == self._open[-1]:
            self._open.pop()
            if not self._open:
                self.figures.append((*self._named, self._text))

    def handle_data(self, data: str) -> None:
        if self._open:
            self._text += data


def html_figures(path: Path) -> Iterator[Figure]:
    """The figures that an HTML statement shows."""
    parser = _FigureParser()
    parser.feed(path.read_text(encoding="utf-8"))
    parser.close()
    for section, key, text in parser.figures:
        yield section, key, parse_figure(section, text)


def csv_figures(path: Path) -> Iterator[Figure]:
    """The figures that a reader gets by summing a CSV statement.

    A sum with a cell that is no amount in cents is none.
    """
    sums: dict[tuple[str, str], Decimal | None] = {("total", "total"): Decimal("0.00")}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            text = row["amount"] or ""
            amount = Decimal(text) if _PLAIN_AMOUNT.fullmatch(text) else None
            keys = [
                ("total", "total"),
                ("kind", row["kind"]),
                ("cost_center", row["cost_center_id"]),
            ]
            if row["kind"] == "allocated":
                keys.append(("pool", row["pool_id"]))
            if row.get("original_period"):
                keys.append(("correction", row["original_period"]))
            for section, key in keys:
                figure = (section, key.removeprefix("'"))
                so_far = sums.get(figure, Decimal("0.00"))
                sums[figure] = None if so_far is None or amount is None else so_far + amount
    for (section, key), amount in sums.items():
        yield section, key, amount


class Run(NamedTuple):
    """A piece of text on a page, in points from the bottom left."""

    text: str
    left: float
    right: float
    bottom: float
    top: float


@contextmanager
def open_pdf(path: Path) -> Iterator[Any]:
    """A PDF, closed afterwards.

    Raises:
        Refusal: the file is no PDF.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise unreachable(
            "the PDF of a statement cannot be read", "a PDF", str(error), [str(path)]
        ) from error
    try:
        yield document
    finally:
        document.close()


def pdf_pages(path: Path) -> Iterator[list[Run]]:
    """The pages of a PDF as pieces of text, in the order in which they were set."""
    for page in read_pdf(path).pages:
        yield page.runs


@dataclass(frozen=True)
class Page:
    """What a page of a PDF says.

    Args:
        pictures: what a screen reader says in their place.
        text: all of it, in one line.
    """

    runs: list[Run]
    pictures: list[str]
    text: str


@dataclass(frozen=True)
class PdfText:
    """What a PDF says."""

    title: str
    pages: list[Page]


def read_pdf(path: Path) -> PdfText:
    """What a PDF says; of the same bytes, read once for all who ask.

    Raises:
        Refusal: the file is no PDF.
    """
    try:
        return _read_pdf(path, hashlib.sha256(path.read_bytes()).hexdigest())
    except FileNotFoundError as error:
        raise unreachable(
            "the PDF of a statement cannot be read", "a PDF", str(error), [str(path)]
        ) from error


@lru_cache(maxsize=256)
def _read_pdf(path: Path, _: str) -> PdfText:
    with open_pdf(path) as document:
        title, pages = document.get_metadata_value("Title"), []
        for page in document:
            pieces = list(_neighbours(page.get_textpage()))
            words = (
                "".join(glyph.text for glyph in piece) + ("" if piece[-1].joins else " ")
                for piece in pieces
            )
            pages.append(
                Page(
                    [run for run in map(_run_of, pieces) if run.text],
                    list(alternative_texts(page)),
                    " ".join("".join(words).split()),
                )
            )
    return PdfText(title, pages)


class Glyph(NamedTuple):
    """A character of a page: the ink's box, and the advance's from left to right.

    Args:
        joins: a word may break here, so what follows on the next line is the same word.
    """

    text: str
    ink: Run
    left: float
    right: float
    baseline: float
    size: float
    joins: bool = False

    def continues(self, before: Glyph) -> bool:
        """Whether it stands beside another of its size, a word space away at most."""
        gap = max(self.left - before.right, before.left - self.right)
        same_line = abs(self.baseline - before.baseline) < _POINTS_OFF_BASELINE
        same_size = abs(self.size - before.size) < _POINTS_OF_SIZE
        return same_line and same_size and gap < _WORD_SPACE * self.size


def _neighbours(text_page: Any) -> Iterator[list[Glyph]]:
    """The characters of a page, those together that a reader sees as one text.

    pdfium's own pieces are no help: a PDF may set a comma apart from the digits around it, which
    Typst does when the same comma stands before a break elsewhere.
    """
    piece: list[Glyph] = []
    for glyph in _glyphs(text_page):
        if piece and not glyph.continues(piece[-1]):
            yield piece
            piece = []
        piece.append(glyph)
    if piece:
        yield piece


def _glyphs(text_page: Any) -> Iterator[Glyph]:
    """The visible characters of a page; a space goes with the character before it.

    Spaces that pdfium guesses from gaps are left out: it sees some inside numbers.
    """
    from pypdfium2 import raw

    page = text_page.raw
    x, y, left, bottom, right, top = (c_double() for _ in range(6))
    advance = raw.FS_RECTF()
    before: Glyph | None = None
    for number in range(text_page.count_chars()):
        text = chr(raw.FPDFText_GetUnicode(page, number))
        if before and text == BREAK:
            before = before._replace(joins=True)
        if text in _UNSEEN or raw.FPDFText_IsGenerated(page, number) == 1:
            continue
        if text.isspace():
            if before and not before.text.endswith(" "):
                before = before._replace(text=before.text + " ", joins=False)
            continue
        if before:
            yield before
        found = (
            raw.FPDFText_GetCharOrigin(page, number, x, y)
            and raw.FPDFText_GetCharBox(page, number, left, right, bottom, top)
            and raw.FPDFText_GetLooseCharBox(page, number, advance)
        )
        if not found:
            raise unreachable("the place of a letter in a statement's PDF cannot be read")
        # pdfium writes a hyphen at the end of a line as one of these.
        at_end = text in _HYPHENS
        ink = Run("-" if at_end else text, left.value, right.value, bottom.value, top.value)
        size = raw.FPDFText_GetFontSize(page, number)
        before = Glyph(ink.text, ink, advance.left, advance.right, y.value, size, at_end)
    if before:
        yield before


def _run_of(piece: list[Glyph]) -> Run:
    return Run(
        "".join(glyph.text for glyph in piece).strip(),
        min(glyph.ink.left for glyph in piece),
        max(glyph.ink.right for glyph in piece),
        min(glyph.ink.bottom for glyph in piece),
        max(glyph.ink.top for glyph in piece),
    )


def pdf_figures(path: Path, ids: dict[str, set[str]]) -> Iterator[Figure]:
    """The figures that a PDF statement shows."""
    section: str | None = "kind"
    margins: tuple[float, float] | None = None
    for number, runs in enumerate(pdf_pages(path)):
        if number == 0 and runs:
            amounts = [run for run in runs if parse_amount(run.text) is not None]
            if amounts:
                tallest = max(amounts, key=lambda run: run.top - run.bottom)
                yield "total", "total", parse_amount(tallest.text)
            margins = (min(run.left for run in runs), max(run.right for run in runs))
        if margins is None:
            return
        left, right = margins
        at_left = [run for run in runs if abs(run.left - left) < _POINTS_OF_MARGIN]
        starts = [
            (run.top, None, run.text)
            for run in at_left
            if run.text in _PDF_SECTIONS and run.top - run.bottom > _POINTS_OF_HEADING
        ]
        rows = [
            (run.top, run, run.text)
            for run in runs
            if abs(run.right - right) < _POINTS_OF_MARGIN
            and _AMOUNT.fullmatch(run.text.removeprefix("+"))
        ]
        events = sorted([*starts, *rows], key=lambda event: -event[0])
        for place, (top, run, text) in enumerate(events):
            if run is None:
                section = _PDF_SECTIONS[text]
            elif section is not None:
                below = events[place + 1][0] if place + 1 < len(events) else 0.0
                named = _name_of_row(_lines_of_row(at_left, top, below), section, ids)
                if named:
                    yield (*named, parse_figure(section, text))


def _lines_of_row(at_left: list[Run], top: float, below: float) -> list[str]:
    """The lines at the left margin that belong to the row whose amount is at `top`."""
    lines: list[Run] = []
    for run in sorted(at_left, key=lambda run: -run.top):
        # The name starts beside the amount; both tops vary with their letters.
        if run.bottom > top or run.top <= below + 3.0:
            continue
        if lines and lines[-1].bottom - run.top > _POINTS_BETWEEN_LINES:
            break
        lines.append(run)
    return [line.text for line in lines]


def _name_of_row(
    lines: list[str], section: str, ids: dict[str, set[str]]
) -> tuple[str, str] | None:
    """Which figure a row shows: by the id at the end of its name, else by its label."""
    if section == "change":
        code = _CHANGE_LABELS.get(lines[0]) if lines else None
        return (section, code) if code else None
    joined = "".join("".join(lines).split())
    if section in ids:
        found = [key for key in ids[section] if key and joined.endswith(key)]
        if found:
            return section, max(found, key=len)
    return _LABELS.get(lines[0]) if lines else None


def texts_of_pdf(path: Path) -> Iterable[str]:
    """The title, each page's text, and what stands for its pictures, for the leak scan.

    Lines are joined, and words are whole again.
    """
    found = read_pdf(path)
    yield found.title
    for page in found.pages:
        yield from page.pictures
        yield page.text


def alternative_texts(page: Any) -> Iterator[str]:
    """What a screen reader says where a page of a tagged PDF has a picture."""
    from pypdfium2 import raw

    tree = raw.FPDF_StructTree_GetForPage(page)
    if not tree:
        return
    try:
        elements = [
            raw.FPDF_StructTree_GetChildAtIndex(tree, number)
            for number in range(raw.FPDF_StructTree_CountChildren(tree))
        ]
        while elements:
            element = elements.pop()
            if not element:
                continue
            size = raw.FPDF_StructElement_GetAltText(element, None, 0)
            if size:
                buffer = create_string_buffer(size)
                raw.FPDF_StructElement_GetAltText(element, buffer, size)
                yield buffer.raw.decode("utf-16-le").rstrip("\0")
            elements += [
                raw.FPDF_StructElement_GetChildAtIndex(element, number)
                for number in range(raw.FPDF_StructElement_CountChildren(element))
            ]
    finally:
        raw.FPDF_StructTree_Close(tree)
