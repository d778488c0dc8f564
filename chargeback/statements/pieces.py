"""What finished files show, piece by piece: rows of tables, headings, pictures, texts, attributes, cells of
the CSV.

A piece is compared as a whole with those that a unit's own statement consists of (`own_pieces`), so nothing
depends on what its text happens to contain. Some places are marked: what stands in them is told apart by
the file itself, as a row of a table, a heading, a picture or a line of the CSV, and must be the unit's own.
In the others a renderer may add something.

Two pieces are the same when their letters are (`canonical`): where lines are broken is of no account.
"""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from chargeback.pages.svg import HAS_LETTERS
from chargeback.statements import tagged_pdf
from chargeback.statements.tagged_pdf import LOST, Element, read_pdf

# Places. The first four are marked.
ROW, HEADING, PICTURE, LINE = "table row", "heading", "picture", "line"
TEXT, FRAME, PAGE = "text", "frame", "top and foot of a page"
MARKED = (ROW, HEADING, PICTURE, LINE)

#: What control characters are shown as; pdfium takes some for a shadow of the one before.
REPLACED = "\ufffd"

#: Letters that are not set in the order in which they are written, or are set as part of another.
_REORDERED = {"R", "AL", "AN"}
_UNSET = {
    "\u200d",
    *map(chr, range(0xFE00, 0xFE10)),
}  # joiners, and variations of what stands before

