"""What allocation keys are called where people read: the [[key]] tables of allocation.toml, all optional.

    [[key]]
    key = "driver:log_volume_tb"
    name = "Log volume"
    unit = "TB"

A name decides no charge, so it is no part of what a council ratifies. A key without one is called after itself
(chargeback/pages/vocabulary.py), so files from before stay as they are. What always holds: a key is named once,
and only one that a pool of the file uses, so that a misspelt one is not passed over in silence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chargeback.core.errors import apart, bad_params, together
from chargeback.core.text import suggestion
from chargeback.params.rules import FILE, Pool, check_key
from chargeback.params.toml_files import check_names, read_toml, text_value

KNOWN = ("key", "name", "unit")


@dataclass(frozen=True)
class KeyName:
    """What a key is called, and what its weights are in; `unit` is blank where they have none."""

    name: str
    unit: str


def read_key_names(folder: Path, pools: Iterable[Pool]) -> dict[str, KeyName]:
    """The names by key.

    Args:
        pools: all of the file, whenever they hold.

    Raises:
        Refusal: (exit 2) a table is malformed, or names a key twice or one that no pool uses.
    """
    file = read_toml(folder, FILE)
    used = {key for pool in pools for key in (pool.key, pool.fallback) if key}
    found: dict[str, KeyName] = {}
    with together():
        for number, raw in enumerate(file.entries("key"), start=1):
            with apart():
                where = file.entry_where("key", number, str(raw.get("key", "no key")))
                key, named = read_key_name(where, raw)
                check_use(where, key, used, found)
                found[key] = named
    return found


def read_key_name(where: str, raw: dict[str, Any]) -> tuple[str, KeyName]:
    """One [[key]] table."""
    with together():
        check_names(where, raw, KNOWN)
        with apart():
            check_key(where, "key", raw.get("key"))
        with apart():
            named = KeyName(text_value(where, raw, "name"), text_value(where, raw, "unit", ""))
    return raw["key"], named


def check_use(where: str, key: str, used: set[str], found: dict[str, KeyName]) -> None:
    """Refuse a key that is named already, or that no pool uses."""
    if key in found:
        raise bad_params("an allocation key is named twice", "one [[key]] for each", key, [where])
    if key not in used:
        raise bad_params(
            "a key is named that no pool uses", "one of " + ", ".join(sorted(used)), key, [where],
            suggestion(key, tuple(sorted(used))),
        )  # fmt: skip
