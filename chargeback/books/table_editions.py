"""Table editions: small tables beside the ledger in S3, which Athena reads and whose newest edition counts.

    viewer_rules/000001.parquet         edition, groupname, business_unit_id, cost_center_id
    released_months/000001.parquet      edition, billing_period

Objects of the books are written once, so each change is an edition of its own, one object that appears whole; a
view takes the newest (chargeback/books/ledger_table.py). What always holds: every edition has rows, because the
view would fall back to the one before where it had none. The first is of nobody and of no month: a rule of a
group that does not exist for a unit that does not exist, by which nobody sees anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.books.delivery_room import BucketRoom, Room
from chargeback.books.shelf import S3Shelf
from chargeback.books.viewer_rules import Rule, table_bytes
from chargeback.core.books_folders import Books
from chargeback.core.errors import bad_params

NOBODY = "(nobody)"

_NAME = re.compile(r"([0-9]{6})\.parquet")


@dataclass(frozen=True)
class EditionTable:
    """A table of texts that has editions.

    Args:
        prefix: where they lie below that of the books.
    """

    prefix: str
    columns: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        """The columns of an edition's file."""
        return pa.schema([("edition", pa.int32()), *((one, pa.string()) for one in self.columns)])

    def room(self, books: Books) -> BucketRoom:
        """Where the editions lie (exit 2 for books in a folder, which Athena does not read)."""
        if not isinstance(books.shelf, S3Shelf):
            raise bad_params(
                "Athena reads books in S3 only", "BOOKS=s3://bucket/prefix", books.place, ["BOOKS="],
                ["make viewers TO=folder writes the rules as files, which QuickSight takes as well"],
            )  # fmt: skip
        return BucketRoom(books.shelf.bucket, self.prefix)

    def edition(self, number: int, rows: Iterable[Sequence[str]]) -> pa.Table:
        """An edition with these rows."""
        cells = [[NOBODY] * len(self.columns), *rows]
        columns = [[number] * len(cells), *map(list, zip(*cells, strict=True))]
        return pa.table(columns, schema=self.schema)


RULES = EditionTable("viewer_rules", ("groupname", "business_unit_id", "cost_center_id"))
MONTHS = EditionTable("released_months", ("billing_period",))


def rule_rows(rules: Iterable[Rule]) -> list[tuple[str, ...]]:
    """Rules as rows of RULES."""
    return [one.cells for one in rules]


def numbers(room: Room) -> list[int]:
    """The numbers of the editions, in order."""
    return sorted(int(found[1]) for found in map(_NAME.fullmatch, room.names()) if found)


def publish(table: EditionTable, room: Room, rows: Sequence[Sequence[str]]) -> tuple[int, bool]:
    """Put rows as the newest edition; its number, and whether it is new: the same rows make none."""
    while True:
        there = numbers(room)
        if there:
            newest = pq.read_table(pa.BufferReader(room.read(name_of(there[-1])) or b""))
            if newest.equals(table.edition(there[-1], rows)):
                return there[-1], False
        number = there[-1] + 1 if there else 1
        # Somebody else may have put this number since: theirs is looked at then.
        if room.put(name_of(number), table_bytes(table.edition(number, rows))):
            return number, True


def name_of(number: int) -> str:
    """The name of an edition's object."""
    return f"{number:06d}.parquet"
