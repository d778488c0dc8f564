"""Text that people wrote, made harmless for terminals, logs and spreadsheets.

Control characters and bidirectional overrides do not belong in a name, and can hide or reorder the text beside
them. Every medium shows the replacement character instead (chargeback/pages/escaping.py does the rest for
HTML, Typst and Markdown).
"""

from __future__ import annotations

import re

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
