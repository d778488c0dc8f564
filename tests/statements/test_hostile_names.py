"""Names and tag values that attack a medium are shown as what they are, and nothing of them runs."""

from __future__ import annotations

import csv
import re
from html.parser import HTMLParser
from pathlib import Path

import pypdfium2
import pytest

from chargeback.core.text import from_spreadsheet_text, plain
from chargeback.statements.extract import read_charges
from chargeback.statements.tagged_pdf import texts_of_pdf
from tests.statements.hostile import (
    FORMULA,
    MARKDOWN,
    NAMES,
    PRODUCTS,
    SCRIPT,
    TAG_VALUES,
    TYPST,
    UNITS,
)
from tests.statements.rendered import ALL_HOLD

#: What a statement consists of; links, pictures from elsewhere, forms and scripts are not among it.
ELEMENTS = (
    "html head meta title style body main header section div p b h1 h2 span bdi dl dt dd ol li "
    "table caption thead tbody tr th td code figure figcaption "
    "svg g defs path use rect clippath text"
)
NUMBER = re.compile(r"-?\d+(\.\d+)?")
FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")
Element = tuple[str, dict[str, str]]


class Page(HTMLParser):
    """An HTML file as a browser takes it apart."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.texts: list[str] = []
        self.styles: list[str] = []
        self.comments: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data):
        in_style = bool(self.elements) and self.elements[-1][0] == "style"
        (self.styles if in_style and data.strip() else self.texts).append(data)

    def handle_comment(self, data):
        self.comments.append(data)


@pytest.fixture(scope="module")
def pages(hostile) -> dict[str, Page]:
    return {unit_id: Page(hostile.file(unit_id, "html")) for unit_id in hostile.units}


def in_one_piece(text: str) -> str:
    """A text without spaces, so that it can be found where lines were broken."""
    return "".join(plain(text).split())


def test_statements_of_hostile_names_are_made_and_both_controls_hold(hostile):
    assert hostile.units == sorted(UNITS)
    assert sum(len(centers) for _, centers in UNITS.values()) == len(NAMES)
    assert hostile.broken() == ALL_HOLD


def test_the_html_consists_of_the_statements_own_elements(pages):
    """No script, frame, form, link or picture: a name opened none of them."""
    for page in pages.values():
        assert {tag for tag, _ in page.elements} <= set(ELEMENTS.split())
        assert page.comments == []


def test_no_attribute_of_the_html_runs_or_fetches_anything(pages):
    """The file works offline, and nobody learns that it was opened."""
    for page in pages.values():
        for tag, attributes in page.elements:
            for name, value in attributes.items():
                assert not name.startswith("on"), (tag, name)
                if name in ("href", "xlink:href", "src", "srcset", "action", "data", "poster"):
                    assert value.startswith("#"), (tag, name, value)
                if name in ("style", "clip-path", "fill"):
                    assert not re.search(r"url\((?!#)|expression|javascript:", value), value
            assert "http-equiv" not in attributes


def test_the_style_of_the_html_fetches_nothing(pages):
    for page in pages.values():
        [style] = page.styles
        assert not re.search(r"@import|url\s*\(|https?:|expression\s*\(", style)


def test_the_html_shows_every_name_as_it_is(hostile, pages):
    """Escaped once, not twice and not away: what a reader sees is the name."""
    params = hostile.inputs.params
    for unit_id, page in pages.items():
        seen = {in_one_piece(text) for text in page.texts}
        assert in_one_piece(params.business_units[unit_id].name) in seen
        centers = [one for one in params.cost_centers.values() if one.business_unit_id == unit_id]
        own = {center.cost_center_id for center in centers}
        accounts = [one for one in params.accounts.values() if one.default_cost_center_id in own]
        for named in (*centers, *accounts, *params.pools):
            assert in_one_piece(named.name) in seen
        codes = {row["product_code"] for row in read_charges(hostile.inputs).of_unit(unit_id)}
        for code in codes & PRODUCTS.keys():
            assert in_one_piece(PRODUCTS[code]) in seen
    every = {in_one_piece(text) for page in pages.values() for text in page.texts}
    tagged = {row["unusable_tag_value"] for row in hostile.inputs.owned_costs.to_pylist()}
    assert {SCRIPT, TYPST, FORMULA, *TAG_VALUES} <= tagged
    for value in tagged - {None}:
        assert in_one_piece(f"“{value}”") in every


def test_the_title_of_the_html_is_the_name(hostile):
    for unit_id, (name, _) in UNITS.items():
        page = Page(hostile.file(unit_id, "html"))
        text = " ".join(page.texts).strip()
        assert in_one_piece(text).startswith(
            in_one_piece(f"PROVISIONAL Statement of AWS charges, {name}, May 2026")
        )


def test_the_pdf_shows_names_and_evaluates_nothing(hostile):
    """The code of Typst and Markdown stands there as it was written."""
    for unit_id, (name, centers) in UNITS.items():
        text = in_one_piece(" ".join(texts_of_pdf(hostile.file(unit_id, "pdf"))))
        for one in (name, *centers, SCRIPT, TYPST, MARKDOWN, *list(PRODUCTS.values())[:5]):
            if one.isascii():
                assert in_one_piece(one) in text
    every = [in_one_piece(" ".join(texts_of_pdf(hostile.file(one, "pdf")))) for one in UNITS]
    for value in TAG_VALUES:
        if value.isascii():
            assert any(in_one_piece(f"“{value}”") in text for text in every), value


def test_the_pdf_has_no_links_forms_or_attachments(hostile):
    """An address in a name is text, not something to click."""
    for unit_id in hostile.units:
        document = pypdfium2.PdfDocument(hostile.file(unit_id, "pdf"))
        assert document.get_formtype() == 0
        assert document.count_attachments() == 0
        for page in document:
            assert pypdfium2.raw.FPDFPage_GetAnnotCount(page) == 0
        document.close()
        assert b"/JavaScript" not in hostile.file(unit_id, "pdf").read_bytes()


def test_no_cell_of_the_csv_starts_a_formula(hostile):
    """Also not behind spaces; amounts and weights are plain numbers, which may be negative."""
    guarded = set()
    for unit_id in hostile.units:
        with hostile.file(unit_id, "csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                for column, cell in row.items():
                    if cell.strip().startswith(FORMULA_STARTS):
                        assert NUMBER.fullmatch(cell), (column, cell)
                        assert column in ("exact_amount", "amount", "weight", "total_weight")
                    if cell.startswith("'"):
                        guarded.add(cell.removeprefix("'"))
                    assert not set(cell) & set("\t\r\n\0")
    assert FORMULA in guarded


def test_the_csv_has_every_name_whole(hostile):
    for unit_id, (name, centers) in UNITS.items():
        with hostile.file(unit_id, "csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert {row["business_unit_name"].removeprefix("'") for row in rows} == {plain(name)}
        shown = {row["cost_center_name"].removeprefix("'") for row in rows}
        assert shown == {plain(center) for center in centers}
        products = {row["product_code"]: row["product_name"] for row in rows}
        for code in products.keys() & PRODUCTS.keys():
            assert from_spreadsheet_text(products[code]) == plain(PRODUCTS[code])
