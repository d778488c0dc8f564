"""Names: what a manifest may call a file, and what an object in S3 may be called that becomes a file here.

Whoever can write a manifest or an object chooses names, and a name becomes a path. What always holds: a name
that passes stays inside of the folder that it is taken from, on every file system, and says where by itself.
A link in that folder can still lead elsewhere; those who follow names look for links.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from chargeback.core.errors import CONTROL_FAILED, Refusal

#: Where the files of a period lie, the ledger last: it says what is closed.
ROOMS = ("statements", "evidence", "ledger")

#: The longest that a part of a path can be on the usual file systems.
MOST_BYTES = 255

#: A backslash or a colon after one letter mean something on another system; the rest is never in a name.
_NEVER = re.compile("\\\\|[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]|^[A-Za-z]:")


@functools.lru_cache(maxsize=4096)
def is_confined(name: str) -> bool:
    r"""Whether a name, its parts separated by slashes, stays in the folder that it is taken from.

    >>> is_confined("sql/keys/split_cost.sql"), is_confined("..."), is_confined("a b/ü.csv")
    (True, True, True)
    >>> [is_confined(one) for one in ("../x", "a/../../x", "/etc/x", "a//x", "./x", "a/.", "a/", "")]
    [False, False, False, False, False, False, False, False]
    >>> [is_confined(one) for one in ("a\\x", "C:/x", "a/c:x", "a\0", "a\nb", "a\x1b[2J", "x" * 256)]
    [False, False, False, False, False, False, False]
    """
    return all(_is_plain(part) for part in name.split("/"))


def _is_plain(part: str) -> bool:
    return (
        part not in ("", ".", "..") and not _NEVER.search(part) and len(part.encode()) <= MOST_BYTES
    )


def require_confined(names: Iterable[str], of: str) -> None:
    """Stop when a manifest calls a file by a name that leads out of its period (exit 4).

    Args:
        of: what gives the names, for the reader.
    """
    for name in names:
        room, _, rest = name.partition("/")
        if room not in ROOMS or not is_confined(rest):
            raise Refusal(
                CONTROL_FAILED, "a manifest names a file outside of its period",
                f"{', '.join(sorted(ROOMS))}, then a path in it, without . or .. or empty parts", repr(name),
                "", [of],
                ["no close writes such a name: find out who put this manifest, and trust nothing beside it",
                 "nothing was read or written under this name"],
            )  # fmt: skip
