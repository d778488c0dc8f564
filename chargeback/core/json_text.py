"""JSON that others wrote, read so that whatever it holds is data or a ValueError, never another exception.

Python's reader takes more than JSON and fails in more ways than one: it ends in RecursionError where lists are
nested deeply, takes the last of two members of one name where another reader takes the first, reads NaN, and
gives texts that cannot be written as UTF-8. Manifests decide what is charged, so that none of this is taken.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn


def read_json(content: bytes | str) -> Any:
    """What a JSON text holds.

    Raises:
        ValueError: it is no JSON, nested too deeply, names a member twice, or holds a number or a text that
            JSON does not have.
    """
    try:
        text = content if isinstance(content, str) else content.decode("utf-8-sig")
        found = json.loads(text, object_pairs_hook=_members, parse_constant=_no_number)
        if "\\ud" in text.lower():  # half a character is written by its number only
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("lists or objects are nested too deeply") from None
    return found


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of an object, each name once."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the member {twice[:80]!r} stands there twice")
    return found


def _no_number(text: str) -> NoReturn:
    """Refuse NaN and Infinity."""
    raise ValueError(f"{text} is no number of JSON")
