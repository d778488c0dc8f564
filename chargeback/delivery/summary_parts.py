"""What the CFO's page is made of besides the parts of a statement: two columns, headings in them, and facts.

As with those, each part is written from one model for HTML and for Typst (chargeback/pages/parts.py); the look
is in reports/summary.css and reports/summary.typ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chargeback.pages.escaping import html_text, typst_string
from chargeback.pages.parts import Part


@dataclass(frozen=True)
class Heading:
    """The heading of a part of the page."""

    text: str

    def html(self) -> str:
        return f"<h2>{html_text(self.text)}</h2>"

    def typst(self) -> str:
        return f"#heading(level: 2, {typst_string(self.text)})"


@dataclass(frozen=True)
class Pair:
    """Two columns side by side; on a phone one below the other."""

    left: Sequence[Part]
    right: Sequence[Part]

    def html(self) -> str:
        columns = (
            "<div>\n" + "\n".join(part.html() for part in parts) + "\n</div>"
            for parts in (self.left, self.right)
        )
        return '<div class="pair">\n' + "\n".join(columns) + "\n</div>"

    def typst(self) -> str:
        columns = (
            "[\n" + "\n".join(part.typst() for part in parts) + "\n]"
            for parts in (self.left, self.right)
        )
        return f"#summary-pair({', '.join(columns)})"


@dataclass(frozen=True)
class Facts:
    """Short sentences, each with what it is about."""

    rows: Sequence[tuple[str, str]]

    def html(self) -> str:
        rows = "".join(
            f"<div><dt>{html_text(label)}</dt><dd>{html_text(text)}</dd></div>"
            for label, text in self.rows
        )
        return f'<dl class="facts">{rows}</dl>'

    def typst(self) -> str:
        rows = ", ".join(
            f"({typst_string(label)}, {typst_string(text, breaks=True)})"
            for label, text in self.rows
        )
        return f"#summary-facts(({rows},))"


@dataclass(frozen=True)
class Pages:
    """All parts, set on one page of the PDF, as large as they fit; on two, where one would be too small.

    Args:
        first: what is on the first page, however many there are.
        middle: on the first of two where it fits, else on the second.
        last: on the second of two.
    """

    first: Sequence[Part]
    middle: Sequence[Part]
    last: Sequence[Part] = ()

    @property
    def parts(self) -> list[Part]:
        """All of them, in their order."""
        return [*self.first, *self.middle, *self.last]

    def html(self) -> str:
        return "\n".join(part.html() for part in self.parts)

    def typst(self) -> str:
        pages = (
            "[\n" + "\n".join(part.typst() for part in parts) + "\n]"
            for parts in (self.first, self.middle, self.last)
        )
        return f"#summary-pages({', '.join(pages)})"
