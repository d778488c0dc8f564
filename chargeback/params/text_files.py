"""Text files of the params folder: UTF-8, or a refusal that says what the file is instead and where it shows.

Spreadsheets save in the machine's own encoding unless they are told otherwise, so the word that cannot be read
is shown as Windows-1252 would have it, which people then recognize.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from chargeback.core.errors import Refusal, bad_params

EXCEL = 'Excel: Save As, "CSV UTF-8 (Comma delimited) (*.csv)"'
LIBRE_OFFICE = (
    'LibreOffice: Save As, "Edit filter settings", "Unicode (UTF-8)", field delimiter ","'
)
EDITOR = 'an editor: Save As, with the encoding "UTF-8"'

#: What a file begins with that is something else altogether.
BEGINNINGS = {
    codecs.BOM_UTF32_LE: "UTF-32 text", codecs.BOM_UTF16_LE: "UTF-16 text",
    codecs.BOM_UTF16_BE: "UTF-16 text", b"PK\x03\x04": "a workbook, saved under the name of a text file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook, saved under the name of a text file",
}  # fmt: skip


def read_text(folder: Path, name: str) -> str:
    """A file's text, without the mark that some editors begin UTF-8 with.

    Raises:
        FileNotFoundError: it is absent.
        Refusal: (exit 2) it cannot be read, or is not UTF-8.
    """
    path = folder / name
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise bad_params(
            f"{name} cannot be read", "a file", f"{type(error).__name__}: {error.strerror or error}",
            [str(path)],
        ) from None  # fmt: skip
    other = next((kind for start, kind in BEGINNINGS.items() if content.startswith(start)), "")
    if other:
        raise not_utf8(name, other, str(path))
    if b"\x00" in content:
        line = content.count(b"\n", 0, content.index(b"\x00")) + 1
        raise not_utf8(name, "UTF-16 text, or not text at all", f"{path} line {line}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        word = word_at(content, error.start)
        raise not_utf8(
            name, f"{word!r}, if it is Windows-1252 or Latin-1", f"{path} line {line}"
        ) from None


def word_at(content: bytes, place: int) -> str:
    """The word around a byte, as Windows-1252 has it."""
    before = re.search(rb"[^\s,;\"'=]*\Z", content[:place])
    after = re.match(rb"[^\s,;\"'=]*", content[place:])
    assert before and after
    return (before[0] + after[0]).decode("cp1252", errors="replace")


def not_utf8(name: str, found: str, where: str) -> Refusal:
    """That a file has another encoding, with how to save it."""
    register = name.endswith(".csv")
    todo = [EXCEL, LIBRE_OFFICE] if register else [EDITOR]
    return bad_params(
        f"{name} cannot be read as UTF-8 text", "text in UTF-8", found, [where],
        ["save it again as UTF-8, and look at names with letters beyond a to z; " + todo[0], *todo[1:]],
    )  # fmt: skip


def absent(folder: Path, name: str, expected: str) -> Refusal:
    """That the params folder lacks a file, and which file beside it was probably meant."""
    stem = name.partition(".")[0]
    alike = sorted(
        one.name for one in folder.iterdir() if one.name.partition(".")[0].casefold() == stem
    )
    todo = [f"there is {alike[0]}: save it as {name}"] if alike else []
    return bad_params(
        f"the params folder has no {name}", expected, "no such file", [str(folder / name)],
        [*todo, "copy it from the params/ folder of the repository and edit it, or check PARAMS="],
    )  # fmt: skip


def check_separator(name: str, text: str, known: tuple[str, ...]) -> None:
    """Refuse a register that is separated by something other than commas, which would be one column.

    Raises:
        Refusal: (exit 2) names the separator.
    """
    header = text.split("\n", 1)[0].strip()
    for separator, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")):
        cells = [one.strip().strip('"') for one in header.split(separator)]
        if len(cells) > 1 and set(cells) & set(known):
            raise bad_params(
                f"{name} is separated by {word}, not by commas", ",".join(known), header,
                [f"{name} line 1"],
                [f"save it again with commas; {EXCEL};", "where Excel writes semicolons all the same, set the "
                 "list separator of the system's region to a comma", LIBRE_OFFICE],
            )  # fmt: skip
