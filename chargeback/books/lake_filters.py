"""Lake filters: the policy of viewers.toml as data cells filters of AWS Lake Formation, one for each group.

A filter is what `aws lakeformation create-data-cells-filter --cli-input-json` takes: the table of the ledger
(chargeback/books/ledger_table.py), all of its columns or all but some, and an expression that the rows must
meet. Somebody grants SELECT on the filter to the role of the group; on a table without a grant nobody sees
anything.

What always holds: the expression is true for exactly the rows that the group's `Sight` covers. Ids stand in it
as SQL texts, a quote in one doubled.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chargeback.books.visible import CENTER, UNIT
from chargeback.core.errors import bad_params
from chargeback.params.registers import ACCOUNT_ID
from chargeback.params.toml_files import read_section, text_value
from chargeback.params.viewers import Sight, Viewers

FILE, SECTION = "sources.toml", "lake_formation"
KEYS = ("catalog_id", "database", "table")
TABLE = "chargeback_ledger"

#: So many characters of a group's name are in the name of its file and of its filter.
MOST_LETTERS = 40


@dataclass(frozen=True)
class LakeTable:
    """The table of the ledger in the data catalog.

    Args:
        catalog_id: the account whose catalog it is in, 12 digits.
    """

    catalog_id: str
    database: str
    table: str


def read_lake_table(params_folder: Path) -> LakeTable | None:
    """The table that sources.toml names in [lake_formation]; None where it names none.

    Raises:
        Refusal: (exit 2) a key is missing, unknown, or cannot be what it says.
    """
    section = read_section(params_folder, FILE, SECTION, KEYS)
    if section is None:
        return None
    where, found = section
    catalog_id, database = (text_value(where, found, key) for key in KEYS[:2])
    table = text_value(where, found, "table", TABLE)
    if not ACCOUNT_ID.fullmatch(catalog_id):
        raise bad_params(
            "a data catalog is named by its account", "12 digits as text", repr(catalog_id), [where]
        )
    for name in (database, table):
        if not re.fullmatch(r"[a-z0-9_]{1,255}", name):
            raise bad_params(
                "this is no name of a database or table in the data catalog",
                "small letters, digits and underscores", repr(name), [where],
            )  # fmt: skip
    return LakeTable(catalog_id, database, table)


def filter_expression(sight: Sight) -> str:
    """What a row of the ledger must meet to be seen; blank where all rows are.

    >>> from chargeback.params.viewers import VIEWER, Grant
    >>> filter_expression(Sight((Grant("g", VIEWER, ("claims",), ("CC-2", "O'1")),)))
    "business_unit_id in ('claims') or cost_center_id in ('CC-2', 'O''1')"
    """
    if sight.everything:
        return ""
    lists = (
        (UNIT, {name for one in sight.grants for name in one.business_units}),
        (CENTER, {name for one in sight.grants for name in one.cost_centers}),
    )
    conditions = [
        f"{column} in ({', '.join(map(quoted, sorted(names)))})" for column, names in lists if names
    ]
    return " or ".join(conditions) or "1 = 0"


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def file_name(group: str) -> str:
    """A name for a group's filter that no other group's has, of letters that every file system takes.

    >>> file_name("finops-claims")
    'finops-claims'
    >>> file_name("Cloud Costs/EU")
    'cloud-costs-eu-182c832b'
    """
    plain = re.sub(r"[^a-z0-9]+", "-", group.lower()).strip("-")[:MOST_LETTERS]
    if plain == group:
        return plain
    return f"{plain}-{hashlib.sha256(group.encode()).hexdigest()[:8]}".lstrip("-")


def lake_filter(
    table: LakeTable, group: str, sight: Sight, without: Sequence[str] = ()
) -> dict[str, Any]:
    """The input of `create-data-cells-filter` for a group.

    Args:
        without: columns that only those see who see all rows.
    """
    expression = filter_expression(sight)
    rows: dict[str, Any] = {"FilterExpression": expression}
    if not expression:
        rows = {"AllRowsWildcard": {}}
    return {
        "TableData": {
            "TableCatalogId": table.catalog_id,
            "DatabaseName": table.database,
            "TableName": table.table,
            "Name": f"chargeback-{file_name(group)}",
            "RowFilter": rows,
            "ColumnWildcard": {"ExcludedColumnNames": list(without)}
            if expression and without
            else {},
        }
    }


def lake_filters(
    table: LakeTable, viewers: Viewers, without: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """The filter of each group, by the name of its file without an ending; `without` as in `lake_filter`."""
    return {
        file_name(one): lake_filter(table, one, viewers.sight([one]), without)
        for one in viewers.groups
    }
