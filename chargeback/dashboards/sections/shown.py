"""What a cell of the page's notebook shows, and the parts that it is made of, as HTML.

A section is one raw block, which Quarto and pandoc put into the page as it is; where it has a plotly figure,
JupyterLab shows that. Every text is escaped here. An amount that a reader sees carries `data-figure`, what it
is, so that `read_back` finds it again; the text itself is what is read.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from chargeback.core.money import MINUS, shown
from chargeback.dashboards.on_pages import MARKDOWN
from chargeback.pages.escaping import html_text, raw_block
from chargeback.pages.parts import signed

if TYPE_CHECKING:
    from chargeback.pages.figures import Chart

#: What figures are shown as in JupyterLab; pages are made of Markdown.
PLOTLY = "application/vnd.plotly.v1+json"

#: Before and after the key of a figure that is no amount of the chosen month.
BEFORE, CHANGE = "before", "change"


class Part(Protocol):
    """Something that a section shows."""

    def html(self) -> str: ...


@dataclass(frozen=True)
class Shown:
    """What one cell shows.

    Args:
        chart: the same as a figure, for JupyterLab; drawn only for whoever shows it.
    """

    parts: Sequence[Part]
    chart: Chart | None = None

    def _repr_mimebundle_(self, include: Collection[str] | None = None, **_: Any) -> dict[str, Any]:
        html = "\n".join(one.html() for one in self.parts)
        found: dict[str, Any] = {
            MARKDOWN: raw_block("html", html) if html else "", "text/plain": repr(self),
        }  # fmt: skip
        if self.chart is not None and (include is None or PLOTLY in include):
            found[PLOTLY] = self.chart.plotly
        return found

    def __repr__(self) -> str:
        return f"<{len(self.parts)} parts of a dashboard>"


NOTHING = Shown([])


@dataclass(frozen=True)
class Panel:
    """A titled part of the page.

    Args:
        id: where a link to it leads; also what the script calls it.
        wide: over the whole width.
        note: in quieter letters under the title.
    """

    id: str
    title: str
    parts: Sequence[Part]
    wide: bool = False
    note: str = ""

    def html(self) -> str:
        wide = " wide" if self.wide else ""
        note = f'<p class="note">{html_text(self.note)}</p>' if self.note else ""
        inner = "\n".join(one.html() for one in self.parts)
        return (
            f'<section class="panel{wide}" id="{html_text(self.id)}" '
            f'aria-labelledby="{html_text(self.id)}-title">'
            f'<h2 id="{html_text(self.id)}-title">{html_text(self.title)}</h2>{note}\n{inner}\n</section>'
        )


@dataclass(frozen=True)
class Text:
    """A paragraph: plain, a note, or a warning, which is something to act on."""

    text: str
    tone: str = "note"

    def html(self) -> str:
        return f'<p class="{self.tone}">{html_text(self.text)}</p>'


@dataclass(frozen=True)
class Markup:
    """HTML that is made elsewhere, such as a chart."""

    made: str

    def html(self) -> str:
        return self.made


@dataclass(frozen=True)
class Served:
    """A line that leads to a page of the portal, shown only where the portal serves this page."""

    text: str
    open: str

    def html(self) -> str:
        return f'<p data-open="{html_text(self.open)}" hidden>{html_text(self.text)}</p>'


@dataclass(frozen=True)
class Beside:
    """Parts side by side, where there is room."""

    parts: Sequence[Part]

    def html(self) -> str:
        inner = "\n".join(f"<div>{one.html()}</div>" for one in self.parts)
        return f'<div class="beside">{inner}</div>'


@dataclass(frozen=True)
class Stacked:
    """Parts one below the other, as one."""

    parts: Sequence[Part]

    def html(self) -> str:
        return "\n".join(one.html() for one in self.parts)


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Args:
        sub: a second, quieter line: an id below its name.
        value: what it is sorted by; the text itself when blank.
        figure: what the amount is, as `read_back` names it.
        bar: how long a bar below the text is, between 0 and 1.
        link: a web address that the text leads to.
        open: where the portal serves what the text names, below its root; without a portal it is text.
    """

    text: str
    sub: str = ""
    value: str = ""
    figure: tuple[str, ...] = ()
    bar: Decimal | None = None
    tone: str = ""
    link: str = ""
    open: str = ""

    def inner(self) -> str:
        """What stands in the cell."""
        text = f"<bdi>{html_text(self.text)}</bdi>"
        if self.link:
            text = f'<a href="{html_text(self.link)}" rel="noreferrer">{text}</a>'
        elif self.open:
            text = f'<span data-open="{html_text(self.open)}">{text}</span>'
        sub = f'<span class="sub"><bdi>{html_text(self.sub)}</bdi></span>' if self.sub else ""
        return text + sub + (bar_html(self.bar) if self.bar is not None else "")

    @property
    def attributes(self) -> str:
        """What the script and `read_back` know it by."""
        found = f' data-value="{html_text(self.value)}"' if self.value else ""
        if self.figure:
            found += figure_attribute(self.figure)
        return found


