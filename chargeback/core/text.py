"""Text that people wrote, made harmless for terminals, logs and spreadsheets.

Control characters and bidirectional overrides do not belong in a name, and can hide or reorder the text beside
them. Every medium shows the replacement character instead (chargeback/pages/escaping.py does the rest for
HTML, Typst and Markdown).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_UNSAFE = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\u200b\u200e\u200f]"
)
_SPACES = re.compile(r"[\t\n\r]+")

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def plain(text: str) -> str:
    """The text on one line, with a visible mark for characters that could hide others."""
    return _UNSAFE.sub("\ufffd", _SPACES.sub(" ", text))


def spreadsheet_text(text: str) -> str:
    """For a text cell of a CSV file: a leading apostrophe where a spreadsheet would see a formula.

    >>> spreadsheet_text("=HYPERLINK(1)")
    "'=HYPERLINK(1)"
    """
    return "'" + text if text.lstrip(" \n").startswith(FORMULA_STARTS) else text


def suggestion(word: str, known: Iterable[str]) -> list[str]:
    """A "did you mean" line for a refusal: the word in other letter case, else a near one, else nothing.

    >>> suggestion("cc-1001", ["CC-1001", "CC-1002"])
    ["did you mean 'CC-1001'?"]
    """
    words = list(known)
    near = [one for one in words if one.casefold() == word.strip().casefold()]
    near += difflib.get_close_matches(word, words, n=1)
    return [f"did you mean {near[0]!r}?"] if near else []
