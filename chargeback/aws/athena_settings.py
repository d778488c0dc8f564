"""Athena's settings: which table the report is read from, and how.

In: the table [athena] of params/sources.toml, and environment variables, which take precedence. Out: settings
whose form is checked; nothing is asked of AWS yet. Credentials and endpoints are left to boto3: its
configuration, profiles and variables (AWS_PROFILE, AWS_ENDPOINT_URL) work here as everywhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chargeback.core.errors import bad_params
from chargeback.params.toml_files import check_names, read_toml, text_value

SECTION = "athena"
KEYS = ("database", "table", "workgroup", "region", "output")
ENVIRONMENT = {key: f"CHARGEBACK_ATHENA_{key.upper()}" for key in KEYS}

#: What each key may look like. Names go into SQL as quoted identifiers; none of them may hold a quote.
FORMS = {
    "database": (r"[a-z0-9_]+", "small letters, digits and underscores, as Glue names databases"),
    "table": (r"[a-z0-9_]+", "small letters, digits and underscores, as Glue names tables"),
    "workgroup": (r"[a-zA-Z0-9._-]{1,128}", "a workgroup's name"),
    "region": (r"[a-z]{2}(-[a-z]+)+-[0-9]", "a region such as us-east-1"),
    "output": (r"s3://[a-z0-9.-]{3,63}/[A-Za-z0-9/!_.=-]*", "s3://bucket/prefix/"),
}


@dataclass(frozen=True)
class AthenaSettings:
    """Where the report's table is; `output` is blank when the workgroup's own location will do."""

    database: str
    table: str
    workgroup: str
    region: str
    output: str = ""

    def __str__(self) -> str:
        """As CUR= and the notebooks name it."""
        return "athena"

    @property
    def shown(self) -> str:
        """As a reader knows it."""
        return f"Athena, {self.database}.{self.table} in workgroup {self.workgroup}"


def read_settings(params: Path, environment: Mapping[str, str] | None = None) -> AthenaSettings:
    """The settings for CUR=athena.

    Raises:
        Refusal: (exit 2) one is missing, has an unknown name or a form that it cannot have.
    """
    environment = os.environ if environment is None else environment
    found: dict[str, str] = {}
    where = f"sources.toml, [{SECTION}]"
    if (params / "sources.toml").is_file():
        table = read_toml(params, "sources.toml").table.get(SECTION, {})
        if not isinstance(table, dict):
            raise bad_params(
                "athena in sources.toml must be a table", "[athena]", repr(table)[:80], [where]
            )
        check_names(where, table, KEYS)
        found = {key: text_value(where, table, key) for key in table}
    found |= {key: environment[name] for key, name in ENVIRONMENT.items() if environment.get(name)}
    if "region" not in found:
        usual = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        found |= {"region": usual} if usual else {}
    for key in KEYS:
        check_setting(key, found.get(key), where)
    if found.get("output") and not found["output"].endswith("/"):
        found["output"] += "/"
    return AthenaSettings(**found)


def check_setting(key: str, value: str | None, where: str) -> None:
    """Refuse a setting that is missing or cannot be what it says."""
    places = [where, f"or the environment variable {ENVIRONMENT[key]}"]
    pattern, form = FORMS[key]
    if value is None:
        if key == "output":
            return
        raise bad_params(
            f"reading with Athena needs the {key}", f'{key} = "…"', "nothing", places,
            ["docs/athena.md says how to point it at an account"],
        )  # fmt: skip
    if not re.fullmatch(pattern, value):
        raise bad_params(f"the Athena {key} is not valid", form, repr(value), places)