def figure_attribute(key: Sequence[str]) -> str:
    """The attribute that names a figure: its parts, as a list of JSON."""
    return f' data-figure="{html_text(json.dumps(key, ensure_ascii=False))}"'


def bar_html(share: Decimal) -> str:
    """A thin bar, between 0 and 1 of the width; nobody is read it, because the amount stands beside it."""
    width = f"{max(Decimal(0), min(Decimal(1), share)) * 100:.1f}"
    return (
        '<svg class="bar" viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{width}" height="3"/></svg>'
    )


def amount(value: Decimal | None, *figure: str, muted: bool = False) -> Cell:
    """An amount in cents; blank when it is unknown, which is not zero."""
    if value is None:
        return Cell("", value="", tone="muted")
    return Cell(shown(value), value=f"{value:f}", figure=figure, tone=tone_of(value, muted))


def change(value: Decimal | None, *figure: str) -> Cell:
    """A difference, its sign always shown."""
    if value is None:
        return Cell("", tone="muted")
    return Cell(signed(value), value=f"{value:f}", figure=figure, tone=tone_of(value, True))


def tone_of(value: Decimal, muted: bool = False) -> str:
    """The classes of an amount."""
    named = (("negative", shown(value).startswith(MINUS)), ("muted", muted))
    return " ".join(name for name, on in named if on)


@dataclass(frozen=True)
class Head:
    """A column; figures are sorted as numbers; optional ones are left out on a phone."""

    label: str
    is_figure: bool = False
    is_optional: bool = False

    @property
    def classes(self) -> list[str]:
        """The classes of its cells."""
        named = (("figure", self.is_figure), ("optional", self.is_optional))
        return [name for name, on in named if on]


@dataclass(frozen=True)
class Table:
    """A table that the script lets a reader sort.

    Args:
        name: what it is, for those who do not see the title above it, and for `read_back`.
        total: the row at the foot.
        when_empty: said where it has no rows.
        filtered: the column of the charges that its rows are of; the script makes it again for a filter.
    """

    name: str
    heads: Sequence[Head]
    rows: Sequence[Sequence[Cell]]
    when_empty: str = "Nothing."
    total: Sequence[Cell] = field(default_factory=tuple)
    filtered: str = ""

    def html(self) -> str:
        if not self.rows and not self.filtered:
            return f'<p class="note none" data-empty="{html_text(self.name)}">{html_text(self.when_empty)}</p>'
        head = "".join(
            f'<th scope="col"{classes(one.classes)}>{html_text(one.label)}</th>'
            for one in self.heads
        )
        body = "\n".join(self._row(row, "body") for row in self.rows)
        foot = f"<tfoot>{self._row(self.total, 'total')}</tfoot>" if self.total else ""
        filtered = f' data-filtered="{html_text(self.filtered)}"' if self.filtered else ""
        return (
            f'<div class="scroll" role="region" tabindex="0" aria-label="{html_text(self.name)}">'
            f'<table class="sorted"{filtered} data-table="{html_text(self.name)}" '
            f'aria-label="{html_text(self.name)}">\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>{foot}</table></div>"
        )

    def _row(self, row: Sequence[Cell], role: str) -> str:
        cells = []
        for at, (cell, head) in enumerate(zip(row, self.heads, strict=True)):
            named = classes([*head.classes, *([cell.tone] if cell.tone else [])])
            tag, scope = ("td", "") if at else ("th", ' scope="row"')
            cells.append(f"<{tag}{scope}{named}{cell.attributes}>{cell.inner()}</{tag}>")
        return f'<tr class="{role}">{"".join(cells)}</tr>'


def classes(names: Sequence[str]) -> str:
    """The attribute for some classes."""
    return f' class="{" ".join(names)}"' if names else ""
