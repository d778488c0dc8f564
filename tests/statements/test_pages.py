"""What every page carries, what an open month is marked with, and that bytes repeat."""

from __future__ import annotations

import csv
from dataclasses import replace
from html import unescape
from pathlib import Path

import pypdfium2
import pytest

from chargeback.signing import Signer
from chargeback.statements import sections
from chargeback.statements.extract import extract_units, read_charges
from tests.statements.rendered import MEDIA, Rendered, write_embedded


def csv_statuses(path: Path) -> set[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["status"] for row in csv.DictReader(file)}


def pages_of(rendered: Rendered, unit_id: str) -> list[str]:
    """The text of each page of a unit's PDF."""
    document = pypdfium2.PdfDocument(rendered.file(unit_id, "pdf"))
    pages = [" ".join(page.get_textpage().get_text_range().split()) for page in document]
    document.close()
    return pages


def assert_numbered(rendered: Rendered) -> None:
    """Each page says whose it is, for when, and which of how many."""
    for unit_id in rendered.units:
        pages = pages_of(rendered, unit_id)
        assert len(pages) > 1
        for number, text in enumerate(pages, start=1):
            assert f"Statement of AWS charges · May 2026 · {unit_id}" in text
            assert f"page {number} of {len(pages)}" in text


def test_every_page_says_whose_it_is_when_and_which(rendered):
    """A sheet that lost its staple can be put back."""
    assert_numbered(rendered)


def test_a_very_long_name_pushes_nothing_off_the_page(hostile):
    assert_numbered(hostile)


def test_an_open_month_is_marked_on_every_page_and_in_every_medium(hostile):
    """Nobody books a provisional figure because one page of it lay on a desk."""
    for unit_id in hostile.units:
        assert all("PROVISIONAL" in page for page in pages_of(hostile, unit_id))
        html = hostile.file(unit_id, "html").read_text(encoding="utf-8")
        assert '<p class="provisional" role="note">PROVISIONAL</p>' in html
        assert "<title>PROVISIONAL Statement" in html
        assert csv_statuses(hostile.file(unit_id, "csv")) == {"PROVISIONAL"}


def test_a_closed_month_is_marked_nowhere(rendered):
    for unit_id in rendered.units:
        assert not any("PROVISIONAL" in page for page in pages_of(rendered, unit_id))
        for medium in ("html", "csv"):
            text = rendered.file(unit_id, medium).read_text(encoding="utf-8")
            assert "PROVISIONAL" not in text
        assert csv_statuses(rendered.file(unit_id, "csv")) <= {"closed"}


def test_a_development_key_is_named_on_every_page_and_where_one_learns_to_verify(rendered):
    """Nobody takes a key that the program made for itself for the signature of finance."""
    for unit_id in rendered.units:
        pages = pages_of(rendered, unit_id)
        assert all("signed with a development key" in page for page in pages)
        html = rendered.file(unit_id, "html").read_text(encoding="utf-8")
        assert "<dt>Signature</dt><dd><bdi>development key</bdi></dd>" in html
        for text in (html, " ".join(pages)):
            assert "signed with a development key: that proves that nothing changed since" in text
            assert "openssl cms -verify -inform DER -binary -in manifest.json.p7s" in text


def test_another_key_is_named_as_its_certificate_does_and_nowhere_as_one_of_development(rendered):
    name = "CN=Finance,O=Health & Sons"
    inputs = replace(rendered.inputs, signer=Signer(name, False))
    statement = extract_units(inputs, read_charges(inputs))["claims"]
    verify, head = sections.verify(statement), sections.head(statement)
    assert "The signer must be CN=Finance,O=Health &amp; Sons." in verify.markdown()
    assert "development" not in verify.markdown() + head.markdown()


BY_OUR_WORD = "The time of signing is by our word"
STAMPED = "confirmed by a time stamp (RFC 3161) of the authority at tsa.example.com."
STORE = "“Not total document signed”"


@pytest.mark.parametrize(
    ("time", "said", "not_said"),
    [
        ({"time_stamp": ""}, [BY_OUR_WORD], ["confirmed by", STORE]),
        ({"time_stamp": "tsa.example.com"}, [STAMPED], [BY_OUR_WORD, STORE]),
        ({"time_stamp": "tsa.example.com", "long_term": True}, [STAMPED, STORE], [BY_OUR_WORD]),
        ({}, [], ["time of signing", "times of signing", STORE]),  # of earlier versions
    ],
)
def test_a_statement_says_who_says_when_it_was_signed(time, said, not_said, rendered):
    inputs = replace(rendered.inputs, signer=Signer("CN=Finance", False, **time))
    statement = extract_units(inputs, read_charges(inputs))["claims"]
    page = unescape(sections.verify(statement).markdown())
    assert [one for one in said if one not in page] == []
    assert [one for one in not_said if one in page] == []


def test_a_draft_speaks_of_no_signature(hostile):
    for unit_id in hostile.units:
        assert "pdfsig" not in " ".join(pages_of(hostile, unit_id))


def test_the_same_inputs_give_the_same_bytes(rendered, tmp_path):
    """An auditor who renders a statement again may compare its digest."""
    write_embedded(rendered.inputs, tmp_path / "again", tmp_path / "notebooks")
    for medium in MEDIA:
        again = (tmp_path / "again" / "claims" / f"statement.{medium}").read_bytes()
        assert again == rendered.file("claims", medium).read_bytes(), medium
