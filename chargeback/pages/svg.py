"""Drawings whose text stays text: rectangles and words, written as SVG by hand.

What always holds: the same calls give the same bytes on every machine, because nothing is measured with a font
that may not be there. In a PDF the words are set in the face of the page, which Typst brings along; in HTML the
stylesheet gives them that of the page as it is on the reader's machine. How wide they are is known from the
table of the page's face, and `ROOM` is what another face may need more.

Known drawback: of a text with a letter that neither face has, such as a Japanese one, a PDF shows boxes for all
letters, those that it has a face for among them. No font for those scripts comes with the product.

All lengths are user units: points in a PDF that shows a drawing at its own width.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape

from chargeback.core.text import plain
from chargeback.pages.escaping import html_text

#: The faces of the PDF, as reports/typst-template.typ has them; for scripts that the first lacks, the second.
FACE, OTHER_FACE = "Libertinus Serif", "DejaVu Sans"

#: What a wider face needs of the room that the page's own does: DejaVu Serif is the widest of the usual ones.
ROOM = 1.35

#: Advance widths of Libertinus Serif Regular, in thousandths of the size: of the letters from space to tilde.
_WIDTHS = (
    250, 288, 336, 465, 465, 637, 705, 190, 298, 298, 369, 550, 220, 338, 220, 323,
    465, 465, 465, 465, 465, 465, 465, 465, 465, 465, 236, 236, 550, 550, 550, 435,
    895, 695, 588, 646, 701, 557, 485, 685, 730, 297, 322, 637, 528, 839, 699, 702,
    541, 702, 587, 485, 597, 661, 652, 951, 660, 575, 604, 356, 287, 356, 518, 486,
    392, 457, 493, 428, 506, 447, 310, 500, 538, 271, 272, 512, 264, 790, 542, 504,
    519, 503, 372, 390, 316, 531, 497, 747, 490, 515, 424, 277, 205, 277, 449,
)  # fmt: skip
_WIDTH_OF = {chr(32 + place): width for place, width in enumerate(_WIDTHS)} | {
    "\u2212": 550,
    "…": 749,
}
_USUAL_WIDTH, _WIDEST = 560, 1050

#: Signs upon letters of any script, joiners, and variations of what stands before.
_LOOSE = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\u200c\u200d\ufe00-\ufe0f]"
)

_TEXT = re.compile(r"<text\b[^>]*>([^<]*)</text>")
#: Scripts that Libertinus Serif has: Latin, Greek and Cyrillic with their signs.
HAS_LETTERS = re.compile(r"[\u0000-\u052f\u1e00-\u20cf\u2100-\u22ff]*")


def text_width(text: str, size: float) -> float:
    """How wide a text is in the page's face; never less for letters that the table lacks."""
    return sum(map(_width_of, text)) * size / 1000


def _width_of(letter: str) -> int:
    known = _WIDTH_OF.get(letter)
    if known is not None:
        return known
    return _WIDEST if unicodedata.east_asian_width(letter) in "WF" else _USUAL_WIDTH


def lines_of(text: str, size: float, width: float, most: int) -> list[str]:
    """A text in lines that are no wider than `width`; what does not fit into the last one is cut.

    >>> lines_of("Fees, credits and one-offs", 9, 60, 2)
    ['Fees, credits', 'and one-offs']
    """
    words, lines = plain(text).split(), [""]
    while words:
        longer = f"{lines[-1]} {words[0]}".strip()
        if text_width(longer, size) <= width:
            lines[-1] = longer
            words.pop(0)
        elif lines[-1] and len(lines) < most:
            lines.append("")
        elif len(lines) == most:
            return [*lines[:-1], _cut(" ".join([lines[-1], *words]).strip(), size, width)]
        else:  # a single word that is wider than a line goes on in the next
            fitting = _fitting(words[0], size, width)
            lines[-1], words[0] = words[0][:fitting], words[0][fitting:]
    return lines


def _fitting(text: str, size: float, width: float) -> int:
    """How many letters fit; one at least."""
    return next(
        (at for at in range(len(text), 1, -1) if text_width(text[:at], size) <= width),
        1,
    )


def _cut(text: str, size: float, width: float) -> str:
    if text_width(text, size) <= width:
        return text
    room = width - text_width("…", size)
    return text[: _fitting(text, size, room)].rstrip() + "…"


def drawable(text: str) -> str:
    """A text without what has no shape of its own beside the letter that it stands upon.

    In a drawing each letter is set by itself, in whichever face has it; a sign upon a letter of another face
    or a joiner has no shape then, and PDF/UA takes no such text. What can be one letter is one.

    >>> drawable("e\u0301Z\u0351")
    'éZ'
    """
    return _LOOSE.sub("", unicodedata.normalize("NFC", text))


def texts_of(svg: str) -> list[str]:
    """What a drawing says, in its order."""
    return [unescape(text) for text in _TEXT.findall(svg)]


class Drawing:
    """Rectangles and texts on a canvas; what comes later lies above what came before."""

    def __init__(self, width: float) -> None:
        self.width = width
        self.parts: list[str] = []

    def bar(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """A rectangle from its left upper corner; the width may be negative."""
        left = min(x, x + width)
        self.parts.append(
            f'<rect x="{_number(left)}" y="{_number(y)}" width="{_number(abs(width))}" '
            f'height="{_number(height)}" fill="{colour}"/>'
        )

    def text(
        self, x: float, y: float, text: str, size: float, colour: str,
        anchor: str = "start", strong: bool = False,
    ) -> None:  # fmt: skip
        """A text whose baseline is at y.

        Args:
            anchor: which part of it is at x: start, middle or end.
        """
        said = drawable(" ".join(plain(text).split()))
        face = "" if HAS_LETTERS.fullmatch(said) else f' font-family="{OTHER_FACE}, {FACE}, serif"'
        weight = ' font-weight="600"' if strong else ""
        self.parts.append(
            f'<text x="{_number(x)}" y="{_number(y)}" font-size="{_number(size)}" fill="{colour}" '
            f'text-anchor="{anchor}"{weight}{face}>{html_text(said)}</text>'
        )

    def svg(self, height: float, kind: str) -> str:
        """The drawing.

        Args:
            kind: its class, by which the stylesheet chooses between those of one picture.
        """
        size = f'width="{_number(self.width)}" height="{_number(height)}"'
        box = f"0 0 {_number(self.width)} {_number(height)}"
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" class="{kind}" {size} viewBox="{box}" '
                f'font-family="{FACE}, {OTHER_FACE}, serif">',
                *self.parts,
                "</svg>",
            ]
        )


def _number(value: float) -> str:
    """A length in hundredths, without zeros that say nothing."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
