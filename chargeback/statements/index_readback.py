"""The index of a month, read back the way its readers see it.

Comes in: the finished file, and the month that it is to be of. Goes out, for the control: `index_figures`, the
units' totals and all together, now and in the last closed period, as the page shows them; and
`index_differences`, each row, heading, picture, text and link that is not as the month gives it, or not there.
So a row under another unit's name, or a link to another unit's statement, is found as well as a wrong figure.

A renderer may put texts and attributes of its own around the page; those are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa

from chargeback.statements import index_wording as words
from chargeback.statements.month import INDEX, MonthIndex
from chargeback.statements.pieces import HEADING, MARKED, TEXT, Key, Piece, html_pieces, piece
from chargeback.statements.readback import html_figures
from chargeback.statements.sections import month as sections

FIGURES = pa.schema(
    [
        ("section", pa.string()),  # unit, total, previous, previous_total
        ("key", pa.string()),  # id of a business unit, "total"
        ("amount", pa.decimal128(38, 2)),  # null where the page shows something that is no amount
    ]
)
DIFFERENCES = pa.schema([("difference_of", pa.string()), ("shown", pa.string())])

#: The sections in the order in which reports/index.ipynb shows them.
SECTIONS = (sections.head, sections.units, sections.invoices, sections.verify)


def index_figures(path: Path) -> pa.Table:
    """The figures of the index; none where there is no such file."""
    found = dict.fromkeys(html_figures(path)) if path.is_file() else {}
    rows = [dict(zip(FIGURES.names, figure, strict=True)) for figure in found]
    return pa.Table.from_pylist(rows, schema=FIGURES)


def index_differences(path: Path, month: MonthIndex) -> pa.Table:
    """What the index shows that the month does not give, and the other way."""
    if path.is_file():
        found = list(_differences(path.read_text(encoding="utf-8"), month))
    else:
        found = [("the whole page", f"no {INDEX}")]
    rows = [dict(zip(DIFFERENCES.names, one, strict=True)) for one in found]
    return pa.Table.from_pylist(rows, schema=DIFFERENCES)


def _differences(page: str, month: MonthIndex) -> Iterator[tuple[str, str]]:
    """Each difference: what it is, and what the page shows or lacks."""
    own_page = "\n".join(part.html() for section in SECTIONS for part in section(month).parts)
    own = _looked_at(html_pieces(own_page))
    own |= {
        one.key: one
        for one in [_heading(text) for text in (*words.INDEX_HEADINGS, sections.page_title(month))]
    }
    found = _looked_at(html_pieces(page))
    yield from (
        (f"{one.place} that the month does not have", " | ".join(one.texts))
        for key, one in found.items()
        if key not in own and one.place in MARKED
    )
    yield from (
        (f"{one.place} that is not there", " | ".join(one.texts))
        for key, one in own.items()
        if key not in found
    )
    for link in _Links.of(page) ^ _Links.of(own_page):
        yield "link", " | ".join(link)


def _heading(text: str) -> Piece:
    return piece(HEADING, text)


def _looked_at(pieces: list[Piece]) -> dict[Key, Piece]:
    """The pieces that a reader sees, by what makes them the same."""
    return {one.key: one for one in pieces if one.place in (*MARKED, TEXT)}


class _Links(HTMLParser):
    """The links of a page: what each is called, and where it leads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: set[tuple[str, str]] = set()

    @classmethod
    def of(cls, page: str) -> set[tuple[str, str]]:
        """The links of a page."""
        parser = cls()
        parser.feed(page)
        parser.close()
        return parser.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a":
            self.found.add((values.get("aria-label") or "", values.get("href") or ""))
