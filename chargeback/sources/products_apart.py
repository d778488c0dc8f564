"""Products apart: what AWS knows of a product is read for those line items alone that are looked up in it.

The map `product` is the widest column but the tags'. sql/sources/line_items.sql takes a name from it for what
sellers of AWS Marketplace bill, and for nothing else. So the files are read as two tables, one after the other:
the Marketplace's line items with their products, and all others without. DuckDB passes over row groups whose
statistics say that they have none of the former.

What always holds: each line item is in one of the two, whatever statistics say, so every answer is the same.
Where Marketplace's line items stand in many row groups, these would be read twice for nothing: then the files
are read as one table.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow.parquet as pq

from chargeback.sources.flat_columns import PRODUCT

#: The column that says who bills a line item, and whose products are looked up.
ENTITY, MARKETPLACE = "bill_billing_entity", "AWS Marketplace"

#: One row in so many, at most, may stand in a row group that has Marketplace's line items.
ONE_IN = 4


def are_worth_it(files: Iterable[pq.FileMetaData]) -> bool:
    """Whether few enough row groups of a delivery's files can have line items of AWS Marketplace."""
    rows = read_twice = 0
    for file in files:
        names = [file.schema.column(number).path for number in range(file.num_columns)]
        if ENTITY not in names or PRODUCT not in file.schema.to_arrow_schema().names:
            return False
        for number in range(file.num_row_groups):
            group = file.row_group(number)
            rows += group.num_rows
            if may_be_of_marketplace(group.column(names.index(ENTITY))):
                read_twice += group.num_rows
    return read_twice * ONE_IN <= rows


def may_be_of_marketplace(column: pq.ColumnChunkMetaData) -> bool:
    """Whether a row group's statistics leave open that it has line items of AWS Marketplace."""
    bounds = column.statistics
    if bounds is None or not bounds.has_min_max or not isinstance(bounds.max, str):
        return True
    return bool(bounds.min <= MARKETPLACE <= bounds.max)


def in_two(select: str, product: str, without: str) -> str:
    """A select of a delivery's files as two, of which one has products.

    Args:
        select: ends with its `from`.
        product: how it names the column; `without`: what stands there instead.
    """
    rest = select.replace(product, without, 1)
    return (
        f"{select} where {ENTITY} = '{MARKETPLACE}' union all "
        f"{rest} where {ENTITY} is distinct from '{MARKETPLACE}'"
    )
