"""What is walked through quickly makes the calls that Python's own parser makes, plain or not."""

from __future__ import annotations

import random
from html.parser import HTMLParser

import pytest

from chargeback.core.paths import REPORTS
from chargeback.pages.plain_markup import PlainParser

PLAIN = (
    '<!DOCTYPE html>\n<html lang="en"><head><title>A &amp; B</title><meta charset="utf-8"/>'
    '<style>a > b { color: red }</style></head><body class="x y" hidden><p data-n="1 &lt; 2">One &amp; two'
    '<br> three<img src="" alt="a > b"></p><svg viewBox="0 0 1 1"><path d="M0" /></svg>'
    '<script type="application/json" id="rows">{"a": "1 < 2 &amp; 3"}</script></body></html>\n'
)

#: What is not plain, or is read otherwise than it looks.
HOSTILE = (
    "",
    "text alone",
    "a &amp; b &copy c &#x41",
    "<",
    "<p",
    "<p>a",
    "<p a=1>b</p>",
    "<p a='1 > 2'>b</p>",
    '<p  a="1">b</p>',
    '<p a="1"b="2">c</p>',
    '<p a="1\nb">c',
    '<P CLASS="X">a</P>',
    "<p/>",
    "<br/ >",
    "a < b",
    "a <b c",
    "<!-- <p>no</p> --><p>yes</p>",
    "<![CDATA[<p>]]>",
    "<?pi <p> ?>",
    "<!x>",
    "</>",
    "</ p>",
    '</p a="1">',
    "<script>a</scriptx></script>",
    "<script>'</p>'</script>b",
    "<script><!--<script></script>-->",
    "<script/>a<p>b</p>",
    "<style>a</style >b",
    "<script>never ended <p>",
    "<title>a<b>c</title>",
    "<title>a",
    "<textarea><p></textarea>",
    "<iframe><p></iframe>",
    "<xmp>&amp;</xmp>",
    "<plaintext><p>",
    "<p\0>a",
    "a\0b",
    '<p title="&copy=1&amp;b">',
    '<p title="&lt">',
    '<p onclick="a(\'>\')" style="b">',
    '<a href="x" ="y">',
    '<p a="" b c="">',
    '<p a="\u00a0\u0085">\u2028</p>',
    '<p\u00a0a="1">',
    '<p a="1" a="2">',
    "<noscript><p></noscript>",
    "<template><p></template>",
    "<é>a</é>",
    '<p é="1">a',
    '<p a="1" / b>c',
)


def calls(parser: type[HTMLParser], page: str) -> list[object]:
    """What a parser calls for a page; texts one after the other are one."""
    found: list[object] = []

    class Keeps(parser):  # type: ignore[valid-type, misc]
        def handle_starttag(self, tag, attrs):
            found.append(("start", tag, attrs))

        def handle_startendtag(self, tag, attrs):
            found.append(("empty", tag, attrs))

        def handle_endtag(self, tag):
            found.append(("end", tag))

        def handle_data(self, data):
            found.append(("text", data))

        def handle_decl(self, decl):
            found.append(("declaration", decl))

        def handle_comment(self, data):
            found.append(("comment", data))

        def handle_pi(self, data):
            found.append(("instruction", data))

    if parser is PlainParser:
        Keeps().read(page)
    else:
        own = Keeps(convert_charrefs=True)
        own.feed(page)
        own.close()
    return found


def test_a_plain_page_is_walked_through_to_its_end():
    assert PlainParser().walk(PLAIN) == len(PLAIN)
    assert calls(PlainParser, PLAIN) == calls(HTMLParser, PLAIN)


@pytest.mark.parametrize("page", HOSTILE)
@pytest.mark.parametrize("before", ["", PLAIN])
def test_what_is_not_plain_is_read_as_python_reads_it(before, page):
    for after in ("", "<p>after</p>"):
        whole = before + page + after
        assert calls(PlainParser, whole) == calls(HTMLParser, whole)


def test_whatever_is_put_together_of_signs_is_read_as_python_reads_it():
    chance = random.Random(7)
    parts = [
        "<",
        ">",
        "</",
        "/>",
        "p",
        "script",
        "style",
        "title",
        "br",
        " ",
        "a=",
        '"',
        "'",
        "&amp;",
        "&lt",
        "&",
        "x",
        "\n",
        "<!--",
        "-->",
        "<!DOCTYPE html>",
        "<p>",
        "</p>",
        "</script>",
        "<script>",
        ' b="1"',
        "=",
    ]
    for _ in range(20_000):
        page = "".join(chance.choices(parts, k=chance.randint(1, 14)))
        assert calls(PlainParser, page) == calls(HTMLParser, page), repr(page)


def test_a_template_of_ours_is_read_alike():
    page = (REPORTS / "dashboard-page.html").read_text(encoding="utf-8")
    assert calls(PlainParser, page) == calls(HTMLParser, page)
