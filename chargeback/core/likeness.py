"""Likeness: the known texts that a text is most like, without comparing it with each of them.

Comparing two texts (difflib) is slow, and whoever has thousands of cost centers has thousands of values that
name none. So texts are compared with those alone that share the most pairs of letters with them, the rarest
first. What always holds: up to `MOST_COMPARED` known texts are all compared, as difflib alone would do; beyond,
the work for a text does not grow with how many are known, but for making the index once.

Known drawback: beyond `MOST_COMPARED`, the most similar text may be missed where very many share what is rare.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

#: How many known texts a text is compared with, and how many entries of the index are looked at to choose them.
MOST_COMPARED, MOST_LOOKED_AT = 100, 2000


def close_matches(text: str, known: Iterable[str], most: int = 1, cutoff: float = 0.6) -> list[str]:
    """As difflib.get_close_matches: the most similar known texts, best first.

    >>> close_matches("CC-1O01", ["CC-1001", "CC-2002"])
    ['CC-1001']
    """
    return difflib.get_close_matches(text, candidates(text, tuple(known)), most or 1, cutoff)


def same_but_for_case(text: str, known: Iterable[str]) -> list[str]:
    """The known texts that are a text but for case and the blanks around it, in their order."""
    return folded(tuple(known)).get(text.strip().casefold(), [])


def candidates(text: str, known: tuple[str, ...]) -> Sequence[str]:
    """The known texts with which a text is worth comparing."""
    if len(known) <= MOST_COMPARED:
        return known
    index = by_pair(known)
    shared: Counter[int] = Counter()
    left = MOST_LOOKED_AT
    for places in sorted((index.get(pair, []) for pair in pairs_of(text)), key=len):
        shared.update(places[:left])
        left -= len(places)
        if left <= 0:
            break
    return [known[place] for place, _ in shared.most_common(MOST_COMPARED)]


def pairs_of(text: str) -> list[str]:
    """The pairs of neighbouring letters of a text, each once, its ends included."""
    ended = f"\0{text}\0"
    return list(dict.fromkeys(ended[at : at + 2] for at in range(len(ended) - 1)))


@lru_cache(maxsize=8)
def by_pair(known: tuple[str, ...]) -> dict[str, list[int]]:
    """The places of the known texts that have a pair of letters, by pair."""
    found: dict[str, list[int]] = {}
    for place, text in enumerate(known):
        for pair in pairs_of(text):
            found.setdefault(pair, []).append(place)
    return found


@lru_cache(maxsize=8)
def folded(known: tuple[str, ...]) -> dict[str, list[str]]:
    """The known texts by what they are without regard to case."""
    found: dict[str, list[str]] = {}
    for text in known:
        found.setdefault(text.casefold(), []).append(text)
    return found
