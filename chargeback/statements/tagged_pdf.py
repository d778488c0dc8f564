"""What a tagged PDF says, element by element: headings, rows of tables, pictures and running text.

Comes in: a finished `statement.pdf`. Goes out: its title, and per page the elements in the order of the
page's structure tree, with their text. A letter belongs to an element by the id of the marked content that
it stands in, never by where it stands on the page, so that a name of two lines, a name that reads like an
amount and an id that ends like another are each in their own cell. What is in no element is an artifact:
what every page repeats at its top and foot, and whatever somebody drew on the page.

What always holds: every letter of a page is in exactly one element, or among the artifacts.

Known drawbacks: a PDF without tags, as Typst before 0.14 writes them, consists of artifacts only. Of signs
for which no font has a shape, the first one on a page is `LOST`.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from ctypes import c_double, create_string_buffer
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from chargeback.core.errors import unreachable
from chargeback.pages.escaping import BREAK

#: Roles of elements, as a reader needs to tell them apart.
HEADING, ROW, PICTURE, NUMBER, TEXT = "heading", "row", "picture", "number", "text"

_ROLES = {"TR": ROW, "Figure": PICTURE, "Lbl": NUMBER}
_ROLES |= {f"H{level}": HEADING for level in range(1, 7)}
_GROUPS = {"Document", "Part", "Sect", "Div", "Table", "THead", "TBody", "TFoot", "L", "LI"}
_CELLS = {"TD", "TH"}
_EMPHASIS = {"Span", "Strong", "Em"}
_POINTS_OF_SIZE = 0.5  # what is quieter in a cell differs by more
_POINTS_OFF_LINE = 1.0  # how far the letters of one line may differ
#: How pdfium writes a sign for which no font has a shape, where it is the first one.
LOST = "\0"
_HYPHENS = {"\x02", "\ufffe"}  # how pdfium writes a hyphen at the end of a line
_NOWHERE = -1  # the id of marked content of what is in none


class Chunk(NamedTuple):
    """Letters of one size on one line, one after the other.

    Args:
        size: of the type, in points.
        line: its distance from the bottom of the page, in points.
        joins: a word may break after it, so what follows on the next line is the same word.
    """

    text: str
    size: float = 0.0
    line: float = 0.0
    joins: bool = False


@dataclass(frozen=True)
class Content:
    """What a cell or another element says.

    Args:
        is_strong: as the rows of totals are set.
    """

    chunks: tuple[Chunk, ...] = ()
    is_strong: bool = False

    @property
    def text(self) -> str:
        """All of it; what is set in another size is another word."""
        return _joined(self.chunks)

    @property
    def main(self) -> str:
        """What is set as large as its beginning."""
        return _joined(one for one in self.chunks if not self._is_quiet(one))

    @property
    def quiet(self) -> str:
        """What is set smaller than its beginning: an id below a name."""
        return _joined(one for one in self.chunks if self._is_quiet(one))

    def _is_quiet(self, chunk: Chunk) -> bool:
        return chunk.size < self.chunks[0].size - _POINTS_OF_SIZE


@dataclass(frozen=True)
class Element:
    """A piece of a page.

    Args:
        role: one of the roles above.
        cells: of a row, its cells that say something; else one.
        says: of a picture, what a screen reader says in its place.
    """

    role: str
    cells: tuple[Content, ...]
    says: str = ""

    @property
    def content(self) -> Content:
        """Of what is no row."""
        return self.cells[0] if self.cells else Content()


@dataclass(frozen=True)
class Page:
    """A page in the order in which it is read; `artifacts` in that in which they were set."""

    elements: tuple[Element, ...]
    artifacts: tuple[str, ...]


@dataclass(frozen=True)
class TaggedPdf:
    """A PDF; `about` is what it says of itself beside its title."""

    title: str
    about: tuple[str, ...]
    pages: tuple[Page, ...]


def read_pdf(path: Path) -> TaggedPdf:
    """What a PDF says; of the same bytes, read once for all who ask.

    Raises:
        Refusal: the file is no PDF.
    """
    try:
        return _read_pdf(path, hashlib.sha256(path.read_bytes()).hexdigest())
    except FileNotFoundError as error:
        raise _unreadable(path, error) from error


@lru_cache(maxsize=256)
def _read_pdf(path: Path, _: str) -> TaggedPdf:
    with open_pdf(path) as document:
        title, *about = (
            document.get_metadata_value(name) for name in ("Title", "Author", "Subject", "Keywords")
        )
        pages = tuple(_page(page) for page in document)
    return TaggedPdf(title, tuple(one for one in about if one), pages)


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
        raise _unreadable(path, error) from error
    try:
        yield document
    finally:
        document.close()


def _unreadable(path: Path, error: Exception) -> Exception:
    return unreachable("the PDF of a statement cannot be read", "a PDF", str(error), [str(path)])


def _page(page: Any) -> Page:
    from pypdfium2 import raw

    marked = _marked_content(page.get_textpage())
    artifacts = marked.pop(_NOWHERE, [])
    elements: list[Element] = []
    tree = raw.FPDF_StructTree_GetForPage(page)
    if tree:
        try:
            for number in range(raw.FPDF_StructTree_CountChildren(tree)):
                root = raw.FPDF_StructTree_GetChildAtIndex(tree, number)
                elements += _elements(_read_node(root, marked)) if root else []
        finally:
            raw.FPDF_StructTree_Close(tree)
    left = [Element(TEXT, (Content(tuple(chunks)),)) for chunks in marked.values()]
    return Page((*elements, *left), tuple(chunk.text for chunk in artifacts))


def _marked_content(text_page: Any) -> dict[int, list[Chunk]]:
    """The letters of a page by the id of the marked content that they are in, a chunk for each text object.

    Spaces that pdfium guesses from gaps are left out: it sees some inside numbers.
    """
    from pypdfium2 import raw

    page, x, y = text_page.raw, c_double(), c_double()
    text_object = _text_object()
    found: dict[int, list[Chunk]] = {}
    last, letters, chunk, place = 0, "", Chunk(""), _NOWHERE
    for number in range(text_page.count_chars()):
        letter = chr(raw.FPDFText_GetUnicode(page, number))
        if raw.FPDFText_IsGenerated(page, number) == 1:
            continue
        which = text_object(page, number) or 0
        if which != last:
            _keep(found, place, letters, chunk)
            last, letters = which, ""
            raw.FPDFText_GetCharOrigin(page, number, x, y)
            chunk = Chunk("", raw.FPDFText_GetFontSize(page, number), y.value)
            drawn = ctypes.cast(which, raw.FPDF_PAGEOBJECT)
            place = raw.FPDFPageObj_GetMarkedContentID(drawn) if which else _NOWHERE
        letters += letter
    _keep(found, place, letters, chunk)
    return found


@cache
def _text_object() -> Callable[[Any, int], int | None]:
    """pdfium's text object of a letter, as a number: a pointer of Python for each letter takes longer than all
    else that is asked of it.
    """
    from pypdfium2 import raw

    address = ctypes.cast(raw.FPDFText_GetTextObject, ctypes.c_void_p).value
    return ctypes.CFUNCTYPE(ctypes.c_void_p, raw.FPDF_TEXTPAGE, ctypes.c_int)(address or 0)


def _keep(found: dict[int, list[Chunk]], place: int, letters: str, chunk: Chunk) -> None:
    """Add a chunk; what lies outside the first plane of Unicode comes in halves."""
    joins = letters[-1:] in _HYPHENS or letters[-1:] == BREAK
    shown = "".join("-" if one in _HYPHENS else one for one in letters if one != BREAK)
    if shown:
        whole = shown.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        found.setdefault(place, []).append(chunk._replace(text=whole, joins=joins))


@dataclass(frozen=True)
class _Node:
    """An element of the structure tree: what it is, and what is in it, in order."""

    kind: str
    says: str
    inside: tuple[_Node | Chunk, ...]


def _read_node(element: Any, marked: dict[int, list[Chunk]]) -> _Node:
    """An element with all that is in it; what it has on other pages is not."""
    from pypdfium2 import raw

    inside: list[_Node | Chunk] = []
    for number in range(raw.FPDF_StructElement_CountChildren(element)):
        child = raw.FPDF_StructElement_GetChildAtIndex(element, number)
        if child:
            inside.append(_read_node(child, marked))
        else:
            place = raw.FPDF_StructElement_GetChildMarkedContentID(element, number)
            inside += marked.pop(place, [])
    kind = _string(raw.FPDF_StructElement_GetType, element)
    return _Node(kind, _string(raw.FPDF_StructElement_GetAltText, element), tuple(inside))


def _string(get: Any, element: Any) -> str:
    """A text of pdfium, which tells its length in bytes first."""
    size = get(element, None, 0)
    if not size:
        return ""
    buffer = create_string_buffer(size)
    get(element, buffer, size)
    return buffer.raw.decode("utf-16-le").rstrip("\0")


def _elements(node: _Node) -> Iterator[Element]:
    """The pieces that a reader sees: groups are taken apart, and all else is whole."""
    if node.kind == "TR":
        yield Element(ROW, tuple(_cells(node)), node.says)
        return
    if node.kind not in _GROUPS:
        yield Element(_ROLES.get(node.kind, TEXT), (_content(node),), node.says)
        return
    if node.says:
        yield Element(TEXT, (Content((Chunk(node.says),)),))
    for one in node.inside:
        if isinstance(one, Chunk):
            yield Element(TEXT, (Content((one,)),))
        else:
            yield from _elements(one)


def _cells(row: _Node) -> Iterator[Content]:
    """The cells of a row; what stands in a row and in no cell is one of its own."""
    for one in row.inside:
        content = _content(one) if isinstance(one, _Node) else Content((one,))
        if content.chunks:
            yield content


def _content(node: _Node) -> Content:
    """All text of an element. A picture inside another element is told in its words."""
    strong = node.kind in _CELLS and any(
        isinstance(one, _Node) and one.kind in _EMPHASIS for one in node.inside
    )
    return Content(tuple(_chunks(node)), strong)


def _chunks(node: _Node) -> Iterator[Chunk]:
    for one in node.inside:
        if isinstance(one, Chunk):
            yield one
            continue
        yield from _chunks(one)
        if one.says:
            yield Chunk(one.says)


def _joined(chunks: Iterable[Chunk]) -> str:
    """Chunks as a reader sees them: a word that was broken is whole, and what is set in another size is
    another.
    """
    found, before = "", None
    for chunk in chunks:
        if before is not None:
            apart = abs(chunk.size - before.size) >= _POINTS_OF_SIZE
            broken = abs(chunk.line - before.line) >= _POINTS_OFF_LINE and not before.joins
            found += " " if apart or broken else ""
        found, before = found + chunk.text, chunk
    return " ".join(found.split())


def texts_of_pdf(path: Path) -> Iterator[str]:
    """The title, what stands for pictures, each piece of text, and what each page repeats."""
    found = read_pdf(path)
    yield from (found.title, *found.about)
    for page in found.pages:
        for element in page.elements:
            yield from (one.text for one in element.cells if one.chunks)
            if element.says:
                yield element.says
        if page.artifacts:
            yield " ".join(page.artifacts)
