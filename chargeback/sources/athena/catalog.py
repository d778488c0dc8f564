"""Catalog: what the report's table and the workgroup are, and what they must be before a query is sent.

The table says where the export lies and which columns Athena will read, by name. Columns come and go in an
export, and a catalog may lag behind, so it is compared with what the delivery's own files have. The workgroup
must stop a query that scans too much, and must write results to one place that no request can change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chargeback.aws.athena_settings import AthenaSettings
from chargeback.aws.calls import Clients, calling
from chargeback.core.errors import bad_params, unreachable
from chargeback.sources.flat_columns import MAPS, PRODUCT
from chargeback.sources.report import COLUMNS

PARTITION = "billing_period"


@dataclass(frozen=True)
class ReportTable:
    """The table over the report: the bucket and prefix of its export, and its columns with their types."""

    name: str
    bucket: str
    prefix: str  # of the export: what lies above data/ and metadata/, with a slash at its end
    columns: Mapping[str, str]

    @property
    def location(self) -> str:
        """The export's address."""
        return f"s3://{self.bucket}/{self.prefix}"


@dataclass(frozen=True)
class Workgroup:
    """The guarded workgroup: where results go, and at how many bytes it stops a query."""

    name: str
    output: str
    cutoff: int


def read_table(clients: Clients) -> ReportTable:
    """The report's table as the catalog has it (glue:GetTable).

    Raises:
        Refusal: (exit 6) there is no such table, it is not partitioned by billing period or lies nowhere.
    """
    settings = clients.settings
    name = f"{settings.database}.{settings.table}"
    glue = clients.client("glue")
    with calling("glue:GetTable", name):
        table = glue.get_table(DatabaseName=settings.database, Name=settings.table)["Table"]
    keys = [str(one["Name"]).lower() for one in table.get("PartitionKeys", [])]
    if PARTITION not in keys:
        raise unreachable(
            "the Athena table is not partitioned by billing_period", PARTITION,
            ", ".join(keys) or "no partition keys", [name],
            ["create it as docs/athena.md says: without that partition a query reads every month"],
        )  # fmt: skip
    storage = table.get("StorageDescriptor", {})
    found = re.fullmatch(r"s3://([^/]+)/(.*)", str(storage.get("Location", "")))
    if not found:
        raise unreachable(
            "the Athena table has no location in S3", "s3://bucket/…/data/",
            repr(storage.get("Location")), [name],
        )  # fmt: skip
    prefix = re.sub(r"(^|/)data$", r"\1", found[2].rstrip("/"))
    prefix = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    columns = {str(one["Name"]).lower(): str(one["Type"]).lower() for one in storage["Columns"]}
    return ReportTable(name, found[1], prefix, columns)


def read_workgroup(clients: Clients) -> Workgroup:
    """The workgroup, once it is known to be guarded (athena:GetWorkGroup).

    Raises:
        Refusal: (exit 6) it is disabled or lacks a guard; (exit 2) its results go elsewhere than was set.
    """
    settings = clients.settings
    athena = clients.client("athena")
    with calling("athena:GetWorkGroup", settings.workgroup):
        group: dict[str, Any] = athena.get_work_group(WorkGroup=settings.workgroup)["WorkGroup"]
    configuration = group.get("Configuration", {})
    output = str(configuration.get("ResultConfiguration", {}).get("OutputLocation", ""))
    cutoff = int(configuration.get("BytesScannedCutoffPerQuery", 0))
    lacking = [
        what
        for what, there in (
            ("state ENABLED", group.get("State", "ENABLED") == "ENABLED"),
            ("EnforceWorkGroupConfiguration", configuration.get("EnforceWorkGroupConfiguration")),
            ("ResultConfiguration.OutputLocation", output.startswith("s3://")),
            ("BytesScannedCutoffPerQuery", cutoff > 0),
        )
        if not there
    ]
    if lacking:
        raise unreachable(
            "the Athena workgroup is not guarded",
            "enabled, with an enforced output location and a cutoff of the bytes that a query scans",
            "without " + ", ".join(lacking), [f"workgroup {settings.workgroup} in {settings.region}"],
            ["set them as docs/athena.md shows: aws athena update-work-group …"],
        )  # fmt: skip
    output = output if output.endswith("/") else output + "/"
    require_same_output(settings, output)
    return Workgroup(settings.workgroup, output, cutoff)


def require_same_output(settings: AthenaSettings, enforced: str) -> None:
    """An output location that was set must be the one that the workgroup enforces (exit 2)."""
    if settings.output and settings.output != enforced:
        raise bad_params(
            "Athena's results would not go where sources.toml says", settings.output, enforced,
            [f"workgroup {settings.workgroup}, which enforces its own location"],
            ["correct output, or leave it out: the workgroup's location is used"],
        )  # fmt: skip


#: Types of the catalog by the type that a column is read as; others are refused.
READ_AS = {
    "varchar": r"string|varchar(\([0-9]+\))?|char\([0-9]+\)",
    "double": r"double",
    "map(varchar, varchar)": r"map<string,\s*string>",
    "timestamp": r"timestamp",
}
#: Types that Athena turns into a column's own without loss of a digit that AWS writes.
CAST_FROM = {
    "varchar": r"(tiny|small|big)?int|integer|decimal\(.*\)|boolean",
    "double": r"(tiny|small|big)?int|integer|decimal\(.*\)|string|varchar(\([0-9]+\))?",
}


def column_reading(name: str, kind: str | None) -> str:
    """How a column of the catalog is read: as "is", by a "cast", or as "null" where it is absent.

    Raises:
        Refusal: (exit 6) its type cannot be read as the close needs it.
    """
    wanted = COLUMNS[name]
    if kind is None or (name == PRODUCT and not re.fullmatch(READ_AS[wanted], kind)):
        return "null"  # what products are called decides nothing
    if re.fullmatch(READ_AS[wanted], kind):
        return "is"
    if wanted in CAST_FROM and re.fullmatch(CAST_FROM[wanted], kind):
        return "cast"
    raise unreachable(
        f"the Athena table has the column {name} in a type that cannot be read", wanted, kind,
        ["the Glue catalog"],
        ["correct the column's type in the table: docs/athena.md shows its columns"],
    )  # fmt: skip


def require_catalog_columns(table: ReportTable, absent: tuple[str, ...]) -> None:
    """Stop when the delivery has columns that the catalog does not know: they would be read as nothing."""
    unknown = [
        name
        for name in COLUMNS
        if name not in absent and name not in table.columns and name not in (*MAPS[1:], PRODUCT)
    ]  # maps that no tag key is in need no column; where one is, no line item will have the key. Nor do names.
    if unknown:
        raise unreachable(
            "the Athena table lacks columns that the delivery has", "each column that the close reads",
            "not in the table: " + ", ".join(unknown), [table.name],
            ["add them (alter table … add columns), or run the crawler, then run this again"],
        )  # fmt: skip
