"""ServiceNow's tables of disputes and acknowledgements: read whole, and told what became of each.

A table there has the columns of the register, under the names that [disputes] of delivery.toml gives them, else
with "u_" before them where the table's own name begins so, as ServiceNow names the columns that people add.
Each time all rows are read: there are few, and a row that was missed once would be missed for good. Of a row
only what differs is written, so that writing twice changes nothing. A record without raised_on, or
acknowledged_on, is being written still and is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import InvalidOperation
from typing import Protocol

from chargeback.core.errors import CONTROL_FAILED, Refusal
from chargeback.core.money import read_decimal
from chargeback.core.text import plain
from chargeback.params.dispute_policy import WRITTEN_BACK, DisputePolicy
from chargeback.params.disputes import ACKNOWLEDGEMENTS, DISPUTES
from chargeback.params.registers import COLUMNS_AFTER_CLOSE, Row

#: The column that a record gets when it is meant.
MEANT = {DISPUTES: "raised_on", ACKNOWLEDGEMENTS: "acknowledged_on"}


class Records(Protocol):
    """The records of a table of ServiceNow, as texts by field; a reference is the sys_id that it points to."""

    def every(
        self, query: str, wanted: Callable[[dict[str, str]], bool]
    ) -> Sequence[Mapping[str, str]]:
        """All records of a query, page by page (exit 6 where they cannot all be read)."""

    def patch(self, sys_id: str, fields: Mapping[str, str]) -> object:
        """Set fields of a record, as often as need be (exit 6 where that is not done)."""


#: Opens a table by its name, with the fields that are read of it.
OpenTable = Callable[[str, Sequence[str]], Records]


@dataclass(frozen=True)
class Record:
    """A record of a table.

    Args:
        row: it as a row of the register; its line is its place in the answer.
        there: the texts of its columns, by our names, those that we write among them; a column that the table
            does not have is not there.
    """

    sys_id: str
    row: Row
    there: Mapping[str, str]


class RegisterTable:
    """A table of ServiceNow that holds what a register could.

    Args:
        register: "disputes.csv" or "acknowledgements.csv".
    """

    def __init__(
        self, open_table: OpenTable, table: str, register: str, policy: DisputePolicy
    ) -> None:
        self.table, self.register = table, register
        named, before = dict(policy.servicenow_columns), "u_" if table.startswith("u_") else ""
        self.names = {
            column: named.get(column, before + column)
            for column in (*COLUMNS_AFTER_CLOSE[register], *WRITTEN_BACK)
        }
        self.there = open_table(table, ("sys_id", *self.names.values()))

    @property
    def place(self) -> str:
        """What it is called in refusals and in the log."""
        return f"ServiceNow {self.table}"

    def records(self) -> Iterator[Record]:
        """Every record that is meant.

        Raises:
            Refusal: (exit 6) ServiceNow does not answer, or not as its Table API does.
        """
        every = self.there.every("ORDERBYsys_created_on", lambda record: True)
        for number, found in enumerate(every, start=1):
            there = {
                ours: plain(found[theirs]).strip()
                for ours, theirs in self.names.items()
                if theirs in found
            }
            if there.get(MEANT[self.register]):
                cells = {one: there.get(one, "") for one in COLUMNS_AFTER_CLOSE[self.register]}
                yield Record(found["sys_id"], Row(self.place, number, cells), there)

    def write_back(self, record: Record, told: Mapping[str, str]) -> bool:
        """Write what a record does not say yet, in columns that the table has; whether there was anything.

        Raises:
            Refusal: (exit 6) ServiceNow does not answer or refuses us.
        """
        fields = {
            self.names[column]: text
            for column, text in told.items()
            if column in record.there and not same(record.there[column], text)
        }
        if fields:
            self.there.patch(record.sys_id, fields)
        return bool(fields)


def same(one: str, other: str) -> bool:
    """Whether two cells say the same; amounts may be written with more zeros."""
    if one == other:
        return True
    try:
        return read_decimal(one) == read_decimal(other)
    except InvalidOperation:
        return False


def merged(written: Row | None, record: Record) -> Row:
    """A row of the register completed by a record of ServiceNow with the same name.

    Raises:
        Refusal: (exit 4) they say different things of it.
    """
    row = record.row
    if written is None:
        return row
    cells = {}
    differs = []
    for column, ours in written.cells.items():
        ours, theirs = plain(ours), row[column]
        if ours and theirs and not same(ours, theirs):
            differs.append((column, ours, theirs))
        cells[column] = ours or theirs
    if differs:
        raise Refusal(
            CONTROL_FAILED, "a register and ServiceNow say different things of one name",
            "; ".join(f"{column} {ours!r}" for column, ours, _ in differs),
            "; ".join(f"{column} {theirs!r}" for column, _, theirs in differs), "",
            [f"{written.file} line {written.line}", f"{row.file}, record {record.sys_id}"],
            ["leave it in one of the two, or let them say the same; nothing of it was written down"],
        )  # fmt: skip
    return Row(row.file, row.line, cells)
