"""The tables of the stand-in: fields, what the database and the platform refuse, who may read and write.

As ServiceNow's documentation has them. An unknown field is dropped without a word when it is written, and a
condition on one is ignored; a text that is too long is cut; a read-only field keeps its value.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, str]

SYSTEM_FIELDS = ("sys_id", "number", "sys_created_on", "sys_created_by", "sys_updated_on")


@dataclass(frozen=True)
class Field:
    """One field.

    Args:
        choices: the only values that it takes; a blank means any.
        reference: the table whose sys_ids it takes.
    """

    length: int = 40
    mandatory: bool = False
    read_only: bool = False
    choices: tuple[str, ...] = ()
    reference: str = ""
    default: str = ""


@dataclass
class Kind:
    """One table.

    Args:
        readers, writers: a role that it takes; blank where everybody may.
        unique: fields of which the database has each value once; blanks are as many as you like.
    """

    fields: dict[str, Field]
    prefix: str = ""
    readers: str = ""
    writers: str = ""
    unique: set[str] = field(default_factory=set)
    records: list[Record] = field(default_factory=list)


class Refused(Exception):
    """The platform does not do it: status, message and detail of the answer."""

    def __init__(self, status: int, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.detail = status, message, detail


TICKET = {
    name: Field(4000) for name in ("description", "work_notes", "close_notes")
} | {
    "short_description": Field(160), "correlation_id": Field(100), "correlation_display": Field(100),
    "assignment_group": Field(32), "due_date": Field(40), "state": Field(40, default="1"),
    "close_code": Field(40),
}  # fmt: skip


def kinds() -> dict[str, Kind]:
    """The tables of an instance on which nothing was ever done."""
    return {
        "incident": Kind(dict(TICKET), "INC"),
        "change_request": Kind(
            {**TICKET, "type": Field(choices=("normal", "standard", "emergency"), default="normal"),
             "justification": Field(4000),
             "approval": Field(40, read_only=True, default="not requested")},
            "CHG", writers="itil",
        ),
        "fm_expense_line": Kind(
            {"date": Field(10, mandatory=True), "short_description": Field(1000),
             "amount": Field(20, mandatory=True),
             "summary_type": Field(choices=("run_business", "grow_business", "transform_business")),
             "type": Field(choices=("one-time", "recurring"), default="one-time"),
             "state": Field(choices=("pending", "processed"), default="pending"),
             "cost_center": Field(32, reference="cmn_cost_center"),
             "source_id": Field(32), "process_date": Field(read_only=True),
             "u_chargeback_entry": Field(200)},
            "EXP", "financial_mgmt_user", "financial_mgmt_user", {"u_chargeback_entry"},
        ),
        "cmn_cost_center": Kind(
            {"code": Field(), "account_number": Field(), "name": Field()}, writers="cost_center_admin"
        ),
        "sysapproval_approver": Kind(
            {"sysapproval": Field(32, reference="change_request"), "approver": Field(),
             "state": Field()},
        ),
        "sys_attachment": Kind(
            {"table_name": Field(80), "table_sys_id": Field(32), "file_name": Field(255),
             "content_type": Field(255), "size_bytes": Field(), "content": Field(10**9)},
        ),
    }  # fmt: skip


class Database:
    """Everything that an instance holds."""

    def __init__(self) -> None:
        self.kinds = kinds()
        self.numbers = itertools.count(1)
        self.roles = {"financial_mgmt_user", "itil", "personalize_dictionary"}

    def kind(self, name: str, access: str) -> Kind:
        """A table that we may use so."""
        if name not in self.kinds:
            raise Refused(400, f"Invalid table {name}")
        kind = self.kinds[name]
        role = kind.readers if access == "read" else kind.writers
        if role and role not in self.roles:
            raise Refused(
                403, "Operation Failed" if access == "write" else "User Not Authorized",
                "ACL Exception Insert Failed due to security constraints" if access == "write"
                else "Failed API level ACL Validation",
            )  # fmt: skip
        return kind

    def dictionary(self) -> list[Record]:
        """sys_dictionary: empty, not refused, for who may not read it."""
        if "personalize_dictionary" not in self.roles:
            return []
        return [
            {"sys_id": f"{table}.{name}", "name": table, "element": name,
             "unique": "true" if name in kind.unique else "false", "max_length": str(one.length)}
            for table, kind in self.kinds.items() for name, one in kind.fields.items()
        ]  # fmt: skip

    def rows(self, name: str) -> tuple[list[Record], set[str]]:
        """The records of a table that we may read, and the fields that it has."""
        if name == "sys_dictionary":
            return self.dictionary(), {"name", "element", "unique", "max_length", "sys_id"}
        kind = self.kind(name, "read")
        return kind.records, {*kind.fields, *SYSTEM_FIELDS}

    def select(self, name: str, query: str) -> list[Record]:
        """The records of an encoded query; a condition on a field that is not there is ignored."""
        rows, fields = self.rows(name)
        for one in (
            query.replace("^OR", "|").replace("|DERBY", "^ORDERBY").split("^") if query else []
        ):
            if one.startswith("ORDERBY"):
                rows = in_order(rows, one.removeprefix("ORDERBY"))
            else:
                rows = [
                    row for row in rows if any(holds(row, part, fields) for part in one.split("|"))
                ]
        return rows

    def insert(self, name: str, given: Mapping[str, Any]) -> Record:
        """A new record, or why the platform or its database refuses it."""
        kind = self.kind(name, "write")
        number = next(self.numbers)
        now = datetime(2026, 6, 3, tzinfo=UTC) + timedelta(seconds=number)
        record = {one: spec.default for one, spec in kind.fields.items()}
        record |= {
            "sys_id": uuid.uuid4().hex, "number": f"{kind.prefix}{number:07d}",
            "sys_created_on": f"{now:%Y-%m-%d %H:%M:%S}", "sys_updated_on": f"{now:%Y-%m-%d %H:%M:%S}",
            "sys_created_by": "chargeback",
        }  # fmt: skip
        self.write(name, kind, record, given)
        lacking = [one for one, spec in kind.fields.items() if spec.mandatory and not record[one]]
        if lacking:
            raise Refused(403, "Operation Failed", f"Data Policy Exception: {', '.join(lacking)}")
        for one in kind.unique:
            if record[one] and any(row[one] == record[one] for row in kind.records):
                raise Refused(
                    403, "Operation Failed",
                    "Unique Key violation detected by database ((conn=74323) Duplicate entry "
                    f"'{record[one]}' for key '{one}')",
                )  # fmt: skip
        kind.records.append(record)
        return record

    def update(self, name: str, sys_id: str, given: Mapping[str, Any]) -> Record:
        """A record with some fields set."""
        kind = self.kind(name, "write")
        for record in kind.records:
            if record["sys_id"] == sys_id:
                self.write(name, kind, record, given)
                return record
        raise Refused(404, "No Record found", "Record doesn't exist or ACL restricts the record")

    def write(self, name: str, kind: Kind, record: Record, given: Mapping[str, Any]) -> None:
        """Set what can be set; the rest is dropped without a word."""
        for one, value in given.items():
            spec = kind.fields.get(one)
            if spec is None or spec.read_only:
                continue
            text = str(value)[: spec.length]
            if spec.choices and text not in spec.choices:
                raise Refused(403, "Operation Failed", f"Invalid choice {text} for {name}.{one}")
            if spec.reference and text and not self.refers(spec.reference, text):
                text = ""  # a reference to nothing is kept as nothing
            record[one] = text

    def refers(self, table: str, sys_id: str) -> bool:
        """Whether there is such a record."""
        return any(one["sys_id"] == sys_id for one in self.kinds[table].records)

    def shown(
        self, name: str, record: Record, wanted: list[str], options: Mapping[str, str]
    ) -> Any:
        """A record as an answer has it: references with a link unless that is left out."""
        fields = self.kinds[name].fields if name in self.kinds else {}
        return dict(self.cells(name, record, wanted or list(record), fields, options))

    def cells(
        self, name: str, record: Record, wanted: list[str], fields: Mapping[str, Field],
        options: Mapping[str, str],
    ) -> Iterator[tuple[str, Any]]:  # fmt: skip
        """The cells of an answer."""
        for one in wanted:
            if one not in record:
                continue
            value = record[one]
            display = options.get("sysparm_display_value", "false")
            spec = fields.get(one)
            if spec and spec.reference and value:
                if display == "true":
                    yield one, {"display_value": "a name", "link": f"https://…/{value}"}
                elif options.get("sysparm_exclude_reference_link") == "true":
                    yield one, value
                else:
                    yield one, {"value": value, "link": f"https://…/{spec.reference}/{value}"}
            else:
                yield one, f"$ {value}" if display == "true" and one == "amount" else value


def in_order(rows: list[Record], name: str) -> list[Record]:
    """Records by a field."""
    return sorted(rows, key=lambda row: row.get(name, ""))


def holds(row: Record, condition: str, fields: set[str]) -> bool:
    """Whether a record meets one condition of an encoded query."""
    for operator in ("STARTSWITH", "IN", "="):
        name, found, value = condition.partition(operator)
        if found and name in fields:
            cell = row.get(name, "")
            if operator == "STARTSWITH":
                return cell.startswith(value)
            return cell in value.split(",") if operator == "IN" else cell == value
    return True
