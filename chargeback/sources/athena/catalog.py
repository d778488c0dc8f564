"""Catalog: what the report's table and the workgroup are, and what they must be before a query is sent.

The workgroup must stop a query that scans too much, and must write results to one place that no request can
change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from chargeback.aws.athena_settings import AthenaSettings
from chargeback.aws.calls import Clients, calling
from chargeback.core.errors import bad_params, unreachable
from chargeback.sources.lake.stores import S3Store
from chargeback.sources.lake.table import (
    LakeEngine,
    ReportTable,
    export_above,
    require_partition,
)

ATHENA = LakeEngine(
    "Athena", "athena", "docs/athena.md", 262_144,
    read_as={
        "varchar": r"string|varchar(\([0-9]+\))?|char\([0-9]+\)",
        "double": r"double",
        "map(varchar, varchar)": r"map<string,\s*string>",
        "timestamp": r"timestamp",
    },
    cast_from={
        "varchar": r"(tiny|small|big)?int|integer|decimal\(.*\)|boolean",
        "double": r"(tiny|small|big)?int|integer|decimal\(.*\)|string|varchar(\([0-9]+\))?",
    },
)  # fmt: skip


@dataclass(frozen=True)
class Workgroup:
    """The guarded workgroup: where results go, and at how many bytes it stops a query."""

    name: str
    output: str
    cutoff: int


def read_table(clients: Clients) -> tuple[ReportTable, S3Store]:
    """The report's table as the catalog has it, and where its objects are (glue:GetTable).

    Raises:
        Refusal: (exit 6) there is no such table, it is not partitioned by billing period or lies nowhere.
    """
    settings = clients.settings
    name = f"{settings.database}.{settings.table}"
    glue = clients.client("glue")
    with calling("glue:GetTable", name):
        table = glue.get_table(DatabaseName=settings.database, Name=settings.table)["Table"]
    keys = [str(one["Name"]).lower() for one in table.get("PartitionKeys", [])]
    require_partition(ATHENA, name, keys)
    storage = table.get("StorageDescriptor", {})
    found = re.fullmatch(r"s3://([^/]+)/(.*)", str(storage.get("Location", "")))
    if not found:
        raise unreachable(
            "the Athena table has no location in S3", "s3://bucket/…/data/",
            repr(storage.get("Location")), [name],
        )  # fmt: skip
    store = S3Store(clients, found[1], export_above(found[2]), ATHENA.page)
    columns = {str(one["Name"]).lower(): str(one["Type"]).lower() for one in storage["Columns"]}
    return ReportTable(ATHENA, name, store.location, columns), store


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
