"""Changes: change requests that ratify rules; the correlation id of one is the digest of its rules.

Whether a change is approved is its field `approval`; states are numbers that differ from one change model to
the next, and say nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chargeback.servicenow.connection import Connection, Rejected
from chargeback.servicenow.table import PLAIN, Record, Table

CHANGES, APPROVALS = "change_request", "sysapproval_approver"
APPROVED = "approved"
FIELDS = (
    "number",
    "approval",
    "correlation_id",
    "short_description",
    "sys_created_on",
    "sys_updated_on",
)


@dataclass(frozen=True)
class Approval:
    """That somebody approved a change, and when, in UTC as ServiceNow writes it."""

    by: str
    at: str


@dataclass(frozen=True)
class Change:
    """A change request as it was read.

    Args:
        approvals: as far as they may be read.
    """

    number: str
    sys_id: str
    approval: str
    correlation_id: str
    changed_at: str
    approvals: tuple[Approval, ...] = ()

    def record(self) -> dict[str, Any]:
        """The change as evidence."""
        return asdict(self)


def changes(connection: Connection) -> Table:
    """The table of changes."""
    return Table(connection, CHANGES, FIELDS)


def find_changes(connection: Connection, number: str) -> Sequence[Change]:
    """The changes of a number: one, unless something is wrong."""
    return [
        change_of(one, approvals_of(connection, one["sys_id"]))
        for one in changes(connection).find("number", number)
    ]


def change_of(record: Record, approvals: Sequence[Approval] = ()) -> Change:
    """A change of a record."""
    return Change(
        record.get("number", ""), record["sys_id"], record.get("approval", ""),
        record.get("correlation_id", ""), record.get("sys_updated_on", ""), tuple(approvals),
    )  # fmt: skip


def approvals_of(connection: Connection, sys_id: str) -> list[Approval]:
    """Who approved a change; nobody where we may not read that."""
    parameters = {
        "sysparm_query": f"sysapproval={sys_id}^state={APPROVED}^ORDERBYsys_updated_on",
        "sysparm_fields": "sysapproval,state,approver.name,sys_updated_on", "sysparm_limit": "100", **PLAIN,
    }  # fmt: skip
    try:
        answer = connection.tried("GET", f"table/{APPROVALS}", params=parameters)
    except Rejected:
        return []
    return [
        Approval(str(one.get("approver.name", "")), str(one.get("sys_updated_on", "")))
        for one in answer.result
        if one.get("sysapproval") == sys_id and one.get("state") == APPROVED
    ]
