"""Ordinary lines: what most line items of a delivery are like, where the statistics of its files find others.

Usage of AWS itself is most of a report, and asks nothing about commitments and nothing of the map `product`.
Where what is not usage, or is of AWS Marketplace, stands in few row groups, an engine reads only those for it,
and looks at all other line items with fewer columns (chargeback/engine/grouped_first.py).

What always holds: each line item is looked at as one or the other, whatever statistics say, so every answer is
the same. Where too many row groups have both, they would be read twice for nothing: then nothing is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq

from chargeback.books.source_record import CUR_2, SourceRecord
from chargeback.engine.grouped_first import Ordinary
from chargeback.sources.products_apart import ENTITY, MARKETPLACE, ONE_IN, may_be_of_marketplace

KINDS = (Ordinary(ENTITY, MARKETPLACE, False), Ordinary("line_item_line_item_type", "Usage"))

#: From so many line items on, a statement that is written anew is sooner answered, the writing included.
MANY_LINE_ITEMS = 2_000_000


def ordinary_lines(report: Path, record: SourceRecord) -> tuple[Ordinary, ...]:
    """What is worth telling of a delivery's line items; nothing of files without statistics."""
    if any(part.layout != CUR_2 for part in record.parts()):
        return ()
    footers = [pq.read_metadata(report / one.path) for part in record.parts() for one in part.files]
    return tuple(one for one in KINDS if is_worth_it(one, footers))


def is_worth_it(kind: Ordinary, files: Iterable[pq.FileMetaData]) -> bool:
    """Whether few enough row groups of a delivery's files can have line items that are not of a kind."""
    rows = read_twice = 0
    for file in files:
        names = [file.schema.column(number).path for number in range(file.num_columns)]
        if kind.column not in names:
            return False
        for number in range(file.num_row_groups):
            group = file.row_group(number)
            rows += group.num_rows
            if may_have_others(kind, group.column(names.index(kind.column))):
                read_twice += group.num_rows
    return read_twice * ONE_IN <= rows


def may_have_others(kind: Ordinary, column: pq.ColumnChunkMetaData) -> bool:
    """Whether a row group's statistics leave open that it has line items that are not of a kind."""
    if not kind.is_it:
        return may_be_of_marketplace(column)
    bounds = column.statistics
    if bounds is None or not bounds.has_min_max or not bounds.has_null_count:
        return True
    return bool(bounds.null_count or not bounds.min == bounds.max == kind.text)
