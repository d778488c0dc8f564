"""Table: the records of one table of ServiceNow, over its Table API.

Records are texts by field; a reference is the sys_id that it points to, never a link or a display value. What
always holds: a record that is found has the value that was looked for, because an instance ignores a condition
that it does not understand and would answer with any record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chargeback.servicenow.connection import Answer, Connection, Rejected

#: Records a page; ServiceNow itself gives no more than 10,000 at once.
PAGE = 1000

#: Values that a condition names at once; an address has room for some 8,000 characters.
AT_ONCE = 50

Record = dict[str, str]

#: Values as they are kept, not as a person of some language would see them.
PLAIN = {"sysparm_display_value": "false", "sysparm_exclude_reference_link": "true"}


@dataclass(frozen=True)
class Column:
    """A field of a table, as its dictionary has it."""

    unique: bool
    max_length: int


class Table:
    """The records of a table, of which some fields are read.

    Args:
        fields: what is read of each record; sys_id always is.
    """

    def __init__(self, connection: Connection, name: str, fields: Sequence[str]) -> None:
        self.connection, self.name = connection, name
        self.fields = list(dict.fromkeys(("sys_id", *fields)))

    @property
    def path(self) -> str:
        """Where the table is, in the REST API."""
        return f"table/{self.name}"

    def find(self, field: str, value: str) -> list[Record]:
        """The records that have a value, the oldest first; at most two, which tells one from several."""
        found = self.page(f"{field}={value}^ORDERBYsys_created_on", limit=2)
        return [one for one in map(self.record, found.result) if one.get(field) == value]

    def every(self, query: str, wanted: Callable[[Record], bool]) -> list[Record]:
        """All records of a query, page by page.

        Args:
            wanted: whether a record is one that the query is about.

        Raises:
            Refusal: (exit 6) there are records that may not be read, or it kept changing while it was read.
        """
        for attempt in range(self.connection.patience.attempts):
            found: dict[str, Record] = {}
            offset, total = 0, None
            while True:
                answer = self.page(f"{query}^ORDERBYsys_id", PAGE, offset)
                found |= {one["sys_id"]: one for one in map(self.record, answer.result)}
                # Records that we may not read are missing from a page, which is no reason to stop at it.
                total = answer.total
                offset += len(answer.result) if total is None else PAGE
                if not answer.result if total is None else offset >= total:
                    break
            if total in (None, len(found)):
                return [one for one in found.values() if wanted(one)]
            self.connection.patience.pause(attempt)
        raise self.connection.refusal(
            f"{total} records, of which {len(found)} can be read", f"{self.name}: {query}"
        )

    def among(self, field: str, values: Sequence[str]) -> list[Record]:
        """The records that have one of some values."""
        found: list[Record] = []
        for first in range(0, len(values), AT_ONCE):
            part = values[first : first + AT_ONCE]
            found += self.every(f"{field}IN{','.join(part)}", has_one_of(field, part))
        return found

    def page(self, query: str, limit: int, offset: int = 0) -> Answer:
        """Some records of a query (exit 6 where it is rejected)."""
        parameters = {
            "sysparm_query": query, "sysparm_fields": ",".join(self.fields),
            "sysparm_limit": str(limit), "sysparm_offset": str(offset), **PLAIN,
        }  # fmt: skip
        try:
            answer = self.connection.tried("GET", self.path, params=parameters)
        except Rejected as rejected:
            raise self.connection.rejection(rejected, self.name) from None
        if not isinstance(answer.result, list):
            raise self.connection.refusal(f"no list: {str(answer.result)[:200]}", self.name)
        return answer

    def create(self, fields: Mapping[str, str]) -> Record:
        """A new record.

        Raises:
            NoAnswer, Failed, Rejected: as a call does.
        """
        answer = self.connection.call("POST", self.path, params=self.parameters(), json=fields)
        return self.record(answer.result)

    def patch(self, sys_id: str, fields: Mapping[str, str]) -> Record:
        """A record after some of its fields were set (exit 6 where that is rejected)."""
        try:
            answer = self.connection.tried(
                "PATCH", f"{self.path}/{sys_id}", params=self.parameters(), json=fields
            )
        except Rejected as rejected:
            raise self.connection.rejection(rejected, f"{self.name} {sys_id}") from None
        return self.record(answer.result)

    def parameters(self) -> dict[str, str]:
        """How a record is to be answered."""
        return {"sysparm_fields": ",".join(self.fields), **PLAIN}

    def record(self, found: Any) -> Record:
        """A record as texts; a reference with a link is what it points to."""
        if not isinstance(found, dict) or not found.get("sys_id"):
            raise self.connection.refusal(f"no record: {str(found)[:200]}", self.name)
        return {
            name: str(value.get("value", "") if isinstance(value, dict) else value or "")
            for name, value in found.items()
        }

    def column(self, field: str, *parents: str) -> Column | None:
        """What the dictionary says of a field of this table or one that it extends.

        Returns:
            None where it has no such field, or we may not read it: an instance says the same of both.
        """
        dictionary = Table(
            self.connection, "sys_dictionary", ("name", "element", "unique", "max_length")
        )
        tables = (self.name, *parents)
        query = f"nameIN{','.join(tables)}^element={field}^ORDERBYname"
        parameters = {**dictionary.parameters(), "sysparm_query": query, "sysparm_limit": "10"}
        try:
            answer = self.connection.tried("GET", dictionary.path, params=parameters)
        except Rejected:
            return None
        found = [
            one
            for one in map(dictionary.record, answer.result)
            if one.get("element") == field and one.get("name") in tables
        ]
        if not found:
            return None
        return Column(
            any(one.get("unique") == "true" for one in found),
            max((int(one["max_length"]) for one in found if one.get("max_length", "").isdecimal()),
                default=0),
        )  # fmt: skip


def has_one_of(field: str, values: Sequence[str]) -> Callable[[Record], bool]:
    """Whether a record has one of some values in a field."""
    return lambda record: record.get(field) in values
