"""What PDF/UA asks of a statement's PDF: its title is shown, its tables have headers, its words are words.

Typst refuses a PDF/UA file whose pictures say nothing or whose headings skip a level: that is not asked again.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from chargeback.pages.parts import TOTAL, Cell, Column, Paragraph, Row, Table
from chargeback.signing.pades import sign_pdf
from chargeback.statements import wording as words
from chargeback.statements.extract import extract_units, read_charges
from chargeback.statements.own_pieces import SECTIONS
from chargeback.statements.sections.first_page import file_title
from tests.programs import program
from tests.signing.test_cms import KEYS
from tests.statements.rendered import Rendered
from tests.statements.set_pages import masthead, set_pages
from tests.statements.test_signs_of_pdfs import NAMES


@pytest.fixture(params=["rendered", "hostile"])
def month(request) -> Rendered:
    """A closed month, and an open one with a watermark."""
    found: Rendered = request.getfixturevalue(request.param)
    return found


def elements(node: Any) -> Iterator[Any]:
    """An element of the structure tree, and all that are in it."""
    yield node
    inside = node.get("/K", [])
    for one in inside if isinstance(inside, list) else [inside]:
        if hasattr(one, "get_object"):
            one = one.get_object()
        if isinstance(one, dict) and "/S" in one:
            yield from elements(one)


@pytest.mark.parametrize("is_signed", [False, True])
def test_a_reader_shows_the_title_and_is_told_the_language_and_the_standard(month, is_signed):
    """Not the name of the file, which is the same for all units."""
    for unit_id in month.units:
        content = month.file(unit_id, "pdf").read_bytes()
        if is_signed:
            content = sign_pdf(content, KEYS["P-256"], "Statement of AWS charges")
        reader = PdfFileReader(BytesIO(content))
        assert bool(reader.root["/ViewerPreferences"]["/DisplayDocTitle"]) is True
        assert reader.root["/Lang"] == "en"
        assert bool(reader.root["/MarkInfo"]["/Marked"]) is True
        assert re.search(rb'pdfuaid:part(>1<|="1")', reader.root["/Metadata"].data)
        document = pypdfium2.PdfDocument(content)
        assert document.get_metadata_value("Title").startswith(file_title_of(month, unit_id)[:30])
        document.close()


def file_title_of(month: Rendered, unit_id: str) -> str:
    return file_title(extract_units(month.inputs, read_charges(month.inputs))[unit_id])


def test_every_page_with_a_field_says_in_which_order_it_is_reached(rendered):
    """The signature's field is not to be seen, and PDF/UA asks all the same."""
    content = rendered.file("claims", "pdf").read_bytes()
    reader = PdfFileReader(BytesIO(sign_pdf(content, KEYS["P-256"], "Statement of AWS charges")))
    page = reader.root["/Pages"]["/Kids"][0]
    while "/Kids" in page:
        page = page["/Kids"][0]
    assert page["/Annots"] and page["/Tabs"] == "/S"


def test_every_table_is_one_and_begins_with_its_header(month):
    """However many pages it stands on; a group's name is a header of the rows below it."""
    statements = extract_units(month.inputs, read_charges(month.inputs))
    for unit_id in month.units:
        reader = PdfFileReader(BytesIO(month.file(unit_id, "pdf").read_bytes()))
        found = [
            one for one in elements(reader.root["/StructTreeRoot"]) if one.get("/S") == "/Table"
        ]
        sections = [section(statements[unit_id]) for _, section in SECTIONS]
        parts = [part for one in sections if one for part in one.parts]
        tables = [part for part in parts if isinstance(part, Table)]
        assert len(found) == len(tables)
        for one, table in zip(found, tables, strict=True):
            head = next(part for part in elements(one) if part.get("/S") == "/THead")
            cells = [cell for cell in elements(head) if cell.get("/S") == "/TH"]
            assert len(cells) >= len(table.columns)
            heads = [cell for cell in elements(one) if cell.get("/S") == "/TH"]
            groups = [row for row in table.rows if row.role == "group"]
            assert len(heads) == len(table.columns) + len(groups)


def test_letters_that_are_spaced_are_still_words(month):
    """Programs that tell words by the gaps between letters find those of the title and of the marks."""
    command = program("pdftotext")
    for unit_id in month.units:
        path = month.file(unit_id, "pdf")
        said = subprocess.run([command, str(path), "-"], capture_output=True, text=True, check=True)
        document = pypdfium2.PdfDocument(path)
        read = document[0].get_textpage().get_text_range()
        document.close()
        for text in (said.stdout, read):
            assert words.TITLE.upper() in text
            if month.inputs.provisional:
                assert text.startswith(f"{words.TITLE.upper()}") and words.PROVISIONAL in text


@pytest.mark.parametrize(
    "name",
    [*NAMES, "\u2728 claims", "\u3014claims\u3015", "a\ufffeb", "\uffff", "\u1f5a"],
    ids=ascii,
)
def test_no_sign_in_a_name_keeps_a_statement_from_being_one(tmp_path, name):
    """PDF/UA allows no sign without a shape and no code that is none; a tag value must not stop a close."""
    table = Table(
        [Column("Tag value", 1), Column("Cost")], [Row([Cell(name), Cell("1.00")], TOTAL)]
    )
    [page] = set_pages(
        tmp_path / "set.pdf", f"{masthead()}\n{Paragraph(name).typst()}\n{table.typst()}"
    )
    assert "1.00" in " ".join(line.text for line in page)
