"""The CFO's page read back as its readers see it, and proved by a control before anybody receives it.

Comes in: the finished HTML and PDF, and the summary that they are to be of. Goes out, for the control:
`summary_figures`, what both show of the ledger; and `summary_differences`, each row, heading, picture and text
that is not as the summary gives it or not there, and a PDF of more pages than it may have. Figures are taken
from the files; the summary only says what a row is about.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pyarrow as pa

from chargeback.books.checked import checked_postings
from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.text import plain
from chargeback.delivery.released import ClosedForDelivery
from chargeback.delivery.summary import Summary
from chargeback.delivery.summary_budgets import budget_differences
from chargeback.delivery.summary_loss_ratio import loss_ratio_differences
from chargeback.delivery.summary_page import file_title, page_of
from chargeback.delivery.summary_parts import Pages, Pair
from chargeback.delivery.summary_unit_costs import unit_cost_differences
from chargeback.engine import Engine
from chargeback.engine.controls import SUMMARY, register_policy, run_group, shown_rows
from chargeback.pages.parts import Part, Table
from chargeback.statements import tagged_pdf
from chargeback.statements.pieces import (
    HEADING,
    MARKED,
    PICTURE,
    TEXT,
    Key,
    Piece,
    are_same,
    canonical,
    html_pieces,
    is_same,
    pdf_pieces,
    piece,
)
from chargeback.statements.readback import Figure, html_figures, parse_figure
from chargeback.statements.tagged_pdf import ROW, Element, read_pdf

FIGURES = pa.schema(
    [
        ("medium", pa.string()),  # html, pdf
        (
            "section",
            pa.string(),
        ),  # total, unit, cost_center, pool, change, correction, tie, untagged
        ("key", pa.string()),  # an id, or one of REST and WHOLE
        ("amount", pa.decimal128(38, 2)),  # null where the file shows something that is no amount
    ]
)
DIFFERENCES = pa.schema(
    [("medium", pa.string()), ("difference_of", pa.string()), ("shown", pa.string())]
)

#: Of the PDF.
MOST_PAGES = 2


def require_true_summary(
    period: ClosedForDelivery, summary: Summary, html: Path, pdf: Path
) -> None:
    """Stop where the finished files do not say what the ledger says (exit 4).

    Args:
        html, pdf: as they will be handed out, the signature of the PDF included.
    """
    engine = Engine(threads=1)
    for name, table in tables_of(period, summary, html, pdf).items():
        engine.register(name, table)
    register_policy(engine, period.params)
    outcomes = run_group(engine, "summary")
    engine.close()
    broken = [one for one in outcomes if not one.holds]
    if broken:
        rows = broken[0].rows
        raise Refusal(
            CONTROL_FAILED, f"a control failed: {SUMMARY}; nothing was handed out", "no rows",
            f"{rows.num_rows} row{'s' if rows.num_rows != 1 else ''}", "", shown_rows(rows),
            ["nothing of the ledger is wrong by that: report this with the rows above",
             f"the statements of {period.period} stand as they were closed"],
        )  # fmt: skip


def tables_of(
    period: ClosedForDelivery, summary: Summary, html: Path, pdf: Path
) -> dict[str, pa.Table]:
    """What the control reads."""
    before = [one for one in period.books.closed_periods() if one < period.period][-1:]
    previous = checked_postings(period.books, before[0]) if before else period.postings.slice(0, 0)
    return {
        "postings": period.postings,
        "previous_postings": previous,
        "last_closed": pa.table({"billing_period": pa.array(before, pa.string())}),
        "summary_figures": figures_of(summary, html, pdf),
        "summary_differences": pa.concat_tables(
            [differences_of(summary, html, pdf), differences_of_data(period, summary)]
        ),
    }


def figures_of(summary: Summary, html: Path, pdf: Path) -> pa.Table:
    """The figures of both files, each once."""
    found = {("html", *one) for one in html_figures(html)}
    found |= {("pdf", *one) for one in pdf_figures(summary, pdf)}
    rows = [dict(zip(FIGURES.names, one, strict=True)) for one in sorted(found, key=str)]
    return pa.Table.from_pylist(rows, schema=FIGURES)


def pdf_figures(summary: Summary, path: Path) -> Iterator[Figure]:
    """The figures of the PDF: of a row that begins as one of the summary's, its last cell."""
    elements = [element for page in read_pdf(path).pages for element in page.elements]
    yield from _total(elements)
    named: dict[str, deque[tuple[str, str]]] = defaultdict(deque)
    for table in tables_in(page_of(summary).parts):
        for row in table.rows:
            first, figure = row.cells[0], row.cells[-1].figure
            if figure:
                named[canonical(plain(first.text + first.sub + first.aside))].append(figure)
    for element in elements:
        if element.role != ROW or len(element.cells) < 2:
            continue
        begins = canonical(element.cells[0].text)
        begun = (
            begins if begins in named else next((one for one in named if is_same(begins, one)), "")
        )
        if named.get(begun):
            section, key = named[begun].popleft()
            yield section, key, parse_figure("change", element.cells[-1].text)


