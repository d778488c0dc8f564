"""Engine settings: a table of params/sources.toml that says through which engine the report is read.

In: the table, such as [athena], and environment variables such as CHARGEBACK_ATHENA_TABLE, which take
precedence. Out: texts whose form is checked; nothing is asked of the engine yet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chargeback.core.errors import bad_params
from chargeback.params.toml_files import check_names, read_toml, text_value


@dataclass(frozen=True)
class Setting:
    """What a setting may look like: a pattern, its form in words, and whether it must be there."""

    pattern: str
    form: str
    needed: bool = True


def variable(engine: str, key: str) -> str:
    """
    >>> variable("Trino", "bytes_scanned_limit")
    'CHARGEBACK_TRINO_BYTES_SCANNED_LIMIT'
    """
    return f"CHARGEBACK_{engine.upper()}_{key.upper()}"


def read_engine(
    params: Path,
    environment: Mapping[str, str],
    engine: str,
    settings: Mapping[str, Setting],
    usual: Mapping[str, str | None],
) -> dict[str, str]:
    """The settings of an engine, those that are given.

    Args:
        engine: as readers know it; in small letters, the table's name.
        usual: what a setting is that neither the file nor the environment gives.

    Raises:
        Refusal: (exit 2) one is missing, has an unknown name or a form that it cannot have.
    """
    section = engine.lower()
    found: dict[str, str] = {}
    where = f"sources.toml, [{section}]"
    if (params / "sources.toml").is_file():
        table = read_toml(params, "sources.toml").table.get(section, {})
        if not isinstance(table, dict):
            raise bad_params(
                f"{section} in sources.toml must be a table", f"[{section}]", repr(table)[:80], [where]
            )  # fmt: skip
        check_names(where, table, tuple(settings))
        table = {key: str(one) if type(one) is int else one for key, one in table.items()}
        found = {key: text_value(where, table, key) for key in table}
    named = {key: environment.get(variable(engine, key)) for key in settings}
    found |= {key: text for key, text in named.items() if text}
    found = {key: text for key, text in usual.items() if text} | found
    for key, setting in settings.items():
        check_setting(engine, key, setting, found.get(key), where)
    return found


def check_setting(engine: str, key: str, setting: Setting, value: str | None, where: str) -> None:
    """Refuse a setting that is missing or cannot be what it says (exit 2)."""
    places = [where, f"or the environment variable {variable(engine, key)}"]
    if value is None:
        if setting.needed:
            raise bad_params(
                f"reading with {engine} needs the {key}", f'{key} = "…"', "nothing", places,
                [f"docs/{engine.lower()}.md says how to set it up"],
            )  # fmt: skip
        return
    if not re.fullmatch(setting.pattern, value):
        raise bad_params(f"the {engine} {key} is not valid", setting.form, repr(value), places)
