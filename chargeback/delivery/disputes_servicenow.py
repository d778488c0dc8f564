"""ServiceNow's tables of disputes and acknowledgements: read whole, and told what became of each.

A table there has the columns of the register, under the names that [disputes] of delivery.toml gives them, else
with "u_" before them where the table's own name begins so, as ServiceNow names the columns that people add.
Each time all rows are read, page by page in the order in which they were made: there are few, and a row that
was missed once would be missed for good. Of a row only what differs is written, so that writing twice changes
nothing. A record without raised_on, or acknowledged_on, is being written still and is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import InvalidOperation
from typing import Any

from chargeback.core.errors import CONTROL_FAILED, Refusal, unreachable
from chargeback.core.money import read_decimal
from chargeback.core.text import plain
from chargeback.params.dispute_policy import WRITTEN_BACK, DisputePolicy
from chargeback.params.disputes import ACKNOWLEDGEMENTS, DISPUTES
from chargeback.params.registers import COLUMNS_AFTER_CLOSE, Row

PAGE = 500  # records of one answer
MOST_RECORDS = 100_000

#: The column that a record gets when it is meant.
MEANT = {DISPUTES: "raised_on", ACKNOWLEDGEMENTS: "acknowledged_on"}


@dataclass(frozen=True)
class Connection:
    """A ServiceNow instance.

    Args:
        address: https://<name>.service-now.com
        tried: makes a call of the Table API that may be made twice (method, address, and the options of
            requests) until it is answered, and gives its result; exit 6 where it is not.
    """

    address: str
    tried: Callable[..., Any]


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
        self, connection: Connection, table: str, register: str, policy: DisputePolicy
    ) -> None:
        self.connection, self.table, self.register = connection, table, register
        named, before = dict(policy.servicenow_columns), "u_" if table.startswith("u_") else ""
        self.names = {
            column: named.get(column, before + column)
            for column in (*COLUMNS_AFTER_CLOSE[register], *WRITTEN_BACK)
        }

    @property
    def place(self) -> str:
        """What it is called in refusals and in the log."""
        return f"ServiceNow {self.table}"

    @property
    def address(self) -> str:
        """Where its records are."""
        return f"{self.connection.address}/api/now/table/{self.table}"

    def records(self) -> Iterator[Record]:
        """Every record that is meant, in the order in which they were made.

        Raises:
            Refusal: (exit 6) ServiceNow does not answer, or not as its Table API does.
        """
        for number, found in enumerate(self.pages(), start=1):
            there = {
                ours: text_of(found[theirs]) for ours, theirs in self.names.items() if theirs in found
            }  # fmt: skip
            if there.get(MEANT[self.register]):
                cells = {one: there.get(one, "") for one in COLUMNS_AFTER_CLOSE[self.register]}
                yield Record(str(found["sys_id"]), Row(self.place, number, cells), there)

    def pages(self) -> Iterator[dict[str, Any]]:
        """The records of all pages, each once."""
        seen: set[str] = set()
        while len(seen) < MOST_RECORDS:
            found = self.connection.tried("GET", self.address, params={
                "sysparm_query": "ORDERBYsys_created_on^ORDERBYsys_id",
                "sysparm_fields": ",".join(("sys_id", *self.names.values())),
                "sysparm_exclude_reference_link": "true", "sysparm_display_value": "false",
                "sysparm_limit": str(PAGE), "sysparm_offset": str(len(seen)),
            })  # fmt: skip
            if not isinstance(found, list) or not all(
                isinstance(one, dict) and isinstance(one.get("sys_id"), str) for one in found
            ):
                raise self.refusal("what is no list of records")
            new = [one for one in found if one["sys_id"] not in seen]
            yield from new
            seen |= {one["sys_id"] for one in new}
            if not new:
                return
        raise self.refusal(f"more than {MOST_RECORDS:,} records")

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
            self.connection.tried("PATCH", f"{self.address}/{record.sys_id}", json=fields)
        return bool(fields)

    def refusal(self, found: str) -> Refusal:
        """That ServiceNow answered with something else (exit 6)."""
        return unreachable(
            "a table of disputes in ServiceNow cannot be read", "its records, as the Table API gives them",
            found, [f"{self.table} at {self.connection.address}"],
            ["see servicenow_disputes and servicenow_acknowledgements in [disputes] of delivery.toml",
             "the registers of the params folder are done; run it again"],
        )  # fmt: skip


def text_of(value: object) -> str:
    """A value of the Table API as a register's cell has it, on one line."""
    if isinstance(value, dict):  # a reference to another record
        value = value.get("value", "")
    return plain("" if value is None else str(value)).strip()


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
