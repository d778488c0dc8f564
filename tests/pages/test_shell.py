"""The shell of pages: a template cannot forget to escape, and what a page does not give is an error."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from chargeback.core.paths import REPORTS
from chargeback.pages.parts import Cell, Digests, Masthead, Paragraph
from chargeback.pages.shell import render_page
from tests.statements.hostile import FORMULA, MARKDOWN, RTL, SCRIPT

HOSTILE = (SCRIPT, '" onmouseover="alert(1)', "{{ 7 * 7 }}", FORMULA, RTL, MARKDOWN)


def audit_page(**values: object) -> str:
    """The audit's page of nothing much; keywords replace what it shows."""
    head = Masthead("Audit", "May", "", "", [], Cell("Passed"), "Result", "", "")
    given = {
        "title": "Audit", "head": head, "checks": Paragraph("none"), "method": "By hand.",
        "differences": [], "remarks": [], "invoices": [], "digests": Digests([]), **values,
    }  # fmt: skip
    return render_page("audit.html", **given)


class Elements(HTMLParser):
    """The elements of a page and its texts."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, int]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, len(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_is_shown_and_becomes_no_part_of_the_page(text):
    harmless = Elements(audit_page(title="x", method="x", remarks=["x"]))
    page = Elements(audit_page(title=text, method=text, remarks=[text]))
    assert page.found == harmless.found
    shown = text.replace("\u202e", "\ufffd").replace("\u200f", "\ufffd")
    assert page.text.count(shown) == 3


def test_what_could_hide_its_neighbours_is_marked():
    page = audit_page(method="pay \u202e001 and\u200b\nmore")
    assert "pay \ufffd001 and\ufffd more" in page


def test_a_heading_without_anything_below_it_is_left_out():
    assert "<h2>Differences</h2>" not in audit_page()
    page = audit_page(differences=[Paragraph("one"), Paragraph("two", "note")])
    assert '<h2>Differences</h2>\n<p class="plain">one</p>\n<p class="note">two</p>' in page


def test_what_a_page_does_not_give_is_an_error():
    with pytest.raises(UndefinedError, match="'head' is undefined"):
        render_page("audit.html", title="Audit")


@pytest.mark.parametrize("name", ["audit.html", "daily.html", "what-if.html"])
def test_no_template_says_that_a_text_is_safe_or_repeats_the_shell(name):
    text = (REPORTS / name).read_text(encoding="utf-8")
    assert '{% extends "page.html" %}' in text
    assert not re.search(r"\|\s*safe|autoescape|<html|<main|statement\.css", text)
