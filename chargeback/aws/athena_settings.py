"""Athena's settings: which table the report is read from, and how.

In: the table [athena] of params/sources.toml, and environment variables, which take precedence. Out: settings
whose form is checked; nothing is asked of AWS yet. Credentials and endpoints are left to boto3: its
configuration, profiles and variables (AWS_PROFILE, AWS_ENDPOINT_URL) work here as everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chargeback.params.engine_settings import Setting, read_engine

#: What each key may look like. Names go into SQL as quoted identifiers; none of them may hold a quote.
SETTINGS = {
    "database": Setting(r"[a-z0-9_]+", "small letters, digits and underscores, as Glue names databases"),
    "table": Setting(r"[a-z0-9_]+", "small letters, digits and underscores, as Glue names tables"),
    "workgroup": Setting(r"[a-zA-Z0-9._-]{1,128}", "a workgroup's name"),
    "region": Setting(r"[a-z]{2}(-[a-z]+)+-[0-9]", "a region such as us-east-1"),
    "output": Setting(r"s3://[a-z0-9.-]{3,63}/[A-Za-z0-9/!_.=-]*", "s3://bucket/prefix/", needed=False),
}  # fmt: skip


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
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    found = read_engine(params, environment, "Athena", SETTINGS, {"region": region})
    if found.get("output") and not found["output"].endswith("/"):
        found["output"] += "/"
    return AthenaSettings(**found)