def _total(elements: list[Element]) -> Iterator[Figure]:
    """The total: the largest text above the tables that is no heading."""
    before = takewhile(lambda element: element.role != ROW, elements)
    texts = [one.content for one in before if one.role == tagged_pdf.TEXT and one.content.chunks]
    if texts:
        largest = max(texts, key=lambda text: text.chunks[0].size)
        yield "total", "total", parse_figure("total", largest.main)


def tables_in(parts: object) -> Iterator[Table]:
    """All tables of the page, in their order."""
    assert isinstance(parts, list | tuple)
    for part in parts:
        if isinstance(part, Table):
            yield part
        elif isinstance(part, Pair):
            yield from tables_in(list(part.left))
            yield from tables_in(list(part.right))
        elif isinstance(part, Pages):
            yield from tables_in(part.parts)


def differences_of(summary: Summary, html: Path, pdf: Path) -> pa.Table:
    """Whatever is not as the summary gives it."""
    own = own_pieces(summary)
    found = [("html", *one) for one in html_differences(own, html)]
    found += [("pdf", *one) for one in pdf_differences(own, pdf)]
    pages = len(read_pdf(pdf).pages)
    if pages > MOST_PAGES:
        found.append(("pdf", "number of pages", str(pages)))
    rows = [dict(zip(DIFFERENCES.names, one, strict=True)) for one in found]
    return pa.Table.from_pylist(rows, schema=DIFFERENCES)


def differences_of_data(period: ClosedForDelivery, summary: Summary) -> pa.Table:
    """Whatever of budgets, medical loss ratio and unit costs is not what params and ledgers give."""
    found = [
        *budget_differences(period, summary),
        *loss_ratio_differences(period, summary),
        *unit_cost_differences(period, summary),
    ]
    rows = [dict(zip(DIFFERENCES.names, ("data", *one), strict=True)) for one in found]
    return pa.Table.from_pylist(rows, schema=DIFFERENCES)


def own_pieces(summary: Summary) -> list[Piece]:
    """What the page is to consist of."""
    parts: list[Part] = list(page_of(summary).parts)
    pieces = html_pieces("\n".join(part.html() for part in parts))
    title = file_title(summary)
    return [one for one in pieces if one.place in (*MARKED, TEXT)] + [piece(HEADING, title)]


def html_differences(own: list[Piece], path: Path) -> Iterator[tuple[str, str]]:
    """Each piece of the HTML that the page does not consist of, and the other way."""
    found = {one.key: one for one in html_pieces(path.read_text("utf-8"))}
    expected = {one.key: one for one in own}
    for key, one in found.items():
        if one.place in (*MARKED, TEXT) and key not in expected:
            yield f"{one.place} that is not its own", " | ".join(one.texts)
    for key, one in expected.items():
        if key not in found:
            yield f"{one.place} that is not there", " | ".join(one.texts)


def pdf_differences(own: list[Piece], path: Path) -> Iterator[tuple[str, str]]:
    """The same of the PDF: its rows, headings and pictures as a whole, and that all texts are in it."""
    found = list(pdf_pieces(path))
    pictures = [(PICTURE, *map(canonical, one.texts[:1])) for one in own if one.place == PICTURE]
    expected: list[Key] = [one.key for one in own if one.place in MARKED and one.place != PICTURE]
    for one in found:
        if one.place == PICTURE:
            if not any(is_same(one.key[1], key[1]) for key in pictures):
                yield "picture that is not its own", " | ".join(one.texts)
        elif one.place in MARKED and not any(are_same(one.key, key) for key in expected):
            yield f"{one.place} that is not its own", " | ".join(one.texts)
    keys = [one.key for one in found if one.place in MARKED]
    whole = "".join(canonical(text) for one in found for text in one.texts)
    for one in own:
        if one.place == PICTURE:
            there = any(
                key[0] == PICTURE and is_same(key[1], canonical(one.texts[0])) for key in keys
            )
        elif one.place == TEXT:
            text = canonical(one.texts[0])
            there = text in whole or text.upper() in whole or not text.isascii()
        else:
            there = any(are_same(key, one.key) for key in keys)
        if not there:
            yield f"{one.place} that is not there", " | ".join(one.texts)
