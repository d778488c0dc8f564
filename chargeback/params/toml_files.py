"""TOML files of the params folder: plain data, and the line that it stands on.

Python's parser gives no positions. So lines are found by looking for the n-th header of a table array, and for
a key at the beginning of a line below it. Where the file is written in another way (headers inside a text,
keys in inline tables) a refusal names the file without a line, but never a wrong line.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from chargeback.core.errors import apart, bad_params, together
from chargeback.core.text import suggestion
from chargeback.params.account_ids import OTHER_ACCOUNT_ID, is_of_aws_by_form
from chargeback.params.registers import ACCOUNT_ID, check_dates
from chargeback.params.text_files import absent, read_text


class Dated(Protocol):
    """An entry that is in force for some periods."""

    @property
    def valid_from(self) -> str: ...

    @property
    def valid_to(self) -> str: ...

    @property
    def where(self) -> str: ...


Entry = TypeVar("Entry", bound=Dated)


@dataclass(frozen=True)
class TomlFile:
    """A file's name, its data and its lines."""

    name: str
    table: dict[str, Any]
    lines: tuple[str, ...]

    def entries(self, header: str) -> list[dict[str, Any]]:
        """The tables of an array, such as [[pool]]; refused when the key holds anything else."""
        found = self.table.get(header, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise bad_params(
                f"{self.name} must hold [[{header}]] tables", f"[[{header}]]", repr(found)[:80],
                [self.where(header)],
            )  # fmt: skip
        return found

    def subtable(self, name: str, known: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
        """Where a table such as [books] is, and its keys; none without it, refused where one is unknown."""
        found, where = self.table.get(name, {}), f"{self.where(name)}, [{name}]"
        if not isinstance(found, dict):
            raise bad_params(
                f"{name} must be a table",
                f"[{name}], and its keys below it",
                repr(found)[:80],
                [where],
            )
        with together():
            check_names(where, found, known)
        return where, found

    def dated_entries(
        self, header: str, id_key: str, read: Callable[[str, dict[str, Any]], Entry]
    ) -> list[Entry]:
        """What is read of the tables of an array, whose ids have dates without overlap and gap."""
        entries = []
        for number, raw in enumerate(self.entries(header), start=1):
            with apart():
                where = self.entry_where(header, number, str(raw.get(id_key, f"no {id_key}")))
                entries.append(read(where, raw))
        by_id: dict[str, list[tuple[str, str, str]]] = {}
        for one in entries:
            dated = (one.valid_from, one.valid_to, one.where)
            by_id.setdefault(getattr(one, id_key), []).append(dated)
        for entry_id, dates in by_id.items():
            with apart():
                check_dates(f"{self.name}: {entry_id}", sorted(dates))
        return entries

    def check_names(self, known: tuple[str, ...]) -> None:
        """Refuse unknown keys at the top of the file by name and line."""
        for key in self.table:
            check_names(self.where(key), {key: self.table[key]}, known)

    def where(self, key: str) -> str:
        """The file, and the line of a key or table at the top of it."""
        line = key_line(self.lines, key) or next(iter(header_lines(self.lines, key, r"\[{1,2}")), 0)
        return f"{self.name} line {line}" if line else self.name

    def value_where(self, key: str, number: int) -> str:
        """The file and the line of the n-th inline table (from 1) of a key, or else of the key."""
        first = key_line(self.lines, key)
        inside = itertools.takewhile(
            lambda line: not re.match(r"\s*(\]|\[|[\w\"'-]+\s*=)", line[1]),
            enumerate(self.lines[first:], start=first + 1),
        )
        starts = [line for line, text in inside if text.lstrip().startswith("{")]
        if not first or len(starts) != len(self.table[key]):
            return self.where(key)
        return f"{self.name} line {starts[number - 1]}"

    def entry_where(self, header: str, number: int, label: str) -> str:
        """The file, the line of the n-th table of an array (from 1), and what it is called."""
        starts = header_lines(self.lines, header)
        name = f"{header} {number} ({label})"
        if len(starts) != len(self.table.get(header, [])):
            return f"{self.name}, {name}"
        return f"{self.name} line {starts[number - 1]}, {name}"


def header_lines(lines: tuple[str, ...], header: str, opening: str = r"\[\[") -> list[int]:
    """The lines, from 1 on, with the header of a table of an array; `opening` is a pattern."""
    pattern = re.compile(rf"\s*{opening}\s*{re.escape(header)}\s*\]+\s*(#.*)?")
    return [number for number, line in enumerate(lines, start=1) if pattern.fullmatch(line)]


def key_line(lines: tuple[str, ...], key: str) -> int:
    """The line, from 1 on, that a key above all tables begins on; 0 when none or several do."""
    pattern, header = re.compile(rf"\s*{re.escape(key)}\s*="), re.compile(r"\s*\[+[\w.-]+\]")
    top = itertools.takewhile(lambda line: not header.match(line), lines)
    found = [number for number, line in enumerate(top, start=1) if pattern.match(line)]
    return found[0] if len(found) == 1 else 0


def read_section(
    folder: Path, name: str, section: str, known: tuple[str, ...]
) -> tuple[str, dict[str, Any]] | None:
    """Where a table of an optional file is, and its keys; None without the file, or without the table in it.

    Raises:
        Refusal: (exit 2) the file cannot be read, or the table has an unknown key.
    """
    if not (folder / name).is_file():
        return None
    file = read_toml(folder, name)
    return file.subtable(section, known) if section in file.table else None


def read_toml(folder: Path, name: str) -> TomlFile:
    """A TOML file of the params folder (exit 2 when absent or malformed)."""
    try:
        text = read_text(folder, name)
    except FileNotFoundError:
        raise absent(folder, name, "a TOML file like that of the repository") from None
    lines = tuple(text.split("\n"))
    try:
        return TomlFile(name, parse_toml(text), lines)
    except ValueError as error:
        place = re.search(r"at line ([0-9]+)", str(error))
        line = lines[int(place[1]) - 1].strip() if place else ""
        raise bad_params(
            f"{name} is not readable TOML", "TOML: each text in quotes, on one line", str(error),
            [f"{name} line {place[1]}: {line}" if place else str(folder / name)], toml_hints(line),
        ) from None  # fmt: skip


#: A key of so many parts takes Python's parser minutes; nobody has one of four.
DOTTED_KEY = re.compile(r"""(?<![\w"'.-])(?:[\w"'-]+[ \t]*\.[ \t]*){100}""")


def parse_toml(text: str) -> dict[str, Any]:
    """What a TOML text holds.

    Raises:
        ValueError: it is not TOML, is nested too deeply for Python's parser, or holds a number or character
            that nothing here could use. Where the parser says so, its words name the line.
    """
    deep = DOTTED_KEY.search(text)
    if deep:
        line = text.count("\n", 0, deep.start()) + 1
        raise ValueError(f"a key of a hundred parts (at line {line}, column 1)")
    try:
        found = tomllib.loads(text)
    except RecursionError:
        raise ValueError("tables or lists are nested too deeply") from None
    try:
        check_characters(found)
    except ValueError as error:
        written = re.search(r"\\u0000|\\U00000000", text)
        assert written, "NUL as such is refused before"
        line = text.count("\n", 0, written.start()) + 1
        raise ValueError(f"{error} (at line {line}, column 1)") from None
    return found


def check_characters(value: Any) -> None:
    """Refuse NUL in a key or a text: it ends a text for programs that these are handed to.

    Raises:
        ValueError: names what it stands in.
    """
    if isinstance(value, str) and "\0" in value:
        raise ValueError(f"the character U+0000 in {value[:80]!r}")
    if isinstance(value, dict):
        for key in value:
            check_characters(key)
    for one in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        check_characters(one)


def toml_hints(line: str) -> list[str]:
    """What is probably wrong with a line that is no TOML."""
    hints = []
    if re.search("[“”„‘’]", line):
        hints.append('use straight quotes: "')
    if re.search(r"=\s*(True|False)\b", line):
        hints.append("write true and false in small letters")
    if re.search(r"=\s*[0-9]{4}-[0-9]{1,2}\s*(#|$)", line):
        hints.append('write a month in quotes: "2026-05"')
    return hints


def check_names(where: str, found: dict[str, Any], known: tuple[str, ...]) -> None:
    """Refuse unknown keys by name."""
    for key in found:
        with apart():
            if key not in known:
                raise bad_params(
                    f"unknown key {key!r}", "one of " + ", ".join(known), key, [where],
                    suggestion(key, known),
                )  # fmt: skip


def text_value(where: str, table: dict[str, Any], key: str, default: str | None = None) -> str:
    """A key that must be text; refused when absent without default, or of another type."""
    if key not in table:
        if default is not None:
            return default
        raise bad_params(f"the key {key!r} is missing", f'{key} = "…"', "nothing", [where])
    if default is None and isinstance(table[key], str) and not table[key].strip():
        raise bad_params(f"the key {key!r} is empty", f'{key} = "…"', repr(table[key]), [where])
    if not isinstance(table[key], str):
        raise bad_params(
            f"{key} must be text in quotes", f'{key} = "{table[key]}"', repr(table[key]), [where]
        )
    return str(table[key])


def text_list(where: str, table: dict[str, Any], key: str) -> tuple[str, ...]:
    """A key that must be a list of texts; absent means empty."""
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad_params(
            f"{key} must be a list of texts", f'{key} = ["…", "…"]', repr(value), [where]
        )
    return tuple(value)


def check_account_ids(where: str, account_ids: tuple[str, ...]) -> None:
    """Refuse account ids that are not 12 digits, and no id of another provider either."""
    for account_id in account_ids:
        if OTHER_ACCOUNT_ID.fullmatch(account_id) and not is_of_aws_by_form(account_id):
            continue
        if not ACCOUNT_ID.fullmatch(account_id):
            raise bad_params(
                "an account id is not 12 digits", "12 digits as text", repr(account_id), [where],
                [f"a leading zero was probably lost: {account_id.zfill(12)}"],
            )  # fmt: skip
