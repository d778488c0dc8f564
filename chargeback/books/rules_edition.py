"""Rules edition: the rules of row-level security beside the ledger in S3, where Athena reads them.

    viewer_rules/000001.parquet       edition, groupname, business_unit_id, cost_center_id

Objects of the books are written once, so each change of the policy is an edition of its own, one object that
appears whole; the view `chargeback_viewer_rules` takes the newest. What always holds: every edition has rows,
because the view would fall back to the one before where it had none. The first is a rule of a group that does
not exist for a unit that does not exist, by which nobody sees anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from chargeback.books.delivery_room import BucketRoom, Room
from chargeback.books.shelf import S3Shelf
from chargeback.books.viewer_rules import Rule, table_bytes
from chargeback.core.books_folders import Books
from chargeback.core.errors import bad_params

PREFIX = "viewer_rules"
NOBODY = "(nobody)"
SCHEMA = pa.schema(
    [
        ("edition", pa.int32()),
        ("groupname", pa.string()),
        ("business_unit_id", pa.string()),
        ("cost_center_id", pa.string()),
    ]
)

_NAME = re.compile(r"([0-9]{6})\.parquet")


def rules_room(books: Books) -> BucketRoom:
    """Where the editions lie (exit 2 for books in a folder, which Athena does not read)."""
    if not isinstance(books.shelf, S3Shelf):
        raise bad_params(
            "Athena reads books in S3 only", "BOOKS=s3://bucket/prefix", books.place, ["BOOKS="],
            ["make viewers TO=folder writes the rules as files, which QuickSight takes as well"],
        )  # fmt: skip
    return BucketRoom(books.shelf.bucket, PREFIX)


def edition_table(number: int, rules: Sequence[Rule]) -> pa.Table:
    """An edition as a table."""
    cells = [(NOBODY, NOBODY, NOBODY), *(one.cells for one in rules)]
    columns = [[number] * len(cells), *zip(*cells, strict=True)]
    return pa.table([list(one) for one in columns], schema=SCHEMA)


def editions(room: Room) -> list[int]:
    """The numbers of the editions, in order."""
    return sorted(int(found[1]) for found in map(_NAME.fullmatch, room.names()) if found)


def publish_rules(room: Room, rules: Sequence[Rule]) -> tuple[int, bool]:
    """Put the rules as the newest edition; its number, and whether it is new: the same rules make none."""
    while True:
        there = editions(room)
        if there:
            newest = pq.read_table(pa.BufferReader(room.read(name_of(there[-1])) or b""))
            if newest.equals(edition_table(there[-1], rules)):
                return there[-1], False
        number = there[-1] + 1 if there else 1
        # Somebody else may have put this number since: theirs is looked at then.
        if room.put(name_of(number), table_bytes(edition_table(number, rules))):
            return number, True


def name_of(number: int) -> str:
    """The name of an edition's object."""
    return f"{number:06d}.parquet"
