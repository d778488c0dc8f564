"""Table: what an engine's table over the report is, and what it must be before a query is sent.

The table says where the export lies and which columns the engine will read, by name. Columns come and go in an
export, and a catalog may lag behind, so it is compared with what the delivery's own files have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chargeback.core.errors import unreachable
from chargeback.sources.flat_columns import MAPS, PRODUCT
from chargeback.sources.report import COLUMNS

PARTITION = "billing_period"


@dataclass(frozen=True)
class LakeEngine:
    """An engine that reads a report where it lies, and what is its own.

    Args:
        name: as readers know it.
        dialect: as sqlglot calls it.
        page: where it is described.
        longest: the longest text of a statement that it takes, in characters.
        read_as: types of its catalog by the type that a column is read as, as regular expressions.
        cast_from: types that it turns into a column's own without loss of a digit that AWS writes.
    """

    name: str
    dialect: str
    page: str
    longest: int
    read_as: Mapping[str, str]
    cast_from: Mapping[str, str]

    @property
    def ran(self) -> str:
        """How what it ran begins in the evidence."""
        return f"-- As {self.name} ran it"


@dataclass(frozen=True)
class ReportTable:
    """The table over the report, with its columns and their types.

    Args:
        name: with its schema, and its catalog where the engine has several; in parts between dots.
        location: of the export, what lies above data/ and metadata/, as the close reads it; ends with a slash.
        address: the same as the engine calls it; blank where that is no other.
    """

    engine: LakeEngine
    name: str
    location: str
    columns: Mapping[str, str]
    address: str = ""

    def called(self, path: str) -> str:
        """A file of the export as the engine has it in "$path"."""
        return (self.address or self.location) + path


def export_above(folder: str) -> str:
    """The export that a table's folder belongs to, with a slash at its end; blank for a bucket's root.

    >>> export_above("exports/cur2/data/"), export_above("data"), export_above("exports/cur2")
    ('exports/cur2/', '', 'exports/cur2/')
    """
    above = re.sub(r"(^|/)data$", r"\1", folder.rstrip("/"))
    return above if not above or above.endswith("/") else above + "/"


def require_partition(engine: LakeEngine, name: str, keys: Iterable[str]) -> None:
    """Stop when a table is not partitioned by billing period (exit 6)."""
    keys = list(keys)
    if PARTITION not in keys:
        raise unreachable(
            f"the {engine.name} table is not partitioned by billing_period", PARTITION,
            ", ".join(keys) or "no partition keys", [name],
            [f"create it as {engine.page} says: without that partition a query reads every month"],
        )  # fmt: skip


def column_reading(engine: LakeEngine, name: str, kind: str | None) -> str:
    """How a column of the catalog is read: as "is", by a "cast", or as "null" where it is absent.

    Raises:
        Refusal: (exit 6) its type cannot be read as the close needs it.
    """
    wanted = COLUMNS[name]
    if kind is None or (name == PRODUCT and not re.fullmatch(engine.read_as[wanted], kind)):
        return "null"  # what products are called decides nothing
    if re.fullmatch(engine.read_as[wanted], kind):
        return "is"
    if wanted in engine.cast_from and re.fullmatch(engine.cast_from[wanted], kind):
        return "cast"
    raise unreachable(
        f"the {engine.name} table has the column {name} in a type that cannot be read", wanted, kind,
        [f"the catalog of {engine.name}"],
        [f"correct the column's type in the table: {engine.page} shows its columns"],
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
            f"the {table.engine.name} table lacks columns that the delivery has",
            "each column that the close reads", "not in the table: " + ", ".join(unknown), [table.name],
            ["add them (alter table … add columns), or run the crawler, then run this again"],
        )  # fmt: skip
