"""Names of what is handed out, for people: "2026-05 Claims Operations statement.pdf".

They are made of names that people wrote, and must be safe as files of Windows, macOS and Linux, as objects in
S3 and in the header of a mail. What always holds: two units never have one name, also where a file system does
not tell upper case from lower; and the same units give the same names.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from chargeback.core.text import plain

#: The longest that a unit's name is in the name of a file, in bytes of UTF-8.
MOST_BYTES = 80

#: What lies beside the units' folders in a pack, and what beside their mails.
MAIL, SUMMARY, LOSS_RATIO = "mail", "summary", "medical loss ratio"

#: What some file system, shell or header reads as something else than a letter.
_RESERVED = re.compile(r"[\u0000-\u001f\u007f\"*/:<>?\\|%#`{}^~\[\]\ufffd;]+")
#: Names of devices, which Windows takes for those whatever ending follows.
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?=\.|$)")


def safe_name(text: str) -> str:
    r"""A name that every file system takes; blank where nothing of it is left.

    >>> [safe_name(one) for one in ("R&D: a/b", "nul", " .Ops. ", "../..", "CON.x")]
    ['R&D_ a_b', '_nul', 'Ops', '_', '_CON.x']
    """
    shown = (one if one.isprintable() else "_" for one in plain(text))
    name = _RESERVED.sub("_", unicodedata.normalize("NFC", "".join(shown)))
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
    return _told_apart({one: safe_name(name) or safe_name(one) for one, name in names.items()})


def _told_apart(names: dict[str, str]) -> dict[str, str]:
    """The names with the ids behind those that some file system would take for the same."""
    folded = {key: _folded(name) for key, name in names.items()}
    count = Counter([*folded.values(), *2 * (MAIL, SUMMARY)])
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


@dataclass(frozen=True)
class UnitFiles:
    """How the files of a unit are called in a pack.

    Args:
        folder: the unit's own, in the pack.
        title: what its files are called after.
    """

    period: str
    folder: str
    title: str

    def statement(self, ending: str) -> str:
        """A file of the statement, without its folder."""
        return f"{self.period} {self.title} statement.{ending}"

    def in_pack(self, ending: str) -> str:
        """The same with its folder."""
        return f"{self.folder}/{self.statement(ending)}"

    @property
    def unit_costs(self) -> str:
        """The table of unit costs in the pack, with its folder."""
        return f"{self.folder}/{self.period} {self.title} unit costs.csv"

    @property
    def mail(self) -> str:
        """The covering mail in the pack."""
        return f"{MAIL}/{self.period} {self.title}.eml"


def unit_files(period: str, names: Mapping[str, str]) -> dict[str, UnitFiles]:
    """How the files of each unit are called.

    Args:
        names: of the units, by their ids.
    """
    folders, titles = unit_folders(names), unit_titles(names)
    return {one: UnitFiles(period, folders[one], titles[one]) for one in names}


def summary_file(period: str, ending: str) -> str:
    """How the CFO's page is called."""
    return f"{period} {SUMMARY}.{ending}"


def summary_mail(period: str) -> str:
    """How the covering mail over all units is called; a unit of that name has its id behind it."""
    return f"{MAIL}/{period} {SUMMARY}.eml"


def loss_ratio_file(period: str) -> str:
    """How the split for the medical loss ratio is called."""
    return f"{period} {LOSS_RATIO}.csv"
