"""Text that people wrote, made harmless for each medium: HTML, Typst, Markdown, spreadsheets.

Names and tag values come from params and from AWS tags, which anybody with a tag editor can write. Each
function takes raw text and returns text that its medium shows as that text and never interprets. What always
holds: nothing that went through here can open an element, a function call, a shortcode, a fence or a formula.

Control characters and bidirectional overrides do not belong in a name, and can hide or reorder the text beside
them. All media show the replacement character instead.
"""

from __future__ import annotations

import html
import re

from chargeback.core.text import plain

_BACKTICKS = re.compile(r"`+")
_MARKDOWN = re.compile(
    r"([!-/:-@\[-`{-~])"
)  # all ASCII punctuation: pandoc lets every one be escaped
_MARKDOWN_CELL = re.compile(
    r"(?i)[!-+/:-@\[-`{-~]|(?<=-)-|(?<=\.)\.|(?<=www)\."
)  # all of it but commas, dashes and dots that stand alone

_TYPST = {"\\": "\\\\", '"': '\\"', "{": "\\u{7b}", "}": "\\u{7d}"}

_LONG_WORD = re.compile(r"\S{21,}")
_BREAK_AFTER = re.compile(r"([/_.:\-=,;@+]|\S{10}(?=\S))")
#: Where Typst may break a long word. Readers of the rendered files drop it again.
BREAK = "\u200b"


def html_text(text: str) -> str:
    """For element content and for quoted attribute values.

    Braces are escaped too: Quarto looks for `{{< shortcodes >}}` even inside raw HTML.

    >>> html_text('<b a="{{< env HOME >}}">')
    '&lt;b a=&quot;&#123;&#123;&lt; env HOME &gt;&#125;&#125;&quot;&gt;'
    """
    return html.escape(plain(text), quote=True).replace("{", "&#123;").replace("}", "&#125;")


def typst_string(text: str, breaks: bool = False) -> str:
    """A Typst string literal, quotes included; a string is never evaluated.

    Braces become escapes for Quarto's shortcodes, as in `html_text`.

    Args:
        breaks: let long words break, for text that must fit a column.

    >>> typst_string('#eval("1") \\\\ $x$')
    '"#eval(\\\\"1\\\\") \\\\\\\\ $x$"'
    """
    shown = breakable(plain(text)) if breaks else plain(text)
    return '"' + "".join(_TYPST.get(character, character) for character in shown) + '"'


def breakable(text: str) -> str:
    """The text with break opportunities inside words too long for a table column."""

    def broken(word: re.Match[str]) -> str:
        return _BREAK_AFTER.sub(lambda part: part.group(0) + BREAK, word.group(0))

    return _LONG_WORD.sub(broken, text)


def markdown_text(text: str) -> str:
    """For a Markdown metadata value such as the page title."""
    return _MARKDOWN.sub(r"\\\1", plain(text))


def markdown_cell(text: str) -> str:
    """For a cell of a Markdown table that JupyterLab, nbconvert and pandoc show: one line of text, no markup.

    What could be markup is a character reference, which all of them read and none takes for markup; so are dots
    and dashes in a row, and the dot of an address, which pandoc or JupyterLab would make something else of.

    >>> markdown_cell("a_b | <i> -1,234.50 -- www.example.com")
    'a&#95;b &#124; &#60;i&#62; -1,234.50 -&#45; www&#46;example.com'
    """
    return _MARKDOWN_CELL.sub(
        lambda found: f"&#{ord(found.group(0))};", " ".join(plain(text).split())
    )


def raw_block(target: str, content: str) -> str:
    """A pandoc raw block whose fence is longer than any run of backticks in its content.

    Args:
        target: `html` or `typst`; other targets drop the block.
    """
    longest = max((len(run) for run in _BACKTICKS.findall(content)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{{={target}}}\n{content}\n{fence}\n"
