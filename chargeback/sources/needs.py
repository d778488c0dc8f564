"""Needs: which columns of the report what is in force needs, and what for.

In: params of a period and the columns of a delivery. Out: pairs of a column and what needs it: pools,
allocation keys, ownership rules, tag keys, and the flow itself. What always holds: a column that is needed and
absent stops by name; one that nothing needs may be absent, and is null (CUR facts 1.8 and 1.9). What the
amortized cost of a line item type needs is asked only where the type occurs (line_item_types.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
from sqlglot import exp

from chargeback.books.source_record import SourceRecord
from chargeback.core.errors import naming, unreachable
from chargeback.engine import has_sql, parse_statement, read_sql
from chargeback.engine.tables import texts
from chargeback.params import Params
from chargeback.sources import focus
from chargeback.sources.flat_columns import MAPS
from chargeback.sources.ownership_ranks import OWNERSHIP_COLUMNS
from chargeback.sources.report import DAY_COLUMN

#: The report's columns behind the columns of the rollup that conditions and keys look at. Those without which
#: nothing can be charged at all are not here: chargeback/sources/freeze.py refuses a file that lacks one.
BEHIND = {
    "operation": ("line_item_operation",),
    "usage_type": ("line_item_usage_type",),
    "usage_type_like": ("line_item_usage_type",),
    "has_resource": ("line_item_resource_id",),
    "resource_like": ("line_item_resource_id",),
    "usage_amount": ("line_item_usage_amount",),
    "is_marketplace": ("bill_billing_entity",),
    "split_cost": ("split_line_item_split_cost", "split_line_item_unused_cost"),
}

#: The settings of an export that bring columns, other than selecting them in its query (CUR fact 1.8).
SETTINGS = {
    "line_item_resource_id": "INCLUDE_RESOURCES = TRUE (legacy: Include resource IDs)",
    "split_line_item_split_cost": "INCLUDE_SPLIT_COST_ALLOCATION_DATA = TRUE",
    "split_line_item_unused_cost": "INCLUDE_SPLIT_COST_ALLOCATION_DATA = TRUE",
    "resource_tags": "select resource_tags in the export's query",
    "cost_category": "select cost_category in the export's query",
    "tags": "select tags in the export's query (CUR 2.0 only)",
}

#: What else the verbs need.
CLOSE = (("bill_invoice_id", "the close: what has no invoice id is not final"),)
DAY = ((DAY_COLUMN, "telling days apart"),)
RESOURCE = (("line_item_resource_id", "telling what can be tagged: only what has a resource can"),)

Need = tuple[str, str]


def setting_of(column: str, there: Iterable[str] = ()) -> str:
    """How an export is made to have a column.

    Args:
        there: the columns that it has.
    """
    words = SETTINGS.get(column, f"select {column} in the export's query")
    instead = [one for one in MAPS if one in there] if column in MAPS else []
    if instead:
        words += f", or name a key of {instead[0]}, which it has, as {instead[0]}:<key>"
    return words


def rule_needs(params: Params) -> Iterator[Need]:
    """What pools, keys, ownership rules and cost center tags need."""
    for key in params.policy.cost_center_tags:
        yield map_column(key), f"cost_center_tags: {key}"
    for pool in params.pools:
        for condition in pool.match:
            for column in BEHIND.get(condition, ()):
                yield column, f"pool {pool.pool_id}: {condition}"
        for key in (pool.key, pool.fallback or ""):
            for column in key_needs(key):
                yield column, f"pool {pool.pool_id}: {key}"
    for rule in params.ownership:
        for condition in rule.match:
            column = OWNERSHIP_COLUMNS[condition]
            if (column,) in BEHIND.values():
                yield column, f"ownership rule {rule.rule_id}: {condition}"
        for key in rule.tags:
            yield map_column(key), f"ownership rule {rule.rule_id}: tag {key}"


def close_needs(params: Params, columns: Iterable[str]) -> list[Need]:
    """What a close needs of a delivery with these columns."""
    needs = [*CLOSE, *rule_needs(params)]
    if any(one.startswith("split_line_item_") for one in columns):
        needs.append(
            (
                "line_item_operation",
                "leaving out pods and tasks, which are billed by their instance",
            )
        )
    return needs


def daily_needs(params: Params) -> list[Need]:
    """What the daily flow needs."""
    tags = [(map_column(key), f"mandatory_tags: {key}") for key in params.policy.mandatory_tags]
    return [*DAY, *RESOURCE, *rule_needs(params), *tags]


def map_column(key: str) -> str:
    """The column that a tag key is looked for in.

    >>> map_column("tags:accountTag/team"), map_column("user_team")
    ('tags', 'resource_tags')
    """
    name, found, _ = key.partition(":")
    return name if found and name in MAPS else MAPS[0]


def key_needs(key: str) -> list[str]:
    """The report's columns behind an allocation key in SQL, by what its file imports."""
    name = key.removeprefix("sql:")
    if name == key or not has_sql("keys", name):
        return []
    with naming(f"sql/keys/{name}.sql"):
        statement = parse_statement(read_sql("keys", name))
    imported = {one.name for one in statement.find_all(exp.Column)}
    return [column for one in sorted(imported) for column in BEHIND.get(one, ())]


def needed_table(
    needs: Iterable[Need], there: Iterable[str], settings: Mapping[str, str] | None = None
) -> pa.Table:
    """Needs as the control reads them: column_name, needed_for, setting.

    Args:
        there: the columns that the delivery has.
        settings: how another kind of report is made to have a column, by its name.
    """
    found = list(dict.fromkeys(needs))
    known = settings or {}
    return texts(
        column_name=[column for column, _ in found],
        needed_for=[what for _, what in found],
        setting=[known.get(column) or setting_of(column, there) for column, _ in found],
    )


def absent_table(record: SourceRecord) -> pa.Table:
    """The columns of the close that each export of a delivery lacks: export_name, column_name."""
    pairs = [
        (part.export_name, column)
        for part in record.parts()
        if not part.provider  # what AWS has columns for, others need not
        for column in part.absent_columns
    ]
    return texts(export_name=[name for name, _ in pairs], column_name=[one for _, one in pairs])


def lacking(record: SourceRecord, needs: Iterable[Need]) -> list[Need]:
    """The needs that a delivery, or one export of it, does not meet."""
    parts = [one for one in record.parts() if not one.provider]
    return [
        need
        for need in dict.fromkeys(needs)
        if any(
            need[0] in part.absent_columns or (part.columns and need[0] not in part.columns)
            for part in parts
        )  # the first records do not have all columns, but those that the close lacks
    ]


def require_needs(record: SourceRecord, needs: Iterable[Need]) -> None:
    """Stop where a delivery lacks what is needed of it.

    Raises:
        Refusal: (exit 6) naming each column, what it is needed for and what brings it.
    """
    found = lacking(record, needs)
    if not found:
        return
    columns = list(dict.fromkeys(column for column, _ in found))
    settings = focus.settings(record)
    called = focus.called if settings else str
    raise unreachable(
        f"the report has no column {called(columns[0])}",
        "the columns " + ", ".join(dict.fromkeys(called(column) for column, _ in needs)),
        "without " + ", ".join(map(called, columns)), [one.path for one in record.manifests]
        + [f"{called(column)} is needed for {what}" for column, what in found],
        [*(settings.get(column) or setting_of(column, record.columns) for column in columns),
         "then have AWS deliver the period again"],
    )  # fmt: skip
