"""Text that went through `escaping` is that text in its medium, whatever it is."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import subprocess
from html.parser import HTMLParser

import pypandoc
import pytest
import typst
from hypothesis import given
from hypothesis import strategies as st

from chargeback.core.text import from_spreadsheet_text, plain, spreadsheet_text
from chargeback.pages.escaping import (
    BREAK,
    breakable,
    html_text,
    markdown_text,
    raw_block,
    typst_string,
)
from tests.statements.hostile import NAMES

SIGNS = "<>&\"'`{}[]()#$*_\\@/=+-|~^!%:;,.?\t\n\r\0 \u202e\u200b\u2028\ufeff＝"
# Lists, because `st.text` would take the signs as a few of a million characters.
CHARACTERS = st.sampled_from(SIGNS) | st.characters(codec="utf-8")
TEXTS = st.lists(CHARACTERS, max_size=40).map("".join)
UNSEEN = re.compile(
    "[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\u200b\u200e\u200f"
    "\u00ad\u061c\u180e\u2060-\u2065\u206a-\u206f\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff]"
)


@given(TEXTS)
def test_a_name_stays_on_one_line_and_hides_nothing(text):
    """Control characters and overrides of direction are shown as such, and once only."""
    shown = plain(text)
    assert not UNSEEN.search(shown)
    assert plain(shown) == shown
    if not UNSEEN.search(text):
        assert shown == text.replace("\u200e", "\ufffd").replace("\u200f", "\ufffd")


@given(TEXTS)
def test_html_reads_the_text_back_in_content_and_attributes(text):
    found: list[tuple[str, object]] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append((tag, attrs))

        def handle_data(self, data):
            found.append(("", data))

    parser = Parser()
    parser.feed(f'<p title="{html_text(text)}">{html_text(text)}</p>')
    parser.close()
    content = [("", plain(text))] if text else []
    assert found == [("p", [("title", plain(text))]), *content]
    assert "{{" not in html_text(text), "Quarto would look for a shortcode"
    assert html.unescape(html_text(text)) == plain(text)


def test_typst_reads_each_text_back(tmp_path):
    """One document with many strings: Typst says what they are, and evaluates none."""
    texts = [*NAMES, *SIGNS, *(f"{one}{two}" for one in SIGNS for two in SIGNS), "\\u{41}", '\\"']
    source = tmp_path / "strings.typ"
    values = ", ".join(typst_string(text) for text in texts)
    source.write_text(f"#metadata(({values},)) <strings>", encoding="utf-8")
    answer = typst.query(str(source), "<strings>", field="value", one=True)
    assert json.loads(answer) == [plain(text) for text in texts]


@given(TEXTS)
def test_typst_strings_end_where_they_should(text):
    """No quote inside that is not escaped, no line end, no brace that Quarto could read."""
    written = typst_string(text)
    assert re.fullmatch(r'"([^"\\{}\n]|\\["\\]|\\u\{7[bd]\})*"', written)


@given(TEXTS)
def test_breaks_change_nothing_that_is_read(text):
    assert breakable(plain(text)).replace(BREAK, "") == plain(text)


def pandoc(markdown: str, *arguments: str) -> str:
    """What pandoc makes of a text."""
    command = [pypandoc.get_pandoc_path(), "--from", "markdown", *arguments]
    done = subprocess.run(command, input=markdown, capture_output=True, text=True, check=True)
    return done.stdout


def test_pandoc_shows_each_markdown_text_as_it_is():
    """As the title is; all in one document, a paragraph each."""
    texts = [plain(name).strip() for name in NAMES]
    texts += [f"a{one}{two}b" for one in "<>&\"'`{}[]()#$*_\\@|~^!" for two in "{[(*_$`<:=-"]
    made = pandoc("\n\n".join(markdown_text(text) for text in texts), "--to", "html", "--wrap=none")
    paragraphs = re.findall(r"<p>(.*?)</p>", made, re.S)
    assert [html.unescape(one) for one in paragraphs] == texts


@pytest.mark.parametrize("content", [*NAMES, "```", "````\n```{=html}\n<b>out</b>\n```"])
def test_a_raw_block_ends_where_it_should(content):
    """A fence inside the content does not end it: nothing follows it as Markdown."""
    assert raw_block("html", content).splitlines()[1:-1] == content.splitlines()
    fence = raw_block("html", content).partition("{")[0]
    assert len(fence) >= 3
    assert fence not in content
    assert raw_block("html", content).splitlines()[-1] == fence


def test_pandoc_drops_the_raw_block_of_another_target():
    both = raw_block("html", "<p>one</p>") + "\n" + raw_block("typst", "#two")
    assert pandoc(both, "--to", "html").strip() == "<p>one</p>"
    assert pandoc(both, "--to", "typst").strip() == "#two"


@given(TEXTS)
def test_a_spreadsheet_reads_text_and_never_a_formula(text):
    cell = spreadsheet_text(plain(text))
    assert not cell.lstrip().startswith(tuple("=+-@＝＋－＠"))
    assert from_spreadsheet_text(cell) == plain(text)
    for part in re.split("[;|]", cell):
        assert not part.strip("'\" ").startswith(tuple("=+-@＝＋－＠")) or part.startswith("'")
    written = io.StringIO()
    csv.writer(written).writerow([cell])
    assert next(csv.reader([written.getvalue()])) == [cell]
