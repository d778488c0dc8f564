"""Plain markup: HTML as our renderers write it, walked through in half of the time that any HTML takes.

In: a page. Out: the calls that `html.parser.HTMLParser` would make for it, in their order. Python's parser
looks for whatever browsers put up with. Our pages have attributes in double quotes, one space before each, and
no stray signs, so that one pattern a tag is enough.

What always holds: from the first place on where markup is not that plain, Python's own parser goes on with the
rest. So a page that somebody wrote something into is read as before.
"""

from __future__ import annotations

import functools
import re
from html import unescape
from html.parser import HTMLParser

_TAG = re.compile(
    r"<(?:/([a-zA-Z][a-zA-Z0-9-]*)"
    r'|([a-zA-Z][a-zA-Z0-9-]*)((?: [a-zA-Z_][a-zA-Z0-9_:.-]*(?:="[^"]*")?)*) ?(/?))>'
)
_ATTRIBUTE = re.compile(r' ([a-zA-Z_][a-zA-Z0-9_:.-]*)(?:="([^"]*)")?')
#: What is written like a reference and does not end like one; versions of Python read it differently.
_LOOSE = re.compile(r"&(?!(?:[a-zA-Z][a-zA-Z0-9]*|#[0-9]+|#[xX][0-9a-fA-F]+);)")
_DECLARATION = re.compile(r"<!((?:DOCTYPE|doctype) html)>")

#: Whose content is no markup: to be read as it stands.
AS_IT_STANDS = ("script", "style")
#: Whose content some versions of Python read otherwise than that of other elements.
OTHERWISE = frozenset(
    ("title", "textarea", "iframe", "noembed", "noframes", "noscript", "plaintext", "template", "xmp")
)  # fmt: skip


class PlainParser(HTMLParser):
    """Python's parser, which is quick where a page is plain.

    Args:
        reads_text: whether what stands between tags is handed on; where markup is not plain, it always is.
    """

    reads_text = True

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def read(self, page: str) -> None:
        """Go through a whole page, to its end."""
        reached = self.walk(page)
        if reached < len(page):
            self.feed(page[reached:])
        self.close()

    def walk(self, page: str) -> int:
        """Go through a page as far as it is plain; how far that is."""
        if "\0" in page:
            return 0
        at = 0
        while True:
            begins = page.find("<", at)
            text = page[at:] if begins < 0 else page[at:begins]
            if text and self.reads_text:
                self.handle_data(unescape(text) if "&" in text else text)
            if begins < 0:
                return len(page)
            found = _TAG.match(page, begins)
            if found is None:
                declared = _DECLARATION.match(page, begins)
                if declared is None:
                    return begins
                self.handle_decl(declared[1])
                at = declared.end()
                continue
            at = found.end()
            ended, begun, attributes, is_empty = found.groups()
            if ended:
                self.handle_endtag(ended.lower())
                continue
            if "&" in attributes and _LOOSE.search(attributes):
                return begins
            tag = begun.lower()
            end = at
            if tag in AS_IT_STANDS or tag in OTHERWISE:
                end = page.find("</", at)
                content = page[at:end]
                marks = ("<!--",) if tag in AS_IT_STANDS else ("<",)
                if (
                    is_empty or not page.startswith(f"</{tag}>", end)
                    or any(one in content for one in marks)
                    or (tag in OTHERWISE and tag != "title")
                ):  # fmt: skip
                    return begins
            named = list(attributes_of(attributes)) if attributes else []
            if is_empty:
                self.handle_startendtag(tag, named)
                continue
            self.handle_starttag(tag, named)
            if tag in AS_IT_STANDS and end > at:
                self.handle_data(page[at:end])
                at = end


@functools.lru_cache(maxsize=2048)
def attributes_of(written: str) -> tuple[tuple[str, str | None], ...]:
    """The attributes of a tag, as they are meant; None for one without a value."""
    return tuple(
        [
            (name.lower(), unescape(value) if value and "&" in value else value)
            for name, value in (one.groups() for one in _ATTRIBUTE.finditer(written))
        ]
    )
