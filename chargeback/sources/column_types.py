"""Column types: each column of a Parquet file that is read has a type that can hold what AWS writes there.

AWS documents a type for each column (CUR fact 1.2). An engine casts much else in silence, or fails somewhere
far behind: a cost that is a text or a 32-bit float, tags that are a text. So types are looked at once, by
column, before anything is read.

What is taken: for costs and quantities, doubles, whole numbers, and decimals of at most ten places; for texts,
texts and whole numbers; for times, timestamps, dates and texts; for maps, maps of texts. A column that is empty
throughout may be of any type that holds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.types as kinds

from chargeback.core.errors import unreachable
from chargeback.core.money import EXACT_PLACES
from chargeback.sources.flat_columns import MAPS
from chargeback.sources.report import COLUMNS


def is_text(kind: pa.DataType) -> bool:
    """Whether texts, which may be numbered in a dictionary."""
    kind = kind.value_type if kinds.is_dictionary(kind) else kind
    return kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind)


def is_number(kind: pa.DataType) -> bool:
    """Whether numbers that are exact to ten places, as far as a double is."""
    if kinds.is_decimal128(kind):
        return bool(kind.scale <= EXACT_PLACES)
    return kinds.is_float64(kind) or kinds.is_integer(kind)


def is_text_map(kind: pa.DataType) -> bool:
    """Whether maps from texts to texts."""
    return kinds.is_map(kind) and is_text(kind.key_type) and is_text(kind.item_type)


def is_number_map(kind: pa.DataType) -> bool:
    """Whether maps from texts to numbers."""
    return kinds.is_map(kind) and is_text(kind.key_type) and is_number(kind.item_type)


def is_time(kind: pa.DataType) -> bool:
    """Whether times."""
    return kinds.is_timestamp(kind) or kinds.is_date(kind) or is_text(kind)


#: By the type that the engine is told: what Parquet may have, and how a reader calls it.
TAKEN: dict[str, tuple[Callable[[pa.DataType], bool], str]] = {
    "double": (is_number, "double"),
    "varchar": (lambda kind: is_text(kind) or kinds.is_integer(kind), "string"),
    "timestamp": (is_time, "timestamp"),
    "map(varchar, varchar)": (is_text_map, "map<string, string>"),
    "map(varchar, double)": (is_number_map, "map<string, double>"),
}

#: Columns that are looked at beside those of the close.
BESIDES = {
    "bill_invoicing_entity": "varchar", "bill_payer_account_id": "varchar",
    "bill_payer_account_name": "varchar", "identity_line_item_id": "varchar",
    "identity_time_interval": "varchar",
    "line_item_net_unblended_cost": "double", "line_item_usage_account_name": "varchar",
    "line_item_usage_end_date": "timestamp",
}  # fmt: skip


def check_types(schema: pa.Schema, file: str, columns: Mapping[str, str] | None = None) -> None:
    """Stop when a column has a type that cannot hold what AWS writes there, or a name stands there twice.

    Args:
        columns: those that are looked at, with the type that the engine is told; None for those of CUR 2.0.

    Raises:
        Refusal: (exit 6) names the column, its type and the file.
        ValueError: two columns have the same name, which engines tell apart in their own ways.
    """
    names = [name.casefold() for name in schema.names]
    if len(set(names)) < len(names):
        raise ValueError("two columns have the same name")
    for field in schema:
        expected = ({**COLUMNS, **BESIDES} if columns is None else columns).get(field.name)
        if expected is None and field.name.startswith(tuple(f"{one}_" for one in MAPS[:2])):
            expected = "varchar"  # of the legacy report: a column for each key
        if expected is None or kinds.is_null(field.type):
            continue
        taken, written = TAKEN[expected]
        if not taken(field.type):
            raise unreachable(
                f"the column {field.name} has a type that AWS does not give it", written, str(field.type),
                [file],
                ["another program wrote this file: have AWS deliver the period again, or convert the column"],
            )  # fmt: skip
