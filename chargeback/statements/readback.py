"""The figures of finished statements, read back from the files the way their readers see them.

Comes in: a folder with `<business_unit_id>/statement.{html,pdf,csv}`. Goes out:
`statement_figures`, one row per figure found: the total, each cost center's total, each kind's
total, each pool's amount, the change of the total and its parts. Nothing is taken from what the
statements were made of; a figure that cannot be read as an amount stays in the table without one,
so that the control finds it.

- HTML: the visible text of the elements that carry `data-section` and `data-key`.
- PDF: cells of rows, by its tags. A row is about the id in the quieter line of its first cell, or about a label
  of the statement; its figure is its last cell. Headings say which table it is.
- CSV: sums of the column `amount`, where each part of a pool can be computed again.

Known drawback: the PDF reader knows the headings and the columns of this statement. When the layout
changes, it finds too little, and the control fails rather than passing.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from html.parser import HTMLParser
from itertools import takewhile
from pathlib import Path

import pyarrow as pa

from chargeback.core.errors import unreachable
from chargeback.core.money import MINUS
from chargeback.core.text import from_spreadsheet_text
from chargeback.ledger.splits import SHARE_PLACES, recomputes
from chargeback.pages.vocabulary import CHANGES, KINDS
from chargeback.statements import wording
from chargeback.statements.inputs import StatementInputs
from chargeback.statements.pieces import canonical, is_same
from chargeback.statements.tagged_pdf import HEADING, LOST, ROW, TEXT, Content, Element, read_pdf

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

#: The section of figures that are budgets, or are against one; and those whose figures have a sign.
BUDGET = "budget"
SIGNED = ("change", BUDGET)

#: Figures that others read back, for controls of their own.
READ_ELSEWHERE = (BUDGET, wording.UNIT_COST_FIGURE)

Figure = tuple[str, str, Decimal | None]

_AMOUNT = re.compile(rf"[{MINUS}-]?[0-9]{{1,3}}(,[0-9]{{3}})*\.[0-9][0-9]")
_PLAIN_AMOUNT = re.compile(r"-?[0-9]+\.[0-9][0-9]", re.ASCII)

# The headings of the statement under which figures of the ledger stand, and what their rows are
# about.
_PDF_SECTIONS = {
    wording.WHY_IT_CHANGED: "change",
    wording.BY_COST_CENTER: "cost_center",
    wording.AGAINST_BUDGET: None,  # `budget_readback` reads them
    wording.UNIT_COST: None,  # `unit_cost_readback` reads them
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

# Sections whose rows have an id below their name.
_ROWS_WITH_IDS = ("cost_center", "pool", "correction")


def unit_figures(
    folder: Path, unit_id: str, ids: Mapping[str, Set[str]]
) -> list[tuple[str, str, str, Decimal | None]]:
    """All figures of a unit in all media, each once: medium, section, key and amount.

    Args:
        ids: what rows of a section of the PDF can be about (`known_ids`).

    Raises:
        Refusal: a file is absent.
    """
    read = {
        "html": html_figures,
        "pdf": lambda path: pdf_figures(path, ids),
        "csv": csv_figures,
    }
    return [
        (medium, *figure)
        for medium in MEDIA
        for figure in dict.fromkeys(read[medium](statement_file(folder, unit_id, medium)))
        if figure[0] not in READ_ELSEWHERE
    ]


def figures_table(found: Mapping[str, Iterable[tuple[str, str, str, Decimal | None]]]) -> pa.Table:
    """The figures of all units, by unit."""
    rows = [
        dict(zip(FIGURES.names, (unit_id, *figure), strict=True))
        for unit_id in sorted(found)
        for figure in found[unit_id]
    ]
    return pa.Table.from_pylist(rows, schema=FIGURES)


def statement_file(folder: Path, unit_id: str, medium: str) -> Path:
    """The place of a finished file; it must be there."""
    path = folder / unit_id / f"statement.{medium}"
    if not path.is_file():
        raise unreachable(f"a statement of {unit_id} is missing", "a file", "none", [str(path)])
    return path


def known_ids(inputs: StatementInputs) -> dict[str, frozenset[str]]:
    """The ids that a row of the PDF can be about, by section."""
    postings, params = inputs.postings, inputs.params
    found: dict[str, set[str]] = {
        "cost_center": {*postings["cost_center_id"].to_pylist(), *params.cost_centers},
        "pool": {*postings["pool_id"].to_pylist(), *(pool.pool_id for pool in params.pools)},
        "correction": {*postings["original_period"].to_pylist()},
    }
    return {section: frozenset(one for one in ids if one) for section, ids in found.items()}


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
    return parse_amount(text.strip().removeprefix("+") if section in SIGNED else text)


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
    for section, key, text in html_texts(path):
        yield section, key, parse_figure(section, text)


def html_texts(path: Path) -> tuple[tuple[str, str, str], ...]:
    """What each element of an HTML statement that names a figure shows: section, key and text.

    The same text is read once for all who ask.
    """
    return _texts_of_page(path, hashlib.sha256(path.read_bytes()).hexdigest())


@lru_cache(maxsize=256)
def _texts_of_page(path: Path, _: str) -> tuple[tuple[str, str, str], ...]:
    parser = _FigureParser()
    parser.feed(path.read_text(encoding="utf-8"))
    parser.close()
    return tuple(parser.figures)


def csv_figures(path: Path) -> Iterator[Figure]:
    """The figures that a reader gets by summing a CSV statement.

    A sum with a cell that is no amount in cents is none, and so is one with a part of a pool that does not
    follow from the weights and the total beside it.
    """
    sums: dict[tuple[str, str], Decimal | None] = {("total", "total"): Decimal("0.00")}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            text = row["amount"] or ""
            is_amount = _PLAIN_AMOUNT.fullmatch(text) and recomputes_line(row)
            amount = Decimal(text) if is_amount else None
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
                figure = (section, from_spreadsheet_text(key))
                so_far = sums.get(figure, Decimal("0.00"))
                sums[figure] = None if so_far is None or amount is None else so_far + amount
    for (section, key), amount in sums.items():
        yield section, key, amount


def recomputes_line(row: Mapping[str, str | None]) -> bool:
    """Whether a line's exact amount follows from what stands beside it, by the weights and by the share; a
    line without a pool's total has nothing to follow from.
    """
    if not row.get("pool_total"):
        return True
    try:
        held, everybody, own, share, exact = (
            Decimal(row.get(name) or "")
            for name in ("pool_total", "total_weight", "weight", "share", "exact_amount")
        )
        whole = Decimal(10**SHARE_PLACES)
        return recomputes(held, own, everybody, exact) and recomputes(
            held, share.scaleb(SHARE_PLACES), whole, exact
        )
    except (InvalidOperation, ValueError):
        return False


def pdf_figures(path: Path, ids: Mapping[str, Set[str]]) -> Iterator[Figure]:
    """The figures that a PDF statement shows.

    Args:
        ids: what rows of a section can be about, by section.
    """
    section: str | None = "kind"
    elements = [element for page in read_pdf(path).pages for element in page.elements]
    yield from _masthead_figure(elements)
    for element in elements:
        if element.role == HEADING and element.content.text in _PDF_SECTIONS:
            section = _PDF_SECTIONS[element.content.text]
        elif element.role == ROW and section is not None and len(element.cells) > 1:
            named = _name_of_row(element.cells[0], section, ids.get(section, frozenset()))
            if named:
                yield (*named, parse_figure(section, element.cells[-1].text))


def _masthead_figure(elements: list[Element]) -> Iterator[Figure]:
    """The total on the first page: the largest text before the first table that is no heading."""
    before = takewhile(lambda element: element.role != ROW, elements)
    texts = [one.content for one in before if one.role == TEXT and one.content.chunks]
    if texts:
        yield "total", "total", parse_amount(max(texts, key=lambda text: text.chunks[0].size).main)


def _name_of_row(cell: Content, section: str, ids: Set[str]) -> tuple[str, str] | None:
    """Which figure a row shows: by the id below its name, else by its label.

    Rows of cost centers and pools have an id, and so has the total of what an earlier period is corrected by.
    All other figures stand in rows of totals, where no names are; before the first heading and where changes
    are, rows are labelled by the statement alone.
    """
    if section in _ROWS_WITH_IDS and cell.quiet and cell.is_strong == (section == "correction"):
        return section, known_id(cell.quiet, ids)
    if section == "change":
        code = _CHANGE_LABELS.get(cell.main)
        if code is None and cell.is_strong:  # the last row, which is labelled with the period
            return "total", "total"
        return (section, code) if code else None
    return _LABELS.get(cell.main) if cell.is_strong or section == "kind" else None


class _ByLetters:
    """Ids that a row of a PDF can be about, by their letters; what a PDF does not tell surely is gone through.

    Args:
        ids: of one section.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self._letters = [(canonical(one), one) for one in sorted(ids)]
        self._sure: dict[str, list[str]] = {}
        for letters, one in self._letters:
            if letters.isascii():
                self._sure.setdefault(letters, []).append(one)
        self._unsure = [pair for pair in self._letters if not pair[0].isascii()]

    def named(self, shown: str) -> str:
        """The id that a row shows; what is none of them, or several, is returned as it is shown."""
        letters = canonical(shown)
        if LOST in letters:
            found = [one for own, one in self._letters if is_same(letters, own)]
        else:
            found = [*self._sure.get(letters, ())]
            found += [one for own, one in self._unsure if is_same(letters, own)]
        return found[0] if len(found) == 1 else shown


@lru_cache(maxsize=8)
def _by_letters(ids: frozenset[str]) -> _ByLetters:
    """The same ids are asked for by all rows of all units, and are gone through once."""
    return _ByLetters(ids)


def known_id(shown: str, ids: Set[str]) -> str:
    """The id that a row shows; what is none of them is returned as it is shown, for the control to find."""
    return _by_letters(frozenset(ids)).named(shown)
