"""Table: what Trino's table over the report is, asked of information_schema, and where its objects lie.

The folder comes from the settings, else from what made the table (external_location). The objects in it are
read without Trino, because they are to vouch for it: in S3, or in a folder of this machine.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from chargeback.aws.calls import AwsClients, patience
from chargeback.core.errors import bad_params, unreachable
from chargeback.params.trino_settings import TrinoSettings
from chargeback.sources.lake.stores import FolderStore, S3Store, Store
from chargeback.sources.lake.table import LakeEngine, ReportTable, export_above, require_partition
from chargeback.sources.trino.connection import no_table

TRINO = LakeEngine(
    "Trino", "trino", "docs/trino.md", 1_000_000,  # the server's query.max-length, unless it is set
    read_as={
        "varchar": r"varchar(\([0-9]+\))?|char\([0-9]+\)",
        "double": r"double",
        "map(varchar, varchar)": r"map\(varchar(\([0-9]+\))?,\s*varchar(\([0-9]+\))?\)",
        "timestamp": r"timestamp(\([0-9]+\))?",
    },
    cast_from={
        "varchar": r"(tiny|small|big)?int|integer|decimal\(.*\)|boolean",
        "double": r"(tiny|small|big)?int|integer|decimal\(.*\)|varchar(\([0-9]+\))?",
    },
)  # fmt: skip

COLUMNS_THERE = """select column_name, data_type, coalesce(extra_info, '')
from "{catalog}".information_schema.columns
where table_schema = ? and table_name = ?"""

#: How Trino marks a column that the table is partitioned by.
PARTITION_KEY = "partition key"


class Asking(Protocol):
    """What short questions are asked of."""

    def ask(self, name: str, text: str, parameters: Sequence[str] = ()) -> list[list[Any]]:
        """The rows of an answer."""


def read_table(queries: Asking, settings: TrinoSettings) -> tuple[ReportTable, Store]:
    """The report's table, and where its objects are.

    Raises:
        Refusal: (exit 6) there is no such table, it is not partitioned by billing period or does not say where
            it lies; (exit 2) its objects lie where the close cannot read them.
    """
    rows = queries.ask(
        "the table's columns", COLUMNS_THERE.format(catalog=settings.catalog),
        [f"'{settings.schema}'", f"'{settings.table}'"],
    )  # fmt: skip
    if not rows:
        raise no_table(settings, "no columns by this name in information_schema")
    keys = [str(name) for name, _, extra in rows if extra == PARTITION_KEY]
    require_partition(TRINO, settings.name, keys)
    columns = {str(name): str(kind).lower() for name, kind, _ in rows}
    location = settings.location or made_over(queries, settings)
    store = store_of(settings.objects or location)
    return ReportTable(TRINO, settings.name, store.location, columns, export_above(location)), store


def made_over(queries: Asking, settings: TrinoSettings) -> str:
    """The folder that a table was made over (exit 6 where it does not say)."""
    name = ".".join(f'"{one}"' for one in settings.name.split("."))
    rows = queries.ask("the table's folder", f"SHOW CREATE TABLE {name}")
    text = str(rows[0][0]) if rows and rows[0] else ""
    found = re.search(r"^\s*external_location = '((?:[^']|'')+)'", text, re.MULTILINE)
    if not found:
        raise unreachable(
            "the folder of the Trino table is not known", "a table with external_location",
            "none in show create table", [settings.name],
            ['name it in sources.toml, [trino]: location = "s3://bucket/…/data/"'],
        )  # fmt: skip
    return found[1].replace("''", "'")


def store_of(folder: str) -> Store:
    """Where the objects of a table's folder are, for the close to read (exit 2 where it cannot)."""
    bucket = re.fullmatch(r"s3[an]?://([^/]+)/?(.*)", folder)
    if bucket:
        clients = AwsClients(None, patience())
        return S3Store(clients, bucket[1], export_above(bucket[2]), TRINO.page)
    local = re.fullmatch(r"(?:file:(?://)?)?(/.*)", folder)
    if local:
        path = local[1] if folder.startswith("/") else urllib.parse.unquote(local[1])
        return FolderStore(Path(export_above(path) or "/"))
    raise bad_params(
        "the objects of the Trino table cannot be read", "s3://…, file:///… or a folder", repr(folder),
        ["sources.toml, [trino], objects"],
        ["objects names where this machine reads the same files, such as a mounted folder"],
    )  # fmt: skip
