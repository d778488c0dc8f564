"""Names of what is handed out, for people: "2026-05 Claims Operations statement.pdf".

They are made of names that people wrote, and must be safe as files of Windows, macOS and Linux, as objects in S3
and in the header of a mail. What always holds: two units never have one name, also where a file system does not
tell upper case from lower; and the same units give the same names.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

from chargeback.core.text import plain

#: The longest that a unit's name is in the name of a file, in bytes of UTF-8.
MOST_BYTES = 80

#: What lies beside the units' folders in a pack.
MAIL = "mail"

#: What some file system, shell or header reads as something else than a letter.
_RESERVED = re.compile(r"[\u0000-\u001f\u007f\"*/:<>?\\|%#`{}^~\[\]\ufffd;]+")
#: Names of devices, which Windows takes for those whatever ending follows.
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?=\.|$)")


def safe_name(text: str) -> str:
    r"""A name that every file system takes; blank where nothing of it is left.

    >>> [safe_name(one) for one in ("R&D: a/b", "nul", " .Ops. ", "../..", "CON.x")]
    ['R&D_ a_b', '_nul', 'Ops', '_', '_CON.x']
    """
    name = _RESERVED.sub("_", unicodedata.normalize("NFC", plain(text)))
    name = _shortened(" ".join(name.split()).strip(" .'-"))
    if set(name) <= {".", "_", " "}:
        name = "_" if name else ""
    return f"_{name}" if _DEVICES.match(name) else name


def unit_folders(unit_ids: Mapping[str, str]) -> dict[str, str]:
    """The name of each unit's folder: its id, which is safe but for what a file system makes of it."""
    return _told_apart({unit_id: safe_name(unit_id) or "_" for unit_id in unit_ids})


def unit_titles(names: Mapping[str, str]) -> dict[str, str]:
    """What each unit's files are called after, by its id.

    Args:
        names: of the units, by their ids.
    """
    return _told_apart({unit_id: safe_name(name) or unit_id for unit_id, name in names.items()})


def _told_apart(names: dict[str, str]) -> dict[str, str]:
    """The names with the ids behind those that some file system would take for the same."""
    folded = {key: _folded(name) for key, name in names.items()}
    count = Counter([*folded.values(), MAIL, MAIL])
    found, taken = dict[str, str](), {one for one in folded.values() if count[one] == 1}
    for key, name in sorted(names.items()):
        if count[folded[key]] > 1:
            name, number = f"{name} ({safe_name(key)})", 1
            while _folded(name) in taken:
                number += 1
                name = f"{names[key]} ({safe_name(key)} {number})"
            taken.add(_folded(name))
        found[key] = name
    return found


def _folded(name: str) -> str:
    """What a file system that knows neither case nor forms of letters makes of a name."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _shortened(name: str) -> str:
    """A name of at most `MOST_BYTES`, cut between letters."""
    content = name.encode()
    if len(content) <= MOST_BYTES:
        return name
    cut = content[: MOST_BYTES - 3].decode("utf-8", "ignore")
    return f"{cut.rstrip(' .')}…"
