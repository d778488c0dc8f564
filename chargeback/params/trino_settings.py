"""Trino's settings: on which server, and in which table, the report is read.

In: the table [trino] of params/sources.toml, and environment variables, which take precedence. Out: settings
whose form is checked; nothing is asked of the server yet. A password or a token is a secret (trino_password,
trino_token), never a setting. A server's certificate is always checked; there is no switch to leave that out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chargeback.params.engine_settings import Setting, read_engine

#: The secrets that say who we are there: a password of the user, or a token, which goes first.
SECRETS = ("trino_password", "trino_token")

#: At how many bytes the server stops a query unless the settings say otherwise: 100 GiB.
USUAL_LIMIT = 107_374_182_400

_NAME = Setting(
    r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?", "small letters, digits, underscores and hyphens"
)
_FOLDER = r"[a-z0-9]+://[A-Za-z0-9/!_.=@-]*|(?=/)[^\x00-\x1f]*"

#: What each key may look like. Names go into SQL as quoted identifiers; none of them may hold a quote or a dot.
SETTINGS = {
    "url": Setting(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?", "https://host:port"),
    "catalog": _NAME,
    "schema": _NAME,
    "table": _NAME,
    "user": Setting(r"[!-~]([ -~]{0,126}[!-~])?", "a user's name, in plain letters"),
    "bytes_scanned_limit": Setting(r"[1-9][0-9]{0,17}", "a number of bytes above 0", needed=False),
    "location": Setting(_FOLDER, "the table's folder as Trino calls it: s3://bucket/…/data/", needed=False),
    "objects": Setting(_FOLDER, "the same folder as the close reads it: s3://… or a folder", needed=False),
    "ca": Setting(r"/[^\x00-\x1f]+", "an absolute path of a file with certificates", needed=False),
}  # fmt: skip


@dataclass(frozen=True)
class TrinoSettings:
    """Where the report's table is.

    Args:
        url: of the coordinator or what stands before it, without a slash at its end.
        bytes_scanned_limit: at how many bytes the server stops a query.
        location: the table's folder as Trino calls it; blank where the table says it.
        objects: the same folder as the close reads it; blank where that is the location.
        ca: a file of the authorities that the server is certified by; blank for those of this machine.
    """

    url: str
    catalog: str
    schema: str
    table: str
    user: str
    bytes_scanned_limit: int = USUAL_LIMIT
    location: str = ""
    objects: str = ""
    ca: str = ""

    def __str__(self) -> str:
        """As CUR= and the notebooks name it."""
        return "trino"

    @property
    def name(self) -> str:
        """The table with its schema and catalog."""
        return f"{self.catalog}.{self.schema}.{self.table}"

    @property
    def shown(self) -> str:
        """As a reader knows it."""
        return f"Trino, {self.name} on {self.url}"


def read_settings(params: Path, environment: Mapping[str, str] | None = None) -> TrinoSettings:
    """The settings for CUR=trino.

    Raises:
        Refusal: (exit 2) one is missing, has an unknown name or a form that it cannot have.
    """
    environment = os.environ if environment is None else environment
    found = read_engine(params, environment, "Trino", SETTINGS, {})
    limit = int(found.pop("bytes_scanned_limit", str(USUAL_LIMIT)))
    return TrinoSettings(
        found.pop("url").rstrip("/"), **found, bytes_scanned_limit=limit
    )  # fmt: skip
