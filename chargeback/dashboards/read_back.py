"""A rendered dashboard, read back as its readers see it: for the controls.

In: the bytes of a page, of either renderer. Out: the charges that it holds, every figure that it shows with
what it is, its tables, and all its texts. What always holds: a figure is read from the text that a reader
sees, never from an attribute beside it, and nothing approximate is accepted; a page that cannot be read so is
an error that says where.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from chargeback.core.json_text import read_json
from chargeback.core.money import MINUS
from chargeback.dashboards.model import ChargeRow
from chargeback.dashboards.on_pages import ROWS_ID
from chargeback.pages.plain_markup import PlainParser

#: Elements that have no end.
VOID = frozenset(
    ("br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
#: What a browser gets beside the page's own words: the style and the script.
UNSEEN = ("style", "script")
#: Attributes whose texts are read to somebody, or may be shown.
SPOKEN = ("aria-label", "title", "alt", "placeholder", "content", "data-value", "data-figure", "data-table",
          "data-open", "value", "href", "id")  # fmt: skip
_FIGURE = re.compile(rf"([{MINUS}+]?)([0-9]{{1,3}}(?:,[0-9]{{3}})*|[0-9]+)(\.[0-9]+)?(%?)")


@dataclass(frozen=True)
class SeenFigure:
    """An amount that a reader sees.

    Args:
        what: the parts of its `data-figure`, such as ("month", "2026-05") or ("cost_center_id", "CC-1001").
        text: as it is read.
        value: exactly that; percent as the number before the sign.
    """

    what: tuple[str, ...]
    text: str
    value: Decimal


@dataclass(frozen=True)
class SeenTable:
    """A table.

    Args:
        name: what it is called, such as "By cost center".
        rows: the texts of its cells, the foot last.
    """

    name: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class SeenDashboard:
    """What is on a page.

    Args:
        scope_kind, scope_id, currency: as the embedded charges say.
        rows: the embedded charges, in their order.
        labels: what the embedded charges call their values: column, id, name.
        figures: every amount that is shown, in the order of the page.
        remarks: what could not be looked at.
        texts: all words of the page, once for each place, with those of attributes.
    """

    scope_kind: str
    scope_id: str
    currency: str
    rows: tuple[ChargeRow, ...]
    labels: tuple[tuple[str, str, str], ...]
    figures: tuple[SeenFigure, ...]
    tables: tuple[SeenTable, ...]
    remarks: tuple[str, ...]
    texts: tuple[str, ...]

    def values(self, *what: str) -> tuple[Decimal, ...]:
        """Each place's value of a figure; none where it is not shown."""
        return tuple(one.value for one in self.figures if one.what == what)

    def value(self, *what: str) -> Decimal:
        """The value of a figure that is shown, alike in all places.

        Raises:
            ValueError: it is not shown, or differs between places.
        """
        found = set(self.values(*what))
        if len(found) != 1:
            raise ValueError(f"{'|'.join(what)} is shown as {sorted(found) or 'nothing'}")
        return found.pop()

    def table(self, name: str) -> SeenTable | None:
        """The table of a name; None where the page has none."""
        return next((one for one in self.tables if one.name == name), None)


#: A file as it was read: a page, or the data that one is made of; None where it cannot be read.
Read = SeenDashboard | dict[str, Any] | None


def read_file(content: bytes, is_data: bool) -> Read:
    """A file of an edition: a page, or the data that one is made of; None where it cannot be read."""
    try:
        return read_json(content) if is_data else read_dashboard(content)
    except (ValueError, LookupError, TypeError, ArithmeticError):
        return None


def read_dashboard(content: bytes) -> SeenDashboard:
    """Read a page.

    Raises:
        ValueError: it is no page of ours, or shows a figure that is no number; says which.
    """
    reader = Reader()
    reader.read(content.decode("utf-8"))
    if len(reader.data) != 1:
        raise ValueError(f"{len(reader.data)} elements with charges, where a page has one")
    said = json.loads(reader.data[0])
    return SeenDashboard(
        said["scope"][0], said["scope"][1], said["currency"], tuple(charges(said)), tuple(labels(said)),
        tuple(reader.figures), tuple(reader.tables), tuple(reader.remarks), tuple(reader.texts),
    )  # fmt: skip