#: A drawing, its shapes, and what else in it could carry a text.
_DRAWING = re.compile(r"<svg\b.*?</svg\s*>", re.S | re.I)
_ATTRIBUTE = re.compile(r"""([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_BETWEEN = re.compile(r">([^<>]*[^<>\s][^<>]*)<|<!--(.*?)-->", re.S)
_SHAPES = {"d", "points", "transform", "x", "y", "width", "height"}
_GEOMETRY = {*_SHAPES, "viewBox", "style", "clip-path"}
_FRAMES = {"style", "script"}
_MOST_OF_A_SIGN = 4  # letters, such as a digit in a box
_HEADINGS = {"h1", "h2", "h3", "title"}

_WITH_WORDS = 3  # parts of the key of a picture that has words: the place, what it says, the words

#: What makes two pieces the same.
Key = tuple[str, ...]


class Piece(NamedTuple):
    """A piece of a file.

    Args:
        place: one of the places above.
        key: what makes it the same as another.
        texts: what it says, as a reader sees it.
    """

    place: str
    key: Key
    texts: tuple[str, ...]


def canonical(text: str) -> str:
    """A text's letters without spaces, in one order in every medium.

    A PDF has the letters of scripts that run from right to left, and signs upon letters, in another order
    than they are written in: they are sorted.

    >>> canonical("Claims  intake") == canonical("Claimsintake")
    True
    """
    if text.isascii():
        return "".join(text.split())
    letters = [one for one in text if not one.isspace() and one not in _UNSET]
    if any(map(_is_reordered, letters)):
        letters = sorted(unicodedata.normalize("NFD", "".join(letters)))
    return "".join(letters)


def are_same(found: Key, own: Key) -> bool:
    """Whether a piece that was found in a PDF is one that there is to be, as far as a PDF tells letters.

    A text of signs without a shape may be lost as a whole.
    """
    if own[0] == PICTURE and len(found) == len(own) == _WITH_WORDS:
        return is_same(found[1], own[1]) and are_drawn(found[2], own[2])
    if len(found) < len(own):
        own = tuple(text for text in own if any(map(_is_kept, text)))
    return len(found) == len(own) and all(map(is_same, found, own))


def is_same(found: str, own: str) -> bool:
    r"""The same of two canonical texts.

    A lost sign stands for any. One beyond the first plane of Unicode, such as an emoji, may be missing without
    a trace, and so may the mark of what `plain` replaced; letters with several signs upon them are read once
    for each part that they are drawn of.

    >>> is_same("\0bc", "abc"), is_same("abc", "\0bc"), is_same("bc", "\U0001f691bc")
    (True, False, True)
    """
    if found == own:
        return True
    if own.isascii() and LOST not in found:
        return False
    found = found.replace(REPLACED, "")
    own = "".join(one for one in own if _is_kept(one) or one in found)
    if found == own:
        return True
    seen, lost = Counter(found.replace(LOST, "")), found.count(LOST) * _MOST_OF_A_SIGN
    if any(map(_is_mark, found)) and found.lstrip(LOST) == "".join(sorted(found.lstrip(LOST))):
        twice, missing = seen - Counter(own), Counter(own) - seen
        return missing.total() <= lost and all(one in own and _is_drawn_upon(one) for one in twice)
    if not lost:
        return False
    if found.lstrip(LOST) == "".join(sorted(found.lstrip(LOST))):
        return not seen - Counter(own) and (Counter(own) - seen).total() <= lost
    pattern = re.escape(found).replace(re.escape(LOST), f".{{0,{_MOST_OF_A_SIGN}}}")
    return re.fullmatch(pattern, own) is not None


def are_drawn(found: str, own: str) -> bool:
    """Whether words that were found in a picture of a PDF are those that are drawn there, both canonical.

    Of scripts that the face of the page lacks, and of signs upon letters, a PDF tells little in a drawing: some
    have no text, some that of another letter, and what has signs upon it comes several times. Then all figures
    and signs of the own words must be there, all letters but those with signs upon them, and no more of others
    than there are letters of which so little is told.
    """
    if is_same(found, own):
        return True
    unsure = [one for one in own if not HAS_LETTERS.fullmatch(one) or _is_mark(one)]
    if not unsure:
        return False
    seen, there = (Counter(filter(_is_told, text)) for text in (found, own))
    missing, more = there - seen, seen - there
    return (
        all(map(str.isalpha, missing))
        and missing.total() <= sum(map(_is_mark, unsure))
        and more.total() <= len(unsure)
    )


def _is_told(letter: str) -> bool:
    return letter.isascii() and letter.isprintable() and letter != "-"


def _is_kept(letter: str) -> bool:
    """Whether a PDF tells of a letter at all, also where no font has a shape for it."""
    return letter <= "\uffff" and letter != REPLACED


def _is_mark(letter: str) -> bool:
    return not letter.isascii() and unicodedata.category(letter)[0] == "M"


def _is_drawn_upon(letter: str) -> bool:
    """Whether signs stand upon it, or it is one: no digit and no punctuation."""
    return unicodedata.category(letter)[0] in "LM"


def _is_reordered(letter: str) -> bool:
    return not letter.isascii() and (
        unicodedata.bidirectional(letter) in _REORDERED or _is_mark(letter)
    )


def row(cells: Iterable[str]) -> Piece:
    """A row of a table; cells that say nothing are none."""
    texts = tuple(text for text in cells if text.strip())
    return Piece(ROW, (ROW, *map(canonical, texts)), texts)


def piece(place: str, *texts: str) -> Piece:
    """Any other piece."""
    return Piece(place, (place, *map(canonical, texts)), texts)


def pieces_of(path: Path, medium: str) -> list[Piece]:
    """What a finished file shows."""
    if medium == "html":
        return html_pieces(path.read_text(encoding="utf-8"))
    return list(pdf_pieces(path)) if medium == "pdf" else list(csv_pieces(path))


def csv_pieces(path: Path) -> Iterator[Piece]:
    """Each line of a CSV file; its cells with the name of their column, which may be none."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        header = next(lines, [])
        yield Piece(LINE, (LINE, *header), tuple(header))
        for cells in lines:
            yield Piece(LINE, (LINE, *cells), tuple(cells))


def pdf_pieces(path: Path) -> Iterator[Piece]:
    """Each element of a PDF, what each page repeats, and its title."""
    found = read_pdf(path)
    yield piece(HEADING, found.title)
    yield from (piece(TEXT, text) for text in found.about)
    places = {tagged_pdf.HEADING: HEADING, tagged_pdf.TEXT: TEXT, tagged_pdf.NUMBER: TEXT}
    for page in found.pages:
        for element in page.elements:
            if element.role == tagged_pdf.ROW:
                yield row([one.text for one in element.cells] + [element.says])
            elif element.role == tagged_pdf.PICTURE:
                yield _picture(element)
            elif element.content.text:
                yield piece(places[element.role], element.content.text)
        if "".join(page.artifacts).strip():
            # What stands beside each other may be one word or several.
            yield Piece(
                PAGE,
                (PAGE, canonical("".join(page.artifacts))),
                (" ".join(page.artifacts), "".join(page.artifacts)),
            )


def _picture(element: Element) -> Piece:
    """A picture by what is said in its place, and the words in it."""
    text = element.content.text
    return piece(PICTURE, element.says, *([text] if text else []))


def html_pieces(text: str) -> list[Piece]:
    """All that an HTML file, or a part of one, could carry a name or a figure in."""
    drawings: list[str] = []

    def left_out(drawing: re.Match[str]) -> str:
        drawings.append(drawing.group(0))
        return "<svg></svg>"

    parser = _Pieces(drawings)
    parser.feed(_DRAWING.sub(left_out, text))
    parser.close()
    return parser.found


@lru_cache(maxsize=64)
def _drawn(drawing: str) -> tuple[str, tuple[str, ...]]:
    """What makes a drawing the same as another, its shapes and its words, and what it says; how its parts are
    called is of no account."""
    says = [text for one in _BETWEEN.findall(drawing) for text in one if text.strip()]
    shapes = [f"text {' '.join(unescape(text).split())}" for text in says]
    for name, text, other in _ATTRIBUTE.findall(drawing):
        if name in _SHAPES:
            shapes.append(f"{name} {' '.join((text or other).split())}")
        elif name not in _GEOMETRY and (text or other).strip():
            says.append(text or other)
    return hashlib.sha256("\n".join(sorted(shapes)).encode()).hexdigest(), tuple(
        map(unescape, says)
    )


class _Pieces(HTMLParser):
    """Takes an HTML file apart: rows, headings and pictures whole, all else as it comes."""

    def __init__(self, drawings: list[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Piece] = []
        self._drawings = iter(drawings)  # which stand where the text has an empty one
        self._frame = ""  # the style or script that the place is in
        self._row: list[str] | None = None  # the cells of the row that the place is in
        self._heading: list[str] | None = None
        self._picture: _Picture | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "figure" and self._picture is None:
            self._picture = _Picture([values.pop("aria-label", "")])
        elif tag == "svg" and not values:
            self._draw(next(self._drawings, ""))
        elif tag == "tr":
            self._row = []
        elif tag in ("td", "th") and self._row is not None:
            self._row.append("")
        elif tag in _HEADINGS:
            self._heading = []
        self._frame = tag if tag in _FRAMES else self._frame
        self.found += [piece(FRAME, value) for value in values.values() if value.strip()]

    def _draw(self, drawing: str) -> None:
        """A drawing is part of a picture; one that is not is a picture of which nothing is said."""
        shapes, says = _drawn(drawing)
        picture = self._picture or _Picture([""])
        picture.shapes.append(shapes)
        picture.in_drawing += says
        if not self._picture:
            self.found.append(picture.piece())

    def handle_endtag(self, tag: str) -> None:
        if tag == "figure" and self._picture:
            self.found.append(self._picture.piece())
            self._picture = None
        elif tag == "tr" and self._row is not None:
            self.found.append(row(self._row))
            self._row = None
        elif tag in _HEADINGS and self._heading is not None:
            self.found.append(piece(HEADING, "".join(self._heading)))
            self._heading = None
        self._frame = "" if tag == self._frame else self._frame

    def handle_data(self, data: str) -> None:
        if not data.strip():
            return
        if self._frame:
            self.found.append(piece(FRAME, data))
        elif self._picture:
            self._picture.texts.append(data)
        elif self._heading is not None:
            self._heading.append(data)
        elif self._row:
            self._row[-1] += " " + data
        else:
            self.found.append(piece(TEXT, " ".join(data.split())))

    def close(self) -> None:
        """What was never closed is a piece all the same."""
        super().close()
        if self._picture:
            self.found.append(self._picture.piece())
        if self._row:
            self.found.append(row(self._row))
        if self._heading:
            self.found.append(piece(HEADING, "".join(self._heading)))

    def handle_comment(self, data: str) -> None:
        self.found.append(piece(FRAME, data))

    def handle_decl(self, decl: str) -> None:
        self.found.append(piece(FRAME, decl))

    def handle_pi(self, data: str) -> None:
        self.found.append(piece(FRAME, data))

    def unknown_decl(self, data: str) -> None:
        self.found.append(piece(FRAME, data))


@dataclass
class _Picture:
    """A picture that is being read: what is said in its place, its caption, its drawings, what these say."""

    texts: list[str]
    shapes: list[str] = field(default_factory=list)
    in_drawing: list[str] = field(default_factory=list)

    def piece(self) -> Piece:
        """By its words and its shapes."""
        key = (PICTURE, *map(canonical, self.texts), *self.shapes)
        return Piece(PICTURE, key, (*self.texts, *self.in_drawing))
