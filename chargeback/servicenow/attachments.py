"""Attachments: files of a record, over the Attachment API, each name once.

ServiceNow does not refuse a second file of a name. A file is therefore looked for before it is sent, also after
an answer that never came; two of one content would harm nobody.
"""

from __future__ import annotations

from chargeback.servicenow.connection import Connection, Failed, NoAnswer, Rejected


def attach(
    connection: Connection, table: str, sys_id: str, name: str, content: bytes, content_type: str
) -> bool:
    """Attach a file to a record unless one of its name is there; whether it is new.

    Raises:
        Refusal: (exit 6) ServiceNow does not answer, or does not take it.
    """
    said = ""
    for attempt in range(connection.patience.attempts):
        try:
            if has_file(connection, table, sys_id, name):
                return attempt > 0
            connection.call(
                "POST", "attachment/file", data=content, headers={"Content-Type": content_type},
                params={"table_name": table, "table_sys_id": sys_id, "file_name": name},
            )  # fmt: skip
            return True
        except Rejected as rejected:
            raise connection.rejection(rejected, f"{table} {sys_id}", name) from None
        except (NoAnswer, Failed) as error:
            said = str(error)
        connection.patience.pause(attempt)
    raise connection.refusal(said, name)


def has_file(connection: Connection, table: str, sys_id: str, name: str) -> bool:
    """Whether a record has a file of a name."""
    query = f"table_name={table}^table_sys_id={sys_id}"
    answer = connection.tried(
        "GET", "attachment", params={"sysparm_query": query, "sysparm_limit": "100"}
    )
    return any(
        one.get("file_name") == name and one.get("table_sys_id") == sys_id for one in answer.result
    )
