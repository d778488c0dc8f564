"""What a text for a terminal, a log or a ticket may not hold."""

from __future__ import annotations

import re

from tests.hostile.names import NAMES

#: Characters that act on a terminal, or hide or reorder what stands beside them. Line ends are looked at apart.
ACTING = re.compile(
    "[\0-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
#: What a name would begin a line of its own with.
FORGED = tuple(
    part for name in NAMES for part in re.split("[\n\r\u2028]", name)[1:] if len(part.strip()) > 3
)


def assert_harmless(text: str) -> None:
    """Nothing in a text acts, and no line of it was made by a name."""
    acting = ACTING.search(text)
    assert not acting, ascii(text[max(0, acting.start() - 200) :][:400])
    assert not [line for line in text.split("\n") if line.startswith(FORGED)]
