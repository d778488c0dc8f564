"""The parts a statement is made of, and the two ways to write each: HTML and Typst.

A section is a list of parts. Each part is written from one model into two raw blocks, one per
target, so the HTML file and the PDF cannot say different things. The look lives in `reports/`: the
Typst functions called here are defined in `typst-template.typ`, the classes used here in
`statement.css`.

A cell that shows a figure of the ledger carries `figure=(section, key)`. HTML keeps it as a data
attribute; in the PDF, which has tags, the row's first cell ends with the key in quieter letters
(`sub`), or is a label in strong ones, and the figure is its last cell. `readback` relies on both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from chargeback.core.money import MINUS, shown
from chargeback.pages.escaping import html_text, raw_block, typst_string
from chargeback.pages.svg import FACE, OTHER_FACE

BODY, GROUP, DETAIL, SUBTOTAL, TOTAL = "body", "group", "detail", "subtotal", "total"

#: What the attributes of the HTML below are made of: roles, scopes and classes, no text of anybody.
MARKUP = (
    *(BODY, GROUP, DETAIL, SUBTOTAL, TOTAL),
    *("plain", "note", "warning", "negative", "muted", "figure", "optional", "sub", "aside"),
    *("scroll", "steps", "digests", "masthead", "kicker", "hero", "label", "currency", "change"),
    *("provisional", "img", "col", "row", "rowgroup"),
    "background: var(--accent)",
    *(
        "http://www.w3.org/2000/svg",
        "only",
        "wide",
        "narrow",
        "start",
        "middle",
        "end",
    ),  # of charts
    *(f"{FACE}, {OTHER_FACE}, serif", f"{OTHER_FACE}, {FACE}, serif"),
)


#: The mark of a closed period, which is no warning. It stands on the mark itself: a rule in the stylesheet
#: would change the bytes of every statement that is rendered again.
SETTLED = ' style="background: var(--accent)"'


class Part(Protocol):
    """Something a section shows."""

    def html(self) -> str: ...

    def typst(self) -> str: ...


@dataclass(frozen=True)
class Section:
    """What one notebook cell displays: Markdown with one raw block for each target.

    Args:
        together: on one page of the PDF, where that holds it.
        heading: of a section that stands only where there is something to show; the others' stand in the
            notebook.
    """

    parts: Sequence[Part]
    together: bool = False
    heading: str = ""

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def __repr__(self) -> str:
        return f"<Section of {len(self.parts)} parts>"

    def markdown(self) -> str:
        html = "\n".join(part.html() for part in self.parts)
        typst = "\n".join(part.typst() for part in self.parts)
        if self.together:
            typst = f"#statement-together[\n{typst}\n]"
        before = f"## {self.heading}\n\n" if self.heading else ""
        return before + raw_block("html", html) + "\n" + raw_block("typst", typst)


@dataclass(frozen=True)
class Column:
    """A table column.

    Args:
        width: the share of the free width a text column takes; None for figures, which take what
            they need.
        optional: left out on a phone, where every column left is one that can be read.
    """

    label: str
    width: int | None = None
    optional: bool = False

    @property
    def is_text(self) -> bool:
        return self.width is not None


@dataclass(frozen=True)
class Cell:
    """One cell.

    Args:
        text: as it is to be read; escaped here, never before.
        sub: a second, quieter line: an id below its name.
        aside: quieter words beside the text: what it means.
        links: beside `sub`, in HTML only: label, address, and what a screen reader says.
        drawing: an SVG in place of the text, in HTML only.
        figure: (section, key) of the ledger figure that the text shows.
        muted: quieter than the rest of its row.
    """

    text: str
    sub: str = ""
    figure: tuple[str, str] | None = None
    muted: bool = False
    aside: str = ""
    links: Sequence[tuple[str, str, str]] = ()
    drawing: str = ""

    @property
    def is_negative(self) -> bool:
        return self.text.startswith(MINUS)


def amount_cell(
    amount: Decimal | None, figure: tuple[str, str] | None = None, muted: bool = False
) -> Cell:
    """An amount of money in cents; empty when it is unknown, which is not the same as zero."""
    return Cell("" if amount is None else shown(amount), figure=figure, muted=muted)


def change_cell(amount: Decimal | None) -> Cell:
    """A difference with its sign always shown, so that a rise is not read as an amount."""
    if amount is None:
        return Cell("", muted=True)
    return Cell(signed(amount), muted=True)


def part_cell(amount: Decimal, figure: tuple[str, str]) -> Cell:
    """A part of a change, as it is read back: in cents, with its sign."""
    return Cell(signed(amount), figure=figure)


def signed(amount: Decimal, places: int = 2) -> str:
    """Like `money.shown` with a plus sign on rises."""
    text = shown(amount, places)
    return text if text.startswith(MINUS) or not text.strip("0.,") else "+" + text


@dataclass(frozen=True)
class Row:
    cells: Sequence[Cell]
    role: str = BODY


@dataclass(frozen=True)
class Table:
    """A table whose figures are right-aligned in tabular digits, with its totals at the foot.

    A group row has one cell, a heading across all columns; so has a detail row, which says more about
    the row above it. On each page of the PDF that a table goes on on, its header stands again, and the
    heading of a group that goes on there.
    """

    columns: Sequence[Column]
    rows: Sequence[Row]
    caption: str = ""

    def html(self) -> str:
        head = "".join(
            f'<th scope="col"{_classes(_column_classes(column))}>{html_text(column.label)}</th>'
            for column in self.columns
        )
        body = "\n".join(self._html_row(row) for row in self.rows)
        caption = f"<caption>{html_text(self.caption)}</caption>\n" if self.caption else ""
        return (
            f'<div class="scroll"><table>\n{caption}<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{body}\n</tbody></table></div>"
        )

    def _html_row(self, row: Row) -> str:
        if row.role in (GROUP, DETAIL):
            inner = _html_inner(row.cells[0])
            tag, scope = ("th", ' scope="rowgroup"') if row.role == GROUP else ("td", "")
            cells = f'<{tag}{scope} colspan="{len(self.columns)}">{inner}</{tag}>'
        else:
            cells = "".join(
                _html_cell(cell, column, heads=number == 0)
                for number, (cell, column) in enumerate(zip(row.cells, self.columns, strict=True))
            )
        return f'<tr class="{row.role}">{cells}</tr>'

    def typst(self) -> str:
        columns = ", ".join(
            f"(label: {typst_string(column.label)}, share: {column.width or 0})"
            for column in self.columns
        )
        rows = ",\n  ".join(
            f'("{row.role}", ({", ".join(_typst_cell(cell) for cell in row.cells)},))'
            for row in self.rows
        )
        caption = typst_string(self.caption)
        return f"#statement-table(\n  ({columns},),\n  ({rows},),\n  caption: {caption},\n)"


@dataclass(frozen=True)
class Paragraph:
    """Running text.

    Args:
        tone: `plain`, `note` (smaller, beside a table) or `warning` (something to act on).
    """

    text: str
    tone: str = "plain"

    def html(self) -> str:
        return f'<p class="{self.tone}">{html_text(self.text)}</p>'

    def typst(self) -> str:
        return f'#statement-paragraph({typst_string(self.text, breaks=True)}, tone: "{self.tone}")'


@dataclass(frozen=True)
class Steps:
    """A numbered list of things to do."""

    items: Sequence[str]

    def html(self) -> str:
        items = "".join(f"<li>{html_text(item)}</li>" for item in self.items)
        return f'<ol class="steps">{items}</ol>'

    def typst(self) -> str:
        items = ", ".join(typst_string(item, breaks=True) for item in self.items)
        return f"#statement-steps(({items},))"


@dataclass(frozen=True)
class Chart:
    """A picture, the same SVG in both targets, with its meaning in words for those who cannot see
    it.

    Args:
        svg: from `charts`; its words are set in the face of the page.
        narrow: the same for a phone, in HTML only; empty where one form will do.
    """

    svg: str
    says: str
    caption: str = ""
    narrow: str = ""

    def html(self) -> str:
        caption = f"<figcaption>{html_text(self.caption)}</figcaption>" if self.caption else ""
        return (
            f'<figure role="img" aria-label="{html_text(self.says)}">{caption}{self.svg}'
            f"{self.narrow}</figure>"
        )

    def typst(self) -> str:
        return (
            f"#statement-chart({typst_string(self.svg)}, {typst_string(self.says)}, "
            f"caption: {typst_string(self.caption)})"
        )


@dataclass(frozen=True)
class Masthead:
    """The head of the first page: whose statement, for when, how much, and how that changed.

    It also tells Typst what to repeat on every page.

    Args:
        facts: label and text pairs under the title.
        provisional: what the mark says; empty for a closed period that AWS invoiced.
        is_settled: the mark is of a closed period, and no warning.
        watermark: the mark as a picture, behind every page of the PDF.
        picture: the small chart beside the total; None where there is nothing to compare yet.
        signature: what every page says of its signature; empty where there is nothing to say.
    """

    title: str
    unit: str
    unit_id: str
    period: str
    facts: Sequence[tuple[str, str]]
    total: Cell
    total_label: str
    currency: str
    change: str
    provisional: str = ""
    is_settled: bool = False
    watermark: str = ""
    picture: Chart | None = None
    signature: str = ""

    def html(self) -> str:
        facts = "".join(
            f"<div><dt>{html_text(label)}</dt><dd><bdi>{html_text(text)}</bdi></dd></div>"
            for label, text in self.facts
        )
        mark = (
            f'<p class="provisional"{SETTLED if self.is_settled else ""} role="note">'
            f"{html_text(self.provisional)}</p>"
            if self.provisional
            else ""
        )
        picture = self.picture.html() if self.picture else ""
        return (
            f'{mark}<header class="masthead"><p class="kicker">{html_text(self.title)}</p>'
            f"<h1><bdi>{html_text(self.unit)}</bdi></h1><dl>{facts}</dl></header>\n"
            f'<section class="hero"><div><p class="label">{html_text(self.total_label)}</p>'
            f'<p class="total"><span{_figure(self.total)}{_classes(_tone(self.total))}>'
            f"{html_text(self.total.text)}</span> "
            f'<span class="currency">{html_text(self.currency)}</span></p>'
            f'<p class="change">{html_text(self.change)}</p></div>{picture}</section>'
        )

    def typst(self) -> str:
        facts = ", ".join(
            f"({typst_string(a)}, {typst_string(b, breaks=True)})" for a, b in self.facts
        )
        return (
            "#statement-masthead(\n"
            f"  title: {typst_string(self.title)},\n"
            f"  unit: {typst_string(self.unit, breaks=True)},\n"
            f"  id: {typst_string(self.unit_id)},\n"
            f"  period: {typst_string(self.period)},\n"
            f"  facts: ({facts},),\n"
            f"  total: {_typst_cell(self.total)},\n"
            f"  total-label: {typst_string(self.total_label)},\n"
            f"  currency: {typst_string(self.currency)},\n"
            f"  change: {typst_string(self.change)},\n"
            f"  provisional: {typst_string(self.provisional)},\n"
            f"  settled: {'true' if self.is_settled else 'false'},\n"
            f"  signature: {typst_string(self.signature)},\n"
            f"  watermark: {typst_string(self.watermark)},\n"
            f"  picture: {typst_string(self.picture.svg if self.picture else '')},\n"
            f"  says: {typst_string(self.picture.says if self.picture else '')},\n"
            ")"
        )


@dataclass(frozen=True)
class Digests:
    """Labelled digests in a fixed-width face, free to break anywhere."""

    rows: Sequence[tuple[str, str]] = field(default_factory=tuple)

    def html(self) -> str:
        rows = "".join(
            f'<tr><th scope="row">{html_text(label)}</th>'
            f"<td><code>{html_text(digest)}</code></td></tr>"
            for label, digest in self.rows
        )
        return f'<table class="digests"><tbody>{rows}</tbody></table>'

    def typst(self) -> str:
        rows = ", ".join(
            f"({typst_string(a, breaks=True)}, {typst_string(b)})" for a, b in self.rows
        )
        return f"#statement-digests(({rows},))" if rows else ""


def _tone(cell: Cell) -> list[str]:
    return [name for name, on in (("negative", cell.is_negative), ("muted", cell.muted)) if on]


def _column_classes(column: Column) -> list[str]:
    names = [] if column.is_text else ["figure"]
    return [*names, "optional"] if column.optional else names


def _classes(names: list[str]) -> str:
    return f' class="{" ".join(names)}"' if names else ""


def _figure(cell: Cell) -> str:
    if cell.figure is None:
        return ""
    section, key = cell.figure
    return f' data-section="{html_text(section)}" data-key="{html_text(key)}"'


def _html_inner(cell: Cell) -> str:
    if cell.drawing:
        return cell.drawing
    links = "".join(
        f' <a href="{html_text(address)}" aria-label="{html_text(says)}">{html_text(label)}</a>'
        for label, address, says in cell.links
    )
    sub = f'<span class="sub"><bdi>{html_text(cell.sub)}</bdi>{links}</span>' if cell.sub else ""
    aside = f' <span class="aside">{html_text(cell.aside)}</span>' if cell.aside else ""
    return f"<bdi>{html_text(cell.text)}</bdi>{aside}{sub}"


def _html_cell(cell: Cell, column: Column, heads: bool) -> str:
    classes = _classes(_column_classes(column) + _tone(cell))
    if heads:
        return f'<th scope="row"{classes}>{_html_inner(cell)}</th>'
    if column.is_text or cell.sub:
        return f"<td{classes}{_figure(cell)}>{_html_inner(cell)}</td>"
    return f"<td{classes}{_figure(cell)}>{html_text(cell.text)}</td>"


def _typst_cell(cell: Cell) -> str:
    tone = "negative" if cell.is_negative else "muted" if cell.muted else "plain"
    breaks = not cell.text.startswith((MINUS, "+"))
    texts = (typst_string(cell.text, breaks=breaks), typst_string(cell.sub))
    return f'({", ".join(texts)}, "{tone}", {typst_string(cell.aside)})'
