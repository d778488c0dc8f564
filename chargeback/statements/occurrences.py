"""Where any of many texts stands in another text, as whole words or whole amounts, in one pass.

In: all texts that are looked for, however many. Out: the places of a text at which one begins, and where it may
end. A text is found by its first two letters and its length, so that the time of a search grows with what is
searched through, and hardly with how much is looked for. Answers are kept: what a renderer puts into the files
of all units is gone through once.

What stands around a text decides whether it is whole: words have no letter, digit, underscore or hyphen beside
them; amounts no digit, and no point or comma before them. A digit at an end of either is that of no longer
number: `1.5` does not stand in `1.50`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from string import digits

#: Where a text begins, and where it may end, the longest first.
Places = tuple[tuple[int, tuple[int, ...]], ...]

#: What may not stand before and after.
WORDS = (r"(?<![\w-])", r"(?![\w-])")
AMOUNTS = (r"(?<![0-9.,])", r"(?![0-9])")

_HEAD = 2  # letters by which a text is found
_MOST_KEPT = 4096


class Occurrences:
    """Many texts that are looked for at once.

    Args:
        texts: none of them empty.
        around: WORDS or AMOUNTS.
    """

    def __init__(self, texts: Iterable[str], around: tuple[str, str]) -> None:
        self.texts = frozenset(texts)
        before, after = around
        self._after = re.compile(after)
        heads: dict[str, set[int]] = {}
        for text in self.texts:
            heads.setdefault(text[:_HEAD], set()).add(len(text))
        self._lengths = {head: sorted(found, reverse=True) for head, found in heads.items()}
        first = "".join(sorted({text[0] for text in self.texts}))
        self._begin = re.compile(f"{before}(?=[{re.escape(first)}])") if first else None
        self.places = lru_cache(maxsize=_MOST_KEPT)(self._places)

    def _places(self, text: str) -> Places:
        """Where in a text any of the texts stands; several may begin at one place, and overlap."""
        if self._begin is None:
            return ()
        found = []
        for match in self._begin.finditer(text):
            start = match.start()
            if ends := tuple(
                end for end in self._ends(text, start) if self._is_whole(text, start, end)
            ):
                found.append((start, ends))
        return tuple(found)

    def _ends(self, text: str, start: int) -> Iterable[int]:
        head = text[start : start + _HEAD]
        lengths = [*self._lengths.get(head, ()), *self._lengths.get(head[:1], ())]
        return (
            start + length
            for length in dict.fromkeys(lengths)
            if text[start : start + length] in self.texts and start + length <= len(text)
        )

    def _is_whole(self, text: str, start: int, end: int) -> bool:
        """Whether nothing around it makes it a part of a longer word or number."""
        if not self._after.match(text, end):
            return False
        before, after = text[max(0, start - 2) : start], text[end : end + 2]
        is_longer = (
            text[start] in digits and len(before) == 2 and before[0] in digits and before[1] in ".,"
        ) or (
            text[end - 1] in digits and len(after) == 2 and after[0] in ".," and after[1] in digits
        )
        return not is_longer