def charges(said: dict[str, Any]) -> Iterator[ChargeRow]:
    """The charges that a page holds, each amount exactly."""
    columns = said["columns"]
    for row in said["rows"]:
        found = {
            name: said["values"][name][at][0] for name, at in zip(columns, row[1:-1], strict=True)
        }
        amount = Decimal(int(row[-1])).scaleb(-said["scale"])
        yield ChargeRow(billing_period=said["months"][row[0]][0], amount=amount, **found)


def labels(said: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What the charges call their values, for a reader who filters."""
    for column, values in said["values"].items():
        for value, *names in values:
            yield column, value, names[0] if names else value


def number(text: str) -> Decimal:
    """A figure as it is read.

    Raises:
        ValueError: it is not written as figures are.
    """
    found = _FIGURE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is shown as a figure and is none")
    sign, whole, rest, _ = found.groups()
    return Decimal(f"{'-' if sign == MINUS else ''}{whole.replace(',', '')}{rest or ''}")


class Reader(PlainParser):
    """Walks through a page and keeps what is seen."""

    def __init__(self) -> None:
        super().__init__()
        self.data: list[str] = []
        self.figures: list[SeenFigure] = []
        self.tables: list[SeenTable] = []
        self.remarks: list[str] = []
        self.texts: list[str] = []
        self.open: list[tuple[str, dict[str, str]]] = []
        self.words: list[list[str]] = []
        self.reading = 0  # how many open elements there are whose text is of use
        self.table: tuple[str, list[str], list[tuple[str, ...]]] | None = None
        self.row: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if named:
            self.texts += [named[name] for name in SPOKEN if named.get(name)]
        if tag in VOID:
            return
        self.open.append((tag, named))
        self.words.append([])
        self.reading += is_read(tag, named)
        if tag == "table":
            self.table = (named.get("data-table", ""), [], [])
        if tag == "tr":
            self.row = []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value for name, value in attrs if name in SPOKEN and value]

    def handle_data(self, data: str) -> None:
        if not self.open:
            return
        tag, named = self.open[-1]
        if tag == "script" and named.get("id") == ROWS_ID:
            self.data.append(data)
        if tag in UNSEEN:
            return
        stripped = data.strip()
        if stripped:
            self.texts.append(stripped)
        self.words[-1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if not any(name == tag for name, _ in reversed(self.open)):
            return
        while self.open:
            name, named = self.open.pop()
            words = self.words.pop()
            if self.reading:
                self.end(name, named, words)
                self.reading -= is_read(name, named)
            else:
                self.end_unread(name)
            if name == tag:
                return

    def end(self, tag: str, named: dict[str, str], words: list[str]) -> None:
        """An element has ended whose text is of use, or is part of one."""
        text = " ".join("".join(words).split())
        if "data-figure" in named:
            what = tuple(json.loads(named["data-figure"]))
            self.figures.append(SeenFigure(what, text, number(text)))
        if tag == "p" and "remark" in named.get("class", "").split():
            self.remarks.append(text)
        if tag in ("td", "th") and self.table is not None and self.row is not None:
            self.row.append(text)
        self.end_unread(tag)
        if self.words:
            self.words[-1].append(f" {text} " if tag in ("span", "p", "div", "td", "th") else text)

    def end_unread(self, tag: str) -> None:
        """An element has ended, whatever its text is."""
        if tag == "tr" and self.table is not None and self.row is not None:
            if self.table[1]:
                self.table[2].append(tuple(self.row))
            else:
                self.table[1].extend(self.row)
            self.row = None
        if tag == "table" and self.table is not None:
            name, heads, rows = self.table
            self.tables.append(SeenTable(name, tuple(heads), tuple(rows)))
            self.table = None


def is_read(tag: str, named: dict[str, str]) -> bool:
    """Whether the text of an element is of use: of a cell, a paragraph, a figure."""
    return tag in ("td", "th", "p") or "data-figure" in named
