"""Text that people wrote, made harmless for terminals, logs and spreadsheets.

Control characters, bidirectional controls and invisible ones do not belong in a name, and can hide or reorder
the text beside them; two codes are no characters at all. Joiners stay, because some scripts need them. Every
medium shows the replacement character instead (chargeback/pages/escaping.py does the rest for HTML, Typst and
Markdown).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from chargeback.core.likeness import close_matches, same_but_for_case

_UNSAFE = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\u200b\u200e\u200f"
    "\u00ad\u061c\u180e\u2060-\u2065\u206a-\u206f\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff]"
)
_SPACES = re.compile(r"[\t\n\r]+")

#: What a spreadsheet may read as the beginning of a formula: at the beginning of a cell, and after what some
#: country's spreadsheets split cells at; quotes, apostrophes and spaces in between may get lost.
_STARTS = r"(?=['\"\s]*[=+\-@\t\r＝＋－＠])"
_FORMULA = re.compile(rf"(^|[;|\t]){_STARTS}")
_KEPT_FORMULA = re.compile(rf"(^|[;|\t])'{_STARTS}")


def plain(text: str) -> str:
    """The text on one line, with a visible mark for characters that could hide others."""
    return _UNSAFE.sub("\ufffd", _SPACES.sub(" ", text))


def beginning(text: str, most: int) -> str:
    """A text where there is room for so many letters: as it is, else its beginning and an ellipsis.

    >>> beginning("claims intake", 13), beginning("claims intake", 9)
    ('claims intake', 'claims i…')
    """
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def spreadsheet_text(text: str) -> str:
    """For a text cell of a CSV file: an apostrophe wherever a spreadsheet would see a formula.

    Also behind a semicolon, tab or bar, which some spreadsheets split a line at, quoted or not.

    >>> spreadsheet_text("=HYPERLINK(1)"), spreadsheet_text("a;=1+1")
    ("'=HYPERLINK(1)", "a;'=1+1")
    """
    return _FORMULA.sub(r"\1'", text)


def from_spreadsheet_text(cell: str) -> str:
    """The text that `spreadsheet_text` made a cell of.

    >>> from_spreadsheet_text("a;'=1+1")
    'a;=1+1'
    """
    return _KEPT_FORMULA.sub(r"\1", cell)


def suggestion(word: str, known: Iterable[str]) -> list[str]:
    """A "did you mean" line for a refusal: the word in other letter case, else a near one, else nothing.

    >>> suggestion("cc-1001", ["CC-1001", "CC-1002"])
    ["did you mean 'CC-1001'?"]
    """
    words = tuple(known)
    near = same_but_for_case(word, words) or close_matches(word, words)
    return [f"did you mean {near[0]!r}?"] if near else []
